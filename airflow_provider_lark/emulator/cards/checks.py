"""What the platform refuses about a card (lark-api §6.3, §6.5, §6.6).

Structure, tags, counts, people and images are looked at here, places and forms, tables, charts and audio in
:mod:`.card_rules`; most other properties of single elements are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_provider_lark.emulator.cards.rules import broken_rules
from airflow_provider_lark.emulator.errors import ApiError

CardForm = Literal["1.0", "2.0", "template"]

MAX_ELEMENTS: Final = 200
MAX_TABLES: Final = 5
MAX_MARKDOWN_TABLES: Final = 4

_SHOWN: Final = frozenset(
    {"markdown", "div", "hr", "img", "img_combination", "person", "person_list", "chart", "table", "audio"}
)
_PRESSED: Final = frozenset(
    {"input", "button", "overflow", "select_static", "multi_select_static", "select_person", "multi_select_person"}
    | {"date_picker", "picker_time", "picker_datetime", "select_img", "checker"}
)
_HOLDING: Final = frozenset({"column_set", "column", "form", "interactive_container", "collapsible_panel"})
_TEXTS: Final = frozenset({"plain_text", "lark_md", "standard_icon", "custom_icon", "text_tag", "fallback_text"})
TAGS_2_0: Final = _SHOWN | _PRESSED | _HOLDING | _TEXTS
_GONE_IN_2_0: Final = frozenset({"action", "note"})
_ROOT_2_0: Final = frozenset({"schema", "config", "card_link", "header", "i18n_header", "body"})
_CONFIG_2_0: Final = frozenset(
    {"streaming_mode", "streaming_config", "summary", "locales", "enable_forward", "update_multi", "width_mode"}
    | {"use_custom_translation", "enable_forward_interaction", "style"}
)

_AT: Final = re.compile(r"<at\s+(id|email)=\"?'?([^\"'>\s]+)")
_CODE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_TABLE_RULE: Final = re.compile(r"^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:?)? *\|?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Surroundings:
    """What a card may name.

    :param person: the open_id behind an id or an address, None where nobody has it.
    :param has_image: whether an image of that key is there.
    :param has_audio: whether the app uploaded a sound of that key.
    :param code: 230099, or what stands in its place.
    :param takes_wide_screen: whether ``config.wide_screen_mode`` of JSON 1.0 is let through in 2.0.
    """

    person: Callable[[str], str | None]
    has_image: Callable[[str], bool]
    has_audio: Callable[[str], bool]
    code: int = 230099
    takes_wide_screen: bool = False


@dataclass
class Card:
    """What was found in a card."""

    form: CardForm
    is_shared: bool
    texts: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    audios: list[str] = field(default_factory=list)


def refuse(code: int, sub_code: int, says: str, *, path: str = "", value: object = "") -> ApiError:
    """The refusal of a card, in the form that the platform's documents show."""
    place = f"ErrPath: {path}; " if path else ""
    shown = f"ErrorValue: {value}; " if value != "" else ""
    msg = f"Failed to create card content, ext=ErrCode: {sub_code}; {place}ErrMsg: {says}; {shown}"
    return ApiError(code, says, msg=msg)


def check_card(card: Mapping[str, Any], about: Surroundings) -> Card:
    """Look at a raw card of JSON 1.0 or 2.0.

    :raises ApiError: 230099 with the cause and the place in ``msg``.
    """
    is_new = card.get("schema") == "2.0"
    config = _part(card, "config", about)
    if is_new:
        _check_names(card, _ROOT_2_0, "ROOT", about)
        old = {"wide_screen_mode"} if about.takes_wide_screen else set()
        _check_names(config, _CONFIG_2_0 | old, "ROOT -> config", about)
    elif card.get("schema") not in (None, "1.0"):
        raise refuse(about.code, 200621, "parse card json err", path="ROOT -> schema", value=card["schema"])
    found = Card("2.0" if is_new else "1.0", config.get("update_multi", is_new) is True)
    walk = _Walk(found, about, is_new=is_new)
    walk.thing(_part(card, "header", about), "ROOT -> header")
    if is_new:
        walk.elements(_part(card, "body", about).get("elements", []), "ROOT -> body -> elements")
    else:
        walk.elements(card.get("elements", []), "ROOT -> elements")
        for locale, elements in _part(card, "i18n_elements", about).items():
            walk.elements(elements, f"ROOT -> i18n_elements -> {locale}")
    walk.check_counts()
    broken = next(broken_rules(card), None) if is_new else None
    if broken is not None:
        raise refuse(about.code, broken.sub_code, broken.says, path=broken.path, value=broken.value)
    return found


def _part(card: Mapping[str, Any], name: str, about: Surroundings) -> dict[str, Any]:
    """An object of the card's root that may be left out."""
    given = {} if card.get(name) is None else card[name]
    if not isinstance(given, dict):
        raise refuse(about.code, 200621, "parse card json err", path=f"ROOT -> {name}")
    return given


