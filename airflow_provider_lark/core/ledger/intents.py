"""Write intents: writes to Lark, recorded before they are sent, so that a lost answer can be recovered from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import intent as table
from airflow_provider_lark.core.side import Key

Kind = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Intent:
    """One batch of writes.

    :param client_token: what Lark recognises a repeated create by; the intent's own name.
    :param keys: the SQL keys, in the order of *payload*.
    :param payload: one mapping per record; for a create its wire fields, exactly as they are sent.
    :param created_ms: when it was decided, by the engine's clock.
    """

    client_token: str
    keys: tuple[Key, ...]
    payload: list[dict[str, Any]]
    created_ms: int
    kind: Kind = "create"


class Intents(LedgerPart):
    """The writes to one Bitable table that were decided."""

    def begin(self, intent: Intent) -> None:
        """Record *intent*; commit before the request is sent."""
        self.conn.execute(
            insert(table).values(
                client_token=intent.client_token,
                table_name=self.table_name,
                kind=intent.kind,
                sql_keys=json.dumps(intent.keys, ensure_ascii=False),
                payload=json.dumps(intent.payload),
                created_ms=intent.created_ms,
            )
        )

    def open(self, *kinds: Kind) -> list[Intent]:
        """Return the intents of *kinds* whose outcome is not known, the oldest first."""
        pending = select(table).where(
            table.c.table_name == self.table_name, table.c.state == "open", table.c.kind.in_(kinds)
        )
        return [
            Intent(
                client_token=row.client_token,
                keys=tuple(json.loads(row.sql_keys)),
                payload=json.loads(row.payload),
                created_ms=row.created_ms,
                kind=row.kind,
            )
            for row in self.conn.execute(pending.order_by(table.c.created_ms, table.c.client_token))
        ]

    def finish(self, client_token: str) -> None:
        """Note that the outcome of an intent is known and its pairs are stored; its values are dropped."""
        done = update(table).where(table.c.client_token == client_token).values(state="done", payload="[]")
        self.conn.execute(done)


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Drop finished intents that are so old, of every table; return how many."""
    old = (table.c.state == "done", table.c.created_at <= now_plus(-older_than_seconds))
    return conn.execute(delete(table).where(*old)).rowcount
