"""A person presses a card in Lark, and the door decides: from the emulator's click to the card that everybody sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.doors.web_app import Receiver
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.questions.click import CHOICE, QUESTION
from airflow_provider_lark.core.questions.desk import Desk
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.emulator import Emulator
from tests.clocks import wait_until
from tests.core.doors.test_web_app import KEY, RING, TOKEN, serve
from tests.core.questions.asking import terms


@dataclass
class Room:
    """A chat in which a question is asked, and the door that answers for the app."""

    emu: Emulator
    store: QuestionStore
    database: Engine
    lin: str
    wei: str
    question_id: str
    message_id: str
    receiver: Receiver

    def press(self, who: str, label: str = "Approve", **how: Any) -> dict[str, Any]:
        return self.emu.clicks.press(self.message_id, who, label=label, **how)

    @property
    def shown(self) -> str:
        return self.emu.state.messages.known(self.message_id).content


def card(question_id: str) -> dict[str, Any]:
    def button(choice: str, label: str) -> dict[str, Any]:
        value = {QUESTION: question_id, CHOICE: choice}
        words = {"tag": "plain_text", "content": label}
        return {"tag": "button", "text": words, "behaviors": [{"type": "callback", "value": value}]}

    elements = [{"tag": "markdown", "content": "Load?"}, button("approve", "Approve"), button("reject", "Reject")]
    return {"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": elements}}


@pytest.fixture(params=["sqlite", "postgresql"])
def room(request: pytest.FixtureRequest, new_database: Callable[[str], Engine]) -> Iterator[Room]:
    database = new_database(request.param)
    with Emulator() as emu:
        emu.switches.ack_seconds = 60.0
        ring = Keyring.from_text(RING)
        store = QuestionStore(database, ring, emu.app_id)
        inbox = SqlInbox(database, ring, emu.app_id)
        lin, wei = (emu.state.add_user(name).open_id for name in ("Lin", "Wei"))
        chat = emu.state.add_chat("Team", [lin, wei])
        with (
            serve(inbox, front=Desk(GroupCommit(inbox), store), app_id=emu.app_id, clock=SystemClock()) as running,
            LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client,
        ):
            url = f"{running.url}/lark_default"
            emu.state.set_callback_url(emu.app_id, url, encrypt_key=KEY, verification_token=TOKEN, kinds=["new", "old"])
            question, _ = store.ask("k", terms(allowed={lin: "Lin"}, card=None), seconds=3600)
            asked = card(question.id)
            store.change_terms(question.id, terms(allowed={lin: "Lin"}, card=asked))
            sent = client.messaging.send(receiver_id=chat, content=_content(asked))
            store.note_card(question.id, sent.message_id, chat)
            store.note_sent(question.id)
            yield Room(emu, store, database, lin, wei, question.id, sent.message_id, running.receiver)


def _content(asked: dict[str, Any]) -> Any:
    from airflow_provider_lark.core.api.services.messaging import content

    return content.card(asked)


def test_allowed_person_decides_after_another_was_refused_and_all_see_it(room: Room) -> None:
    """Input 7.17: who may read the chat may not approve for that."""
    refused = room.press(room.wei)
    assert refused["toast"]["content"] == "You are not among those who may answer: Lin"
    assert '"button"' in room.shown
    seen = room.press(room.lin)
    assert (seen["toast"]["content"], seen["is_updated"], seen["code"]) == ("Recorded: Approve", True, 0)
    assert '"button"' not in room.shown
    assert f"<at id={room.lin}></at>" in json.loads(room.shown)["body"]["elements"][-1]["content"]
    # with both kinds of callback each click came twice, and is there once
    assert [(each["open_id"], each["reason"]) for each in room.store.audit(room.question_id)] == [
        (room.wei, "not_allowed"),
        (room.lin, "accepted"),
    ]


def test_database_that_is_down_promises_nothing_and_the_next_click_counts(room: Room) -> None:
    with room.database.begin() as conn:
        conn.execute(text("ALTER TABLE lark_questions RENAME TO away"))
        conn.execute(text("ALTER TABLE lark_inbox RENAME TO away_too"))
    seen = room.press(room.lin)
    assert seen["toast"]["content"] == "Not recorded: please press again"
    assert '"button"' in room.shown
    with room.database.begin() as conn:
        conn.execute(text("ALTER TABLE away RENAME TO lark_questions"))
        conn.execute(text("ALTER TABLE away_too RENAME TO lark_inbox"))
    assert room.press(room.lin)["toast"]["content"] == "Recorded: Approve"


def test_click_whose_commit_takes_too_long_promises_nothing_and_the_next_counts_once(room: Room) -> None:
    """Input 7.13."""
    room.receiver._intake._answer_seconds = 0.5
    with room.database.begin() as conn:
        # another transaction holds the question, for longer than Lark waits
        conn.execute(text("UPDATE lark_questions SET reminders = reminders"))
        assert room.press(room.lin)["toast"]["content"] == "Not recorded: please press again"
    # the commit succeeds all the same, after the person was told
    wait_until(lambda: room.store.read(room.question_id).state == "answered")
    room.receiver._intake._answer_seconds = 60.0
    # within two seconds of the first it counts as the same click, and is told what that one would have been
    told = room.press(room.lin, by_hand=True)["toast"]["content"]
    assert told.startswith(("Recorded: Approve", "Your answer was already recorded at"))
    assert [each["reason"] for each in room.store.audit(room.question_id)] == ["accepted"]


def test_copy_in_another_chat_is_refused(room: Room) -> None:
    other = room.emu.state.add_chat("Elsewhere", [room.lin])
    copy = room.emu.clicks.forward(room.message_id, room.lin, other)
    seen = room.emu.clicks.press(copy, room.lin, label="Approve", by_hand=True)
    assert "copy of the card" in seen["toast"]["content"]
    assert room.store.read(room.question_id).state == "open"
