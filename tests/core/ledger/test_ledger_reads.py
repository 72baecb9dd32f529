"""What the ledger knows of 500 keys is found by their index, among 20,000 of which PostgreSQL has no statistics yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.ledger.queue import Sighting
from airflow_provider_lark.core.side import Key, RecordId
from tests.databases import KINDS, EngineOf
from tests.rows_read import numbers, rows_read

ENTRIES, FIRST, ASKED = 20_000, 9_000, 500
READ_FOR_A_KEY = 20
"""Most rows that are read for each key: a claim looks at an entry, for others in work, at the blacklist, and so on."""

KEY = {
    "sqlite": "printf('k%06d', n)",
    "postgresql": "'k' || lpad(n::text, 6, '0')",
    "mysql": "concat('k', lpad(n, 6, '0'))",
}
FILLED = {
    "sync_queue (table_name, record_id, operation)": "'goods', {key}, 'INSERT'",
    "sync_record_map (table_name, record_id, lark_record_id, base, base_hash)": "'goods', {key}, {key}, '{{}}', 'h'",
    "sync_conflict (table_name, record_id, policy)": "'goods', {key}, 'manual'",
    "sync_scan (id, scan_id, side)": "{key}, 's', 'lark'",
    "sync_change (table_name, record_id, lark_record_id, side, operation, run_id)": "'goods', {key}, {key}, 'lark', "
    "'INSERT', 'load'",
}

IDS = [*range(FIRST, FIRST + ASKED)]
KEYS = [Key(f"k{number:06}") for number in IDS]
RECORDS = [RecordId(key) for key in KEYS]
PAIRS = [Pair(key, record, {}) for key, record in zip(KEYS, RECORDS, strict=True)]
CLAIMS = [Claim(key, (number,), "INSERT", 0, 0) for key, number in zip(KEYS, IDS, strict=True)]
CONFLICTS = [Conflict(key, RECORDS[0], {}, {}, {}, "manual", None) for key in KEYS]

ASKS: dict[str, Callable[[Ledger], object]] = {
    "claim": lambda of: of.queue.claim(limit_keys=ASKED, token="t", lease_seconds=60),
    "claim among": lambda of: of.queue.claim(limit_keys=ASKED, token="t", lease_seconds=60, among=KEYS),
    "note": lambda of: of.queue.note([Sighting(key, "UPDATE", "seen") for key in KEYS]),
    "complete": lambda of: of.queue.complete(IDS),
    "retry": lambda of: of.queue.retry(IDS, error="e", delay_seconds=1, max_retries=3),
    "fail": lambda of: of.queue.fail(IDS, error="e"),
    "hand back": lambda of: of.queue.hand_back(IDS),
    "changed at": lambda of: of.queue.changed_at(KEYS),
    "only found": lambda of: of.queue.only_found(KEYS),
    "states": lambda of: of.queue.states_of(KEYS),
    "deletes among": lambda of: of.queue.deletes_among(KEYS),
    "unfinished": lambda of: of.queue.unfinished_of(KEYS),
    "dead letter": lambda of: of.dead_letters.add(KEYS[0], error="e", delay_seconds=None),
    "resolve": lambda of: of.dead_letters.resolve(KEYS),
    "settle": lambda of: of.dead_letters.settle(IDS),
    "try again": lambda of: of.dead_letters.retry(KEYS),
    "dead letters among": lambda of: of.dead_letters.among(KEYS),
    "among claims": lambda of: of.dead_letters.among_claims(CLAIMS),
    # few, because each has a reason of its own in the statement, which SQLite compares one by one
    "hold": lambda of: of.deletes.hold(dict.fromkeys(IDS[:50], "r")),
    "hold rows": lambda of: of.deletes.hold_rows(dict.fromkeys(KEYS, "r")),
    "release": lambda of: of.deletes.release(KEYS),
    "release marked": lambda of: of.deletes.release_marked("note", KEYS),
    "settle held": lambda of: of.deletes.settle(KEYS),
    "held among": lambda of: of.deletes.among(KEYS),
    "reasons": lambda of: of.deletes.reasons(KEYS),
    "add conflicts": lambda of: of.conflicts.add(CONFLICTS),
    "open conflicts": lambda of: of.conflicts.open_by_key(KEYS),
    "open conflicts' keys": lambda of: of.conflicts.open_keys(KEYS),
    "outcome": lambda of: of.conflicts.note_outcome(KEYS, "lark"),
    "settle conflicts": lambda of: of.conflicts.settle(KEYS),
    "pairs": lambda of: of.pairs.by_keys(KEYS),
    "pairs by record": lambda of: of.pairs.by_records(RECORDS),
    "record ids": lambda of: of.pairs.record_ids_of(KEYS),
    "written": lambda of: of.pairs.written(RECORDS),
    "as agreed": lambda of: of.pairs.as_agreed(dict.fromkeys(KEYS, "h")),
    "save": lambda of: of.pairs.save(PAIRS),
    "forget": lambda of: of.pairs.forget(KEYS),
    "tombstone": lambda of: of.pairs.tombstone(KEYS),
    "outside": lambda of: of.pairs.mark_outside(KEYS),
    "looked at": lambda of: of.pairs.mark_looked_at(RECORDS),
    "out of sight": lambda of: of.pairs.mark_out_of_sight(RECORDS),
    "unmarked": lambda of: of.scan("s").unmarked("lark", RECORDS),
    "listed": lambda of: of.blacklist.among(KEYS),
    "list": lambda of: of.blacklist.add(KEYS, reason="r", seconds=None),
    "history": lambda of: of.changes.since_run("load", KEYS),
    "keys of a run": lambda of: of.changes.keys_of_run("load", IDS[0], IDS[-1]),
}


@pytest.fixture(scope="module", params=KINDS)
def crowded(request: pytest.FixtureRequest, new_database: EngineOf) -> Engine:
    """Give a database whose ledger was just filled."""
    engine = new_database(request.param)
    migrate.upgrade(engine)
    with engine.begin() as conn:
        for table, values in FILLED.items():
            name = table.split()[0]
            if request.param == "postgresql":
                conn.execute(text(f"ALTER TABLE {name} SET (autovacuum_enabled = off)"))
            chosen = values.format(key=KEY[request.param])
            conn.execute(text(f"INSERT INTO {table} SELECT {chosen} FROM ({numbers(ENTRIES)}) numbers ORDER BY n"))
            if request.param == "mysql":
                # InnoDB counts by itself too, some time within seconds
                conn.execute(text(f"ANALYZE TABLE {name}")).all()
    return engine


@pytest.fixture
def conn(crowded: Engine) -> Iterator[Connection]:
    with write_transaction(crowded) as conn:
        yield conn
        conn.rollback()


@pytest.mark.parametrize("what", ASKS)
def test_what_is_known_of_some_keys_is_found_by_them(conn: Connection, what: str):
    with rows_read(conn) as counted:
        ASKS[what](Ledger(conn, "goods"))
    assert counted.rows <= READ_FOR_A_KEY * ASKED


def test_reading_entries_by_their_status_is_noticed(conn: Connection):
    some = text("SELECT count(*) FROM sync_queue WHERE status = 'pending' AND retry_count = 0 AND operation <> 'PULL'")
    with rows_read(conn) as counted:
        assert conn.execute(some).scalar_one() == ENTRIES
    assert counted.rows > READ_FOR_A_KEY * ASKED
