"""The Lark side of a plan: records are read from Lark, and what would be written is kept beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from airflow_provider_lark.core.api.wire.results import RecordPage, WireRecord
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.lark_side.table import Body, Fates, LarkTable, Removal
from airflow_provider_lark.core.lark_side.unwritten_table import NEW_RECORD
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.plan.database import PlanDatabase, planned_record

Note = Callable[[Connection, str, Sequence[tuple[str, Body]], str], None]
"""Is told of a write: its kind, the records' ids with what is written, and a create's client_token."""


class PlannedTable(LarkTable):
    """A table of which every write is only noted; reads show it as if it were done.

    :param links: the names of link fields, which Lark shows otherwise than they are written.
    :param note: is told of each write, in the transaction that keeps it.
    """

    def __init__(
        self,
        table: LarkTable,
        database: PlanDatabase,
        links: Collection[str],
        note: Note,
    ) -> None:
        super().__init__(table.client, table.app_token, table.table_id)
        self._database = database
        self._note = note
        self._links = links
        self._created = 0
        self._deleted = 0
        self._written = False

    def create(self, bodies: Sequence[Body], *, client_token: str) -> list[WireRecord]:
        """Note records to create, and answer as Lark would."""
        made = []
        for body in bodies:
            self._created += 1
            made.append((f"{NEW_RECORD}{self._created:08}", body))
        self._keep("create", made, client_token)
        return [self._answer(id_, body) for id_, body in made]

    def update(self, patches: Sequence[tuple[str, Body]]) -> list[WireRecord]:
        """Note cells to write, and answer as Lark would."""
        self._keep("update", patches)
        return [self._answer(id_, body) for id_, body in patches]

    def remove(self, record_ids: Sequence[str]) -> Removal:
        """Note records to delete."""
        self._keep("delete", [(id_, {}) for id_ in record_ids])
        self._deleted += len(record_ids)
        return Removal()

    def search(self, *args: Any, **kwargs: Any) -> Iterator[RecordPage]:
        """Yield the records of Lark with what is noted; those that are not there yet are only counted."""
        for page in super().search(*args, **kwargs):
            found, gone = self._planned([record["record_id"] for record in page.items])
            items = [_merge(record, found) for record in page.items if record["record_id"] not in gone]
            total = None if page.total is None else page.total + self._created - self._deleted
            yield replace(page, items=items, total=total)

    def look_up(self, record_ids: Sequence[str], *, automatic_fields: bool = False) -> Fates:
        """Tell of records as they would be."""
        found, gone = self._planned(record_ids)
        new = [id_ for id_ in record_ids if id_.startswith(NEW_RECORD)]
        asked = [id_ for id_ in record_ids if id_ not in gone and id_ not in new]
        fates = super().look_up(asked, automatic_fields=automatic_fields) if asked else Fates()
        shown = [_merge(record, found) for record in fates.shown]
        shown += [WireRecord(record_id=id_, fields=found[id_]) for id_ in new if id_ in found and id_ not in gone]
        return Fates(shown, fates.hidden, [*fates.gone, *map(RecordId, sorted(gone))])

    def _answer(self, record_id: str, body: Body) -> WireRecord:
        return WireRecord(record_id=record_id, fields=self.as_shown(body))

    def as_shown(self, body: Body) -> dict[str, Any]:
        """Return written cells as Lark shows them."""
        return {
            name: {"link_record_ids": cell} if name in self._links and isinstance(cell, list) else cell
            for name, cell in body.items()
        }

    def _keep(self, kind: str, writes: Sequence[tuple[str, Body]], client_token: str = "") -> None:
        with self._database.write() as conn:
            known, _ = self._planned([id_ for id_, _ in writes], conn)
            self._note(conn, kind, writes, client_token)
            for some in split(writes):
                ids = [id_ for id_, _ in some]
                conn.execute(delete(planned_record).where(is_among(planned_record.c.record_id, ids)))
                rows = [
                    {
                        "record_id": id_,
                        "fields": None if kind == "delete" else json.dumps({**known.get(id_, {}), **body}),
                    }
                    for id_, body in some
                ]
                conn.execute(insert(planned_record), rows)
            self._written = True

    def _planned(
        self, record_ids: Sequence[str], conn: Connection | None = None
    ) -> tuple[dict[str, dict[str, Any]], set[str]]:
        """Return the noted cells by record, and the records that would be deleted."""
        if conn is None:
            with self._database.read() as own:
                return self._planned(record_ids, own)
        cells: dict[str, dict[str, Any]] = {}
        gone: set[str] = set()
        if not self._written:
            return cells, gone
        for some in split(list(record_ids)):
            wanted = select(planned_record).where(is_among(planned_record.c.record_id, some))
            for id_, fields in conn.execute(wanted):
                if fields is None:
                    gone.add(id_)
                else:
                    cells[id_] = self.as_shown(json.loads(fields))
        return cells, gone


def _merge(record: WireRecord, cells: dict[str, dict[str, Any]]) -> WireRecord:
    noted = cells.get(record["record_id"])
    return record if noted is None else {**record, "fields": {**record["fields"], **noted}}
