"""What the page shows of a mapping, at most a hundred rows at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.choices import Chosen, chosen_winners, differing_columns, held_set
from airflow_provider_lark.core.sync.explain.events import Event, events_of
from airflow_provider_lark.core.sync.explain.known import read_known
from airflow_provider_lark.core.sync.plan.actions import plain

ROWS_MAX = 100
CONFLICTS_MAX = 20
COLUMNS_MAX = 40
TEXT_MAX = 500

_Values = Mapping[str, Canonical]


def runs(ledger: Ledger, before: int | None) -> dict[str, Any]:
    """Return runs, the newest first."""
    return _page("runs", [asdict(each) for each in ledger.runs.latest(limit=ROWS_MAX + 1, before=before)], ROWS_MAX)


def failed(ledger: Ledger, text: str, before: int | None, after: int | None) -> dict[str, Any]:
    """Return rows that failed, with what a button for all of them has to name."""
    found = ledger.dead_letters.failed_page(limit=ROWS_MAX + 1, text=text, before=before, after=after)
    rows = [{**each._asdict(), "error": _cut(each.error)} for each in found]
    return {**_page("rows", rows, ROWS_MAX), "seen": asdict(ledger.dead_letters.look(text=text))}


def conflicts(ledger: Ledger, after: int, *, values: bool) -> dict[str, Any]:
    """Return open conflicts.

    :param values: tell what both sides hold.
    """
    found = ledger.conflicts.open_page(after=after, limit=CONFLICTS_MAX + 1, undecided=False)
    chosen = chosen_winners(ledger, found)
    rows = [{**_conflict(each, values=values), "decided": _decided(chosen.get(each.key))} for each in found]
    return {**_page("conflicts", rows, CONFLICTS_MAX), "count": ledger.conflicts.count_open()}


def held(ledger: Ledger, kept_in: Side, after: int) -> dict[str, Any]:
    """Return deletes that are held on one side."""
    found = held_set(ledger, kept_in)
    entries = ledger.deletes.page(pulls=kept_in == "sql", after=after, limit=ROWS_MAX + 1)
    page = _page("rows", [each._asdict() for each in entries], ROWS_MAX)
    return {**page, "count": found.count, "seen": found.seen, "decided": _decided(found.chosen)}


def blacklist(ledger: Ledger, before: int | None) -> dict[str, Any]:
    """Return rows that the sync leaves alone."""
    found = ledger.blacklist.entries(limit=ROWS_MAX + 1, before=before)
    return _page("rows", [{**each._asdict(), "reason": _cut(each.reason)} for each in found], ROWS_MAX)


def history(ledger: Ledger, name: str, *, values: bool) -> dict[str, Any]:
    """Return what the ledger knows of a row, its past with the newest first. Lark is not asked.

    :param name: its key, or the id of its record.
    :param values: tell what was written.
    """
    # one more than is shown: a write has all values of the row, and a thousand of them may not fit into memory
    known = read_known(ledger, name, changes=ROWS_MAX + 1)
    events = events_of(known.changes, known.lines)
    newest = events[: -ROWS_MAX - 1 : -1]
    return {
        "key": known.key,
        "record_id": None if known.pair is None else known.pair.record_id,
        "waiting": [f"{each.operation} {each.status}" for each in known.waiting[:ROWS_MAX]],
        "is_listed": known.listed is not None,
        "conflict": None if known.conflict is None else known.conflict.id,
        "gap": None if known.gap is None else {"until_ms": known.gap.until_ms, "reason": known.gap.reason},
        "values": values,
        "events": [_event(each, values=values) for each in newest],
        "more": len(events) > len(newest),
    }


def _decided(chosen: Chosen | None) -> dict[str, str] | None:
    return None if chosen is None else chosen._asdict()


def _event(event: Event, *, values: bool) -> dict[str, Any]:
    sides = {"base": event.base, "lark": event.lark, "sql": event.sql, "after": event.after}
    columns = [
        {"name": name, **({side: _told(held, name) for side, held in sides.items()} if values else {})}
        for name in event.columns[:COLUMNS_MAX]
    ]
    told = {"at_ms": event.at_ms, "what": event.what, "why": _cut(event.why), "run_id": event.run_id}
    return {**told, "columns": columns}


def _page(name: str, rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return one page of *rows*, which hold one more than that where there is another page."""
    return {name: rows[:limit], "more": len(rows) > limit}


def _conflict(conflict: Conflict, *, values: bool) -> dict[str, Any]:
    sides: dict[str, _Values | None] = {"base": conflict.base, "lark": conflict.lark, "sql": conflict.sql}
    differing = differing_columns(conflict)
    gone = "lark" if conflict.lark is None else "sql" if conflict.sql is None else None
    names = differing or list(dict.fromkeys(name for side in sides.values() for name in side or ()))
    return {
        "id": conflict.id,
        "key": conflict.key,
        "seen": conflict.fingerprint,
        "policy": conflict.policy,
        "gone": gone,
        "values": values,
        "columns": [
            {"name": name, **({side: _told(known, name) for side, known in sides.items()} if values else {})}
            for name in names[:COLUMNS_MAX]
        ],
        "left_out": max(0, len(names) - COLUMNS_MAX),
    }


def _told(values: _Values | None, name: str) -> str | None:
    value = None if values is None else values.get(name)
    if value is None:
        return None
    return _cut(value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
