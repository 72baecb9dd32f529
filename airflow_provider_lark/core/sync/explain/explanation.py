"""Everything about one row: what both sides hold now, why it is not in step, and its past."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.database.connections import open_session, read_only_session
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.history.completeness import Gap
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, SqlRow
from airflow_provider_lark.core.sql_side.store import SqlStore
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.explain.authors import Authors, read_authors
from airflow_provider_lark.core.sync.explain.events import Event, events_of
from airflow_provider_lark.core.sync.explain.known import find_pair, read_known
from airflow_provider_lark.core.sync.explain.state import Sides, State, judge
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.plan.actions import plain
from airflow_provider_lark.core.sync.plan.look import look
from airflow_provider_lark.core.sync.users import Users


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of one row.

    :param record_id: empty where it has none.
    :param events: its past, the oldest first.
    :param gap: what the history lacks; None: it goes back to the first run.
    :param authors: who wrote Lark's values, as far as Lark says.
    """

    mapping: str
    key: Key
    record_id: str
    state: State
    events: Sequence[Event]
    gap: Gap | None
    authors: Authors

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        # names of columns are SQLAlchemy's own kind of text, which YAML does not take
        told: dict[str, Any] = json.loads(json.dumps(self._told()))
        return told

    def _told(self) -> dict[str, Any]:
        return {
            "mapping": self.mapping,
            "key": self.key,
            "record_id": self.record_id or None,
            "state": self.state.word,
            "why": list(self.state.why),
            "values": [
                {
                    "column": each.column,
                    "base": plain(each.base),
                    "lark": plain(each.lark),
                    "sql": plain(each.sql),
                    "note": each.note or None,
                }
                for each in self.state.values
            ],
            "events": [_event(each) for each in self.events],
            "history": None if self.gap is None else {"until_ms": self.gap.until_ms, "reason": self.gap.reason},
            "authors": self.authors.to_dict(),
        }


def _event(event: Event) -> dict[str, Any]:
    def told(values: Any) -> dict[str, Any] | None:
        return None if values is None else {name: plain(value) for name, value in values.items()}

    return {
        "at_ms": event.at_ms,
        "what": event.what,
        "base": told(event.base),
        "lark": told(event.lark),
        "sql": told(event.sql),
        "after": told(event.after),
        "why": event.why,
        "run_id": event.run_id or None,
    }


def explain(
    client: LarkClient,
    engine: Engine,
    mapping: TableMapping,
    name: str,
    directory: UserDirectory | None = None,
) -> Explanation | None:
    """Return what there is to say of a row; None where neither side nor the ledger has it.

    :param name: its SQL key, or the id of its record.
    """
    with read_only_session(engine) as conn:
        binding = look(client, conn, mapping, Users(client, engine, directory)).binding
        pair = find_pair(Ledger(conn, binding.table_name), name)
    record_id = RecordId(name) if pair is None and name.startswith("rec") else pair and pair.record_id
    lark, hidden = _read_record(client, binding, record_id) if record_id else (None, "")
    with open_session(engine) as conn:
        ledger = Ledger(conn, binding.table_name)
        known = read_known(ledger, name)
        if lark is not None:
            (lark,) = binding.links.to_keys(ledger, [lark])
        row = SqlStore(conn, binding.spec, binding.codecs).read([known.key]).get(known.key)
    if known.is_empty and row is None and lark is None and not hidden:
        return None
    sides = Sides(lark, row, is_deleted=_is_marked(binding, row), hidden=hidden)
    return Explanation(
        mapping.name,
        known.key,
        record_id or "",
        judge(known, sides, binding.rules.all_columns, mapping.name),
        events_of(known.changes, known.lines),
        known.gap,
        read_authors(client, binding, record_id) if record_id else Authors("it has no record"),
    )


def _read_record(client: LarkClient, binding: Binding, record_id: str) -> tuple[LarkRow | None, str]:
    """Return a record, and why it is not to be seen; None and an empty text where it is gone."""
    table = LarkTable(client, binding.app_token, binding.table_id)
    fates = table.look_up([record_id])
    if not fates.shown:
        return None, fates.hidden.get(RecordId(record_id), "")
    codecs = {pair.column.name: pair.codec for pair in binding.pairs}
    return BitableStore(table, binding.fields, codecs, forgiven=binding.forgiven).decode(fates.shown[0]), ""


def _is_marked(binding: Binding, row: SqlRow | None) -> bool:
    deletes = binding.mapping.deletes
    return row is not None and deletes.mode == "soft" and bool(row.values.get(deletes.column))
