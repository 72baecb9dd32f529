"""The card that says when a table's sync is not well: one for each chat or person that is told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, select, update

from airflow_provider_lark.core.database.insert import insert_new
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import alarm


class Alarms(LedgerPart):
    """The alarms of one table; what is kept of one, :class:`~.health.alarm.Alarm` says.

    A *place* names mapping and receiver, in 64 characters at most.
    """

    def make(self, place: str) -> None:
        """Make the alarm at *place*, if there is none. In a transaction of its own: on MySQL two who find it there
        would hold locks that keep each other from changing it.
        """
        self.conn.execute(insert_new(self.conn, alarm).values(place=place, table_name=self.table_name))

    def lock(self, place: str) -> dict[str, Any] | None:
        """Return what is kept of the alarm at *place*, which nobody else changes until the transaction ends; None
        before there is one.
        """
        mine = select(alarm).where(alarm.c.place == place).with_for_update()
        row = self.conn.execute(mine).mappings().one_or_none()
        return None if row is None else _kept(row)

    def all(self) -> dict[str, dict[str, Any]]:
        """Return what is kept of each alarm of the table, by its place."""
        rows = self.conn.execute(select(alarm).where(alarm.c.table_name == self.table_name)).mappings()
        return {row["place"]: _kept(row) for row in rows}

    def write(self, place: str, **values: Any) -> None:
        """Keep *values* of the alarm at *place*, which is there and locked."""
        self.conn.execute(update(alarm).where(alarm.c.place == place).values(**values))


def _kept(row: RowMapping) -> dict[str, Any]:
    return {str(name): row[name] for name in row if name not in ("place", "table_name")}
