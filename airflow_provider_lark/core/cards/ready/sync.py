"""What a run of the sync did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.cards.card import HeaderTemplate
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.languages import Locale, Text, combine, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import (
    Frame,
    bullets,
    buttons,
    fact_rows,
    frame_card,
    name,
    people,
    red_count,
    remark,
    span,
)
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier
from airflow_provider_lark.core.hints import counted

_LINES_MAX = 20


@dataclass(frozen=True, kw_only=True)
class Written:
    """Rows written to one side."""

    created: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.created + self.updated + self.deleted


@dataclass(frozen=True, kw_only=True)
class SyncFacts(Origin):
    """What one run of a mapping did; the names are those of the report that the sync's operators return.

    :param status: ``ok``, ``partial`` or ``held``.
    :param problems: of rows that were left; no cell's content.
    :param table_url: of the table in Lark.
    """

    mapping: str
    operation: str | None = None
    status: str = "ok"
    seconds: float | None = None
    rows_lark: int | None = None
    rows_sql: int | None = None
    to_lark: Written = field(default_factory=Written)
    to_sql: Written = field(default_factory=Written)
    conflicts: int = 0
    failed: int = 0
    held: int = 0
    near_misses: int = 0
    api_calls: int | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    table_url: str | None = None


def read_sync_report(report: Mapping[str, Any], **origin: Any) -> SyncFacts:
    """Return the facts of *report*: what the sync's operators return, as it stands in XCom.

    :param origin: the other facts, such as ``dag_id`` and ``log_url``.
    """
    names = ("mapping", "operation", "status", "seconds", "rows_lark", "rows_sql")
    counts = ("conflicts", "failed", "held", "near_misses")
    given = {name: report[name] for name in (*names, *counts) if report.get(name) is not None}
    calls = report.get("api_calls") or {}
    return SyncFacts(
        **given,
        to_lark=_read_written(report.get("to_lark")),
        to_sql=_read_written(report.get("to_sql")),
        api_calls=calls.get("total"),
        problems=tuple(report.get("problems") or ()),
        warnings=tuple(report.get("warnings") or ()),
        **origin,
    )


def _read_written(counts: Mapping[str, int] | None) -> Written:
    return Written(**{name: (counts or {}).get(name, 0) for name in ("created", "updated", "deleted")})


def sync_card(facts: SyncFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return what the run wrote to each side, and what it left: green, or orange where a person should look."""
    most = min(_LINES_MAX, max(len(facts.problems), len(facts.warnings)))
    return fit(facts, lambda known, lines: _sync_card(known, lines, locale), most=most, carrier=carrier)


def _sync_card(facts: SyncFacts, lines: int, locale: Locale | None) -> Json:
    good = facts.status == "ok" and not facts.failed and not facts.conflicts
    word = localize(en_us="in step", zh_cn="同步完成") if good else localize(en_us="needs attention", zh_cn="需要查看")
    if facts.status == "held":
        word = localize(en_us="deletes held", zh_cn="已暂停")
    title = combine(lambda text: f"{facts.mapping} {text}", word)
    written = combine(lambda lark, sql: f"Lark {lark} · SQL {sql}", _written(facts.to_lark), _written(facts.to_sql))
    seen = [
        (localize(en_us="To Lark", zh_cn="写入飞书"), _written(facts.to_lark)),
        (localize(en_us="To SQL", zh_cn="写入数据库"), _written(facts.to_sql)),
        (localize(en_us="Read", zh_cn="读取"), _read_counts(facts)),
        (words.TOOK, _took(facts)),
        (localize(en_us="Conflicts", zh_cn="冲突"), red_count(facts.conflicts)),
        (localize(en_us="Failed rows", zh_cn="失败行"), red_count(facts.failed)),
        (localize(en_us="Deletes held", zh_cn="暂缓删除"), red_count(facts.held)),
        (localize(en_us="Near misses", zh_cn="取值有出入"), red_count(facts.near_misses)),
        (words.DAG, name(facts.dag_id)),
        (words.RUN, name(facts.run_id)),
    ]
    elements = [
        *fact_rows(seen),
        *_lines(words.PROBLEMS, facts.problems, lines, max(facts.failed, len(facts.problems))),
        *_lines(words.WARNINGS, facts.warnings, lines, len(facts.warnings)),
        people(facts) if not good else None,
        remark(facts),
        buttons(facts, [(words.OPEN_TABLE, facts.table_url)]),
    ]
    color: HeaderTemplate = "green" if good else "orange"
    summary = combine(lambda head, text: f"{head}: {text}", title, written)
    return frame_card(Frame(title, color, summary, facts.operation), elements, locale)


def _written(counts: Written) -> Text:
    if not counts.total:
        return localize(en_us="nothing", zh_cn="无")
    parts = [
        (f"{counts.created:,} new", f"新增 {counts.created:,}", counts.created),
        (f"{counts.updated:,} changed", f"修改 {counts.updated:,}", counts.updated),
        (f"{counts.deleted:,} deleted", f"删除 {counts.deleted:,}", counts.deleted),
    ]
    english = ", ".join(text for text, _, count in parts if count)
    return localize(en_us=english, zh_cn="，".join(text for _, text, count in parts if count))


def _read_counts(facts: SyncFacts) -> Text | None:
    if facts.rows_lark is None and facts.rows_sql is None:
        return None
    lark, sql = facts.rows_lark or 0, facts.rows_sql or 0
    return localize(en_us=f"{counted(lark, 'record')}, {counted(sql, 'row')}", zh_cn=f"{lark:,} 条记录，{sql:,} 行")


def _took(facts: SyncFacts) -> Text | None:
    took = span(facts.seconds)
    if took is None or facts.api_calls is None:
        return took
    calls = localize(en_us=f"{counted(facts.api_calls, 'call')}", zh_cn=f"{facts.api_calls:,} 次调用")
    return combine(lambda time, count: f"{time}, {count}", took, calls)


def _lines(title: Text, texts: Sequence[str], shown: int, total: int) -> list[Element]:
    named = texts[:shown]
    return bullets(title, named, total - len(named))
