"""Questions in real databases: asked once, decided once, every click kept; and the inbox that decides at the door."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.sealed_rows import SEALED, Moved, count_older, reencrypt_rows
from airflow_provider_lark.core.accounts.tables import metadata
from airflow_provider_lark.core.errors import ConfigError, NotFound, SchemaMismatch, Unreachable
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.inbox import Receipt
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.questions.click import QUESTION
from airflow_provider_lark.core.questions.desk import Desk, LateDesk, decide_waiting
from airflow_provider_lark.core.questions.question import Sealer
from airflow_provider_lark.core.questions.store import QuestionStore, purge
from airflow_provider_lark.core.receiving.envelope import Delivery, read_delivery
from tests.core.questions.asking import COUNT, press, terms, vote
from tests.core.receiving.sealing import click as click_body

RING = Keyring.from_text("A" * 43 + "=")
BOARDS = ("lark_decision_cards",)
KINDS = ("sqlite", "postgresql", "mysql")


@pytest.fixture(scope="module")
def made(new_database: Callable[[str], Engine]) -> Callable[[str], Engine]:
    engines: dict[str, Engine] = {}

    def give(kind: str) -> Engine:
        if kind not in engines:
            engines[kind] = new_database(kind)
            upgrade(engines[kind])
        return engines[kind]

    return give


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, made: Callable[[str], Engine]) -> Iterator[Engine]:
    engine = made(request.param)
    yield engine
    with engine.begin() as conn:
        for name in (
            "lark_answers",
            "lark_question_cards",
            "lark_questions",
            "lark_inbox",
            "lark_inbox_identities",
            *BOARDS,
        ):
            conn.execute(text(f"DELETE FROM {name}"))
    engine.dispose()


@pytest.fixture
def store(database: Engine) -> QuestionStore:
    return QuestionStore(database, RING, "cli_1")


def asked(store: QuestionStore, key: str = "k", *, seconds: float | None = 3600, **changes: Any) -> str:
    question, _ = store.ask(key, terms(**changes), seconds=seconds)
    store.note_card(question.id, "om_1", "oc_1")
    store.note_sent(question.id)
    return question.id


def end_time(database: Engine, id_: str) -> None:
    with database.begin() as conn:
        conn.execute(text("UPDATE lark_questions SET expires_at_ms = 1 WHERE id = :id"), {"id": id_})


def test_first_answer_decides_and_every_click_is_kept(store: QuestionStore) -> None:
    id_ = asked(store)
    wrong = store.answer(press("ou_mallory"))
    assert wrong is not None
    assert (wrong.verdict.reason, wrong.question.state, "card" in wrong.reply) == ("not_allowed", "open", False)
    first = store.answer(press("ou_lin"))
    assert first is not None
    assert (first.question.state, first.question.decision, first.reply["toast"]["type"]) == (
        "answered",
        "approve",
        "success",
    )
    assert '"button"' not in json.dumps(first.reply["card"])
    late = store.answer(press("ou_wei", "reject"))
    assert late is not None
    assert late.reply["toast"]["content"].startswith("Already answered by Lin at ")
    # who presses a card that was left as it was sees it as it is
    assert late.reply["card"] == first.reply["card"]
    audit = store.audit(id_)
    assert [(each["open_id"], each["outcome"], each["reason"]) for each in audit] == [
        ("ou_mallory", "refused", "not_allowed"),
        ("ou_lin", "accepted", "accepted"),
        ("ou_wei", "refused", "answered"),
    ]
    assert audit[1]["click"]["action"]["value"] == {"choice": "approve"}
    assert audit[1]["click"]["token"] == ""
    assert store.state_of(id_)[:2] == ("answered", False)


def test_same_click_twice_is_one_and_another_one_is_told_so(store: QuestionStore, database: Engine) -> None:
    id_ = asked(store, needed=2, rejections_needed=2)
    for at_ms in (1_000_000, 1_000_900, 1_005_000):
        # by both kinds of callback, and again five seconds later
        answered = store.answer(press("ou_lin", at_ms=at_ms))
        assert answered is not None
        assert answered.question.state == "open"
    assert "already recorded" in answered.reply["toast"]["content"]
    assert len(store.audit(id_)) == 1
    for at_ms in (1_000_000, 1_000_900):
        store.answer(press("ou_mallory", at_ms=at_ms))
    assert len(store.audit(id_)) == 2


def test_click_that_counts_a_moment_after_it_was_refused_is_kept(store: QuestionStore) -> None:
    id_ = asked(store, allowed={"ou_wei": "Wei"})
    refused = store.answer(press("ou_lin"))
    assert refused is not None
    assert refused.verdict.reason == "not_allowed"
    # an escalation lets the person answer, within the second in which two callbacks of one click are one
    store.change_terms(id_, terms())
    counted = store.answer(press("ou_lin"))
    assert counted is not None
    assert counted.reply["toast"]["content"] == "Recorded: Approve"
    assert store.read(id_).decision == "approve"


def test_two_who_decide_within_a_second_both_count(store: QuestionStore) -> None:
    id_ = asked(store, needed=2, rejections_needed=2)
    assert store.answer(press("ou_lin", at_ms=1_000_000)) is not None
    second = store.answer(press("ou_wei", at_ms=1_000_000))
    assert second is not None
    assert (second.question.decision, len(second.question.votes), len(store.audit(id_))) == ("approve", 2, 2)


def test_two_decisions_of_a_person_in_one_second_are_two_and_the_same_one_is_one(store: QuestionStore) -> None:
    """Input 7.08: two conflicts on one card, then two forms of one card with other values."""
    conflicts = [asked(store, "17"), asked(store, "18")]
    for id_ in (*conflicts, conflicts[0]):
        assert store.answer(press(question_id=id_, at_ms=1_000_000)) is not None
    assert [(store.read(id_).decision, len(store.audit(id_))) for id_ in conflicts] == [("approve", 1)] * 2
    id_ = asked(store, "form", fields=(COUNT,))
    for count in ("11", "12", "11"):
        store.answer(press(question_id=id_, at_ms=1_000_000, form_value={"count": count}))
    tried = [each["click"]["action"]["form_value"]["count"] for each in store.audit(id_)]
    assert (tried, store.read(id_).state) == (["11", "12"], "open")


def test_of_twenty_at_once_one_decides(store: QuestionStore) -> None:
    people = {f"ou_{at}": f"P{at}" for at in range(20)}
    id_ = asked(store, allowed=people)

    def click(who: str) -> str:
        answered = store.answer(press(who, "approve" if int(who[3:]) % 2 else "reject"))
        assert answered is not None
        return answered.verdict.reason

    with ThreadPoolExecutor(8) as pool:
        reasons = list(pool.map(click, people))
    assert sorted(reasons) == ["accepted", *["answered"] * 19]
    question = store.read(id_)
    (vote,) = question.votes
    assert question.decision == vote.choice
    assert len(store.audit(id_)) == 20


def test_ten_who_ask_at_once_ask_one_question(store: QuestionStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.ask("same", terms(), seconds=60)[0], range(10)))
    assert len({each.id for each in found}) == 1
    assert sum(each.is_new for each in found) == 1


def test_question_goes_on_until_its_answer_is_collected(store: QuestionStore) -> None:
    id_ = asked(store)
    again, replaced = store.ask("k", terms(), seconds=60)
    assert (again.id, again.is_new, replaced, again.cards) == (id_, False, None, (("om_1", "oc_1"),))
    store.answer(press())
    answered, _ = store.ask("k", terms(), seconds=60)
    assert (answered.id, answered.state) == (id_, "answered")
    store.collect(id_)
    anew, replaced = store.ask("k", terms(), seconds=60)
    assert (anew.id != id_, anew.is_new, anew.state, replaced) == (True, True, "open", None)


def test_question_that_is_asked_otherwise_replaces_the_open_one(store: QuestionStore) -> None:
    id_ = asked(store)
    anew, replaced = store.ask("k", terms(), seconds=60, mark="another draft")
    assert replaced is not None
    assert (replaced.id, replaced.state, anew.state) == (id_, "replaced", "open")
    late = store.answer(press(question_id=id_))
    assert late is not None
    assert "newer question" in late.reply["toast"]["content"]
    store.note_card(anew.id, "om_2", "oc_1")
    good = store.answer(press(message_id="om_2", question_id=anew.id))
    assert good is not None
    assert good.question.decision == "approve"


def test_answer_that_stands_there_wins_over_the_time(store: QuestionStore, database: Engine) -> None:
    id_ = asked(store)
    store.answer(press())
    end_time(database, id_)
    assert store.expire(id_).state == "answered"


def test_time_that_is_over_closes_the_question_once(store: QuestionStore, database: Engine) -> None:
    id_ = asked(store)
    assert store.expire(id_).state == "open"
    end_time(database, id_)
    assert store.state_of(id_)[:2] == ("open", True)
    late = store.answer(press())
    assert late is not None
    assert late.verdict.reason == "expired"
    assert store.expire(id_).state == "expired"
    assert store.withdraw(id_).state == "expired"


def test_click_on_something_else_is_no_answer(store: QuestionStore) -> None:
    asked(store)
    assert store.answer(press(message_id="om_other")) is None
    assert store.answer(press(question_id="f" * 32)) is None
    assert store.answer(press(message_id="")) is None
    other_app = QuestionStore(store._database.engine, RING, "cli_2")
    assert other_app.answer(press()) is None
    with pytest.raises(NotFound):
        store.read("f" * 32)


def test_button_of_any_length_on_a_card_of_somebody_else_is_an_answer(store: QuestionStore) -> None:
    asked(store, choices=(), allowed=None)
    answered = store.answer(press(choice="华" * 3000))
    assert answered is not None
    assert (answered.question.state, answered.question.votes[0].choice) == ("answered", "华" * 3000)


def test_nothing_that_people_wrote_can_be_read_in_the_database(store: QuestionStore, database: Engine) -> None:
    asked(store, allowed={"ou_lin": "Lin Xiaoman"})
    store.answer(press(form_value={"why": "a secret reason"}))
    with database.connect() as conn:
        for name in ("lark_questions", "lark_answers"):
            rows = str([tuple(row) for row in conn.execute(text(f"SELECT * FROM {name}"))])
            assert "Xiaoman" not in rows
            assert "secret reason" not in rows
    with pytest.raises(ConfigError, match="LARK_CONFIG_ENCRYPTION_KEY"):
        QuestionStore(database, Keyring.from_text("B" * 43 + "="), "cli_1").answer(press())


def test_old_questions_and_answers_are_purged(store: QuestionStore, database: Engine) -> None:
    id_ = asked(store)
    store.answer(press())
    asked(store, "open one")
    assert purge(database) == 0
    old = "'2020-01-01 00:00:00.000000'"
    with database.begin() as conn:
        conn.execute(text(f"UPDATE lark_questions SET updated_at = {old}"))
        conn.execute(text(f"UPDATE lark_answers SET answered_at = {old}"))
    assert purge(database) == 2
    with pytest.raises(NotFound):
        store.read(id_)


def test_question_that_its_task_left_open_is_purged_long_after_its_time(store: QuestionStore, database: Engine) -> None:
    left, goes_on, without_end = asked(store), asked(store, "goes on"), asked(store, "ever", seconds=None)
    end_time(database, left)
    assert purge(database) == 1
    with pytest.raises(NotFound):
        store.read(left)
    assert [store.read(each).state for each in (goes_on, without_end)] == ["open", "open"]


def test_key_can_be_rotated_while_questions_are_open_and_answers_wait(store: QuestionStore, database: Engine) -> None:
    new = "B" * 43 + "="
    id_ = asked(store, needed=2)
    store.answer(press())
    inbox = SqlInbox(database, RING, "cli_1")
    for at in range(25):
        inbox.put(delivery("reject", who=f"ou_{at}", at=at))
    both = Keyring.from_text(f"{new},{'A' * 43}=")
    assert count_older(database, both) == 27
    assert reencrypt_rows(database, both) == Moved(moved=27, unreadable=0)
    assert reencrypt_rows(database, both) == Moved(moved=0, unreadable=0)
    only_new = Keyring.from_text(new)
    later = QuestionStore(database, only_new, "cli_1")
    assert [each.open_id for each in later.read(id_).votes] == ["ou_lin"]
    answered = later.answer(press("ou_wei", at_ms=2_000_000))
    assert answered is not None
    assert answered.question.decision == "approve"
    entries = SqlInbox(database, only_new, "cli_1").claim(limit=100, token="me", lease_seconds=60)
    assert [each.event["operator"]["open_id"] for each in entries] == [f"ou_{at}" for at in range(25)]
    # what no key opens stays as it is
    assert reencrypt_rows(database, Keyring.from_text("C" * 43 + "=")) == Moved(moved=0, unreadable=28)


def test_question_under_a_lost_key_is_asked_anew_only_where_somebody_wants_that(
    store: QuestionStore, database: Engine
) -> None:
    id_ = asked(store)
    later = QuestionStore(database, Keyring.from_text("B" * 43 + "="), "cli_1")
    # a retry might find the key again
    with pytest.raises(ConfigError, match="add the key it was encrypted with"):
        later.ask("k", terms(), seconds=3600)
    # a clearing asks otherwise
    question, replaced = later.ask("k", terms(), seconds=3600, mark="cleared")
    assert (question.is_new, replaced, store.read(id_).state) == (True, None, "replaced")


def test_every_table_with_a_key_is_under_those_that_are_rotated() -> None:
    with_a_key = {table.name for table in metadata.tables.values() if "key_id" in table.c}
    assert {key.table.name for key, _ in SEALED} == with_a_key - {"tokens"}


# -- at the door


def delivery(
    choice: str = "approve", *, who: str = "ou_lin", message_id: str = "om_1", at: int = 1, question_id: str = ""
) -> Delivery:
    value = {"choice": choice} | ({QUESTION: question_id} if question_id else {})
    body = click_body(value, at_us=1_608_725_989_000_000 + at * 10_000_000)
    body["event"]["operator"]["open_id"] = who
    body["event"]["context"]["open_message_id"] = message_id
    return read_delivery(body, now_ms=1_608_725_989_000)


def hand_over(inbox: SqlInbox, questions: QuestionStore, *deliveries: Delivery) -> list[Receipt]:
    """Return what becomes of deliveries, one after the other, at a desk before *inbox*."""

    async def run() -> list[Receipt]:
        desk = Desk(GroupCommit(inbox), questions)
        return [await desk.put(each, seconds=60) for each in deliveries]

    return asyncio.run(run())


def test_door_decides_about_a_click_and_keeps_what_is_no_answer(store: QuestionStore, database: Engine) -> None:
    asked(store)
    inbox = SqlInbox(database, RING, "cli_1")
    (receipt,) = hand_over(inbox, store, delivery())
    assert receipt.reply is not None
    assert (receipt.is_new, receipt.reply["toast"]["content"]) == (True, "Recorded: Approve")
    assert inbox.count().pending == 0
    (other,) = hand_over(inbox, store, delivery(message_id="om_other"))
    assert (other.is_new, other.reply, inbox.count().pending) == (True, None, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_click_that_nobody_could_ever_take_up_is_not_said_to_be_received(
    store: QuestionStore, database: Engine
) -> None:
    inbox = SqlInbox(database, RING, "cli_1")
    (receipt,) = hand_over(inbox, store, delivery(question_id="purged"))
    assert receipt.reply is not None
    assert receipt.reply["toast"]["content"] == "This question is not known any more"
    down = QuestionStore(create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), RING, "cli_1")
    # as from a card that is pinned to the top of a chat
    with pytest.raises(Unreachable, match="names no message"):
        hand_over(inbox, down, delivery(question_id="q", message_id=""))
    assert inbox.count().pending == 0


def test_click_that_came_before_the_question_is_decided_when_it_is_asked(
    store: QuestionStore, database: Engine
) -> None:
    inbox = SqlInbox(database, RING, "cli_1")
    hand_over(inbox, store, delivery(), delivery("reject", who="ou_wei", at=2))
    id_ = asked(store)
    assert decide_waiting(inbox, store, ["om_1", "om_9"]) == 2
    question = store.read(id_)
    assert (question.decision, [each.open_id for each in question.votes]) == ("approve", ["ou_lin"])
    assert (inbox.count().pending, inbox.count().completed) == (0, 2)
    # the same entry again, as after a crash before it was completed
    assert store.answer(replace(press(), at_ms=1_608_725_999_000)) is not None


def test_click_goes_to_the_inbox_while_the_questions_cannot_be_read(store: QuestionStore, database: Engine) -> None:
    id_ = asked(store)
    down = QuestionStore(create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), RING, "cli_1")
    inbox = SqlInbox(database, RING, "cli_1")
    (receipt,) = hand_over(inbox, down, delivery())
    # nothing is promised but that it was received
    assert (receipt.is_new, receipt.reply, inbox.count().pending) == (True, None, 1)
    assert decide_waiting(inbox, store, ["om_1"]) == 1
    assert store.read(id_).decision == "approve"
    with pytest.raises(Unreachable):
        down.read(id_)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_questions_that_cannot_be_read_are_asked_for_few_of_many_clicks(store: QuestionStore, database: Engine) -> None:
    engine, tried = create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), list[int]()
    event.listen(engine, "do_connect", lambda *_: tried.append(1))
    down, inbox = QuestionStore(engine, RING, "cli_1"), SqlInbox(database, RING, "cli_1")
    with pytest.raises(Unreachable):
        down.answer(press())
    for_one = len(tried)
    hand_over(inbox, down, *(delivery(at=each) for each in range(20)))
    assert 1 <= len(tried) // for_one - 1 < 10
    assert inbox.count().pending == 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["terms", "body"])
def test_question_that_a_later_version_stored_is_left_to_processes_of_that_version(
    store: QuestionStore, database: Engine, column: str
) -> None:
    id_ = asked(store, needed=2)
    store.answer(press("ou_ann"))
    of_later = {
        "terms": terms().to_plain() | {"knows": 1},
        "body": {"vote": vote().to_plain() | {"knows": 1}},
    }
    sealed = Sealer(RING, "cli_1").seal(column, of_later[column])
    table = {"terms": "lark_questions", "body": "lark_answers"}[column]
    with database.begin() as conn:
        conn.execute(text(f"UPDATE {table} SET {column} = :{column}"), {column: sealed[column]})
    inbox = SqlInbox(database, RING, "cli_1")
    (receipt,) = hand_over(inbox, store, delivery(question_id=id_))
    assert receipt.reply is not None
    assert receipt.reply["toast"]["content"].startswith("Received; in a moment")
    assert inbox.count().pending == 1
    with pytest.raises(SchemaMismatch, match="with knows; upgrade"):
        store.read(id_)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_click_is_kept_undecided_while_the_questions_hang_and_decided_once_by_the_pump(
    store: QuestionStore,
    database: Engine,
    new_database: Callable[[str], Engine],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As with RabbitMQ, which takes the click while the database does not answer."""
    inbox, queue = (SqlInbox(each, RING, "cli_1") for each in (database, new_database("sqlite")))
    id_ = asked(store)
    clicks = [delivery(question_id=id_), delivery("reject", who="ou_stranger", at=2, question_id=id_)]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql+psycopg://root@127.0.0.1:{mute.getsockname()[1]}/none"
        hanging = QuestionStore(create_engine(url, connect_args={"connect_timeout": 60}), RING, "cli_1")

        async def run() -> list[Receipt]:
            desk = Desk(GroupCommit(queue), hanging, patience=0.001)
            kept = await asyncio.gather(*(desk.put(each, seconds=60) for each in clicks))
            # nobody waits for the server that says nothing
            mute.close()
            return kept

        told = [receipt.reply for receipt in asyncio.run(run())]
    assert [reply and reply["toast"]["content"] for reply in told] == [
        "Received; in a moment the card shows whether it counts"
    ] * 2
    assert caplog.text.count("cannot be decided at once") == 1, "not for each person who presses"
    for _ in range(2):
        # the second time as after a crash before the message was acknowledged
        LateDesk(inbox, store).put_all([*clicks, delivery(message_id="om_other")])
    assert [(each["open_id"], each["reason"]) for each in store.audit(id_)] == [
        ("ou_lin", "accepted"),
        ("ou_stranger", "answered"),
    ]
    assert (inbox.count().completed, inbox.count().pending) == (2, 1)
