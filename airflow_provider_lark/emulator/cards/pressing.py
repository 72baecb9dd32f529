"""What a person does with a card: which of its components answer, and what each sends (lark-api §5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

PRESSED: Final = frozenset(
    {"input", "button", "overflow", "select_static", "multi_select_static", "select_person", "multi_select_person"}
    | {"date_picker", "picker_time", "picker_datetime", "select_img", "checker", "interactive_container"}
)
_NOT_STRUCTURE: Final = frozenset({"value", "chart_spec", "rows"})
_MOMENTS: Final = frozenset({"date_picker", "picker_time", "picker_datetime"})
_SEVERAL: Final = frozenset({"multi_select_static", "multi_select_person"})
INPUT_MAX: Final = 1000


class NotPressed(Exception):
    """The client of Lark sends nothing; the message says what the person sees."""


@dataclass(frozen=True)
class Given:
    """What a person fills in.

    :param form: values by the names of a form's components.
    :param option: of a select, a menu, a date or a time.
    :param options: of a select of several.
    :param text: of an input outside forms.
    :param checked: of a checker.
    """

    form: Mapping[str, Any] | None = None
    option: str | None = None
    options: list[str] | None = None
    text: str | None = None
    checked: bool | None = None


@dataclass(frozen=True)
class Pressable:
    """A component that answers, and the form that it stands in."""

    data: Mapping[str, Any]
    form: Mapping[str, Any] | None

    @property
    def tag(self) -> str:
        """Its kind."""
        return str(self.data["tag"])

    @property
    def words(self) -> set[str]:
        """What stands on it, in every language."""
        text = self.data.get("text")
        if not isinstance(text, dict):
            return set()
        return {str(text.get("content")), *map(str, (text.get("i18n_content") or text.get("i18n") or {}).values())}


def pressables(card: Mapping[str, Any]) -> list[Pressable]:
    """Every component that answers, in the order in which they stand in the JSON; the page counts in the same way."""
    return list(_walk(card, None))


def _walk(given: object, form: Mapping[str, Any] | None) -> Iterator[Pressable]:
    if isinstance(given, list):
        for each in given:
            yield from _walk(each, form)
    elif isinstance(given, dict):
        tag = given.get("tag")
        if tag in PRESSED:
            yield Pressable(given, form)
        inner = given if tag == "form" else form
        for name, value in given.items():
            if name not in _NOT_STRUCTURE:
                yield from _walk(value, inner)


def find_pressable(card: Mapping[str, Any], *, at: int | None, name: str | None, label: str | None) -> Pressable:
    """The component at a place, of a name or with a label; without any of them the card's only button.

    :raises LookupError: there is none, or there are several.
    """
    found = pressables(card)
    if at is not None:
        if not 0 <= at < len(found):
            raise LookupError(f"the card has {len(found)} interactive components, none at index {at}")
        return found[at]
    if name is not None:
        fits = [each for each in found if each.data.get("name") == name]
    elif label is not None:
        fits = [each for each in found if label in each.words]
    else:
        fits = [each for each in found if each.tag == "button"]
    if len(fits) != 1:
        wanted = name or label or "button"
        raise LookupError(f"the card has {len(fits)} components {wanted!r}: {[sorted(each.words) for each in found]}")
    return fits[0]


def action_of(pressed: Pressable, given: Given, *, offset: str, checks: bool = True) -> dict[str, Any] | None:
    """The ``action`` of the callback; None where nothing is sent.

    :param offset: of the person's time zone, such as ``+0800``.
    :param checks: whether the client looks at what is filled in first.
    :raises NotPressed: it refuses.
    """
    data, tag = pressed.data, pressed.tag
    if checks and data.get("disabled"):
        raise NotPressed("the component is disabled")
    submits = "submit" in (data.get("form_action_type"), str(data.get("action_type", "")).removeprefix("form_"))
    calls_back, value = _callback_of(data)
    if not (submits if pressed.form is not None and tag == "button" else calls_back or submits):
        return None
    action: dict[str, Any] = {"tag": tag}
    if value is not None:
        action["value"] = value
    if data.get("name"):
        action["name"] = data["name"]
    if pressed.form is not None and submits:
        filled, has_moment = _form_value(pressed.form, given.form or {}, offset, checks=checks)
        action["form_value"] = filled
    else:
        has_moment = _fill(action, tag, given, offset)
    if has_moment:
        action["timezone"] = "Asia/Shanghai"
    return action


def _callback_of(data: Mapping[str, Any]) -> tuple[bool, Any]:
    behaviors = data.get("behaviors")
    for each in behaviors if isinstance(behaviors, list) else ():
        if isinstance(each, dict) and each.get("type") == "callback":
            return True, each.get("value")
    opens = any(data.get(name) for name in ("url", "multi_url", "behaviors"))
    return data.get("value") is not None or not opens, data.get("value")


def _fill(action: dict[str, Any], tag: str, given: Given, offset: str) -> bool:
    if tag == "input":
        action["input_value"] = given.text or ""
    elif tag == "checker":
        action["checked"] = bool(given.checked)
    elif tag in _SEVERAL:
        action["options"] = list(given.options or [])
    elif tag not in ("button", "interactive_container"):
        action["option"] = _moment(given.option, offset) if tag in _MOMENTS else given.option
    return tag in _MOMENTS


def _moment(text: str | None, offset: str) -> str | None:
    # a browser's own inputs put a T between day and time
    return f"{text.replace('T', ' ')} {offset}" if text else text


def _form_value(
    form: Mapping[str, Any], given: Mapping[str, Any], offset: str, *, checks: bool
) -> tuple[dict[str, Any], bool]:
    filled: dict[str, Any] = {}
    has_moment = False
    for each in _walk(form.get("elements"), form):
        name = each.data.get("name")
        if each.tag in ("button", "interactive_container") or not isinstance(name, str):
            continue
        value = given.get(name)
        if checks:
            _check_field(each, value)
        if each.tag == "input":
            filled[name] = value if isinstance(value, str) else ""
        elif each.tag == "checker":
            filled[name] = bool(value)
        elif each.tag in _MOMENTS and isinstance(value, str) and value:
            filled[name], has_moment = _moment(value, offset), True
        elif value not in (None, "", []):
            filled[name] = value
    if not checks:
        # whoever writes requests by hand sends what they like
        filled |= {name: value for name, value in given.items() if name not in filled}
    return filled, has_moment


def _check_field(field: Pressable, value: Any) -> None:
    label = field.data.get("name")
    if field.data.get("required") and value in (None, "", [], False):
        raise NotPressed(f"{label} is required")
    most = field.data.get("max_length")
    limit = most if isinstance(most, int) else INPUT_MAX
    if field.tag == "input" and isinstance(value, str) and len(value) > limit:
        raise NotPressed(f"{label} may have at most {limit} characters")
