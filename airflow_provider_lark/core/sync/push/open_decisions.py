"""What waits for people at the end of a run, as they can read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from airflow_provider_lark.core.cards.cells import value_words
from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.verdicts import Difference, HeldGroup, Kind, OpenConflict, OpenDecisions

_VALUE_BYTES = 600
_KEYS_NAMED = 5
_FAILED_NAMED = 5


def note_open_decisions(run: Run) -> None:
    """Find out what waits for people, where somebody wants to tell them."""
    if run.verdicts.conflicts_told is not None:
        run.verdicts.left = run.read(_gather, run, run.verdicts.conflicts_told)


def _gather(tx: Transaction, run: Run, conflicts_told: int) -> OpenDecisions:
    backlog = tx.queue.backlog()
    held = [_held(tx, kind) for kind in ("held_records", "held_rows")] if backlog.held else []
    report = run.report
    return OpenDecisions(
        tuple(_tell(run, each) for each in tx.conflicts.open_page(after=0, limit=conflicts_told)),
        tx.conflicts.count_open(),
        tuple(each for each in held if each is not None),
        backlog.failed,
        tuple(tx.dead_letters.failed_texts(limit=_FAILED_NAMED)) if backlog.failed else (),
        (report.to_lark.total, report.to_sql.total),
    )


def _held(tx: Transaction, kind: Kind) -> HeldGroup | None:
    pulls = kind == "held_rows"
    count = tx.deletes.count()
    many = count.in_sql if pulls else count.in_lark
    if not many:
        return None
    entries = tx.deletes.page(pulls=pulls, after=0, limit=_KEYS_NAMED)
    return HeldGroup(kind, tx.deletes.fingerprint(pulls=pulls), many, tuple(str(entry.key) for entry in entries))


def _tell(run: Run, conflict: Conflict) -> OpenConflict:
    lark, sql = conflict.lark, conflict.sql
    gone: Side | None = "lark" if lark is None else "sql" if sql is None else None
    differences = tuple(_differences(run, lark, sql)) if lark is not None and sql is not None else ()
    return OpenConflict(str(conflict.key), conflict.fingerprint, gone, differences)


def _differences(run: Run, lark: Mapping[str, Canonical], sql: Mapping[str, Canonical]) -> list[Difference]:
    names = [name for name in run.binding.rules.all_columns if name in lark and name in sql and lark[name] != sql[name]]
    hidden = _hidden(run)
    return [
        Difference(name, None, None, is_hidden=True)
        if name in hidden
        else Difference(name, _cut(run, name, lark[name]), _cut(run, name, sql[name]))
        for name in names
    ]


def _hidden(run: Run) -> frozenset[str]:
    """Return the columns whose values are not told: all of them, where a name among those given is wrong."""
    columns = frozenset(run.binding.rules.all_columns)
    unknown = sorted(run.verdicts.hidden - columns)
    if not unknown:
        return run.verdicts.hidden
    told = f"decision_hidden: no column is named {unknown[0]!r}, so the card shows no values at all"
    warning = f"{told}; {did_you_mean(unknown[0], sorted(columns))}"
    if warning not in run.report.warnings:
        run.report.warnings.append(warning)
    return columns


def _cut(run: Run, column: str, value: Canonical) -> str | None:
    words = words_of_value(run, column, value)
    return None if words is None else cut_end(words, _VALUE_BYTES)


def words_of_value(run: Run, column: str, value: Canonical) -> str | None:
    """Return a value as people read it, a moment in the time zone of the SQL table; None where there is none."""
    if value is None:
        return None
    if run.binding.codecs[column].kind == "instant" and isinstance(value, int):
        zone = ZoneInfo(run.report.time_zone or "UTC")
        return f"{datetime.fromtimestamp(value / 1000, zone):%Y-%m-%d %H:%M:%S}"
    return value_words(value)
