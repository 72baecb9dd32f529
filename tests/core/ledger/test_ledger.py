from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.database.error_codes import is_transient
from airflow_provider_lark.core.ledger import Ledger, intents, scans
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.history import sync_log
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.intents import Intent
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId

T = "shop.订单"


def pair(number: int, **facts: object) -> Pair:
    settings = {
        "base": {"name": "海淀区", "size": Decimal("1.5"), "tags": ("a", "b"), "seen": True, "none": None}
    } | facts
    return Pair(Key(f"k{number:03}"), RecordId(f"rec{number:03}"), **settings)


def test_pairs_come_back_as_they_were_saved(engine: Engine):
    one, two = pair(1, lark_modified_ms=1_760_000_000_000), pair(2, base=None, tombstone=True)
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.pairs.save([one, two])
        assert ledger.pairs.by_keys([one.key, two.key, Key("no")]) == {one.key: one, two.key: two}
        assert ledger.pairs.by_records([one.record_id, RecordId("no")]) == {one.record_id: one}
        assert ledger.pairs.record_ids_of([one.key, two.key]) == {one.key: one.record_id}
        assert ledger.pairs.count() == 1
        assert Ledger(conn, "other").pairs.by_keys([one.key]) == {}


def test_pairs_saved_again_take_the_place_of_the_old(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.pairs.save([pair(1), pair(2)])
        swapped = [Pair(Key("k001"), RecordId("rec002"), {"a": 1}), Pair(Key("k002"), RecordId("rec001"), {"a": 2})]
        ledger.pairs.save(swapped)
        assert ledger.pairs.by_keys([Key("k001"), Key("k002")]) == {one.key: one for one in swapped}
        moved = Pair(Key("k003"), RecordId("rec002"), None)
        ledger.pairs.save([moved])
        assert ledger.pairs.by_keys([Key("k001"), Key("k003")]) == {moved.key: moved}


def test_pairs_tell_keys_apart_by_case_and_accent(engine: Engine):
    some = [Pair(Key(key), RecordId(f"rec{key.encode().hex()}"), {}) for key in ("a", "A", "á", "Ａ")]
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.pairs.save(some)
        assert ledger.pairs.by_keys([Key("A")]) == {Key("A"): some[1]}
        assert ledger.pairs.count() == 4
        # a key that is only reserved has no row that could be missing
        ledger.pairs.save([Pair(Key("b"), RecordId("recB"), None)])
        assert ledger.pairs.count() == 4
        assert "b" not in [pair.key for pair in ledger.scan("s").pairs_unseen("sql", limit=9)]


def test_tombstones_are_dead_and_known(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.pairs.save([pair(1), pair(2), pair(3)])
        ledger.pairs.tombstone([Key("k001")])
        ledger.pairs.forget([Key("k002")])
        found = ledger.pairs.by_keys([Key("k001"), Key("k002")])
        assert found == {Key("k001"): Pair(Key("k001"), RecordId("rec001"), None, tombstone=True)}
        assert ledger.pairs.count() == 1


def test_pairs_with_a_large_base_come_back_whole(engine: Engine):
    large = pair(1, base={"text": "汉" * 100_000})
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.pairs.save([large])
        assert ledger.pairs.by_keys([large.key])[large.key] == large


def test_pairs_of_1200_keys_take_a_handful_of_statements(engine: Engine):
    many = [pair(number) for number in range(1200)]
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        conn.exec_driver_sql("SELECT 1")  # the session's settings come with the first statement
        sent: list[str] = []
        event.listen(conn, "before_cursor_execute", lambda *call: sent.append(call[2]))
        ledger.pairs.save(many)
        assert len(sent) == 9  # 3 parts of 500: two deletes and an insert each
        assert len(ledger.pairs.by_keys([one.key for one in many])) == 1200
        assert len(sent) == 12


def test_scan_finds_the_pairs_it_has_not_seen(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.pairs.save([pair(number) for number in range(10)])
        ledger.pairs.tombstone([Key("k009")])
        ledger.scan("s1").mark("lark", [f"rec{number:03}" for number in (0, 1, 2)])
        ledger.scan("s1").mark("lark", ["rec002", "rec003"])
        ledger.scan("s1").mark("sql", ["k008"])
        ledger.scan("s2").mark("lark", ["rec005"])
        first = ledger.scan("s1").pairs_unseen("lark", limit=3)
        assert [one.key for one in first] == ["k004", "k005", "k006"]
        second = ledger.scan("s1").pairs_unseen("lark", limit=3, after=first[-1].key)
        assert [one.key for one in second] == ["k007", "k008"]
        assert "k008" not in {one.key for one in ledger.scan("s1").pairs_unseen("sql", limit=50)}
        ledger.scan("s1").drop()
        assert len(ledger.scan("s1").pairs_unseen("lark", limit=50)) == 9
        assert scans.purge(conn, -2) == 1


def test_checkpoint_comes_back_as_it_was_saved(engine: Engine):
    full = Checkpoint(
        watermark_ms=1_760_000_000_123,
        boundary=("rec1", "rec2"),
        last_scan_at_ms=1_760_000_000_000,
        total_offset=3,
        app_token="app",
        table_id="tbl",
        fields=[{"field_id": "fld1", "name": "名称", "type": 1, "property": None}],
        modified_field_id="fld9",
    )
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        assert ledger.checkpoint.load() is None
        ledger.checkpoint.save(full)
        Ledger(conn, "other").checkpoint.save(Checkpoint())
        assert ledger.checkpoint.load() == full
        ledger.checkpoint.save(Checkpoint(app_token="app2"))
        assert ledger.checkpoint.load() == Checkpoint(app_token="app2")


def test_intents_are_open_until_they_are_finished(engine: Engine):
    first = Intent("tok-1", (Key("1"), Key("二")), [{"名称": "x", "n": 1.5}, {"名称": None}], 1_000)
    second = Intent("tok-2", (Key("3"),), [{}], 2_000)
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.intents.begin(second)
        ledger.intents.begin(first)
        assert ledger.intents.open("create") == [first, second]
        assert Ledger(conn, "other").intents.open("create") == []
        ledger.intents.finish("tok-1")
        assert ledger.intents.open("create") == [second]
        kept = conn.execute(text("SELECT payload FROM sync_intent WHERE client_token = 'tok-1'")).scalar_one()
        assert "x" not in kept
        assert intents.purge(conn, -2) == 1


def conflict(key: str, **facts: object) -> Conflict:
    settings = {"base": {"a": "1"}, "lark": {"a": "2"}, "sql": None, "policy": "manual"} | facts
    return Conflict(Key(key), RecordId("rec1"), **settings)


def test_conflict_that_is_met_again_keeps_the_persons_decision(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.conflicts.add([conflict("a"), conflict("b")])
        conn.execute(text("UPDATE sync_conflict SET outcome = 'sql' WHERE record_id = 'a'"))
        ledger.conflicts.add([conflict("a")])
        (decided,) = ledger.conflicts.decided()
        assert (decided.key, decided.outcome, decided.lark, decided.sql) == ("a", "sql", {"a": "2"}, None)
        ledger.conflicts.add([conflict("a", lark={"a": "3"})])
        assert ledger.conflicts.decided() == []
        assert ledger.conflicts.open_keys([Key("a"), Key("b"), Key("c")]) == {"a", "b"}
        assert conn.execute(text("SELECT COUNT(*) FROM sync_conflict")).scalar_one() == 2


def test_conflict_with_an_outcome_is_history(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.conflicts.add([conflict("a", outcome="lark", policy="newest"), conflict("b")])
        assert ledger.conflicts.open_keys([Key("a"), Key("b")]) == {"b"}
        assert ledger.conflicts.decided() == []
        closed = conn.execute(text("SELECT closed_at FROM sync_conflict WHERE record_id = 'a'")).scalar_one()
        assert closed is not None


def test_conflict_that_was_carried_out_is_closed(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.conflicts.add([conflict("a"), conflict("b")])
        conn.execute(text("UPDATE sync_conflict SET outcome = 'lark'"))
        assert (len(ledger.conflicts.decided()), ledger.conflicts.count_open()) == (2, 2)
        ledger.conflicts.settle([Key("a")])
        (decided,) = ledger.conflicts.decided()
        assert (decided.key, ledger.conflicts.count_open()) == ("b", 1)


def test_journal_is_kept_for_its_retention(engine: Engine):
    with write_transaction(engine) as conn:
        ledger = Ledger(conn, T)
        ledger.sync_log.write("run 1", [LogLine(f"k{i}", "to_lark", "UPDATE", "applied") for i in range(600)])
        ledger.sync_log.write("run 1", [LogLine("k", "to_sql", "INSERT", "failed", "name (VARCHAR(5)): too long")])
        row = conn.execute(text("SELECT * FROM sync_log WHERE status = 'failed'")).one()
        assert (row.table_name, row.run_id, row.direction) == (T, "run 1", "to_sql")
        assert sync_log.purge(conn, 3600) == 0
        assert sync_log.purge(conn, -2) == 601


def test_blacklist_without_a_table_holds_for_all(engine: Engine):
    with write_transaction(engine) as conn:
        conn.execute(text("INSERT INTO sync_blacklist (record_id, reason) VALUES ('a', 'loop')"))
        conn.execute(text("INSERT INTO sync_blacklist (record_id, table_name) VALUES ('b', 'other')"))
        conn.execute(text("INSERT INTO sync_blacklist (record_id, expires_at) VALUES ('c', '2001-01-01 00:00:00')"))
        conn.execute(text("INSERT INTO sync_blacklist (record_id, expires_at) VALUES ('d', '2037-01-01 00:00:00')"))
        assert Ledger(conn, T).blacklist.among([Key(key) for key in "abcde"]) == {"a", "d"}


def test_transaction_that_raises_leaves_nothing(engine: Engine):
    def save_and_raise() -> None:
        with write_transaction(engine) as conn:
            Ledger(conn, T).pairs.save([pair(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save_and_raise()
    with write_transaction(engine) as conn:
        assert Ledger(conn, T).pairs.count() == 0


def test_transaction_of_an_autocommitting_engine_is_one(engine: Engine):
    by_itself = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def save_and_raise() -> None:
        with write_transaction(by_itself) as conn:
            Ledger(conn, T).pairs.save([pair(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save_and_raise()
    with write_transaction(by_itself) as conn:
        ledger = Ledger(conn, T)
        assert ledger.pairs.count() == 0
        ledger.pairs.save([pair(2)])
    with write_transaction(engine) as conn:
        assert Ledger(conn, T).pairs.count() == 1


def test_transaction_on_sqlite_locks_out_a_second_writer(ledger_database):
    engine = ledger_database("sqlite")
    with write_transaction(engine), engine.connect() as second:
        second.exec_driver_sql("PRAGMA busy_timeout = 1")
        with pytest.raises(DBAPIError) as caught:
            second.exec_driver_sql("BEGIN IMMEDIATE")
    assert is_transient(caught.value)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_deadlock_is_transient(kind, ledger_database):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    engine = ledger_database(kind)
    with write_transaction(engine) as conn:
        Ledger(conn, T).pairs.save([pair(1), pair(2)])
    barrier = Barrier(2)

    def lock(keys: list[str]) -> BaseException | None:
        try:
            with write_transaction(engine) as conn:
                ledger = Ledger(conn, T)
                ledger.pairs.tombstone([Key(keys[0])])
                barrier.wait()
                ledger.pairs.tombstone([Key(keys[1])])
        except DBAPIError as exc:
            return exc
        return None

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lock, [["k001", "k002"], ["k002", "k001"]]))
    (error,) = [found for found in results if found is not None]
    assert is_transient(error)
    with write_transaction(engine) as conn:
        conn.execute(text("DELETE FROM sync_record_map"))


def test_constraint_violation_is_not_transient_and_hides_values(engine: Engine):
    with write_transaction(engine) as conn:
        conn.execute(text("CREATE TABLE t (v VARCHAR(20) NOT NULL)"))
    with pytest.raises(DBAPIError) as caught, write_transaction(engine) as conn:
        conn.execute(text("INSERT INTO t VALUES (:v)"), {"v": None})
    assert not is_transient(caught.value)
    assert not is_transient(ValueError("locked"))
    assert "hidden" in str(caught.value)
