"""What the buttons do: exactly what was shown, with the number told; what has changed since is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from threading import Event, Thread

import httpx
import pytest
from anyio import to_thread
from sqlalchemy import text

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import ChangedSince, DatabaseBusy
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.sync.choices import Shown, decide_held, held_set, resolve_conflicts
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings
from airflow_provider_lark.hooks.ledgers import configured_files
from tests.skin.sync_page.scene import add_entries, add_failed, conflict, connection, write_mappings

JSON = {"Content-Type": "application/json"}


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
    assert told == [{"choice": "lark", "by": "some op (Airflow)"}] * 2 + [None]
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


def test_second_of_two_who_decide_is_told_of_the_first(visit, shop):
    """Both pages were drawn before either pressed: a decision is not replaced unseen, only by who has seen it."""
    op, admin = visit("op"), visit("admin")
    conflicts = op.get("conflicts", mapping="orders").json["conflicts"]
    seen = [{name: each[name] for name in ("id", "seen", "decided")} for each in conflicts]
    resolve = {"mapping": "orders", "take": "lark", "conflicts": seen[:1]}
    held = op.get("held", mapping="orders", kept_in="lark").json
    decide = {
        "mapping": "orders",
        "kept_in": "lark",
        "choice": "keep",
        "seen": held["seen"],
        "decided": held["decided"],
    }
    assert op.post("conflicts/resolve", resolve).json == {"done": 1}
    assert op.post("held/decide", decide).json == {"done": 40}
    for refused, fate in (
        (admin.post("conflicts/resolve", {**resolve, "take": "sql", "conflicts": seen}), "conflict 1: Lark wins"),
        (admin.post("held/decide", {**decide, "choice": "release"}), "the deletes held in Lark: they are restored"),
    ):
        assert (refused.status, refused.json["kind"]) == (409, "changed_since")
        assert f"{fate}, as some op (Airflow) decided since it was shown" in refused.json["message"]
    assert query(shop, "SELECT choice FROM sync_decision ORDER BY id") == [("lark",), ("keep",)]
    # who has seen it may decide otherwise
    now = admin.get("conflicts", mapping="orders").json["conflicts"]
    told = [{name: each[name] for name in ("id", "seen", "decided")} for each in now]
    assert admin.post("conflicts/resolve", {**resolve, "take": "sql", "conflicts": told}).json == {"done": 3}
    again = admin.get("held", mapping="orders", kept_in="lark").json
    assert admin.post("held/decide", {**decide, "choice": "release", "decided": again["decided"]}).json["done"] == 40


def test_two_who_decide_at_the_same_moment_wait_for_each_other(engine):
    """Neither sees what the other has not committed, so the second waits for it; then it is refused."""
    with engine.begin() as conn:
        ledger = Ledger(conn, "users")
        ledger.conflicts.add([conflict("42", {"name": "A"}, {"name": "B"}, {"name": "C"})])
        add_entries(conn, "users", 3, status="held", operation="DELETE")
        (mine,) = ledger.conflicts.open_page(after=0, limit=2)
        held = held_set(ledger, "lark")
    refused = []

    def decide(by, choice, meanwhile=None):
        try:
            with write_transaction(engine) as conn:
                ledger = Ledger(conn, "users")
                resolve_conflicts(ledger, {mine.id: Shown(mine.fingerprint)}, take=choice, by=by)
                if meanwhile is not None:
                    meanwhile()
        except ChangedSince as exc:
            refused.append(str(exc).partition(" since")[0])
        try:
            with write_transaction(engine) as conn:
                decide_held(Ledger(conn, "users"), "lark", choice="keep", by=by, shown=Shown(held.seen))
        except ChangedSince as exc:
            refused.append(str(exc).partition(" since")[0])

    second = Thread(target=decide, args=("second", "sql"))

    def let_the_second_try():
        second.start()
        # without a lock it would have decided by then
        second.join(0.3)

    decide("first", "lark", let_the_second_try)
    second.join()
    assert refused[0] == f"conflict {mine.id}: Lark wins, as first decided"
    # of the held deletes either may have been first
    assert [each.partition(" as ")[0] for each in refused[1:]] == ["the deletes held in Lark: they are restored,"]
    made = query(engine, "SELECT kind, choice FROM sync_decision ORDER BY kind")
    assert made == [("conflict", "lark"), ("held_records", "keep")]


def test_shape_that_the_page_does_not_send_is_refused(visit, shop):
    op = visit("op")
    keys = [str(key) for key in range(101)]
    for body in ({"keys": []}, {"keys": keys}, {"keys": ["1"], "all": True}, {"keys": "1"}, {}):
        assert op.post("retry", {"mapping": "orders", **body}).json["kind"] == "bad_request"
    assert op.get("failed", mapping="orders").json["seen"]["count"] == 10


def test_what_no_database_can_take_is_refused_before_one_is_asked(visit, shop):
    """Numbers beyond 2^63, half a character, a filter longer than SQLite's patterns may be: 400, not 500 or 503."""
    op = visit("op")
    for number in (2**63, 10**30, -1):
        pages = [op.get(path, mapping="orders", before=number) for path in ("runs", "failed", "blacklist")]
        pages += [
            op.get(path, mapping="orders", kept_in="sql", after=number) for path in ("failed", "conflicts", "held")
        ]
        assert [each.json["kind"] for each in pages] == ["bad_request"] * 6
        seen = {"count": 1, "up_to": number, "up_to_ms": 0}
        assert op.post("retry-all", {"mapping": "orders", "seen": seen}).status == 400
        wanted = {"mapping": "orders", "take": "sql", "conflicts": [{"id": number, "seen": "x"}]}
        assert op.post("conflicts/resolve", wanted).status == 400
    half = '{"mapping": "orders", "keys": ["\\ud800"]}'
    for path in ("retry", "blacklist/add", "blacklist/remove"):
        answer = op.ask("POST", f"/api/{path}", content=half, headers={**JSON, "Sec-Fetch-Site": "same-origin"})
        assert (path, answer.status_code) == (path, 400)
    assert op.get("failed", mapping="orders", text="x" * 501).status == 400
    assert op.get("failed", mapping="orders", text="x" * 500).status == 200


