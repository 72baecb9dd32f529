"""Questions in the approval centre from end to end of the core: database, inbox and emulator, all of them real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, select

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.tables import approval_log
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.approval import Definition
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.approval_centre.ask import Approver, Ask
from airflow_provider_lark.core.approval_centre.centre import Centre
from airflow_provider_lark.core.approval_centre.settling import settle_decisions
from airflow_provider_lark.core.approval_centre.store import ApprovalStore, Asker
from airflow_provider_lark.core.errors import NotFound
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor, Decision, callback_secrets
from airflow_provider_lark.emulator import Emulator
from tests.clocks import JumpingClock
from tests.core.receiving.sealing import dump, encrypt

RING = "A" * 43 + "="
SECRETS = callback_secrets("cli_emulator", encrypt_key=Secret("k"))


@dataclass
class Desk:
    """An app with a question, its store, its inbox and the centre."""

    emu: Emulator
    engine: Engine
    client: LarkClient
    store: ApprovalStore
    inbox: SqlInbox
    people: dict[str, Any]

    @property
    def centre(self) -> Centre:
        return Centre(self.client, self.store)

    def ask(self, turn: str = "1", **changes: Any) -> str:
        people = tuple(Approver(each.open_id, each.user_id, each.name) for each in self.people.values())
        question = Ask("code", "Release", "https://a.example", people, **changes)
        return self.store.open_live(Asker("dag/task", turn), question).instance_id

    def tell(self, instance_id: str, who: str, action: str = "APPROVE", **more: Any) -> None:
        """What the centre sends when somebody presses."""
        user_id = self.people[who].user_id if who in self.people else who
        told = {"action_type": action, "instance_id": instance_id, "user_id": user_id, "token": SECRETS.token.reveal()}
        sealed = encrypt(dump({**told, **more}), SECRETS.key.reveal())
        self.inbox.put(ApprovalDoor("cli_emulator", SECRETS).receive(sealed, {}, now_ms=1))

    def settle(self) -> dict[str, int]:
        return dict(settle_decisions(self.inbox, self.store))

    def shown(self, instance_id: str) -> tuple[str, list[str]]:
        (page,) = self.client.approval.task_pages(instance_ids=[instance_id])
        return page.items[0].status, [each.status for each in page.items[0].tasks]

    def audit(self) -> list[tuple[str, str, str]]:
        with self.engine.connect() as conn:
            query = select(approval_log.c.name, approval_log.c.action, approval_log.c.outcome)
            return [tuple(each) for each in conn.execute(query.order_by(approval_log.c.id))]


on_every_database = pytest.mark.parametrize("desk", ["sqlite", "postgresql", "mysql"], indirect=True)


@pytest.fixture
def desk(request: pytest.FixtureRequest, new_database: Callable[[str], Engine]) -> Iterator[Desk]:
    engine = new_database(getattr(request, "param", "sqlite"))
    upgrade(engine)
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        people = {name: emu.state.add_user(name, f"{name}@example.com") for name in ("lin", "wei")}
        client.approval.upsert_definition(Definition("code", "Release"))
        inbox = SqlInbox(engine, Keyring.from_text(RING), emu.app_id)
        yield Desk(emu, engine, client, ApprovalStore(engine, emu.app_id), inbox, people)


@on_every_database
def test_question_is_asked_once_decided_and_shown(desk: Desk) -> None:
    instance_id = desk.ask()
    assert desk.ask() == instance_id
    desk.centre.show(instance_id)
    assert desk.shown(instance_id) == ("PENDING", ["PENDING", "PENDING"])

    desk.tell(instance_id, "somebody else")
    desk.tell(instance_id, "lin", "REJECT", reason="数" * 20_000)
    desk.tell(instance_id, "lin", "REJECT", reason="again")
    desk.tell(instance_id, "wei")
    desk.tell("airflow-unknown", "lin")
    assert desk.settle() == {"not_allowed": 1, "accepted": 1, "repeated": 1, "closed": 1, "unknown": 1}
    question = desk.centre.show(instance_id)
    assert (question.status, question.votes[0].name, len(question.votes[0].reason)) == ("REJECTED", "lin", 10_000)
    assert desk.shown(instance_id) == ("REJECTED", ["REJECTED", "DONE"])
    assert desk.audit() == [
        ("", "APPROVE", "not_allowed"),
        ("lin", "REJECT", "accepted"),
        ("lin", "REJECT", "repeated"),
        ("wei", "APPROVE", "closed"),
        ("", "APPROVE", "unknown"),
    ]
    # what does not count stands in the inbox with its reason
    counts = desk.inbox.count()
    assert (counts.pending, counts.completed, counts.failed) == (0, 2, 3)


def test_cleared_task_asks_anew_and_the_first_question_is_withdrawn(desk: Desk) -> None:
    first = desk.ask("1")
    desk.centre.show(first)
    second = desk.ask("2")
    assert desk.store.find_others(Asker("dag/task", "2")) == [first]
    desk.centre.withdraw(first)
    desk.centre.show(second)
    desk.tell(second, "lin")
    desk.tell(first, "lin", "REJECT")
    assert desk.settle() == {"accepted": 1, "closed": 1}
    desk.centre.show(second)
    assert (desk.shown(first), desk.shown(second)) == (
        ("CANCELED", ["DONE", "DONE"]),
        ("APPROVED", ["APPROVED", "DONE"]),
    )
    assert desk.centre.withdraw(second).status == "APPROVED"
    assert desk.ask("2") == second
    # the first turn again: what was taken back is not asked a second time
    assert desk.ask("1") not in (first, second)


def test_clock_that_goes_back_does_not_keep_the_end_from_the_centre(desk: Desk) -> None:
    instance_id = desk.ask()
    ahead = JumpingClock()
    ahead.sleep(3600)
    Centre(desk.client, ApprovalStore(desk.engine, "cli_emulator", clock=ahead)).show(instance_id)
    desk.store.record(Decision("APPROVE", instance_id, "", desk.people["lin"].user_id))
    desk.centre.show(instance_id)
    assert desk.shown(instance_id) == ("APPROVED", ["APPROVED", "DONE"])


def test_centre_that_has_something_newer_than_the_database_is_overtaken(desk: Desk) -> None:
    instance_id = desk.ask()
    desk.centre.show(instance_id)
    held = desk.emu.state.approvals.find("cli_emulator", instance_id)
    assert held is not None
    far = str(int(held.data["update_time"]) + 10_000_000)
    held.data["update_time"] = far
    held.tasks[f"{instance_id}.2"].data["update_time"] = far
    desk.store.close(instance_id, "EXPIRED")
    desk.centre.show(instance_id)
    assert desk.shown(instance_id) == ("CANCELED", ["DONE", "DONE"])


def test_lost_push_is_made_up_for(desk: Desk) -> None:
    instance_id = desk.ask()
    # the row was written, and the process died before the push
    assert desk.centre.reconcile(instance_id).status == "PENDING"
    assert desk.shown(instance_id)[0] == "PENDING"
    before = desk.emu.counters()["POST /open-apis/approval/v4/external_instances"]
    desk.centre.reconcile(instance_id)
    assert desk.emu.counters()["POST /open-apis/approval/v4/external_instances"] == before


def test_decision_whose_callback_was_lost_is_found_in_the_centre(desk: Desk) -> None:
    desk.client.approval.upsert_definition(
        Definition("code", "Release", callback=None)  # nobody is told
    )
    desk.emu.switches.approval_press_decides = True
    instance_id = desk.ask()
    desk.centre.show(instance_id)
    approval = desk.emu.state.approvals.find_approval("cli_emulator", "code")
    assert approval is not None
    approval.data["external"]["action_callback_url"] = "http://127.0.0.1:9/down"
    pressed = desk.emu.decisions.press(instance_id, f"{instance_id}.2", "REJECT")
    assert pressed.shown
    assert desk.centre.reconcile(instance_id).status == "REJECTED"
    assert desk.shown(instance_id) == ("REJECTED", ["DONE", "REJECTED"])
    assert desk.audit() == [("wei", "REJECT", "accepted")]


@on_every_database
def test_of_two_decisions_at_once_one_counts(desk: Desk) -> None:
    for turn in range(5):
        instance_id = desk.ask(str(turn))
        both = [
            Decision("APPROVE", instance_id, "", desk.people["lin"].user_id),
            Decision("REJECT", instance_id, "", desk.people["wei"].user_id),
        ]
        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(each.outcome for each in pool.map(desk.store.record, both))
        assert outcomes == ["accepted", "closed"]
        assert len(desk.store.get(instance_id).votes) == 1


@on_every_database
def test_two_workers_that_push_at_once_end_with_the_last_state(desk: Desk) -> None:
    instance_id = desk.ask()
    desk.centre.show(instance_id)

    def push(number: int) -> None:
        with LarkClient("cli_emulator", "emulator-secret", host=desk.emu.url) as client:
            if number == 2:
                desk.store.close(instance_id, "CANCELED")
            Centre(client, desk.store).show(instance_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(push, range(4)))
    assert desk.shown(instance_id) == ("CANCELED", ["DONE", "DONE"])


def test_two_workers_that_ask_at_once_ask_one_question(desk: Desk) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: desk.ask("same"), range(8)))) == 1


def test_decision_whose_judge_died_is_judged_again_and_counts_once(desk: Desk) -> None:
    instance_id = desk.ask()
    desk.tell(instance_id, "lin")
    # judged, and the process died before it told the inbox; its lease is over
    desk.store.record(Decision("APPROVE", instance_id, "", desk.people["lin"].user_id))
    assert desk.inbox.claim(limit=1, token="dead", lease_seconds=-1, kind="approval")
    assert desk.settle() == {"repeated": 1}
    assert len(desk.store.get(instance_id).votes) == 1


def test_question_that_is_gone_says_so(desk: Desk) -> None:
    with pytest.raises(NotFound, match="not in the database"):
        desk.store.get("airflow-gone")
    with pytest.raises(NotFound, match="not in the database"):
        desk.centre.show("airflow-gone")
