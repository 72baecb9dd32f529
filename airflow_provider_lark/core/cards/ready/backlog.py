"""What waits to be synced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.cards.chart import chart_of_rows
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.display import Markdown
from airflow_provider_lark.core.cards.languages import Locale, joined, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import (
    Frame,
    buttons,
    fact_rows,
    frame_card,
    name,
    people,
    red_count,
    remark,
    span,
)
from airflow_provider_lark.core.cards.table import Table, TableColumn
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier
from airflow_provider_lark.core.hints import counted

_TABLES_MAX = 100


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What waits of one mapping.

    :param oldest_seconds: age of the oldest entry that waits.
    """

    mapping: str
    pending: int
    oldest_seconds: float | None = None
    failed: int = 0
    held: int = 0


@dataclass(frozen=True, kw_only=True)
class BacklogFacts(Origin):
    """What waits to be synced.

    :param limit: the rule that was broken, in words.
    """

    mappings: tuple[Waiting, ...]
    limit: str | None = None


def backlog_card(facts: BacklogFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return what waits, the mapping with most first; several are drawn as bars."""
    ranked = sorted(facts.mappings, key=lambda each: (-each.pending, -each.failed, each.mapping))
    most = min(len(ranked), _TABLES_MAX)
    return fit(facts, lambda known, shown: _backlog_card(known, ranked, shown, locale), most=most, carrier=carrier)


def _backlog_card(facts: BacklogFacts, ranked: list[Waiting], shown: int, locale: Locale | None) -> Json:
    pending, failed = sum(each.pending for each in ranked), sum(each.failed for each in ranked)
    oldest = max((each.oldest_seconds for each in ranked if each.oldest_seconds is not None), default=None)
    title = localize(en_us=f"{counted(pending, 'change')} waiting to be synced", zh_cn=f"{pending:,} 个变更等待同步")
    seen = [
        (localize(en_us="Oldest", zh_cn="最久等待"), span(oldest)),
        (localize(en_us="Failed rows", zh_cn="失败行"), red_count(failed)),
        (localize(en_us="Limit", zh_cn="阈值"), name(facts.limit)),
        (words.DAG, name(facts.dag_id)),
        (words.RUN, name(facts.run_id)),
        (words.OWNER, name(facts.owner)),
    ]
    named = ranked[:shown]
    label = joined(localize(en_us="Waiting", zh_cn="等待"), locale)
    bars = [(each.mapping, each.pending) for each in named]
    chart = chart_of_rows("bar", ["mapping", label], bars, x="mapping", y=label, title=label)
    more = Markdown(words.and_more(len(ranked) - shown)) if len(ranked) > shown else None
    elements = [
        *fact_rows(seen),
        chart,
        _waiting_table(named, locale),
        more,
        people(facts),
        remark(facts),
        buttons(facts),
    ]
    return frame_card(Frame(title, "orange", title), elements, locale)


def _waiting_table(named: Sequence[Waiting], locale: Locale | None) -> Element | None:
    if not named:
        return None
    columns = [
        TableColumn("mapping", localize(en_us="Mapping", zh_cn="映射")),
        TableColumn("pending", localize(en_us="Waiting", zh_cn="等待"), "number"),
        TableColumn("oldest", localize(en_us="Oldest", zh_cn="最久等待")),
        TableColumn("failed", localize(en_us="Failed", zh_cn="失败"), "number"),
        TableColumn("held", localize(en_us="Held", zh_cn="暂缓"), "number"),
    ]
    rows = [_waiting_row(each, locale) for each in named]
    used = [column for column in columns if any(column.name in row for row in rows)]
    return Table(used, rows, page_size=10)


def _waiting_row(waiting: Waiting, locale: Locale | None) -> dict[str, Any]:
    row: dict[str, Any] = {"mapping": waiting.mapping, "pending": waiting.pending}
    if waiting.oldest_seconds is not None:
        row["oldest"] = joined(words.span(waiting.oldest_seconds), locale)
    counts = {"failed": waiting.failed, "held": waiting.held}
    return {**row, **{name: count for name, count in counts.items() if count}}
