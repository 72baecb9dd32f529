from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, event, text

from airflow_provider_lark.core import capture
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger, queue
from airflow_provider_lark.core.ledger.backlog import Backlog, count_backlog
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.lease import Lease
from airflow_provider_lark.core.process_names import process_name
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of, key_columns_of, reflect_table

T = "areas"


def keys(*names: object) -> list[Key]:
    return [Key(str(name)) for name in names]


def claim(conn: Connection, token: str = "me", **options: object) -> list[Claim]:
    settings = {"limit_keys": 500, "token": token, "lease_seconds": 60.0} | options
    return Ledger(conn, T).queue.claim(**settings)


def state(conn: Connection) -> list[tuple[str, str, int]]:
    rows = conn.execute(text("SELECT record_id, status, retry_count FROM sync_queue ORDER BY id"))
    return [(row.record_id, row.status, row.retry_count) for row in rows]


def test_claim_takes_all_entries_of_a_key_oldest_key_first(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("b"), operation="INSERT")
        ledger.queue.enqueue(keys("a"), operation="INSERT")
        ledger.queue.enqueue(keys("b"), operation="DELETE")
        found = claim(conn)
        assert [(one.key, one.operation, len(one.entry_ids)) for one in found] == [
            ("b", "DELETE", 2),
            ("a", "INSERT", 1),
        ]
        assert {status for _, status, _ in state(conn)} == {"processing"}


def test_claim_tells_when_the_newest_entry_was_captured(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys("a"))
        sql_now = {
            "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
            "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp()) * 1000",
            "mysql": "SELECT UNIX_TIMESTAMP(NOW(6)) * 1000",
        }
        now_ms = float(conn.execute(text(sql_now[engine.dialect.name])).scalar_one())
        assert claim(conn)[0].changed_ms == pytest.approx(now_ms, abs=300_000)


def test_claim_up_to_the_limit_leaves_the_rest(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys(*range(7)))
        assert [one.key for one in claim(conn, limit_keys=3)] == keys(0, 1, 2)
        assert [one.key for one in claim(conn, limit_keys=3)] == keys(3, 4, 5)
        assert [one.key for one in claim(conn, limit_keys=3)] == keys(6)
        assert claim(conn) == []


def test_claim_of_another_table_finds_nothing(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, "other").queue.enqueue(keys("a"))
        assert claim(conn) == []


def test_claim_leaves_a_key_that_is_in_work_alone(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("a"))
        first = claim(conn, "one")
        ledger.queue.enqueue(keys("a", "b"))
        assert [one.key for one in claim(conn, "two")] == keys("b")
        ledger.queue.complete(first[0].entry_ids)
        assert [one.key for one in claim(conn, "two")] == keys("a")


def test_claim_after_a_lease_has_run_out_takes_it_over(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys("a"))
        claim(conn, "dead", lease_seconds=-1)
        assert [one.key for one in claim(conn, "alive")] == keys("a")
        assert claim(conn, "third") == []


def test_claim_at_a_given_time_judges_leases_by_it(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys("a"))
        claim(conn, "one", lease_seconds=60, now_ms=1_000_000_000_000)
        assert claim(conn, "two", now_ms=1_000_000_059_999) == []
        assert [one.key for one in claim(conn, "two", now_ms=1_000_000_060_000)] == keys("a")


def test_claim_respects_backoff_until_a_newer_change(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("a"))
        entries = claim(conn)[0].entry_ids
        assert ledger.queue.retry(entries, error="busy", delay_seconds=3600, max_retries=3) is False
        assert claim(conn) == []
        ledger.queue.enqueue(keys("a"), operation="DELETE")
        again = claim(conn)
        assert [(one.key, one.operation, len(one.entry_ids), one.retry_count) for one in again] == [
            ("a", "DELETE", 2, 0)
        ]


def test_retry_of_a_key_that_used_its_attempts_up_fails_it(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("a"))
        failed = []
        for _ in range(3):
            (one,) = claim(conn)
            failed.append(ledger.queue.retry(one.entry_ids, error="x" * 9_000, delay_seconds=0, max_retries=3))
        assert failed == [False, False, True]
        assert state(conn) == [("a", "failed", 3)]
        assert claim(conn) == []


