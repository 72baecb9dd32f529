"""What the page is told: all of it in place, a hundred rows at a time, found by an index."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import event, insert, text

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.ledger.history.changes import Changes, RowChange
from airflow_provider_lark.core.ledger.tables import log
from airflow_provider_lark.core.sync.status import read_status, read_statuses
from airflow_provider_lark.plugins.sync_page import reading
from tests.databases import open_sqlite
from tests.skin.sync_page.scene import add_entries, add_failed, add_runs, connection, write_mappings


@pytest.fixture
def world(shop, tmp_path, mappings, monkeypatch):
    """Beside `orders`: databases with a newer ledger and with none, one that is down, one that is unknown."""
    engines = {name: open_sqlite(tmp_path / f"{name}.db") for name in ("newer", "empty")}
    migrate.upgrade(engines["newer"])
    with engines["newer"].begin() as conn:
        conn.execute(text("UPDATE sync_alembic_version SET version_num = 'v9999'"))
    for name, engine in engines.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", connection(engine))
    down = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "schema": "x", "password": "geheim"}
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", json.dumps(down))
    broken = tmp_path / "broken.yaml"
    broken.write_text("mappings: [", encoding="utf-8")
    files = [
        write_mappings(tmp_path / f"{name}.yaml", name, conn_id=name) for name in ("newer", "empty", "down", "lost")
    ]
    mappings(tmp_path / "sync.yaml", broken, *files, write_mappings(tmp_path / "none.yaml", "none", conn_id=None))
    return SimpleNamespace(broken=broken)


def test_what_cannot_be_read_says_why_in_its_place_and_the_others_are_shown(visit, world):
    """O54 for the page: a newer ledger; also none, a database that is down, and what is wrong with files."""
    admin = visit("admin")
    told = admin.get("mappings").json
    assert [each["name"] for each in told["mappings"]] == ["orders", "newer", "empty", "down", "lost", "none"]
    assert len(told["problems"]) == 1
    assert "broken.yaml" in told["problems"][0]
    states = {}
    for conn_id in ("shop_db", "newer", "empty", "down", "lost"):
        answer = admin.get("states", conn_id=conn_id)
        assert (answer.status, "geheim" in answer.text) == (200, False)
        states |= {each["mapping"]: each for each in answer.json["states"]}
    orders = states.pop("orders")
    assert (orders["pending"], orders["failed"], orders["conflicts"], orders["held"]) == (34, 10, 3, 43)
    assert len(orders["trend"]) == 30
    errors = {name: (each["error"]["kind"], each["error"]["message"]) for name, each in states.items()}
    assert errors["newer"][0] == errors["empty"][0] == "schema_mismatch"
    assert "version v9999, and this package knows" in errors["newer"][1]
    assert "has no ledger" in errors["empty"][1]
    assert errors["down"][0] == "database"
    assert "connection 'down'" in errors["down"][1]
    assert (errors["lost"][0], "'lost'" in errors["lost"][1]) == ("config_error", True)
    # the parts of such a mapping, too, and changes
    assert [admin.get("runs", mapping=name).status for name in ("newer", "empty", "down", "none")] == [
        422,
        422,
        503,
        422,
    ]
    assert admin.post("retry", {"mapping": "newer", "keys": ["1"]}).status == 422
    assert "sql.conn_id" in admin.get("runs", mapping="none").json["message"]


def test_files_that_change_are_read_anew(visit, shop, tmp_path):
    admin = visit("admin")
    assert len(admin.get("mappings").json["mappings"]) == 1
    write_mappings(tmp_path / "sync.yaml", "orders", "users")
    assert len(admin.get("mappings").json["mappings"]) == 2
    (tmp_path / "sync.yaml").unlink()
    told = admin.get("mappings").json
    assert (told["mappings"], len(told["problems"])) == ([], 1)


def test_each_part_shows_what_waits(visit, shop):
    admin = visit("admin")
    runs = admin.get("runs", mapping="orders").json
    assert (len(runs["runs"]), runs["more"], runs["runs"][0]["run_id"]) == (40, False, "scheduled__39")
    held = {side: admin.get("held", mapping="orders", kept_in=side).json for side in ("lark", "sql")}
    assert [(each["count"], len(each["rows"])) for each in held.values()] == [(40, 40), (3, 3)]
    (listed,) = admin.get("blacklist", mapping="orders").json["rows"]
    assert (listed["key"], listed["reason"], listed["table_name"]) == ("99", "test data", "orders")
    history = admin.get("history", mapping="orders", key="42").json
    told = {each["what"]: each for each in history["events"]}
    assert set(told) == {"conflict", "updated in Lark", "failed"}
    assert told["conflict"]["columns"] == [
        {"name": "name", "base": "Wang", "lark": "王小明", "sql": "Wang X.", "after": None}
    ]
    assert (history["conflict"], told["failed"]["why"]) == (1, "no answer")
    hidden = visit("viewer").get("history", mapping="orders", key="42")
    assert (hidden.json["values"], "王小明" in hidden.text) == (False, False)
    assert [{"name": "name"}] in [each["columns"] for each in hidden.json["events"]]


def test_failed_rows_come_a_hundred_at_a_time_from_both_ends(visit, shop):
    """O33: by keyset, so the last page costs what the first one does."""
    with shop.begin() as conn:
        add_failed(conn, "orders", 240, error="text 50% off_", first=1000)
    admin = visit("admin")
    seen, page = [], {"more": True, "rows": [{"id": None}]}
    while page["more"]:
        page = admin.get("failed", mapping="orders", text="50% off_", before=page["rows"][-1]["id"]).json
        seen += [row["key"] for row in page["rows"]]
        assert len(page["rows"]) <= 100
    assert seen == [str(key) for key in range(1239, 999, -1)]
    assert page["seen"]["count"] == 240
    oldest = admin.get("failed", mapping="orders", text="50% off_", after=0).json
    assert (len(oldest["rows"]), oldest["rows"][0]["key"], oldest["more"]) == (100, "1000", True)
    # what has a meaning in a pattern means itself
    assert admin.get("failed", mapping="orders", text="5_%").json["rows"] == []


def test_long_texts_are_cut(visit, shop):
    with shop.begin() as conn:
        add_failed(conn, "orders", 1, error="x" * 1999, first=9000)
    (row, *_) = visit("admin").get("failed", mapping="orders").json["rows"]
    assert len(row["error"]) == reading.TEXT_MAX + 1


def test_history_reads_no_more_writes_than_it_shows(visit, shop, monkeypatch):
    """A write has all values of its row: a thousand of long ones would not fit into the api-server's memory."""
    with shop.begin() as conn:
        wrote = RowChange("7", "rec7", "lark", "UPDATE", {"name": "a"}, None, {"name": "b"}, None)
        Ledger(conn, "orders").changes.write("r", [wrote] * 150)
    read, of_names = [], Changes.of_names
    monkeypatch.setattr(Changes, "of_names", lambda *given, **more: read.append(of_names(*given, **more)) or read[-1])
    told = visit("admin").get("history", mapping="orders", key="7").json
    assert (len(told["events"]), told["more"], len(read[0])) == (100, True, 101)