def test_page_that_waits_takes_none_of_the_threads_that_airflow_has(visit, shop, monkeypatch):
    """A database that hangs holds up what asks for it, and the pages of Airflow have their threads."""
    from airflow_provider_lark.plugins.sync_page import databases, threads

    monkeypatch.setattr(threads, "THREADS", 2)
    entered, go_on = [], Event()
    monkeypatch.setattr(databases.Databases, "states", lambda self, *_: entered.append(1) or (go_on.wait(60) and []))
    mine = visit("op")

    async def crowd():
        transport = httpx.ASGITransport(mine.app)
        airflows = to_thread.current_default_thread_limiter()
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow", cookies=mine.cookies) as client:
            asked = [asyncio.create_task(client.get("/api/states?conn_id=shop_db")) for _ in range(5)]
            for _ in range(3000):
                if len(entered) == 2 and airflows.borrowed_tokens == 0:
                    break
                await asyncio.sleep(0.01)
            taken = (len(entered), airflows.borrowed_tokens)
            go_on.set()
            return taken, [each.status_code for each in await asyncio.gather(*asked)]

    assert asyncio.run(crowd()) == ((2, 0), [200] * 5)


class LaterClock(SystemClock):
    """The time, and so many seconds more."""

    later = 0.0

    def monotonic(self):
        return super().monotonic() + self.later


def test_files_that_are_read_again_hold_up_nobody(shop, monkeypatch):
    """A mapping of a whole base asks its database, which may hang: others get what was known."""
    from airflow_provider_lark.plugins.sync_page import mappings

    clock, load = LaterClock(), mappings._load
    files = mappings.MappingFiles(clock=clock)
    monkeypatch.setattr(mappings, "_load", lambda names: replace(load(names), is_lasting=False))
    first = files.read()
    clock.later = mappings.FRESH_SECONDS
    begun, go_on = Event(), Event()
    monkeypatch.setattr(mappings, "_load", lambda names: begun.set() or (go_on.wait(60) and load(names)))
    again = Thread(target=files.read)
    again.start()
    assert begun.wait(60)
    assert files.read() is first
    monkeypatch.setattr(mappings, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(files, "_known", None)
    with pytest.raises(DatabaseBusy, match="not read yet"):
        files.read()
    go_on.set()
    again.join()
    assert files.read() is not first


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
