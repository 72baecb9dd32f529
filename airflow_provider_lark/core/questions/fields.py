"""What a form asks for: the fields, as a card declares them, or as whoever asks says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.questions.stored import members_of

Kind = Literal[
    "text", "lines", "integer", "number", "option", "options", "date", "time", "datetime", "person", "persons",
    "checked",
]  # fmt: skip
"""What a field holds; numbers, and lists of a text a line, are typed in as text."""

TEXT_MAX = 1000
"""The most characters of an input."""

_KINDS: dict[str, Kind] = {
    "input": "text",
    "select_static": "option",
    "multi_select_static": "options",
    "select_img": "option",
    "date_picker": "date",
    "picker_time": "time",
    "picker_datetime": "datetime",
    "select_person": "person",
    "multi_select_person": "persons",
    "checker": "checked",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    :param is_required: of those who do not reject; of those who do, *is_required_to_reject*.
    :param options: the values that can be chosen; None where the card does not list them.
    :param most: the most characters of a text.
    :param least: the smallest number, with *largest* the largest; None for any.
    :param fewest: the fewest characters of a text.
    :param pattern: a regular expression that a text has to contain a match of.
    """

    name: str
    kind: Kind
    label: str = ""
    is_required: bool = False
    options: tuple[str, ...] | None = None
    most: int = TEXT_MAX
    least: float | None = None
    largest: float | None = None
    is_required_to_reject: bool = False
    fewest: int = 0
    pattern: str | None = None

    @property
    def shown_name(self) -> str:
        """What people call it."""
        return self.label or self.name

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Field:
        """Read what :meth:`to_plain` wrote."""
        options = plain["options"]
        return cls(**{**members_of(cls, plain), "options": None if options is None else tuple(options)})


def declared_fields(card: Mapping[str, Any], kinds: Mapping[str, str] | None = None) -> tuple[Field, ...]:
    """Return the fields of the forms of a card.

    :param kinds: what an input holds, by name, where it is no text: ``integer`` or ``number``.
    :raises ConfigError: a kind is unknown, or names no field of the card.
    """
    wanted = dict(kinds or {})
    found = [_field(each, wanted.pop(str(each["name"]), None)) for each in _inputs(card, in_form=False)]
    if wanted:
        raise ConfigError(f"the card has no form field named {', '.join(sorted(wanted))}")
    return tuple(found)


def _inputs(given: object, *, in_form: bool) -> Iterator[Mapping[str, Any]]:
    if isinstance(given, list):
        for each in given:
            yield from _inputs(each, in_form=in_form)
    elif isinstance(given, dict):
        tag = given.get("tag")
        if in_form and tag in _KINDS and isinstance(given.get("name"), str):
            yield given
        for name, value in given.items():
            if name not in ("value", "options", "rows", "chart_spec"):
                yield from _inputs(value, in_form=in_form or tag == "form")


def _field(given: Mapping[str, Any], wanted: str | None) -> Field:
    tag = str(given["tag"])
    kind = _KINDS[tag]
    if tag == "select_img" and given.get("multi_select"):
        kind = "options"
    if wanted is not None:
        if wanted not in get_args(Kind):
            raise ConfigError(f"unknown kind of form field {wanted!r}; known: {', '.join(get_args(Kind))}")
        kind = wanted  # type: ignore[assignment]
    label = given.get("label") or given.get("text")
    most = given.get("max_length")
    return Field(
        str(given["name"]),
        kind,
        str(label.get("content") or "") if isinstance(label, dict) else "",
        given.get("required") is True,
        _options(given) if kind in ("option", "options", "person", "persons") else None,
        most if isinstance(most, int) and not isinstance(most, bool) else TEXT_MAX,
    )


def _options(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    options = given.get("options")
    if not isinstance(options, list) or not options:
        return None
    return tuple(str(each.get("value")) for each in options if isinstance(each, dict))
