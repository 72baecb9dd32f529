"""The card that says when a table's sync is not well: one for each chat or person that is told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import alarm


class Alarms(LedgerPart):
    """The alarms of one table; what is kept of one, :class:`~.health.alarm.Alarm` says."""

    def read(self, place: str) -> dict[str, Any] | None:
        """Return what is kept of the alarm at *place*; None before there is one."""
        mine = select(alarm).where(alarm.c.place == place)
        row = self.conn.execute(mine).mappings().one_or_none()
        return None if row is None else {name: row[name] for name in row if name not in ("place", "table_name")}

    def write(self, place: str, **values: Any) -> None:
        """Keep *values* of the alarm at *place*.

        :param place: names mapping and receiver; 64 characters at most.
        """
        found = self.conn.execute(update(alarm).where(alarm.c.place == place).values(**values)).rowcount
        if not found:
            self.conn.execute(insert(alarm).values(place=place, table_name=self.table_name, **values))
