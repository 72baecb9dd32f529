"""A DAG run that is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.cards.languages import Locale, combine, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import (
    Frame,
    buttons,
    fact_rows,
    frame_card,
    moment,
    name,
    people,
    remark,
)
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier


@dataclass(frozen=True, kw_only=True)
class DeadlineFacts(Origin):
    """A run that missed its deadline.

    :param deadline_at: when it should have been done.
    :param rule: the deadline in words: "2 h after it was queued".
    :param state: of the run, as Airflow calls it.
    """

    deadline_at: datetime | None = None
    rule: str | None = None
    state: str | None = None
    started_at: datetime | None = None


def deadline_card(facts: DeadlineFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return an orange card: the run is late."""
    return fit(facts, lambda known, _: _card(known, locale), most=0, carrier=carrier)


def _card(facts: DeadlineFacts, locale: Locale | None) -> Json:
    title = combine(
        lambda word: f"{facts.dag_id or 'DAG'} {word}", localize(en_us="missed its deadline", zh_cn="已超过截止时间")
    )
    rows = fact_rows(
        [
            (words.DAG, name(facts.dag_id)),
            (words.RUN, name(facts.run_id)),
            (localize(en_us="Due", zh_cn="截止时间"), moment(facts.deadline_at)),
            (localize(en_us="Rule", zh_cn="规则"), name(facts.rule)),
            (words.STARTED, moment(facts.started_at)),
            (localize(en_us="State", zh_cn="状态"), name(facts.state)),
            (words.OWNER, name(facts.owner)),
        ]
    )
    elements = [*rows, people(facts), remark(facts), buttons(facts)]
    return frame_card(Frame(title, "orange", title, facts.run_id), elements, locale)
