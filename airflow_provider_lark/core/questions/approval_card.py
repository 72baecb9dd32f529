"""The card of an approval: what is asked, a form where one is wanted, and a button for each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.cards.buttons import Button, Callback
from airflow_provider_lark.core.cards.card import Card, Header
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.display import Markdown, PersonList, note
from airflow_provider_lark.core.cards.inputs import (
    Checker,
    DatePicker,
    Input,
    MultiSelectPerson,
    MultiSelectStatic,
    Option,
    PickerDatetime,
    PickerTime,
    SelectPerson,
    SelectStatic,
)
from airflow_provider_lark.core.cards.languages import Text, localize
from airflow_provider_lark.core.cards.layout import Form, side_by_side
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.questions.click import CHOICE, QUESTION
from airflow_provider_lark.core.questions.fields import TEXT_MAX, Field
from airflow_provider_lark.core.questions.terms import Terms

_CHINESE = {"Approve": "批准", "Reject": "拒绝"}
_MEMBERS = frozenset(
    {"name", "type", "label", "required", "options", "default", "placeholder", "minimum", "maximum", "max_length"}
)
_KINDS = ("text", "integer", "number", "option", "options", "date", "time", "datetime", "person", "persons", "checked")
_PEOPLE_SHOWN = 20


@dataclass(frozen=True)
class FormField:
    """A field of an approval's form: what is checked, and how it looks.

    :param is_long: whether a text has several lines.
    """

    field: Field
    default: Any = None
    placeholder: str | None = None
    is_long: bool = False


def read_form_field(given: Mapping[str, Any], where: str) -> FormField:
    """Read one field of the parameter *form*.

    :raises ConfigError: something in it is unknown or missing.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: expected an object such as {{'name': 'reason', 'type': 'text'}}")
    unknown = sorted(set(given) - _MEMBERS)
    name, kind = given.get("name"), given.get("type", "text")
    if unknown or not isinstance(name, str) or not name.strip():
        what = f"unknown member {unknown[0]!r}" if unknown else "a field needs a name"
        raise ConfigError(f"{where}: {what}; known: {', '.join(sorted(_MEMBERS))}")
    if kind not in (*_KINDS, "multiline"):
        raise ConfigError(f"{where}: type {kind!r} is unknown; known: {', '.join((*_KINDS, 'multiline'))}")
    options = given.get("options")
    if kind in ("option", "options") and not options:
        raise ConfigError(f"{where}: a field of type {kind} needs options")
    required = given.get("required", False)
    if required not in (True, False, "on_reject"):
        raise ConfigError(f"{where}: required is true, false or 'on_reject', not {required!r}")
    field = Field(
        name,
        "text" if kind == "multiline" else kind,
        str(given.get("label") or name),
        required is True,
        tuple(map(str, options)) if options else None,
        int(given.get("max_length") or TEXT_MAX),
        given.get("minimum"),
        given.get("maximum"),
        is_required_to_reject=required == "on_reject",
    )
    return FormField(field, given.get("default"), given.get("placeholder"), kind == "multiline")


def approval_card(
    question_id: str, terms: Terms, form: Sequence[FormField], *, title: str, body: str, until: str = ""
) -> Json:
    """Return the card that asks.

    :param body: Markdown.
    :param until: what is told about the end of the time, as plain text.
    """
    can_reject = any(each.is_rejection for each in terms.choices)
    answers = [_button(question_id, terms, at, in_form=bool(form)) for at in range(len(terms.choices))]
    elements: list[Element] = [Markdown(body)] if body.strip() else []
    if form:
        # a required input would also keep people from rejecting: it is checked when they approve
        inputs = [_input(each, is_required=each.field.is_required and not can_reject) for each in form]
        elements.append(Form("answer", [*inputs, side_by_side(*answers)]))
    else:
        elements.append(side_by_side(*answers))
    return Card(
        [*elements, *_conditions(terms, until)],
        Header(title, "blue"),
        enable_forward=False,
        vertical_spacing="12px",
    ).render()


def _button(question_id: str, terms: Terms, at: int, *, in_form: bool) -> Button:
    choice = terms.choices[at]
    label: Text = choice.label
    if choice.label in _CHINESE:
        label = localize(en_us=choice.label, zh_cn=_CHINESE[choice.label])
    return Button(
        label,
        type="danger" if choice.is_rejection else "primary_filled" if at == 0 else "default",
        behaviors=[Callback({QUESTION: question_id, CHOICE: choice.value})],
        name=f"answer_{at}" if in_form else None,
        form_action_type="submit" if in_form else None,
    )


def _conditions(terms: Terms, until: str) -> list[Element]:
    told: list[Element] = []
    people = [each for each in terms.allowed or () if each.startswith(("ou_", "on_"))]
    if terms.allowed is None:
        told.append(note(localize(en_us="Everybody who sees this card may answer", zh_cn="所有看到此卡片的人均可回答")))
    elif people:
        told.append(note(localize(en_us="May answer:", zh_cn="可回答：")))
        told.append(PersonList(people[:_PEOPLE_SHOWN]))
    if terms.needed > 1:
        told.append(
            note(localize(en_us=f"{terms.needed} equal answers decide", zh_cn=f"需 {terms.needed} 人作出相同回答"))
        )
    if until:
        told.append(note(until))
    return told


def _input(given: FormField, *, is_required: bool) -> Element:
    field = given.field
    common: dict[str, Any] = {"name": field.name, "required": is_required or None, "width": "fill"}
    if given.placeholder or field.kind not in ("text", "integer", "number"):
        common["placeholder"] = given.placeholder or field.shown_name
    default = given.default
    if field.kind in ("text", "integer", "number"):
        return Input(
            **common,
            label=_labelled(field),
            input_type="multiline_text" if given.is_long else "text",
            default_value=None if default is None else str(default),
            max_length=min(field.most, TEXT_MAX),
        )
    if field.kind == "checked":
        return Checker(field.shown_name, checked=bool(default), name=field.name)
    if field.kind in _MOMENTS:
        return _MOMENTS[field.kind](**common)
    return _chooser(field, default, common)


_MOMENTS: dict[str, Callable[..., Element]] = {"date": DatePicker, "time": PickerTime, "datetime": PickerDatetime}


def _chooser(field: Field, default: Any, common: Mapping[str, Any]) -> Element:
    options = [Option(each, each) for each in field.options or ()]
    match field.kind:
        case "option":
            return SelectStatic(options=options, initial_option=default, **common)
        case "options":
            return MultiSelectStatic(options=options, selected_values=tuple(default or ()), **common)
        case "person":
            return SelectPerson(options=field.options or (), initial_option=default, **common)
        case _:
            return MultiSelectPerson(options=field.options or (), selected_values=tuple(default or ()), **common)


def _labelled(field: Field) -> str:
    return f"{field.shown_name} *" if field.is_required else field.shown_name
