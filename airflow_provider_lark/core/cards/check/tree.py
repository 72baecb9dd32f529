"""A card as a list of nodes, each with its path: what the checks walk over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.cards.tags import CONTAINERS, UNCOUNTED

# what is passed on as it stands: it may hold anything, also something called "tag"
_OPAQUE = frozenset({"value", "chart_spec", "rows", "style", "form_value"})


# JSON 1.0 has its elements at the top
_PLACES = ("header", "body", "elements", "i18n_elements")


@dataclass(frozen=True)
class Finding:
    """What Lark would refuse, where, and what to do instead."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True)
class Node:
    """An object of the card that has a tag.

    :ivar slot: the key under which it stands, such as ``elements`` or ``title``.
    :ivar above: the components around it, the outermost first.
    """

    path: str
    tag: str
    data: Mapping[str, Any]
    slot: str
    above: tuple[Node, ...]

    def within(self, tag: str) -> bool:
        """Whether a component with *tag* is around it."""
        return any(node.tag == tag for node in self.above)

    @property
    def depth(self) -> int:
        """How many containers are around it, itself included."""
        return sum(node.tag in CONTAINERS for node in (*self.above, self))

    @property
    def counts(self) -> bool:
        """Whether it is one of the elements of which a card may have 200."""
        return self.tag not in UNCOUNTED


def walk_card(card: Mapping[str, Any]) -> list[Node]:
    """Return all nodes of *card* in its order."""
    return [node for key in _PLACES for node in _walk(card.get(key), key, key, ())]


def _walk(value: Any, path: str, slot: str, above: tuple[Node, ...]) -> Iterator[Node]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _walk(item, f"{path}[{place}]", slot, above)
    elif isinstance(value, dict):
        tag = value.get("tag")
        if isinstance(tag, str):
            node = Node(path, tag, value, slot, above)
            yield node
            above = (*above, node)
        for key, item in value.items():
            if key not in _OPAQUE:
                yield from _walk(item, f"{path}.{key}", key, above)


def child_lists(card: Mapping[str, Any], nodes: list[Node]) -> Iterator[tuple[str, str, Any]]:
    """Yield path, key and value of every list of elements or columns, whatever stands in its place."""
    body = card.get("body")
    if isinstance(body, dict) and "elements" in body:
        yield "body.elements", "elements", body["elements"]
    for node in nodes:
        key = "columns" if node.tag == "column_set" else "elements"
        if key in node.data and node.tag != "table":
            yield f"{node.path}.{key}", key, node.data[key]