def test_claim_of_a_failed_key_that_changed_again_takes_all_along(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("a"))
        ledger.queue.fail(claim(conn)[0].entry_ids, error="too long")
        ledger.queue.enqueue(keys("a"))
        (one,) = claim(conn)
        assert len(one.entry_ids) == 2
        ledger.queue.complete(one.entry_ids)
        assert {status for _, status, _ in state(conn)} == {"completed"}


def test_claim_of_blacklisted_keys_leaves_them_pending(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys("a", "b", "c", "d"))
        for row in ("'a', NULL, NULL", f"'b', '{T}', NULL", "'c', 'other', NULL", "'d', NULL, '2001-01-01 00:00:00'"):
            conn.execute(text(f"INSERT INTO sync_blacklist (record_id, table_name, expires_at) VALUES ({row})"))
        assert [one.key for one in claim(conn)] == keys("c", "d")
        assert count_backlog(conn).blacklisted == 2


def test_enqueue_of_a_key_twice_adds_it_once(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys("a", "b", "a"))
        assert state(conn) == [("a", "pending", 0), ("b", "pending", 0)]


def test_hand_back_gives_back_what_is_claimed_and_nothing_else(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("a", "b", "c"))
        one, done = claim(conn, "one", limit_keys=2)
        claim(conn, "two")
        ledger.queue.complete(done.entry_ids)
        ledger.queue.hand_back([*one.entry_ids, *done.entry_ids])
        assert state(conn) == [("a", "pending", 0), ("b", "completed", 0), ("c", "processing", 0)]
        assert [one.key for one in claim(conn, "three")] == keys("a")


def test_hand_back_all_takes_from_every_worker_of_the_table(engine: Engine):
    with write_transaction(engine) as conn:
        ledger, other = Ledger(conn, T), Ledger(conn, "other")
        ledger.queue.enqueue(keys("a", "b"))
        other.queue.enqueue(keys("x"))
        claim(conn, "one", limit_keys=1)
        claim(conn, "two")
        assert len(other.queue.claim(limit_keys=9, token="three", lease_seconds=60)) == 1
        assert ledger.queue.hand_back_all() == 2
        assert state(conn) == [("a", "pending", 0), ("b", "pending", 0), ("x", "processing", 0)]