def _check_names(given: Mapping[str, Any], known: frozenset[str], path: str, about: Surroundings) -> None:
    for name in given:
        if name not in known:
            raise refuse(about.code, 200621, f"parse card json err, unknown property {name}", path=path)


class _Walk:
    """Goes through the elements of a card."""

    def __init__(self, found: Card, about: Surroundings, *, is_new: bool) -> None:
        self._found = found
        self._about = about
        self._is_new = is_new
        self._count = 0
        self._tables = 0
        self._ids: set[str] = set()

    def elements(self, given: object, path: str) -> None:
        if not isinstance(given, list):
            raise refuse(self._about.code, 200621, "parse card json err", path=path)
        for at, each in enumerate(given):
            tag = each.get("tag") if isinstance(each, dict) else None
            place = f"{path} -> [{at}](tag: {tag})" if isinstance(tag, str) else f"{path} -> [{at}]"
            self.thing(each, place)

    def thing(self, given: object, path: str) -> None:
        if not isinstance(given, dict):
            raise refuse(self._about.code, 200621, "parse card json err", path=path)
        if isinstance(given.get("tag"), str):
            self._element(given, path)
        for name, value in given.items():
            if name in {"value", "chart_spec", "rows", "behaviors"}:
                # not structure: whatever somebody put there
                continue
            if isinstance(value, dict):
                self.thing(value, f"{path} -> {name}")
            elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
                self.elements(value, f"{path} -> {name}")

    def _element(self, given: dict[str, Any], path: str) -> None:
        tag = given["tag"]
        self._count += 1
        if self._is_new and tag in _GONE_IN_2_0:
            says = "cards of schema V2 no longer support this capability"
            raise refuse(self._about.code, 200861, says, path=path, value=f"unsupported tag {tag}")
        if self._is_new and tag not in TAGS_2_0:
            raise refuse(self._about.code, 200621, "parse card json err, unknown tag", path=path, value=tag)
        element_id = given.get("element_id")
        if element_id is not None and str(element_id) in self._ids:
            raise refuse(self._about.code, 300301, "duplicate element_id", path=path, value=element_id)
        self._ids.add(str(element_id))
        self._tables += tag == "table"
        if isinstance(given.get("content"), str):
            self._text(tag, given["content"], path)
        if tag == "person":
            self._mention(given.get("user_id"), path, rings=False)
        if tag == "audio" and self._is_new:
            self._audio(given, path)
        for key in _images_of(tag, given):
            if not self._about.has_image(key):
                raise refuse(self._about.code, 200570, "card contains invalid image keys", path=path)
            self._found.images.append(key)

    def _text(self, tag: str, content: str, path: str) -> None:
        self._found.texts.append(content)
        if tag not in {"markdown", "lark_md"}:
            return
        tables = len(_TABLE_RULE.findall(_CODE.sub("", content)))
        if tables > MAX_MARKDOWN_TABLES:
            raise refuse(self._about.code, 11310, "table number over limit", path=path, value="table")
        self._tables += tables
        for _, person in _AT.findall(content):
            self._mention(person, path)

    def _audio(self, given: Mapping[str, Any], path: str) -> None:
        localized = given.get("i18n_file_key")
        keys = [given.get("file_key"), *(localized.values() if isinstance(localized, dict) else ())]
        for key in map(str, keys):
            if not self._about.has_audio(key):
                raise refuse(self._about.code, 300240, "the audio belongs to another app", path=path)
            self._found.audios.append(key)

    def _mention(self, person: object, path: str, *, rings: bool = True) -> None:
        open_id = "all" if person == "all" else self._about.person(str(person))
        if open_id is None:
            says = "There is an invalid user resource(at/person) in your card"
            raise refuse(self._about.code, 100290, says, path=path)
        if rings:
            self._found.mentions.append(open_id)

    def check_counts(self) -> None:
        if self._is_new and self._count > MAX_ELEMENTS:
            raise refuse(self._about.code, 11310, "element exceeds the limit")
        if self._tables > MAX_TABLES:
            raise refuse(self._about.code, 11310, "table number over limit")


def _images_of(tag: str, given: Mapping[str, Any]) -> list[str]:
    """The image keys that an element names itself."""
    if tag in {"img", "custom_icon"}:
        return [str(given.get("img_key"))]
    held = given.get({"img_combination": "img_list", "select_img": "options"}.get(tag, ""))
    return [str(each.get("img_key")) for each in held if isinstance(each, dict)] if isinstance(held, list) else []


def visible_texts(card: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a card in their order, for what reads of it show."""
    for name, value in card.items():
        if name == "content" and isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from visible_texts(value)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, dict):
                    yield from visible_texts(each)
