"""How the processes of an app share its rate limits in a database: by the database's clock, an entry at a time."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.tables import rate_limits as table
from airflow_provider_lark.core.api.calls.budget.store import Decide, Page
from airflow_provider_lark.core.database.dbtime import Now, NowMs
from airflow_provider_lark.core.database.insert import insert_new_rows

T = TypeVar("T")


class SqlRateStore:
    """See :class:`.RateStore`; safe to share between threads."""

    def __init__(self, database: AccountsDatabase, host: str, app_id: str) -> None:
        self._database = database
        self._app = {"host": host, "app_id": app_id}

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        """Read the entries and write what *decide* makes of them, in one transaction that locks them."""

        def work(conn: Connection) -> T:
            page = self._read(conn, names)
            if len(page.entries) < len(names):
                insert_new_rows(
                    conn,
                    table,
                    [{**self._app, "name": name, "entry": ""} for name in names if name not in page.entries],
                )
                page = self._read(conn, names)
            entries, result = decide(page)
            changed = [
                {"which": name, "text": text} for name, text in entries.items() if text != page.entries.get(name)
            ]
            if changed:
                statement = update(table).where(*self._is_ours(), table.c.name == bindparam("which"))
                conn.execute(statement.values(entry=bindparam("text"), updated_at=Now()), changed)
            return result

        return self._database.transact(work)

    def _read(self, conn: Connection, names: tuple[str, ...]) -> Page:
        found = conn.execute(
            select(table.c.name, table.c.entry, NowMs().label("now_ms"))
            .where(*self._is_ours(), table.c.name.in_(names))
            # in one order, or two would wait for each other
            .order_by(table.c.name)
            .with_for_update()
        ).all()
        # read before or after a wait for the lock: an earlier time only makes others' leases look longer
        return Page({row.name: row.entry for row in found}, min((row.now_ms for row in found), default=0))

    def _is_ours(self) -> list[ColumnElement[bool]]:
        return [table.c[name] == value for name, value in self._app.items()]
