"""The Lark side of a plan: records are read from Lark, and what would be written is kept beside them.

Records are looked at before they are written to, as the run's own writes would find them: there, gone or hidden.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select

from airflow_provider_lark.core.api.wire.limits import SEARCH_PAGE_MAX
from airflow_provider_lark.core.api.wire.results import RecordPage, WireRecord
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.errors import AccessDenied, RecordNotFound
from airflow_provider_lark.core.lark_side.table import HIDDEN, Body, Fates, LarkTable, Removal
from airflow_provider_lark.core.lark_side.unwritten_table import NEW_RECORD
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.plan.database import PlanDatabase, planned_record


@dataclass(frozen=True, slots=True)
class LarkWrite:
    """One write call that a run would make.

    :param cells: the records' ids with what is written.
    :param client_token: of a create.
    :param shown: of an update, the records as they are before it, as far as Lark returns them.
    """

    kind: Literal["create", "update", "delete"]
    cells: Sequence[tuple[str, Body]]
    client_token: str = ""
    shown: Sequence[WireRecord] = ()


Note = Callable[[Connection, LarkWrite], None]
"""Is told of each write, in the transaction that keeps it."""


class PlannedTable(LarkTable):
    """A table of which every write is only noted; reads show it as if it were done.

    :param links: the names of link fields, which Lark shows otherwise than they are written.
    :param new_at_ms: the time, where new records are met again by a read of the newest; None where nothing would come
        of it, because they show what was written.
    """

    def __init__(
        self,
        table: LarkTable,
        database: PlanDatabase,
        links: Collection[str],
        note: Note,
        new_at_ms: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(table.client, table.app_token, table.table_id)
        self._database = database
        self._note = note
        self._links = links
        self._new_at_ms = new_at_ms
        self._created = 0
        self._deleted = 0
        self._written = False
        # what Lark says of the records that are written to next, so that a batch in parts is not asked for in parts
        self._looked = Fates()

    def create(self, bodies: Sequence[Body], *, client_token: str) -> list[WireRecord]:
        """Note records to create, and answer as Lark would."""
        made = []
        for body in bodies:
            self._created += 1
            made.append((f"{NEW_RECORD}{self._created:08}", body))
        self._keep(LarkWrite("create", made, client_token))
        return [self._answer(id_, body) for id_, body in made]

    def update(self, patches: Sequence[tuple[str, Body]]) -> list[WireRecord]:
        """Note cells to write, and answer as Lark would.

        :raises RecordNotFound: a record does not exist; as from Lark, nothing of the batch is written then.
        :raises AccessDenied: a record is hidden from the app; likewise.
        """
        fates = self.look_up([id_ for id_, _ in patches])
        if fates.gone:
            raise RecordNotFound(f"{self.label}: record {fates.gone[0]} does not exist")
        if HIDDEN in fates.hidden.values():
            raise AccessDenied(HIDDEN)
        self._keep(LarkWrite("update", patches, shown=fates.shown))
        return [self._answer(id_, body) for id_, body in patches]

    def remove(self, record_ids: Sequence[str]) -> Removal:
        """Note records to delete; those that are gone or hidden are not."""
        fates = self.look_up(record_ids)
        hidden = fates.hidden
        if not fates.gone and HIDDEN not in hidden.values():
            # Lark is asked to delete what it cannot return, too, unless it refuses for another record's sake
            hidden = {}
        left = {*fates.gone, *hidden}
        doomed = [id_ for id_ in record_ids if id_ not in left]
        self._keep(LarkWrite("delete", [(id_, {}) for id_ in doomed]))
        self._deleted += len(doomed)
        return Removal(tuple(fates.gone), hidden)

    def search(self, *args: Any, **kwargs: Any) -> Iterator[RecordPage]:
        """Yield the records of Lark with what is noted; those that are not there yet only where they come first."""
        if (sort := kwargs.get("sort")) and self._new_at_ms is not None and self._created:
            yield from self._newest(sort[0]["field_name"], self._new_at_ms())
        for page in super().search(*args, **kwargs):
            found, gone = self._planned([record["record_id"] for record in page.items])
            items = [_merge(record, found) for record in page.items if record["record_id"] not in gone]
            total = None if page.total is None else page.total + self._created - self._deleted
            yield replace(page, items=items, total=total)

    def _newest(self, modified: str, now_ms: int) -> Iterator[RecordPage]:
        """Yield the records that are not there yet, the last ones first."""
        before = f"{NEW_RECORD}~"
        there = (planned_record.c.record_id.startswith(NEW_RECORD), planned_record.c.fields.is_not(None))
        while True:
            page = select(planned_record).where(*there, planned_record.c.record_id < before)
            with self._database.read() as conn:
                rows = conn.execute(page.order_by(planned_record.c.record_id.desc()).limit(SEARCH_PAGE_MAX)).all()
            if not rows:
                return
            cells = {row.record_id: {**json.loads(row.fields), modified: now_ms} for row in rows}
            items = [self._answer(id_, body) for id_, body in cells.items()]
            yield RecordPage(items, has_more=True, page_token=None, total=None)
            before = rows[-1].record_id

    def look_ahead(self, record_ids: Sequence[str]) -> Fates:
        """Tell of records that are written to next; :meth:`look_up` does not ask for these again."""
        new = {id_ for id_ in record_ids if id_.startswith(NEW_RECORD)}
        asked = [id_ for id_ in record_ids if id_ not in new]
        self._looked = super().look_up(asked) if asked else Fates()
        return self.look_up(record_ids)

    def look_up(self, record_ids: Sequence[str], *, automatic_fields: bool = False) -> Fates:
        """Tell of records as they would be."""
        found, gone = self._planned(record_ids)
        new = [id_ for id_ in record_ids if id_.startswith(NEW_RECORD)]
        asked = [id_ for id_ in record_ids if id_ not in gone and id_ not in new]
        fates = self._ask(asked, automatic_fields) if asked else Fates()
        shown = [_merge(record, found) for record in fates.shown]
        shown += [WireRecord(record_id=id_, fields=found[id_]) for id_ in new if id_ in found and id_ not in gone]
        return Fates(shown, fates.hidden, [*fates.gone, *map(RecordId, sorted(gone))])

    def _ask(self, record_ids: Sequence[str], automatic_fields: bool) -> Fates:
        known, wanted = self._looked, set(record_ids)
        if automatic_fields or not wanted <= {*_ids(known.shown), *known.hidden, *known.gone}:
            return super().look_up(record_ids, automatic_fields=automatic_fields)
        return Fates(
            [record for record in known.shown if record["record_id"] in wanted],
            {id_: why for id_, why in known.hidden.items() if id_ in wanted},
            [id_ for id_ in known.gone if id_ in wanted],
        )

    def _answer(self, record_id: str, body: Body) -> WireRecord:
        return WireRecord(record_id=record_id, fields=self.as_shown(body))

    def as_shown(self, body: Body) -> dict[str, Any]:
        """Return written cells as Lark shows them."""
        return {
            name: {"link_record_ids": cell} if name in self._links and isinstance(cell, list) else cell
            for name, cell in body.items()
        }

    def _keep(self, write: LarkWrite) -> None:
        if not write.cells:
            return
        with self._database.write() as conn:
            known, _ = self._planned([id_ for id_, _ in write.cells], conn)
            self._note(conn, write)
            for some in split(write.cells):
                ids = [id_ for id_, _ in some]
                conn.execute(delete(planned_record).where(is_among(planned_record.c.record_id, ids)))
                rows = [
                    {
                        "record_id": id_,
                        "fields": None if write.kind == "delete" else json.dumps({**known.get(id_, {}), **body}),
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


def _ids(records: Sequence[WireRecord]) -> list[str]:
    return [record["record_id"] for record in records]
