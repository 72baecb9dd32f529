"""The inbox on real databases: kept once, handled at least once, never lost (issue inputs 7.10, 7.36 to 7.38)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy import event as event_of_engine

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.errors import ConfigError, RowError, Unreachable
from airflow_provider_lark.core.inbox import keeping, retention
from airflow_provider_lark.core.inbox.inbox import MAX_ATTEMPTS, InboxCounts
from airflow_provider_lark.core.inbox.retention import Purged, Upkeep, purge
from airflow_provider_lark.core.inbox.set_aside import list_set_aside
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.inbox.survey import survey
from airflow_provider_lark.core.receiving.envelope import Delivery, read_delivery
from tests.clocks import wait_until
from tests.core.receiving.sealing import click, event, old_click

KEY = "A" * 43 + "="
NEXT_KEY = "B" * 43 + "="
_apps = count(1)


@pytest.fixture(scope="module")
def databases(new_database):
    """An engine with the tables, of each kind."""
    made = {}

    def give(kind):
        if kind not in made:
            made[kind] = new_database(kind)
            upgrade(made[kind])
        return made[kind]

    return give


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def database(request, databases):
    return databases(request.param)


@pytest.fixture
def app_id():
    """An app that no other test has."""
    return f"cli_{next(_apps)}"


@pytest.fixture
def inbox(database, app_id):
    return SqlInbox(database, Keyring.from_text(KEY), app_id)


@pytest.fixture
def told(app_id):
    """Make a delivery to the app."""

    def make(number: int = 1, body: dict[str, Any] | None = None) -> Delivery:
        body = body or event(event_id=f"e{number}", app_id=app_id)
        return read_delivery(body, now_ms=1_608_725_989_000)

    return make


def take(inbox, limit=100, *, token="me", lease_seconds=60.0, **asked):
    return inbox.claim(limit=limit, token=token, lease_seconds=lease_seconds, **asked)


def move(database, app_id, **changes):
    """Let time pass: *changes* are expressions of SQL by column."""
    said = ", ".join(f"{name} = {value}" for name, value in changes.items())
    with database.begin() as conn:
        conn.execute(text(f"UPDATE lark_inbox SET {said} WHERE app_id = :id"), {"id": app_id})


def column(database, app_id, name):
    with database.connect() as conn:
        return list(conn.scalars(text(f"SELECT {name} FROM lark_inbox WHERE app_id = :id ORDER BY id"), {"id": app_id}))


def test_who_waits_for_a_card_does_not_read_what_nobody_handles(databases, told, app_id):
    inbox = SqlInbox(databases("sqlite"), Keyring.from_text(KEY), app_id)
    inbox.put(told(1, click({"choice": "a"})))
    asked = []

    def note(conn, cursor, statement, parameters, context, executemany):
        asked.append((statement, parameters))

    event_of_engine.listen(databases("sqlite"), "before_cursor_execute", note)
    assert take(inbox, subject="om_none") == []
    event_of_engine.remove(databases("sqlite"), "before_cursor_execute", note)
    statement, parameters = next(each for each in asked if "lark_inbox" in each[0])
    with databases("sqlite").connect() as conn:
        plan = str(conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "idx_lark_inbox_subject (app_id=? AND subject=? AND status=?)" in plan


def test_delivery_is_kept_once_and_told_when_it_came_first(inbox, told):
    first, again = inbox.put(told()), inbox.put(told())
    assert (first.is_new, again.is_new) == (True, False)
    assert abs(again.first_ms - inbox.count().oldest_ms) < 5_000
    assert inbox.count().pending == 1


def test_double_under_another_event_id_is_the_same(inbox, told, app_id):
    body = click({"a": 1})
    body["header"]["app_id"] = app_id
    body["event"]["context"]["open_message_id"] = f"om_{app_id}"
    old = {**old_click({"a": 1}), "open_message_id": f"om_{app_id}"}
    assert inbox.put(told(body=body)).is_new
    assert not inbox.put(told(body=old)).is_new
    body["header"]["event_id"] = "another id for the same click"
    assert not inbox.put(told(body=body)).is_new
    assert inbox.count().pending == 1


def test_what_was_told_comes_out_as_it_went_in(inbox, told, app_id):
    body = event(app_id=app_id, event_id="e😀")
    body["event"] = {"text": "中文 😀 \u0000 ' \" \\", "n": 1.5, "deep": [{"a": None}]}
    inbox.put(told(body=body))
    (entry,) = take(inbox)
    assert (entry.body, entry.event, entry.attempts) == (body, body["event"], 1)
    assert (entry.kind, entry.type) == ("event", "drive.file.bitable_record_changed_v1")
    assert "中文" not in repr(entry)


def test_body_is_sealed_in_the_database(database, inbox, told, app_id):
    body = event(app_id=app_id)
    body["event"] = {"text": "nobody may read this"}
    inbox.put(told(body=body))
    (sealed,) = column(database, app_id, "body")
    assert "nobody" not in sealed


def test_entry_is_taken_by_one_and_done(inbox, told):
    for number in range(5):
        inbox.put(told(number))
    mine, others = take(inbox, 3, token="a"), take(inbox, 10, token="b")
    assert [len(mine), len(others)] == [3, 2]
    assert inbox.complete([entry.id for entry in mine], token="a") == 3
    assert inbox.complete([entry.id for entry in others], token="a") == 0
    assert inbox.count() == InboxCounts(processing=2, completed=3)
    assert not inbox.put(told(0)).is_new, "what is done stays known"


def test_clicks_can_be_taken_apart_from_events(inbox, told, app_id):
    body = click({"a": 1})
    body["header"]["app_id"] = app_id
    inbox.put(told())
    inbox.put(told(body=body))
    assert [entry.kind for entry in take(inbox, kind="card")] == ["card"]
    assert [entry.kind for entry in take(inbox)] == ["event"]


def test_entries_of_another_app_are_not_taken(database, inbox, told):
    inbox.put(told())
    other = SqlInbox(database, Keyring.from_text(KEY), "cli_other")
    assert take(other) == []
    assert other.count() == InboxCounts()


def test_entry_of_a_process_that_died_comes_back(database, inbox, told, app_id):
    inbox.put(told())
    assert take(inbox, token="dead")
    assert take(inbox) == []
    move(database, app_id, claim_until_ms="1")
    (entry,) = take(inbox, token="alive")
    assert entry.attempts == 2
    assert inbox.complete([entry.id], token="dead") == 0, "too late: it is another's"
    assert inbox.complete([entry.id], token="alive") == 1


def test_entry_that_kills_its_handler_is_set_aside_and_the_others_are_handled(database, inbox, told, app_id):
    """Input 7.36: the count survives, because it is counted when the entry is taken."""
    inbox.put(told(0))
    poison = take(inbox, 1)[0].id
    for _ in range(MAX_ATTEMPTS - 1):
        move(database, app_id, claim_until_ms="1")
        assert [entry.id for entry in take(inbox, 1)] == [poison]
    inbox.put_all([told(number) for number in range(1, 100)])
    move(database, app_id, claim_until_ms="CASE status WHEN 'processing' THEN 1 END")
    good = take(inbox, 100)
    assert len(good) == 99
    assert poison not in [entry.id for entry in good]
    assert inbox.count().failed == 1
    assert "ended the process" in column(database, app_id, "error")[0]


def test_entry_that_fails_is_tried_later_and_later_and_then_set_aside(database, inbox, told, app_id):
    inbox.put(told())
    waits = []
    for attempts in range(1, MAX_ATTEMPTS + 1):
        (entry,) = take(inbox)
        assert entry.attempts == attempts
        inbox.retry(entry.id, token="me", attempts=entry.attempts, error="the target database is down")
        assert take(inbox) == []
        with database.connect() as conn:
            left = "SELECT next_attempt_ms FROM lark_inbox WHERE app_id = :id AND status = 'pending'"
            waits.append(conn.scalar(text(left), {"id": app_id}))
        move(database, app_id, next_attempt_ms="NULL")
    assert inbox.count().failed == 1
    assert column(database, app_id, "error") == ["tried 10 times; the last time: the target database is down"]
    assert [wait is None for wait in waits] == [False] * (MAX_ATTEMPTS - 1) + [True]


def test_entries_set_aside_can_be_replayed(inbox, told):
    for number in range(3):
        inbox.put(told(number))
    for entry in take(inbox):
        inbox.give_up(entry.id, token="me", error="x" * 10_000)
    assert inbox.count().failed == 3
    ids = [entry.id for entry in take(inbox)]
    assert ids == []
    assert inbox.replay() == 3
    again = take(inbox)
    assert [entry.attempts for entry in again] == [1, 1, 1]
    assert inbox.replay([again[0].id]) == 0


def test_only_the_taker_can_give_up_or_retry(inbox, told):
    inbox.put(told())
    (entry,) = take(inbox, token="a")
    inbox.give_up(entry.id, token="b", error="not mine")
    inbox.retry(entry.id, token="b", attempts=1, error="not mine")
    assert inbox.count() == InboxCounts(processing=1)


def test_key_is_changed_without_losing_what_waits(database, inbox, told, app_id):
    inbox.put(told(1))
    rotated = SqlInbox(database, Keyring.from_text(f"{NEXT_KEY},{KEY}"), app_id)
    rotated.put(told(2))
    assert len(take(rotated)) == 2


def test_entry_that_no_key_opens_is_left_to_others_then_set_aside_with_that_reason_and_comes_back_with_the_key(
    database, inbox, told, app_id
):
    inbox.put(told())
    stranger = SqlInbox(database, Keyring.from_text(NEXT_KEY), app_id)
    # whoever does not have the key yet, or any more, takes it from nobody who has
    assert take(stranger) == []
    assert inbox.count().pending == 1
    with database.begin() as conn:
        conn.execute(
            text(f"UPDATE lark_inbox SET received_at = {OLD[database.dialect.name]} WHERE app_id = '{app_id}'")
        )
    assert take(stranger) == []
    assert "none of the keys" in column(database, app_id, "error")[0]
    assert inbox.replay() == 1
    assert len(take(inbox)) == 1


def test_oldest_that_waits_is_told(database, inbox, told):
    assert inbox.count().oldest_ms is None
    inbox.put(told(1))
    first_ms = inbox.count().oldest_ms
    inbox.put(told(2))
    assert inbox.count().oldest_ms == first_ms


OLD = {
    "sqlite": "'2020-01-01 00:00:00.000000'",
    "postgresql": "TIMESTAMP '2020-01-01 00:00:00'",
    "mysql": "TIMESTAMP '2020-01-01 00:00:00'",
}


def test_old_entries_and_identities_go_and_what_waits_stays(database, inbox, told, app_id):
    purge(database)
    for number in range(3):
        inbox.put(told(number))
    done, aside = take(inbox, 2)
    inbox.complete([done.id], token="me")
    inbox.give_up(aside.id, token="me", error="x")
    assert purge(database) == Purged(0, 0, 0)
    old = OLD[database.dialect.name]
    with database.begin() as conn:
        conn.execute(
            text(f"UPDATE lark_inbox SET finished_at = {old} WHERE finished_at IS NOT NULL AND app_id = :id"),
            {"id": app_id},
        )
        conn.execute(text(f"UPDATE lark_inbox_identities SET seen_at = {old}"))
    assert purge(database) == Purged(completed=1, failed=1, waiting=0)
    assert inbox.count() == InboxCounts(pending=1, oldest_ms=inbox.count().oldest_ms)
    assert inbox.put(told(0)).is_new, "nobody delivers again after so long"


def test_process_that_receives_deletes_what_is_old_by_itself(databases, told, app_id, monkeypatch):
    monkeypatch.setattr(retention, "DELETED_AT_ONCE", 2)
    database = databases("postgresql")
    inbox = SqlInbox(database, Keyring.from_text(KEY), app_id)
    inbox.put_all([told(number) for number in range(5)])
    inbox.complete([entry.id for entry in take(inbox)], token="me")
    inbox.put(told(5))
    move(database, app_id, finished_at=f"CASE status WHEN 'completed' THEN {OLD['postgresql']} END")
    # the first time there is no database
    engines = iter([create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), create_engine(database.url)])
    upkeep = Upkeep(lambda: next(engines), first_seconds=0, seconds=0.01)
    upkeep.start()
    wait_until(lambda: inbox.count().completed == 0)
    upkeep.stop()
    assert inbox.count().pending == 1


def test_event_that_nobody_handles_goes_in_the_end_and_a_click_never(database, inbox, told, app_id):
    """Without this, events of types that nobody wants would fill the table for ever."""
    purge(database)
    body = click({"a": 1})
    body["header"]["app_id"] = app_id
    body["event"]["context"]["open_message_id"] = f"om_{app_id}"
    inbox.put(told(body=body))
    for number in range(4):
        inbox.put(told(number))
    left, retried, aside = take(inbox, 3, kind="event")
    inbox.retry(retried.id, token="me", attempts=1, error="the target database is down")
    inbox.give_up(aside.id, token="me", error="x")
    inbox.replay([aside.id])
    move(database, app_id, received_at=OLD[database.dialect.name])
    assert purge(database) == Purged(0, 0, waiting=1), "the one that nobody has touched"
    assert purge(database) == Purged(0, 0, 0)
    move(database, app_id, claim_until_ms="CASE status WHEN 'processing' THEN 1 END")
    assert purge(database) == Purged(0, 0, waiting=1), "whoever took it is dead, and nobody else came"
    move(database, app_id, next_attempt_ms="CASE kind WHEN 'event' THEN 1 END")
    assert purge(database, waiting_days=3650).waiting == 0
    assert purge(database) == Purged(0, 0, waiting=2), "tried, or replayed, long ago"
    assert column(database, app_id, "kind") == ["card"]
    assert left.id not in column(database, app_id, "id")


def test_click_whose_handler_died_is_kept_too(database, inbox, told, app_id):
    body = click({"a": 2})
    body["header"]["app_id"] = app_id
    body["event"]["context"]["open_message_id"] = f"om_{app_id}"
    inbox.put(told(body=body))
    take(inbox)
    move(database, app_id, received_at=OLD[database.dialect.name], claim_until_ms="1")
    assert purge(database).waiting == 0
    assert len(take(inbox)) == 1


def test_survey_counts_by_status_and_type(database, inbox, told, app_id):
    assert survey(database, app_id) == []
    for number in range(3):
        inbox.put(told(number))
    body = event(event_id="other", app_id=app_id)
    body["header"]["event_type"] = "im.message.receive_v1"
    inbox.put(told(body=body))
    (first,) = take(inbox, 1)
    inbox.give_up(first.id, token="me", error="[red] x")
    found = survey(database, app_id)
    assert [(group.status, group.kind, group.type, group.entries) for group in found] == [
        ("failed", "event", "drive.file.bitable_record_changed_v1", 1),
        ("pending", "event", "drive.file.bitable_record_changed_v1", 2),
        ("pending", "event", "im.message.receive_v1", 1),
    ]
    assert found[2].oldest_ms == found[2].newest_ms >= found[1].newest_ms >= found[1].oldest_ms


def test_what_was_set_aside_is_listed_with_its_reason_and_the_newest_of_many(database, inbox, told, app_id):
    for number in range(3):
        inbox.put(told(number))
    for entry in take(inbox):
        inbox.give_up(entry.id, token="me", error=f"no handler for {entry.event_id}")
    found = list_set_aside(database, app_id, limit=2)
    assert [(each.event_id, each.error) for each in found] == [("e1", "no handler for e1"), ("e2", "no handler for e2")]
    assert [(each.kind, each.subject, each.attempts) for each in found] == [("event", "", 1)] * 2
    assert list_set_aside(database, "cli_other", limit=2) == []


def test_several_are_kept_together_and_told_apart(inbox, told, app_id):
    message = {"event_type": "im.message.receive_v1", "app_id": app_id}
    texts = [event(event_id=id_, **message) for id_ in ("m1", "m2")]
    for each in texts:
        each["event"] = {"message": {"message_id": f"om_{app_id}"}}
    inbox.put(told(1))
    given = [told(1), told(2), told(2), *(told(body=each) for each in texts)]
    assert [receipt.is_new for receipt in inbox.put_all(given)] == [False, True, False, True, False]
    assert [entry.event_id for entry in take(inbox)] == ["e1", "e2", "m1"]


def test_one_that_the_database_refuses_keeps_no_other_out(database, inbox, told, app_id, monkeypatch):
    # so that what is large goes in several statements, too
    monkeypatch.setattr(keeping, "STATEMENT_CHARACTERS", 1000)
    with database.begin() as conn:
        if database.dialect.name == "sqlite":
            words = "WHEN NEW.event_id = 'e777' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            conn.execute(text(f"CREATE TRIGGER {app_id} BEFORE INSERT ON lark_inbox {words}"))
        else:
            conn.execute(text(f"ALTER TABLE lark_inbox ADD CONSTRAINT {app_id} CHECK (event_id <> 'e777')"))
    try:
        outcomes = inbox.put_all([told(number) for number in (*range(770, 790), 777)])
        with pytest.raises(Unreachable):
            inbox.put(told(777))
    finally:
        with database.begin() as conn:
            is_lite = database.dialect.name == "sqlite"
            conn.execute(
                text(f"DROP TRIGGER {app_id}" if is_lite else f"ALTER TABLE lark_inbox DROP CONSTRAINT {app_id}")
            )
    refused = [number for number, each in enumerate(outcomes) if isinstance(each, RowError)]
    assert refused == [7, 20], "itself, and its double"
    assert len(take(inbox)) == 19
    assert inbox.put(told(777)).is_new, "Lark sends it again"


def test_table_that_is_missing_is_said_as_such_for_several_too(databases, told, app_id):
    database = databases("postgresql")
    inbox = SqlInbox(database, Keyring.from_text(KEY), app_id)
    with database.begin() as conn:
        conn.execute(text("ALTER TABLE lark_inbox RENAME TO away"))
    try:
        with pytest.raises(ConfigError, match="has no table lark_inbox"):
            inbox.put_all([told(1), told(2)])
    finally:
        with database.begin() as conn:
            conn.execute(text("ALTER TABLE away RENAME TO lark_inbox"))


def test_ids_are_known_where_the_database_returns_them_one_by_one(databases, told, app_id, monkeypatch):
    """MySQL, other than MariaDB."""
    database = databases("mysql")
    inbox = SqlInbox(database, Keyring.from_text(KEY), app_id)
    monkeypatch.setattr(type(database.dialect), "insert_executemany_returning_sort_by_parameter_order", False)
    inbox.put_all([told(1), told(2)])
    with database.connect() as conn:
        joined = "SELECT event_id FROM lark_inbox JOIN lark_inbox_identities ON inbox_id = id WHERE app_id = :id"
        assert set(conn.scalars(text(joined), {"id": app_id})) == {"e1", "e2"}


DELIVERIES = 40


def test_two_doors_that_get_everything_at_once_keep_everything_once(database, app_id, told):
    """Input 7.10, each door with sessions of its own."""
    upgrade(database)
    url = database.url
    ready = threading.Barrier(2)

    def put(inbox: SqlInbox, number: int) -> bool:
        while True:
            try:
                return inbox.put(told(number)).is_new
            except Unreachable:
                # on a machine under load SQLite may not get at its lock in time: Lark delivers again
                assert database.dialect.name == "sqlite"

    def deliver(_: int) -> list[bool]:
        engine = create_engine(url)
        try:
            inbox = SqlInbox(engine, Keyring.from_text(KEY), app_id)
            ready.wait()
            return [put(inbox, number) for number in range(DELIVERIES)]
        finally:
            engine.dispose()

    with ThreadPoolExecutor(2) as pool:
        left, right = pool.map(deliver, range(2))
    assert [a + b for a, b in zip(left, right, strict=True)] == [1] * DELIVERIES
    assert len(column(database, app_id, "id")) == DELIVERIES


def test_row_that_is_committed_late_is_handled_by_the_next_look(databases, app_id, told):
    """Input 7.38: an id below the newest that was seen."""
    database = databases("postgresql")
    inbox = SqlInbox(database, Keyring.from_text(KEY), app_id)
    slow = database.connect()
    inbox.put(told(0))
    (seed,) = take(inbox)
    with slow.begin():
        slow.execute(
            text(
                "INSERT INTO lark_inbox (app_id, kind, event_type, event_id, body, key_id, status, attempts) "
                "SELECT app_id, kind, event_type, 'late', body, key_id, 'pending', 0 FROM lark_inbox WHERE id = :id"
            ),
            {"id": seed.id},
        )
        inbox.put(told(1))
        assert [entry.event_id for entry in take(inbox)] == ["e1"]
    slow.close()
    assert [entry.event_id for entry in take(inbox)] == ["late"]


def test_database_that_is_down_is_said_and_nothing_is_promised(app_id, told):
    engine = create_engine("postgresql+psycopg2://root@127.0.0.1:1/nothing")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        SqlInbox(engine, Keyring.from_text(KEY), app_id).put(told())
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        SqlInbox(engine, Keyring.from_text(KEY), app_id).check()


def change(app_id, number, table_id):
    body = event(event_id=f"c{number}", app_id=app_id)
    body["event"] = {"file_type": "bitable", "file_token": "bas1", "table_id": table_id, "action_list": []}
    return body


def test_changes_of_one_table_are_taken_apart_from_the_others(inbox, told, app_id):
    for number, table_id in enumerate(("tbl1", "tbl2", "tbl1")):
        inbox.put(told(body=change(app_id, number, table_id)))
    inbox.put(told())
    assert [entry.event_id for entry in take(inbox, subject="bas1/tbl1")] == ["c0", "c2"]
    assert take(inbox, subject="bas1/tbl3") == []
    assert inbox.count().pending == 2


def test_what_is_given_back_is_as_if_it_had_not_been_taken(inbox, told):
    inbox.put(told())
    (entry,) = take(inbox)
    inbox.give_back([entry.id], token="another's")
    assert take(inbox) == []
    inbox.give_back([entry.id], token="me")
    assert [again.attempts for again in take(inbox)] == [1]
