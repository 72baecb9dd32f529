"""Where the components of a JSON 2.0 card may stand, and what forms, tables, charts and audio ask for.

Read in the pages of the components (open.feishu.cn, "Card JSON 2.0 components") and in the table of sub-codes of 230099
("Send a message"). 200530, 200550, 200914, 200915, 300220 and 300230 stand there; for a component in a wrong place no
code is documented (lark-api §6.3), and 200621 stands in, as it does for members that pictures need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_NESTING: Final = 5
MAX_PAGE: Final = 10

_CONTAINERS: Final = frozenset({"column_set", "form", "interactive_container", "collapsible_panel"})
_FORM_ITEMS: Final = frozenset(
    {"input", "select_static", "multi_select_static", "select_person", "multi_select_person", "select_img"}
    | {"date_picker", "picker_time", "picker_datetime", "checker", "button"}
)
_PICTURES: Final = {"img_combination": "img_list", "select_img": "options"}
_MODES: Final = ("double", "triple", "bisect", "trisect")
_ELEMENT_ID: Final = re.compile(r"[a-zA-Z]\w{0,19}", re.ASCII)
_LINKS: Final = frozenset({"url", "default_url", "pc_url", "ios_url", "android_url"})
_NO_JUMP: Final = "lark://msgcard/unsupported_action"
_NOT_STRUCTURE: Final = frozenset({"value", "chart_spec", "rows"})


@dataclass(frozen=True)
class Broken:
    """A rule that a card breaks: sub-code, what the platform says, and where."""

    sub_code: int
    says: str
    path: str
    value: object = ""


@dataclass(frozen=True)
class _Place:
    """An object with a tag, and the tags of what holds it."""

    tag: str
    data: Mapping[str, Any]
    path: str
    holders: tuple[_Place, ...]

    def is_in(self, tag: str) -> bool:
        return any(holder.tag == tag for holder in self.holders)


def broken_rules(card: Mapping[str, Any]) -> Iterator[Broken]:
    """Yield what of *card*, whose frame is right, breaks a rule."""
    places = list(_walk(card.get("body"), "ROOT -> body", ()))
    config = card.get("config") or {}
    names: set[str] = set()
    for place in places:
        yield from _check_place(place)
        yield from _check_id(place)
        if place.tag == "table":
            yield from _check_table(place)
        elif place.tag == "form":
            yield from _check_form(place, places)
        elif place.tag in _PICTURES:
            yield from _check_pictures(place)
        elif place.tag == "chart" and not _is_spec(place.data.get("chart_spec")):
            yield Broken(200550, "chart spec is invalid", place.path, "- (root): Must validate at least one schema")
        name = place.data.get("name")
        if place.tag in _FORM_ITEMS and isinstance(name, str) and name:
            if name in names:
                yield Broken(200621, "parse card json err, duplicate name", place.path, name)
            names.add(name)
    yield from _check_audio([place for place in places if place.tag == "audio"], config)
    yield from _check_links(card, "ROOT")


def _walk(given: object, path: str, holders: tuple[_Place, ...]) -> Iterator[_Place]:
    if isinstance(given, list):
        for at, each in enumerate(given):
            tag = each.get("tag") if isinstance(each, dict) else None
            yield from _walk(each, f"{path} -> [{at}](tag: {tag})" if tag else f"{path} -> [{at}]", holders)
    elif isinstance(given, dict):
        if isinstance(given.get("tag"), str):
            place = _Place(given["tag"], given, path, holders)
            yield place
            holders = (*holders, place)
        for name, value in given.items():
            if name not in _NOT_STRUCTURE:
                yield from _walk(value, f"{path} -> {name}", holders)


def _check_place(place: _Place) -> Iterator[Broken]:
    says = ""
    if place.tag in {"table", "form"} and place.holders:
        says = f"{place.tag} can only be placed in the root of the card"
    elif place.tag == "chart" and place.is_in("form"):
        says = "chart can not be placed in a form"
    elif place.tag.startswith("multi_select_") and not place.is_in("form"):
        says = f"{place.tag} can only be placed in a form"
    elif place.tag == "select_img" and place.data.get("multi_select") is True and not place.is_in("form"):
        says = "select_img with multi_select can only be placed in a form"
    depth = sum(each.tag in _CONTAINERS for each in (*place.holders, place))
    if place.tag in _CONTAINERS and depth > MAX_NESTING:
        says = f"containers are nested deeper than {MAX_NESTING}"
    if says:
        yield Broken(200621, f"parse card json err, {says}", place.path)


def _check_id(place: _Place) -> Iterator[Broken]:
    given = place.data.get("element_id")
    if given is not None and not (isinstance(given, str) and _ELEMENT_ID.fullmatch(given)):
        yield Broken(200621, "parse card json err, invalid element_id", place.path, given)


def _check_form(form: _Place, places: list[_Place]) -> Iterator[Broken]:
    items = [place for place in places if form in place.holders and place.tag in _FORM_ITEMS]
    for nameless in (place for place in (form, *items) if not place.data.get("name")):
        yield Broken(200530, "the name of the form or of one of its components is empty", nameless.path)
    actions = [place.data.get("form_action_type") or place.data.get("action_type") for place in items]
    if not {"submit", "form_submit"} & {action for action in actions if isinstance(action, str)}:
        yield Broken(200621, "parse card json err, the form has no submit button", form.path)


def _check_table(table: _Place) -> Iterator[Broken]:
    size = table.data.get("page_size", 5)
    if type(size) is not int or not 1 <= size <= MAX_PAGE:
        yield Broken(200621, "parse card json err, invalid page_size", table.path, size)
    columns, rows = table.data.get("columns"), table.data.get("rows") or []
    if not isinstance(columns, list) or not all(isinstance(each, dict) and each.get("name") for each in columns):
        yield Broken(200621, "parse card json err, invalid columns", table.path)
        return
    kinds = {each["name"]: each.get("data_type", "text") for each in columns}
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield Broken(200914, "table rows is invalid", table.path)
        return
    for at, row in enumerate(rows):
        for name, cell in row.items():
            if name not in kinds:
                yield Broken(200915, "table rows name is invalid", table.path, name)
            elif not _is_cell(cell, kinds[name]):
                column = list(kinds).index(name)
                yield Broken(200914, "table rows is invalid", table.path, f"row: {at}, column: {column}")


def _is_cell(cell: object, kind: object) -> bool:
    if cell is None:
        return True
    if kind in {"number", "date"}:
        return type(cell) in {int, float}
    if kind == "persons":
        return isinstance(cell, str) or (isinstance(cell, list) and all(isinstance(each, str) for each in cell))
    if kind == "options":
        texts = (
            [each.get("text") if isinstance(each, dict) else None for each in cell] if isinstance(cell, list) else []
        )
        return isinstance(cell, str) or (isinstance(cell, list) and all(isinstance(each, str) for each in texts))
    # what is no text is shown as text
    return True


def _check_pictures(place: _Place) -> Iterator[Broken]:
    held = place.data.get(_PICTURES[place.tag])
    if not isinstance(held, list) or not held or not all(isinstance(each, dict) for each in held):
        yield Broken(200621, f"parse card json err, invalid {_PICTURES[place.tag]}", place.path)
    if place.tag == "img_combination" and place.data.get("combination_mode") not in _MODES:
        yield Broken(200621, "parse card json err, invalid combination_mode", place.path)


def _is_spec(spec: object) -> bool:
    return isinstance(spec, dict) and isinstance(spec.get("type"), str)


def _check_audio(audios: list[_Place], config: Mapping[str, Any]) -> Iterator[Broken]:
    if audios and config.get("enable_forward") is not False:
        yield Broken(300220, "audio elem don't support forward", audios[0].path)
    ids = [audio.data["audio_id"] for audio in audios if audio.data.get("audio_id")]
    if len(set(map(str, ids))) < len(ids):
        yield Broken(300230, "duplicate audio id", audios[-1].path)


def _check_links(given: object, path: str) -> Iterator[Broken]:
    if isinstance(given, list):
        for at, each in enumerate(given):
            yield from _check_links(each, f"{path} -> [{at}]")
    elif isinstance(given, dict):
        for name, value in given.items():
            if name in _LINKS and isinstance(value, str):
                if value and value != _NO_JUMP and not value.startswith(("http://", "https://")):
                    says = "parse card json err, the scheme of the link is not in the whitelist"
                    yield Broken(200621, says, f"{path} -> {name}")
            elif name not in _NOT_STRUCTURE:
                yield from _check_links(value, f"{path} -> {name}")
