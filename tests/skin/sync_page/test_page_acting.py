"""What the buttons do: exactly what was shown, with the number told; what has changed since is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings
from airflow_provider_lark.hooks.ledgers import configured_files
from tests.skin.sync_page.scene import add_entries, add_failed, conflict, connection, write_mappings


def query(engine, statement):
    with engine.connect() as conn:
        return [tuple(row) for row in conn.execute(text(statement))]


@pytest.fixture
def users(engine, tmp_path, mappings, monkeypatch):
    """A mapping `users` on each database: 320 of 450 failed rows are about 23505; another mapping has some too."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", connection(engine))
    mappings(write_mappings(tmp_path / "sync.yaml", "users", "orders"))
    with engine.begin() as conn:
        add_entries(conn, "users", 1, first=7777)
        add_failed(conn, "users", 320)
        add_failed(conn, "users", 130, error="column n (22003)", first=1000)
        add_failed(conn, "orders", 50)
    return engine


def test_all_that_a_filter_found_is_tried_again_and_nothing_that_came_since(visit, users):
    """O31: 320 match and 100 are shown; one comes to match meanwhile, and an entry that is older fails meanwhile."""
    op = visit("op")
    shown = op.get("failed", mapping="users", text="23505").json
    assert (len(shown["rows"]), shown["seen"]["count"]) == (100, 320)
    with users.begin() as conn:
        add_failed(conn, "users", 1, first=8888)
        Ledger(conn, "users").dead_letters.add(
            "7777", error="constraint x (23505)", delay_seconds=None, operation="UPDATE"
        )
    assert op.get("failed", mapping="users", text="23505").json["seen"]["count"] == 322
    done = op.post("retry-all", {"mapping": "users", "text": "23505", "seen": shown["seen"]})
    assert (done.status, done.json) == (200, {"done": 320})
    left = query(users, "SELECT table_name, COUNT(*) FROM sync_queue WHERE status = 'failed' GROUP BY table_name")
    assert sorted(left) == [("orders", 50), ("users", 132)]
    assert {row["key"] for row in op.get("failed", mapping="users", text="23505").json["rows"]} == {"7777", "8888"}
    # pressed twice, from a page that shows what is over
    again = op.post("retry-all", {"mapping": "users", "text": "23505", "seen": shown["seen"]})
    assert again.json == {"done": 0}


def test_more_rows_than_were_told_of_are_refused(visit, shop):
    """O31: a number that is too low for the filter is no word for all of them."""
    op = visit("op")
    seen = op.get("failed", mapping="orders").json["seen"] | {"count": 3}
    refused = op.post("retry-all", {"mapping": "orders", "text": "", "seen": seen})
    assert (refused.status, refused.json["kind"]) == (409, "changed_since")
    assert "10 failed rows match now, and 3 were shown" in refused.json["message"]
    assert op.get("failed", mapping="orders").json["seen"]["count"] == 10


def test_chosen_rows_are_tried_again_or_left_alone(visit, shop):
    op = visit("op")
    done = op.post("retry", {"mapping": "orders", "keys": ["1", "60", "5000", "7000", "none"]})
    assert done.json == {"done": 2, "states": {"retried": 2, "waiting": 1, "held": 1, "unknown": 1}}
    body = {"mapping": "orders", "keys": ["1", "2"], "reason": "supplier", "hours": 2}
    assert op.post("blacklist/add", body).json == {"done": 2}
    listed = {each["key"]: each for each in op.get("blacklist", mapping="orders").json["rows"]}
    assert set(listed) == {"99", "1", "2"}
    assert (listed["1"]["reason"], 7000 < listed["1"]["left_seconds"] <= 7200) == ("supplier", True)
    assert op.post("blacklist/remove", {"mapping": "orders", "keys": ["1", "99", "5"]}).json == {"done": 2}


