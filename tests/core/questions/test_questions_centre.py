"""Questions in the approval centre: what is pushed, what a decision means, and that the centre follows the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.approval import Definition
from airflow_provider_lark.core.api.services.approval.instance import check_instance
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.questions.centre import Centre
from airflow_provider_lark.core.questions.centre_terms import Approver, CentreTerms
from airflow_provider_lark.core.questions.centre_view import centre_view
from airflow_provider_lark.core.questions.click import Click, read_decision_click
from airflow_provider_lark.core.questions.desk import Desk, decide_waiting
from airflow_provider_lark.core.questions.fields import Field
from airflow_provider_lark.core.questions.question import Question
from airflow_provider_lark.core.questions.rules import State, Vote
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.questions.terms import Terms
from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor, Decision, callback_secrets
from airflow_provider_lark.emulator import Emulator
from tests.core.questions.asking import press, terms
from tests.core.receiving.sealing import dump, encrypt

AT = 1_767_225_600_000
RING = Keyring.from_text("A" * 43 + "=")
SECRETS = callback_secrets("cli_emulator", encrypt_key=Secret("k"))
LIN, WEI = Approver("ou_lin", "u_lin", "Lin"), Approver("ou_wei", "u_wei", "Wei")
REASON = Field("reason", "text", "Reason", is_required_to_reject=True)


def centre_terms(approvers: tuple[Approver, ...] = (LIN, WEI), **changes: Any) -> Terms:
    centre = CentreTerms("code", {"zh-CN": "发布", "en-US": "Release"}, "https://a.example", approvers)
    allowed = {each.open_id: each.name for each in approvers}
    return terms(allowed=allowed, card=None, centre=centre, **changes)


def question(state: State, votes: tuple[Vote, ...] = (), decision: str | None = None, **changes: Any) -> Question:
    closed = None if state == "open" else AT + 5
    asked = centre_terms(needed=2, **changes)
    return Question("q", "k", state, asked, (), votes, decision, AT, None, closed, AT, True, False, 0, pushed_ms=AT + 9)


YES, NO = Vote("ou_lin", AT, "approve"), Vote("ou_wei", AT, "reject")


@pytest.mark.parametrize(
    ("asked", "instance", "tasks"),
    [
        pytest.param(question("open"), "PENDING", ["PENDING", "PENDING"], id="open"),
        pytest.param(question("open", (YES,)), "PENDING", ["APPROVED", "PENDING"], id="first of both"),
        pytest.param(question("answered", (YES,), "approve"), "APPROVED", ["APPROVED", "DONE"], id="approved"),
        pytest.param(question("answered", (NO,), "reject"), "REJECTED", ["DONE", "REJECTED"], id="rejected"),
        pytest.param(question("withdrawn"), "CANCELED", ["DONE", "DONE"], id="withdrawn"),
        pytest.param(question("expired", (YES,)), "CANCELED", ["APPROVED", "DONE"], id="expired after one"),
    ],
)
def test_centre_shows(asked: Question, instance: str, tasks: list[str]) -> None:
    assert asked.terms.centre is not None
    shown = centre_view(asked, asked.terms.centre)
    check_instance(shown)
    assert (shown.status, [each.status for each in shown.tasks]) == (instance, tasks)
    assert shown.ended_ms == (0 if instance == "PENDING" else AT + 5)
    assert [bool(each.actions) for each in shown.tasks] == [each == "PENDING" for each in tasks]
    assert {each.updated_ms for each in shown.tasks} == {shown.updated_ms} == {AT + 9}


@pytest.mark.parametrize(
    ("fields", "asks"),
    [
        ((), [(False, False), (False, False)]),
        ((Field("reason", "text"),), [(True, False), (True, False)]),
        ((REASON,), [(True, False), (True, True)]),
    ],
)
def test_reasons_are_asked_for_as_the_form_says(fields: tuple[Field, ...], asks: list[tuple[bool, bool]]) -> None:
    asked = question("open", fields=fields)
    assert asked.terms.centre is not None
    actions = centre_view(asked, asked.terms.centre).tasks[0].actions
    assert [(each.asks_reason, each.needs_reason) for each in actions] == asks


def test_terms_survive_json_and_need_people() -> None:
    asked = centre_terms(fields=(REASON,))
    assert Terms.from_plain(asked.to_plain()) == asked
    # as they were kept before there was a centre in them
    before = {name: value for name, value in terms().to_plain().items() if name != "centre"}
    assert Terms.from_plain(before) == terms()
    for people in ((), (LIN,) * 301):
        with pytest.raises(ConfigError, match="1 to 300 people"):
            centre_terms(people)


@dataclass
class Room:
    """An app with its questions, its inbox and the centre."""

    emu: Emulator
    engine: Engine
    client: LarkClient
    store: QuestionStore
    inbox: SqlInbox
    people: tuple[Approver, ...]

    @property
    def centre(self) -> Centre:
        return Centre(self.client, self.store)

    def ask(self, key: str = "k", **changes: Any) -> Question:
        asked, _ = self.store.ask(key, centre_terms(self.people, **changes), seconds=3600)
        return self.centre.show(asked.id)

    def click(self, asked: Question, at: int, action: Any = "APPROVE", reason: str = "") -> Click:
        decision = Decision(action, asked.instance_id, "", self.people[at].user_id, asked.instance_id, reason)
        return read_decision_click(decision, AT)

    def decide(self, asked: Question, at: int, action: Any = "APPROVE", reason: str = "") -> str:
        answered = self.store.answer(self.click(asked, at, action, reason))
        assert answered is not None
        return answered.verdict.reason

    def shown(self, asked: Question) -> tuple[str, list[str]]:
        (page,) = self.client.approval.task_pages(instance_ids=[asked.instance_id])
        return page.items[0].status, [each.status for each in page.items[0].tasks]


on_every_database = pytest.mark.parametrize("room", ["sqlite", "postgresql", "mysql"], indirect=True)


@pytest.fixture
def room(request: pytest.FixtureRequest, new_database: Callable[[str], Engine]) -> Iterator[Room]:
    engine = new_database(getattr(request, "param", "sqlite"))
    upgrade(engine)
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        users = [emu.state.add_user(name, f"{name}@example.com") for name in ("Lin", "Wei")]
        people = tuple(Approver(each.open_id, each.user_id, each.name) for each in users)
        client.approval.upsert_definition(Definition("code", "Release"))
        inbox = SqlInbox(engine, RING, emu.app_id)
        yield Room(emu, engine, client, QuestionStore(engine, RING, emu.app_id), inbox, people)


@on_every_database
def test_of_a_card_and_the_centre_at_once_one_decides_and_the_centre_follows_whoever_pushes(room: Room) -> None:
    asked = room.ask(fields=(REASON,))
    room.store.note_card(asked.id, "om_1", "oc_1")
    room.store.note_sent(asked.id)
    assert room.decide(asked, 0, "REJECT", " ") == "invalid"
    assert room.shown(asked) == ("PENDING", ["PENDING", "PENDING"])
    both = [press(room.people[0].open_id), room.click(asked, 1, "REJECT", "数字不对")]
    with ThreadPoolExecutor(2) as pool:
        reasons = sorted(each.verdict.reason for each in pool.map(room.store.answer, both) if each is not None)
    assert reasons == ["accepted", "answered"]
    decided = room.store.read(asked.id)

    def push(_: int) -> None:
        with LarkClient("cli_emulator", "emulator-secret", host=room.emu.url) as client:
            Centre(client, room.store).show(asked.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(push, range(4)))
    by_card = decided.votes[0].via == "card"
    assert room.shown(asked) == (("APPROVED", ["APPROVED", "DONE"]) if by_card else ("REJECTED", ["DONE", "REJECTED"]))
    audit = [(each["open_id"], each["outcome"]) for each in room.store.audit(asked.id)]
    assert len(audit) == 3
    assert (room.people[0].open_id, "refused") == audit[0]


def test_late_decision_on_a_replaced_question_is_refused_and_the_new_one_decides(room: Room) -> None:
    """Input 7.42: one task with two instances, and answers to both."""
    first = room.ask()
    again, replaced = room.store.ask("k", centre_terms(room.people), seconds=60, mark="another")
    assert replaced is not None
    room.centre.show(first.id)
    assert room.decide(first, 0, "REJECT") == "replaced"
    assert room.decide(again, 0) == "accepted"
    assert room.decide(first, 1) == "replaced"
    room.centre.show(again.id)
    kept = [(each["outcome"], each["reason"]) for each in room.store.audit(first.id)]
    assert kept == [("refused", "replaced")] * 2
    assert (room.shown(first), room.shown(again)) == (
        ("CANCELED", ["DONE", "DONE"]),
        ("APPROVED", ["APPROVED", "DONE"]),
    )


def test_centre_that_has_something_newer_than_the_database_is_overtaken(room: Room) -> None:
    asked = room.ask()
    held = room.emu.state.approvals.find("cli_emulator", asked.instance_id)
    assert held is not None
    # a clock that went back, or another program
    far = str(int(held.data["update_time"]) + 10_000_000)
    held.data["update_time"] = far
    held.tasks[f"{asked.instance_id}.2"].data["update_time"] = far
    room.store.withdraw(asked.id)
    room.centre.show(asked.id)
    assert room.shown(asked) == ("CANCELED", ["DONE", "DONE"])


def test_lost_push_is_made_up_for_and_costs_nothing_where_none_was_lost(room: Room) -> None:
    asked, _ = room.store.ask("k", centre_terms(room.people), seconds=3600)
    # the row was written, and the process died before the push
    room.centre.reconcile(asked.id)
    assert room.shown(asked)[0] == "PENDING"
    before = room.emu.counters()["POST /open-apis/approval/v4/external_instances"]
    room.centre.reconcile(asked.id)
    assert room.emu.counters()["POST /open-apis/approval/v4/external_instances"] == before


def test_decision_that_came_while_the_questions_could_not_be_read_waits_in_the_inbox(room: Room) -> None:
    asked = room.ask()
    told = {"action_type": "APPROVE", "instance_id": asked.instance_id, "user_id": room.people[0].user_id}
    sealed = encrypt(dump({**told, "token": SECRETS.token.reveal()}), SECRETS.key.reveal())
    delivery = ApprovalDoor("cli_emulator", SECRETS).receive(sealed, {}, now_ms=AT)
    with room.engine.begin() as conn:
        conn.execute(text("ALTER TABLE lark_questions RENAME TO away"))
    desk = Desk(GroupCommit(room.inbox), room.store)
    assert asyncio.run(desk.put(delivery, seconds=60)).reply is None
    with room.engine.begin() as conn:
        conn.execute(text("ALTER TABLE away RENAME TO lark_questions"))
    subjects = room.store.read(asked.id).subjects
    assert (decide_waiting(room.inbox, room.store, subjects), room.store.read(asked.id).decision) == (1, "approve")
    # judged again, as by one that died before it told the inbox: it counts once
    assert room.decide(asked, 0) == "repeated"
    assert len(room.store.read(asked.id).votes) == 1
