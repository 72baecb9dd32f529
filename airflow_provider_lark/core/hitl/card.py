"""The card of a request, and the terms under which it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_lark.core.cards.buttons import Button, OpenUrl
from airflow_provider_lark.core.cards.component import Component, Element
from airflow_provider_lark.core.cards.display import Markdown, note
from airflow_provider_lark.core.cards.languages import localize
from airflow_provider_lark.core.cards.limits import READY_CARD_BYTES
from airflow_provider_lark.core.cards.ready.fitting import largest
from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import break_mentions, clean_text, escape_markdown, local_time, one_line
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.errors import CardInvalid, TooLarge
from airflow_provider_lark.core.hitl.params import params_input, read_params
from airflow_provider_lark.core.hitl.request import Request
from airflow_provider_lark.core.questions.approval_card import FormField, approval_card
from airflow_provider_lark.core.questions.fields import Field
from airflow_provider_lark.core.questions.rules import Vote
from airflow_provider_lark.core.questions.shown import WHILE_ASKED
from airflow_provider_lark.core.questions.terms import CHOICE_LENGTH_MAX, Choice, Terms

AIRFLOW = "Airflow"
OPTIONS = "_options"
"""The field of the options, where they are no buttons; Airflow lets no Param have this name."""
SUBMIT = "Submit"

_BUTTONS_MAX = 6
_TITLE_BYTES = 300
_BODY_BYTES = 20_000
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """How a request is asked on a card.

    :param form: the fields; also of the options, where these are no buttons.
    :param why_not: why nobody can answer on the card; empty where somebody can.
    """

    choices: tuple[Choice, ...]
    form: tuple[FormField, ...]
    why_not: str = ""


def read_request(request: Request) -> Asked:
    """Return how *request* is asked."""
    fields = read_params(request.params)
    if fields is None:
        return Asked((), (), "params")
    if any(not each or len(each) > CHOICE_LENGTH_MAX for each in request.options) or not request.options:
        return Asked((), (), "options")
    options = tuple(dict.fromkeys(request.options))
    if request.multiple or len(options) > _BUTTONS_MAX:
        defaults = request.defaults if request.multiple else next(iter(request.defaults), None)
        kind: Any = "options" if request.multiple else "option"
        field = Field(OPTIONS, kind, "Options / 选项", is_required=True, options=options)
        return Asked((Choice(SUBMIT, SUBMIT),), (FormField(field, defaults), *fields))
    choices = (Choice(each, each, is_rejection=each in request.rejecting) for each in options)
    return Asked(tuple(choices), tuple(fields))


def make_terms(question_id: str, request: Request, allowed: Mapping[str, str] | None, unknown: Sequence[str]) -> Terms:
    """Return the terms of a request, with its card.

    :param allowed: ids of those who may answer, and what they are called; None: whoever sees the card.
    :param unknown: those who may answer in Airflow, and are not known in Lark.
    """
    asked = read_request(request)
    if allowed is not None and not allowed:
        asked = Asked((), (), "people")
    terms, card = _terms_of(question_id, request, asked, allowed, unknown)
    if card is None:
        # more fields or options than a card holds: it only leads to Airflow
        asked = Asked((), (), "params" if request.params else "options")
        terms, card = _terms_of(question_id, request, asked, allowed, unknown)
    return replace(terms, card=card)


def _terms_of(
    question_id: str, request: Request, asked: Asked, allowed: Mapping[str, str] | None, unknown: Sequence[str]
) -> tuple[Terms, dict[str, Any] | None]:
    """Return terms without their card, and the card; None where it is too much for one, however short the body."""
    terms = Terms(
        choices=asked.choices,
        fields=tuple(each.field for each in asked.form),
        allowed=allowed,
        time_zone=request.time_zone,
        relay=AIRFLOW,
    )

    def make(body_bytes: int) -> dict[str, Any] | None:
        try:
            return _card(question_id, terms, asked, request, unknown, body_bytes)
        except (CardInvalid, TooLarge):
            return None

    return terms, largest(
        make, _BODY_BYTES, lambda made: made is not None and MESSAGE.measure(made) <= READY_CARD_BYTES
    )


def _card(
    question_id: str, terms: Terms, asked: Asked, request: Request, unknown: Sequence[str], body_bytes: int
) -> dict[str, Any]:
    title = cut_end(one_line(request.subject), _TITLE_BYTES) or request.place.task_id
    links = [Button(localize(en_us="Open in Airflow", zh_cn="在 Airflow 中打开"), behaviors=[OpenUrl(request.link)])]
    return approval_card(
        question_id,
        terms,
        asked.form,
        title=title,
        body=cut_end(break_mentions(clean_text(request.body)), body_bytes),
        links=links if request.link else (),
        told=_told(request, is_cut=len(request.body.encode()) > body_bytes),
        told_while_open=_told_while_open(asked, request, unknown),
    )


def _told(request: Request, *, is_cut: bool) -> list[Element]:
    place = note(f"{request.place.dag_id} · {request.place.task_id} · {request.place.run_id}")
    return [note(localize(en_us="The text goes on in Airflow", zh_cn="全文请见 Airflow")), place] if is_cut else [place]


def _told_while_open(asked: Asked, request: Request, unknown: Sequence[str]) -> list[Component]:
    told: list[Component] = []
    if asked.why_not:
        told.append(note(_WHY_NOT[asked.why_not]))
    if request.is_editable and not asked.why_not:
        told.append(
            note(
                localize(
                    en_us="To edit it before you approve, open it in Airflow", zh_cn="如需先修改，请在 Airflow 中打开"
                )
            )
        )
    if unknown:
        names = "、".join(one_line(each) for each in unknown[:_NAMES_SHOWN])
        only = note(localize(en_us=f"May answer in Airflow only: {names}", zh_cn=f"仅可在 Airflow 中回答：{names}"))
        told.append(replace(only, element_id=f"{WHILE_ASKED}who"))
    if request.deadline_ms is not None and not asked.why_not:
        told.append(_deadline(request.deadline_ms, request.defaults))
    return told


def _deadline(at_ms: int, defaults: Sequence[str]) -> Component:
    at = local_time(datetime.fromtimestamp(at_ms / 1000, UTC))
    default = escape_markdown(", ".join(defaults))
    english, chinese = (f"; then: {default}", f"，逾期默认：{default}") if default else ("", "")
    return Markdown(
        localize(en_us=f"Until {at}{english}", zh_cn=f"截止 {at}{chinese}"),
        text_size="notation",
        element_id=f"{WHILE_ASKED}until",
    )


_WHY_NOT = {
    "params": localize(
        en_us="It asks for what a card cannot ask: please answer in Airflow",
        zh_cn="表单内容卡片无法填写，请在 Airflow 中回答",
    ),
    "options": localize(
        en_us="Its options do not fit a card: please answer in Airflow", zh_cn="选项过长，请在 Airflow 中回答"
    ),
    "people": localize(
        en_us="Nobody who may answer is known in Lark: please answer in Airflow",
        zh_cn="可回答的人在飞书中均未找到，请在 Airflow 中回答",
    ),
}


def read_answer(request: Request, vote: Vote) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return what Airflow takes for an answer: the options that were chosen, and a value for each Param.

    Who rejects need not fill in the form; then there are no values at all, which Airflow takes as well.
    """
    chosen = vote.values.get(OPTIONS)
    options = (vote.choice,) if chosen is None else (chosen,) if isinstance(chosen, str) else tuple(chosen)
    if set(options) <= set(request.rejecting) and _is_empty(request, vote.values):
        return options, {}
    who = f"{vote.name} ({vote.open_id})" if vote.name else vote.open_id
    return options, params_input(request.params, vote.values, who)


def _is_empty(request: Request, values: Mapping[str, Any]) -> bool:
    required = [each.field.name for each in read_params(request.params) or () if each.field.is_required]
    return any(values.get(name) in (None, "", []) for name in required)