def test_conflict_is_decided_as_it_was_shown(visit, shop):
    op = visit("op")
    first, second, _ = op.get("conflicts", mapping="orders").json["conflicts"]
    wanted = [{"id": each["id"], "seen": each["seen"]} for each in (first, second)]
    assert op.post("conflicts/resolve", {"mapping": "orders", "take": "lark", "conflicts": wanted}).json == {"done": 2}
    told = [each["decided"] for each in op.get("conflicts", mapping="orders").json["conflicts"]]
    assert told == [{"take": "lark", "by": "some op (Airflow)"}] * 2 + [None]
    made = query(shop, "SELECT kind, record_id, seen, choice, decided_by, status FROM sync_decision ORDER BY id")
    assert made[0] == ("conflict", "42", first["seen"], "lark", "some op (Airflow)", "open")


def test_conflict_that_changed_since_it_was_drawn_is_refused_and_shown_as_it_is_now(visit, shop):
    """O9: a person edits again and a run replaces the values; the button that was drawn before does nothing."""
    op = visit("op")
    first, second, _ = op.get("conflicts", mapping="orders").json["conflicts"]
    with write_transaction(shop) as conn:
        Ledger(conn, "orders").conflicts.add([conflict("42", {"name": "C"}, {"name": "Wang X."}, {"name": "Wang"})])
    wanted = [{"id": each["id"], "seen": each["seen"]} for each in (second, first)]
    refused = op.post("conflicts/resolve", {"mapping": "orders", "take": "sql", "conflicts": wanted})
    assert (refused.status, refused.json["kind"]) == (409, "changed_since")
    assert query(shop, "SELECT COUNT(*) FROM sync_decision") == [(0,)]
    now = {each["key"]: each for each in op.get("conflicts", mapping="orders").json["conflicts"]}
    assert now["42"]["columns"][0]["lark"] == "C"
    # the id alone is no proof either: SQLite gives it anew
    forged = [{"id": now["42"]["id"], "seen": first["seen"]}]
    assert op.post("conflicts/resolve", {"mapping": "orders", "take": "sql", "conflicts": forged}).status == 409
    assert query(shop, "SELECT COUNT(*) FROM sync_decision") == [(0,)]


@pytest.mark.parametrize("choice", ["release", "keep"])
def test_held_deletes_are_decided_as_they_were_shown(visit, shop, choice):
    """O31: a delete that came to be held meanwhile is not carried out with those that were shown."""
    op = visit("op")
    shown = op.get("held", mapping="orders", kept_in="lark").json
    with shop.begin() as conn:
        add_entries(conn, "orders", 1, status="held", operation="DELETE", first=9999)
    body = {"mapping": "orders", "kept_in": "lark", "choice": choice}
    refused = op.post("held/decide", body | {"seen": shown["seen"]})
    assert (refused.status, refused.json["kind"]) == (409, "changed_since")
    assert "41 deletes held now" in refused.json["message"]
    assert query(shop, "SELECT COUNT(*) FROM sync_decision") == [(0,)]
    now = op.get("held", mapping="orders", kept_in="lark").json
    assert op.post("held/decide", body | {"seen": now["seen"]}).json == {"done": 41}
    told = op.get("held", mapping="orders", kept_in="lark").json["decided"]
    assert told == {"choice": choice, "by": "some op (Airflow)"}
    assert op.post("held/decide", body | {"kept_in": "sql", "seen": ""}).status == 409


def test_shape_that_the_page_does_not_send_is_refused(visit, shop):
    op = visit("op")
    keys = [str(key) for key in range(101)]
    for body in ({"keys": []}, {"keys": keys}, {"keys": ["1"], "all": True}, {"keys": "1"}, {}):
        assert op.post("retry", {"mapping": "orders", **body}).json["kind"] == "bad_request"
    assert op.get("failed", mapping="orders").json["seen"]["count"] == 10


def test_database_that_hangs_takes_few_threads_of_the_api_server(shop, monkeypatch):
    from airflow_provider_lark.plugins.sync_page import databases

    monkeypatch.setattr(databases, "AT_ONCE", 1)
    monkeypatch.setattr(databases, "WAIT_SECONDS", 0.01)
    found = databases.Databases()
    (mapping,) = load_all_mappings(configured_files())
    with found.reading(mapping):
        (told,) = found.states("shop_db", [mapping])
    assert told["error"]["kind"] == "database_busy"
    (told,) = found.states("shop_db", [mapping])
    assert told["failed"] == 10
