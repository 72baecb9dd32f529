"""The card of an approval: what is asked, a form where one is wanted, and a button for each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, TypeVar

from airflow_provider_lark.core.card_json.markdown_tables import split_markdown
from airflow_provider_lark.core.cards.buttons import Button, Callback
from airflow_provider_lark.core.cards.card import Card, Header
from airflow_provider_lark.core.cards.component import Component, Element, Json
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
from airflow_provider_lark.core.questions.click import CHOICE, QUESTION
from airflow_provider_lark.core.questions.fields import TEXT_MAX, Field
from airflow_provider_lark.core.questions.shown import PEOPLE_ID, WHILE_OPEN, shown_people
from airflow_provider_lark.core.questions.terms import Terms

_CHINESE = {"Approve": "批准", "Reject": "拒绝", "OK": "确定", "Submit": "提交"}
_LABEL_MAX = 100
T = TypeVar("T")


@dataclass(frozen=True)
class FormField:
    """A field of an approval's form: what is checked, and how it looks.

    :param default: a day, time or moment as ISO text, too.
    :param is_long: whether a text has several lines.
    :param labels: what people read for an option, where that is not its value.
    """

    field: Field
    default: Any = None
    placeholder: str | None = None
    is_long: bool = False
    labels: Mapping[str, str] | None = None


def approval_card(
    question_id: str,
    terms: Terms,
    form: Sequence[FormField],
    *,
    title: str,
    body: str,
    links: Sequence[Button] = (),
    told: Sequence[Element] = (),
    told_while_open: Sequence[Component] = (),
) -> Json:
    """Return the card that asks.

    :param body: Markdown.
    :param links: buttons that open a page, beside those that answer.
    :param told: what else is told, at the end.
    :param told_while_open: what is told above that, and only as long as somebody can answer.
    """
    can_reject = any(each.is_rejection for each in terms.choices)
    answers = [_button(question_id, terms, at, in_form=bool(form)) for at in range(len(terms.choices))]
    elements: list[Element] = [Markdown(part) for part in split_markdown(body)] if body.strip() else []
    if form:
        # a required input would also keep people from rejecting: it is checked when they approve
        inputs = [_input(each, is_required=each.field.is_required and not can_reject) for each in form]
        elements.append(Form("answer", [*inputs, side_by_side(*answers)]))
    elif answers:
        elements.append(side_by_side(*answers))
    if links:
        elements.append(side_by_side(*links))
    conditions = [*(_conditions(terms) if answers else ()), *told_while_open]
    named = [replace(each, element_id=each.element_id or f"{WHILE_OPEN}{at}") for at, each in enumerate(conditions)]
    return Card(
        [*elements, *named, *told],
        Header(title, "blue"),
        enable_forward=False,
        vertical_spacing="12px",
    ).render()


def _button(question_id: str, terms: Terms, at: int, *, in_form: bool) -> Button:
    choice = terms.choices[at]
    label: Text = choice.label[:_LABEL_MAX]
    if choice.label in _CHINESE:
        label = localize(en_us=choice.label, zh_cn=_CHINESE[choice.label])
    return Button(
        label,
        type="danger" if choice.is_rejection else "primary_filled" if at == 0 else "default",
        behaviors=[Callback({QUESTION: question_id, CHOICE: choice.value})],
        name=f"answer_{at}" if in_form else None,
        form_action_type="submit" if in_form else None,
    )


def _conditions(terms: Terms) -> list[Component]:
    told: list[Component] = []
    people = shown_people(terms.allowed)
    if terms.allowed is None:
        told.append(note(localize(en_us="Everybody who sees this card may answer", zh_cn="所有看到此卡片的人均可回答")))
    elif people:
        told.append(note(localize(en_us="May answer:", zh_cn="可回答：")))
        told.append(PersonList(people, element_id=PEOPLE_ID))
    if terms.needed > 1:
        told.append(
            note(localize(en_us=f"{terms.needed} equal answers decide", zh_cn=f"需 {terms.needed} 人作出相同回答"))
        )
    return told


def _input(given: FormField, *, is_required: bool) -> Element:
    field = given.field
    common: dict[str, Any] = {"name": field.name, "required": is_required or None, "width": "fill"}
    if given.placeholder or field.kind not in _TYPED:
        common["placeholder"] = given.placeholder or field.shown_name
    default = given.default
    if field.kind in _TYPED:
        return Input(
            **common,
            label=_labelled(field),
            input_type="multiline_text" if given.is_long or field.kind == "lines" else "text",
            default_value=None if default is None else str(default),
            max_length=min(field.most, TEXT_MAX),
        )
    if field.kind == "checked":
        return Checker(field.shown_name, checked=bool(default), name=field.name)
    if field.kind in _MOMENTS:
        return _MOMENTS[field.kind](default, common)
    return _chooser(given, common)


_TYPED = ("text", "lines", "integer", "number")
_MOMENTS: dict[str, Callable[[Any, Mapping[str, Any]], Element]] = {
    "date": lambda default, common: DatePicker(**common, initial_date=_read(date.fromisoformat, default)),
    "time": lambda default, common: PickerTime(**common, initial_time=_read(time.fromisoformat, default)),
    "datetime": lambda default, common: PickerDatetime(
        **common, initial_datetime=_read(datetime.fromisoformat, default)
    ),
}


def _read(read: Callable[[str], T], default: Any) -> T | None:
    """Return the moment that a picker begins with; what is none begins with nothing."""
    try:
        return read(default) if isinstance(default, str) else None
    except ValueError:
        return None


def _chooser(given: FormField, common: Mapping[str, Any]) -> Element:
    field, default = given.field, given.default
    options = [Option((given.labels or {}).get(each, each)[:_LABEL_MAX], each) for each in field.options or ()]
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
