"""What operators do to the ledger by commands: on every database, with keys and names as people have them."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.side import Key, RecordId

TABLE = "shop.订单 %s:x"
KEYS = ["42", '["a","7\\"b"]', "北京 😀", "abc", "abc "]


@pytest.fixture
def ledger(engine: Engine):
    with write_transaction(engine) as conn:
        yield Ledger(conn, TABLE)


def test_retry_takes_up_the_keys_that_are_named_and_no_others(ledger: Ledger):
    for key in KEYS:
        ledger.dead_letters.add(key, error=f"no: {key}", delay_seconds=None, retry_count=3)
    ledger.dead_letters.add("later", error="x", delay_seconds=3600, retry_count=1)
    ledger.beside("another").dead_letters.add("42", error="x", delay_seconds=None)
    failed = ledger.dead_letters.failed_page(limit=9)
    assert [(each.key, each.attempts, each.error) for each in failed] == [(key, 3, f"no: {key}") for key in KEYS[::-1]]
    assert all(0 <= each.age_seconds < 600 for each in failed)
    found = ledger.dead_letters.retry([*KEYS[:4], "later", "nobody"])
    assert found == dict.fromkeys([*KEYS[:4], "later"], "retried") | {"nobody": "unknown"}
    assert [each.key for each in ledger.dead_letters.failed_page(limit=9)] == ["abc "]
    assert ledger.dead_letters.retry(["later", "abc"]) == {"later": "waiting", "abc": "waiting"}
    assert ledger.dead_letters.retry_all() == 1
    assert len(ledger.beside("another").dead_letters.failed_page(limit=9)) == 1


def test_blacklist_is_kept_read_and_taken_back(ledger: Ledger):
    ledger.blacklist.add(KEYS, reason="why 原因", seconds=3600)
    ledger.blacklist.add(["42"], reason="everywhere", seconds=None, everywhere=True)
    listed = {(each.key, each.table_name): each for each in ledger.blacklist.entries(limit=99)}
    assert set(listed) == {*((key, TABLE) for key in KEYS), ("42", None)}
    assert 3500 < (listed["abc ", TABLE].left_seconds or 0) <= 3601
    assert listed["42", None].left_seconds is None
    assert ledger.blacklist.remove(["abc", "nobody"]) == {"abc"}
    assert ledger.blacklist.among([Key("abc"), Key("abc ")]) == {"abc "}
    assert ledger.blacklist.remove(["42"], everywhere=True) == {"42"}
    assert ledger.blacklist.among([Key("42")]) == {"42"}


def test_log_is_read_newest_first_by_key_run_and_status(ledger: Ledger):
    ledger.sync_log.write("run 1", [LogLine(key, "to_lark", "UPDATE", "applied") for key in KEYS])
    ledger.sync_log.write("run 2", [LogLine("42", "to_sql", "UPDATE", "failed", "why")])
    assert [line.key for line in ledger.sync_log.latest(limit=2)] == ["42", "abc "]
    assert [line.run_id for line in ledger.sync_log.latest(limit=9, key="42")] == ["run 2", "run 1"]
    assert [line.key for line in ledger.sync_log.latest(limit=9, key="abc")] == ["abc"]
    (failed,) = ledger.sync_log.latest(limit=9, status="failed", run_id="run 2")
    assert failed.detail == "why"
    assert failed.created_ms > 1_700_000_000_000


def test_decision_replaces_the_one_before_and_is_closed_with_its_fate(ledger: Ledger):
    for choice in ("lark", "sql"):
        ledger.decisions.decide("conflict", KEYS[1], seen="f", choice=choice, by="林 (command line)")
    ledger.decisions.decide("held_rows", "", seen="g", choice="keep", by="lin")
    conflict, held = ledger.decisions.open()
    assert (conflict.key, conflict.choice, conflict.by) == (KEYS[1], "sql", "林 (command line)")
    ledger.decisions.close({conflict.id: "applied"})
    assert ledger.decisions.open() == [held]
    states = ledger.conn.execute(text("SELECT status FROM sync_decision ORDER BY id")).scalars().all()
    assert states == ["replaced", "applied", "open"]


def test_conflict_with_other_values_has_an_id_that_none_had_before(ledger: Ledger):
    seen = []
    for name in ("a", "b", "c"):
        ledger.conflicts.add([Conflict(Key("42"), RecordId("rec1"), {"n": "x"}, {"n": name}, {"n": "y"}, "manual")])
        (conflict,) = ledger.conflicts.open_page(after=0, limit=9)
        seen.append(conflict.id)
    assert len(set(seen)) == 3
    assert [ledger.conflicts.find(id_) is not None for id_ in seen if id_] == [False, False, True]
    assert ledger.count_forgettable() == {"sync_conflict": 1}
