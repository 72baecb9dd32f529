"""The card's frame: what stands where, and which properties each part has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_lark.core.cards.check.tree import Finding, Node, child_lists
from airflow_provider_lark.core.cards.limits import ELEMENTS_MAX, NESTING_MAX, TEXT_TAGS_MAX
from airflow_provider_lark.core.cards.tags import (
    BODY_PROPERTIES,
    CARD_PROPERTIES,
    COMPONENTS,
    CONFIG_PROPERTIES,
    CONTAINERS,
    HEADER_PROPERTIES,
    INSTEAD,
    PROPERTIES,
)
from airflow_provider_lark.core.hints import did_you_mean

_OF_1_0 = {
    "elements": "in JSON 2.0 it belongs in body: body.elements",
    "i18n_elements": "not supported in JSON 2.0: use i18n_content in the texts, and config.locales",
    "fallback": "JSON 2.0 does not support it for the whole card",
}


def check_structure(card: Mapping[str, Any], nodes: list[Node]) -> Iterator[Finding]:
    """Yield what is wrong with the frame."""
    yield from _check_frame(card)
    yield from _check_header(card.get("header"))
    yield from _check_children(card, nodes)
    yield from _check_properties(nodes)
    yield from _check_amount(nodes)


def _check_frame(card: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _check_keys(card, CARD_PROPERTIES, "")
    for key, known in (("config", CONFIG_PROPERTIES), ("body", BODY_PROPERTIES), ("header", HEADER_PROPERTIES)):
        value = card.get(key, {})
        if isinstance(value, dict):
            yield from _check_keys(value, known, key)
        else:
            yield Finding(key, f"must be an object, not {type(value).__name__}")
    config = card.get("config")
    if isinstance(config, dict):
        if config.get("update_multi") is False:
            yield Finding("config.update_multi", "JSON 2.0 only allows true: leave it out")
        if config.get("width_mode", "default") not in {"default", "compact", "fill"}:
            yield Finding("config.width_mode", "must be default, compact or fill")


def _check_keys(value: Mapping[str, Any], known: frozenset[str], path: str) -> Iterator[Finding]:
    for key in value:
        if key not in known:
            where = f"{path}.{key}" if path else key
            yield Finding(where, _OF_1_0.get(key) or f"unknown property; {_hint(key, known)}")


def _hint(word: str, known: frozenset[str]) -> str:
    return did_you_mean(word, sorted(known), otherwise="JSON 2.0 rejects unknown properties")


def _check_header(header: Any) -> Iterator[Finding]:
    if not isinstance(header, dict):
        return
    if not isinstance(header.get("title"), dict):
        yield Finding("header.title", 'is required in a header: {"tag": "plain_text", "content": …}')
    localized = header.get("i18n_text_tag_list")
    lists = {"header.text_tag_list": header.get("text_tag_list")}
    if isinstance(localized, dict):
        lists |= {f"header.i18n_text_tag_list.{language}": tags for language, tags in localized.items()}
    for path, tags in lists.items():
        if isinstance(tags, list) and len(tags) > TEXT_TAGS_MAX:
            yield Finding(f"{path}[{TEXT_TAGS_MAX}]", f"{len(tags)} tags, but only {TEXT_TAGS_MAX} are shown")


def _check_children(card: Mapping[str, Any], nodes: list[Node]) -> Iterator[Finding]:
    for path, key, children in child_lists(card, nodes):
        if not isinstance(children, list):
            yield Finding(path, f"must be a list, not {type(children).__name__}")
            continue
        for place, child in enumerate(children):
            tag = child.get("tag") if isinstance(child, dict) else None
            if not isinstance(tag, str):
                yield Finding(f"{path}[{place}]", 'must be an object with a "tag"')
            elif key == "columns" and tag != "column":
                yield Finding(f"{path}[{place}]", f"a column_set may only contain columns, not {tag!r}")
            elif key == "elements" and tag not in COMPONENTS:
                hint = INSTEAD.get(tag) or _hint(tag, COMPONENTS)
                yield Finding(f"{path}[{place}]", f"the tag {tag!r} is not allowed here (200861): {hint}")


def _check_properties(nodes: list[Node]) -> Iterator[Finding]:
    for node in nodes:
        known = PROPERTIES.get(node.tag)
        # a text that stands as the title of a panel has the tag of a component
        if known is not None and node.slot != "title":
            yield from _check_keys(node.data, known, node.path)


def _check_amount(nodes: list[Node]) -> Iterator[Finding]:
    counted = [node for node in nodes if node.counts]
    if len(counted) > ELEMENTS_MAX:
        yield Finding(
            counted[ELEMENTS_MAX].path,
            f"the card has {len(counted)} components and texts, more than the {ELEMENTS_MAX} allowed: combine several "
            "in one markdown component",
        )
    for node in nodes:
        if node.tag in CONTAINERS and node.depth == NESTING_MAX + 1:
            yield Finding(node.path, f"containers are nested more than {NESTING_MAX} levels deep: flatten them")
            return