def test_states_of_all_mappings_are_asked_for_together(shop):
    """A few statements for all, two for the runs of each; and each is told as it is told alone."""
    names = ["orders", *(f"t{number}" for number in range(20))]
    with shop.begin() as conn:
        for number, name in enumerate(names[1:]):
            add_entries(conn, name, number, age=number * 60)
            add_failed(conn, name, number % 3)
            add_runs(conn, name, 2)
        # the oldest that is pending, and all that is, are left alone
        Ledger(conn, "t5").blacklist.add(["1"], reason="", seconds=None)
        Ledger(conn, "t1").blacklist.add(["1"], reason="", seconds=None)
        line = {"table_name": "t2", "direction": "to_sql", "operation": "UPDATE", "status": "applied", "key": "1"}
        conn.execute(insert(log), [line] * 11)
    sent = []
    with open_session(shop) as conn:
        event.listen(conn, "before_cursor_execute", lambda *call: sent.append(call[2]))
        together = read_statuses(conn, names, runs=30)
        # those for all look up where the last hour begins, too, in two tables
        assert len(sent) <= 14 + 2 * len(names)
        alone = {name: read_status(Ledger(conn, name)) for name in names}
    told = {name: (len(each.runs), each.backlog.pending, each.backlog.blacklisted) for name, each in together.items()}
    assert (told["orders"], told["t1"], told["t5"], told["t9"]) == ((30, 34, 0), (2, 0, 1), (2, 4, 1), (2, 9, 0))
    assert (together["t1"].backlog.oldest_seconds, together["t2"].loops, together["t3"].loops) == (None, 1, 0)
    for name, each in together.items():
        one = alone[name]
        assert each.backlog.oldest_seconds == pytest.approx(one.backlog.oldest_seconds, abs=60)
        same = replace(one.backlog, oldest_seconds=each.backlog.oldest_seconds)
        assert (each.backlog, each.hour, each.conflicts, each.loops) == (same, one.hour, one.conflicts, one.loops)


@pytest.fixture
def crowded(engine):
    """Thirty mappings in one ledger, with some 1,000 lines each."""
    with engine.begin() as conn:
        for number in range(30):
            table = f"t{number}"
            add_entries(conn, table, 500)
            add_failed(conn, table, 300)
            add_entries(conn, table, 60, status="held", operation="DELETE", first=9000)
            line = {"table_name": table, "direction": "to_lark", "operation": "UPDATE", "status": "applied"}
            yesterday = insert(log).values(created_at=now_plus(-86_400))
            conn.execute(yesterday, [line | {"key": str(key)} for key in range(200)])
            add_runs(conn, table, 10)
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            for name in ("sync_queue", "sync_log", "sync_run"):
                conn.execute(text(f"ANALYZE {'TABLE ' if engine.dialect.name == 'mysql' else ''}{name}"))
    return engine


FULL_READS = ("SCAN sync_", "Seq Scan on sync_queue", "Seq Scan on sync_log", "'ALL'")


def test_counts_and_pages_are_found_by_an_index(crowded):
    """O33: what the page asks is answered by an index on the three databases, at 30 mappings."""
    sent = []
    with open_session(crowded) as conn:
        event.listen(conn, "before_cursor_execute", lambda *call: sent.append((call[2], call[3])))
        ledger = Ledger(conn, "t7")
        assert read_statuses(conn, ["t7", "t8"])["t7"].backlog.failed == 300
        reading.runs(ledger, None)
        assert len(reading.failed(ledger, "", None, None)["rows"]) == 100
        assert reading.failed(ledger, "23505", None, 0)["seen"]["count"] == 300
        assert reading.held(ledger, "lark", 0)["count"] == 60
        reading.conflicts(ledger, 0, values=True)
        assert len(reading.history(ledger, "42", values=True)["events"]) == 1
        word = "EXPLAIN QUERY PLAN" if crowded.dialect.name == "sqlite" else "EXPLAIN"
        asked = [each for each in sent if "sync_queue" in each[0] or "sync_log" in each[0] or "sync_run" in each[0]]
        assert len(asked) > 12
        for statement, parameters in asked:
            lines = [str(line) for line in conn.exec_driver_sql(f"{word} {statement}", parameters)]
            told = [line for line in lines if "derived" not in line and "blacklist" not in line]
            assert not any(mark in line for mark in FULL_READS for line in told), (statement, lines)
