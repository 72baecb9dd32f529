"""Time the ledger and the SQL store on what databases there are: ``python tests/bench/bench_stores.py``.

Prints milliseconds and statements for one batch of 500; nothing is asserted.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from airflow_provider_lark.core.capture import install, mute
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of, key_columns_of, reflect_table
from airflow_provider_lark.core.sql_side.store import SqlStore

ROWS = 500
ROUNDS = 7
LOADED = 100_000

databases = runpy.run_path(str(Path(__file__).parents[1] / "databases.py"))


def measure(engine: Engine, name: str, work: Callable[[Any], object]) -> None:
    sent: list[str] = []
    times = []

    def count(*call: Any) -> None:
        sent.append(call[2])

    event.listen(engine, "before_cursor_execute", count)
    for _ in range(ROUNDS):
        sent.clear()
        start = time.perf_counter()
        with write_transaction(engine) as conn:
            work(conn)
        times.append((time.perf_counter() - start) * 1000)
    event.remove(engine, "before_cursor_execute", count)
    print(f"  {name:44} {sorted(times)[ROUNDS // 2]:8.1f} ms  {len(sent):4} statements")


def bench(kind: str, engine: Engine) -> None:
    migrate.upgrade(engine)
    with write_transaction(engine) as conn:
        conn.execute(text("CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a VARCHAR(50), b VARCHAR(50), n INTEGER)"))
        table = reflect_table(conn, "t")
        spec = TableSpec("t", None, columns_of(table), key_columns_of(table), table)
        install(conn, spec)
    types = {"a": FieldType.TEXT, "b": FieldType.TEXT}
    codecs = {
        column.name: build_codec(Field("fld", column.name, types.get(column.name, FieldType.NUMBER)), column)
        for column in spec.columns
    }
    keys = [Key(str(number)) for number in range(ROWS)]
    base = {"id": 1, "a": "海淀区" * 5, "b": "x" * 30, "n": 12345}
    saved = [Pair(key, RecordId(f"recA{key}"), base, 1_760_000_000_000) for key in keys]
    ids = [pair.record_id for pair in saved]
    tick = iter(range(10**9))
    print(f"{kind}: {ROWS} rows a batch, median of {ROUNDS}")

    def store(conn: Any) -> SqlStore:
        return SqlStore(conn, spec, codecs)

    def write(conn: Any) -> None:
        with mute(conn, spec):
            number = next(tick)
            store(conn).update([(key, {"a": f"v{number}", "n": number}) for key in keys])

    def claim_and_complete(conn: Any) -> None:
        queue = Ledger(conn, "t").queue
        queue.enqueue(keys)
        claims = queue.claim(limit_keys=ROWS, token="bench", lease_seconds=60)
        queue.complete([entry for claim in claims for entry in claim.entry_ids])

    def claim(conn: Any) -> None:
        Ledger(conn, "t").queue.claim(limit_keys=ROWS, token=f"bench {next(tick)}", lease_seconds=-1)

    measure(engine, "create rows", lambda conn: _recreate(store(conn), keys))
    measure(engine, "read rows", lambda conn: store(conn).read(keys))
    measure(engine, "read rows for update", lambda conn: store(conn).read(keys, for_update=True))
    composite = _composite(engine)
    pair_keys = [Key(f'["s{number % 50}","{number}"]') for number in range(ROWS)]
    measure(engine, f"read rows by two columns, of {LOADED:,}", lambda conn: composite(conn).read(pair_keys))
    measure(engine, "update two columns, muted", write)
    measure(engine, "save pairs", lambda conn: Ledger(conn, "t").pairs.save(saved))
    measure(engine, "pairs by keys", lambda conn: Ledger(conn, "t").pairs.by_keys(keys))
    measure(engine, "pairs by records", lambda conn: Ledger(conn, "t").pairs.by_records(ids))
    measure(engine, "enqueue, claim and complete", claim_and_complete)
    with write_transaction(engine) as conn:
        Ledger(conn, "t").queue.enqueue([Key(f"k{number}") for number in range(LOADED)])
    measure(engine, f"claim of a backlog of {LOADED:,}", claim)
    measure(engine, "backlog", lambda conn: Ledger(conn, "t").queue.backlog())
    measure(
        engine,
        "mark a scan's page",
        lambda conn: Ledger(conn, "t").scan("s").mark("lark", [p.record_id for p in saved]),
    )


def _composite(engine: Engine) -> Callable[[Any], SqlStore]:
    """Make a large table whose key has two columns."""
    with write_transaction(engine) as conn:
        conn.execute(text("CREATE TABLE c (shop VARCHAR(9), n INTEGER, PRIMARY KEY (shop, n))"))
        rows = [{"shop": f"s{number % 50}", "n": number} for number in range(LOADED)]
        conn.execute(text("INSERT INTO c VALUES (:shop, :n)"), rows)
        table = reflect_table(conn, "c")
        spec = TableSpec("c", None, columns_of(table), key_columns_of(table), table)
    types = {"shop": FieldType.TEXT}
    codecs = {
        column.name: build_codec(Field("fld", column.name, types.get(column.name, FieldType.NUMBER)), column)
        for column in spec.columns
    }
    return lambda conn: SqlStore(conn, spec, codecs)


def _recreate(store: SqlStore, keys: list[Key]) -> None:
    store.delete(keys)
    store.create([{"id": int(key), "a": "海淀区" * 5, "b": "x", "n": 1} for key in keys])


def main() -> int:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for kind in databases["KINDS"]:
            name = f"lark_bench_{os.getpid()}"
            try:
                if kind == "sqlite":
                    engine = create_engine(f"sqlite:///{folder}/{name}.db")
                else:
                    engine = create_engine(stack.enter_context(databases["server_database"](kind, name)))
            except OperationalError as exc:
                print(f"{kind}: no server ({exc.orig})")
                continue
            bench(kind, engine)
            engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