def test_backlog_counts_by_status_and_tells_the_oldest(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        assert count_backlog(conn) == Backlog(0, None, 0, 0)
        ledger.queue.enqueue(keys("a", "b", "c", "d"))
        Ledger(conn, "other").queue.enqueue(keys("x"))
        ledger.queue.fail(claim(conn, limit_keys=1)[0].entry_ids, error="bad")
        claim(conn, limit_keys=1)
        found = ledger.queue.backlog()
        assert (found.pending, found.failed, found.processing) == (2, 1, 1)
        assert found.oldest_seconds is not None
        assert 0 <= found.oldest_seconds < 300
        assert count_backlog(conn).pending == 3


def test_purge_deletes_old_completed_entries_only(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.queue.enqueue(keys("a", "b"))
        ledger.queue.complete(claim(conn, limit_keys=1)[0].entry_ids)
        assert queue.purge(conn, completed_older_than_seconds=3600) == 0
        assert queue.purge(conn, completed_older_than_seconds=-2) == 1
        assert state(conn) == [("b", "pending", 0)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_claim_by_four_workers_gives_each_key_to_one(kind, new_database):
    from airflow_provider_lark.core.ledger import migrate

    engine = new_database(kind)
    migrate.upgrade(engine)
    with write_transaction(engine) as conn:
        for _ in range(3):
            Ledger(conn, T).queue.enqueue(keys(*range(60)))
    barrier = threading.Barrier(4)

    def work(number: int) -> list[str]:
        barrier.wait()
        mine: list[str] = []
        for _ in range(40):
            with write_transaction(engine) as conn:
                got = claim(conn, f"worker {number}", limit_keys=7)
            mine += [one.key for one in got]
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = [key for part in pool.map(work, range(4)) for key in part]
    assert len(taken) == len(set(taken))
    with write_transaction(engine) as conn:
        left = {key for key, status, _ in state(conn) if status == "pending"}
        # a key of which a worker saw newer entries only is left to the worker with the oldest one
        assert left | set(taken) == set(keys(*range(60)))
        assert {one.key for one in claim(conn, "last")} == set(keys(*range(60))) - set(taken)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_claim_passes_over_entries_that_another_worker_is_claiming(kind, ledger_database):
    engine = ledger_database(kind)
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys("a", "b", "c", "a"))
    with write_transaction(engine) as one, write_transaction(engine) as two:
        assert [found.key for found in claim(one, "one", limit_keys=1)] == keys("a")
        assert [found.key for found in claim(two, "two")] == keys("b", "c")
    with write_transaction(engine) as conn:
        conn.execute(text("DELETE FROM sync_queue"))


def test_claim_of_500_keys_takes_a_handful_of_statements(engine: Engine):
    with write_transaction(engine) as conn:
        Ledger(conn, T).queue.enqueue(keys(*range(500)))
        sent: list[str] = []
        event.listen(conn, "before_cursor_execute", lambda *call: sent.append(call[2]))
        assert len(claim(conn)) == 500
        assert len(sent) <= 5


def test_lease_of_a_process_here_that_was_killed_is_anybodys(engine: Engine):
    living = process_name("a")
    dead = living.replace(f"#{os.getpid()}#", "#4194999#")
    with write_transaction(engine) as conn:
        assert Lease(conn, "app/*", dead).acquire(60)
        assert Lease(conn, "app/*", living).acquire(60)
        assert not Lease(conn, "app/*", process_name("b")).acquire(60)
        assert Lease(conn, "app/*", living).holder() == living


def test_lease_is_held_by_one_until_it_ends(engine: Engine):
    with write_transaction(engine) as conn:
        assert Lease(conn, "app/tbl", "one").acquire(60)
        assert Lease(conn, "app/tbl", "one").acquire(60)
        assert not Lease(conn, "app/tbl", "two").acquire(60)
        assert Lease(conn, "app/other", "two").acquire(60)
        assert not Lease(conn, "app/tbl", "two").renew(60)
        assert Lease(conn, "app/tbl", "one").renew(-5)
        assert Lease(conn, "app/tbl", "two").acquire(60)
        assert not Lease(conn, "app/tbl", "one").renew(60)
        Lease(conn, "app/tbl", "one").release()
        assert not Lease(conn, "app/tbl", "one").acquire(60)
        Lease(conn, "app/tbl", "two").release()
        assert Lease(conn, "app/tbl", "one").acquire(60)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_lease_wanted_by_four_at_once_goes_to_one(kind, ledger_database):
    engine = ledger_database(kind)
    barrier = threading.Barrier(4)

    def work(number: int) -> bool:
        barrier.wait()
        with write_transaction(engine) as conn:
            return Lease(conn, "race", f"worker {number}").acquire(60)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [False, False, False, True]
    with write_transaction(engine) as conn:
        conn.execute(text("DELETE FROM sync_lease"))


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_application_writes_while_a_claim_is_open_do_not_wait(kind, ledger_database):
    engine = ledger_database(kind)
    with write_transaction(engine) as conn:
        conn.execute(text("CREATE TABLE t_open (id INTEGER PRIMARY KEY NOT NULL, n INTEGER)"))
        table = reflect_table(conn, "t_open")
        capture.install(conn, TableSpec("t_open", None, columns_of(table), key_columns_of(table), table))
        conn.execute(text("INSERT INTO t_open VALUES (1, 1), (2, 2), (3, 3)"))
    with write_transaction(engine) as claiming:
        assert len(Ledger(claiming, "t_open").queue.claim(limit_keys=500, token="me", lease_seconds=60)) == 3
        # as an application does it: the server's own isolation level, another row, a claimed row, a new row
        with engine.begin() as application:
            timeout = "SET LOCAL lock_timeout = '2s'" if kind == "postgresql" else "SET innodb_lock_wait_timeout = 2"
            application.execute(text(timeout))
            application.execute(text("UPDATE t_open SET n = n + 1"))
            application.execute(text("INSERT INTO t_open VALUES (4, 4)"))
            application.execute(text("DELETE FROM t_open WHERE id = 2"))
    with write_transaction(engine) as conn:
        assert Ledger(conn, "t_open").queue.backlog().pending == 5
        conn.execute(text("DROP TABLE t_open"))
        conn.execute(text("DELETE FROM sync_queue"))
    engine.dispose()
