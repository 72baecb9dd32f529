"""What a running scan of a side has seen, kept in SQL so that memory does not grow with the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.database.insert import insert_new
from airflow_provider_lark.core.database.predicates import is_among, is_missing, unindexed
from airflow_provider_lark.core.ledger.pairs import Pair, from_row
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import record_map, scan
from airflow_provider_lark.core.side import Id, Key, Side

Seen = Side | Literal["outside", "view"]
"""Where a row was seen; ``outside`` marks records that are there, but outside the mapping's filter, ``view`` those that
its view shows."""


@dataclass(frozen=True)
class ScanMarks(LedgerPart):
    """What one scan of a table has seen."""

    scan_id: str

    def mark(self, side: Seen, ids: Iterable[str]) -> None:
        """Note that the scan has seen *ids*: keys on the side ``sql``, else record ids."""
        statement = insert_new(self.conn, scan)
        for some in split(list(ids)):
            self.conn.execute(statement, [{"scan_id": self.scan_id, "side": side, "id": id_} for id_ in some])

    def some(self, side: Side, limit: int) -> list[str]:
        """Return up to *limit* ids that the scan has seen."""
        marked = select(scan.c.id).where(scan.c.scan_id == self.scan_id, scan.c.side == side)
        return list(self.conn.scalars(marked.order_by(scan.c.id).limit(limit)))

    def unmarked(self, side: Seen, ids: Iterable[Id]) -> list[Id]:
        """Return those of *ids* that the scan has not seen, in their order."""
        wanted = list(ids)
        seen: set[str] = set()
        for some in split(wanted):
            marked = select(scan.c.id).where(
                unindexed(scan.c.scan_id == self.scan_id), scan.c.side == side, is_among(scan.c.id, some)
            )
            seen.update(self.conn.scalars(marked))
        return [id_ for id_ in wanted if id_ not in seen]

    def pairs_unseen(self, side: Side, *, limit: int, after: Key | None = None) -> list[Pair]:
        """Return up to *limit* live pairs whose row on *side* the scan has not seen, in the order of their keys.

        On the side ``lark`` also reserved keys, whose record may be gone; in SQL they need not have a row.

        :param after: the last key of the page before.
        """
        id_ = record_map.c.lark_record_id if side == "lark" else record_map.c.key
        not_seen = is_missing(scan.c.id == id_, scan.c.scan_id == self.scan_id, scan.c.side == side)
        unseen = select(record_map).where(record_map.c.table_name == self.table_name, ~record_map.c.tombstone, not_seen)
        if side == "sql":
            unseen = unseen.where(record_map.c.base.is_not(None))
        if after is not None:
            unseen = unseen.where(record_map.c.key > after)
        return [from_row(row) for row in self.conn.execute(unseen.order_by(record_map.c.key).limit(limit))]

    def pairs_out_of_view(self, *, limit: int, after: Key | None = None) -> list[Pair]:
        """Return up to *limit* pairs that do not rest and whose record the view does not show."""
        shown = (scan.c.id == record_map.c.lark_record_id, scan.c.scan_id == self.scan_id, scan.c.side == "view")
        live = (record_map.c.base.is_not(None), ~record_map.c.tombstone, ~record_map.c.outside)
        left = select(record_map).where(record_map.c.table_name == self.table_name, *live, is_missing(*shown))
        if after is not None:
            left = left.where(record_map.c.key > after)
        return [from_row(row) for row in self.conn.execute(left.order_by(record_map.c.key).limit(limit))]

    def drop(self) -> None:
        """Forget what the scan has seen."""
        self.conn.execute(delete(scan).where(scan.c.scan_id == self.scan_id))


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Forget scans that never ended, of every table; return how many marks that were."""
    return conn.execute(delete(scan).where(scan.c.created_at <= now_plus(-older_than_seconds))).rowcount
