"""What a sync leaves to people, on the emulator's page: decided by one, and taken back by another."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.questions.board.state import Board, Item, Shown
from airflow_provider_lark.core.questions.board.store import BoardStore
from airflow_provider_lark.core.questions.desk import Desk
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.emulator import Emulator
from tests.browser.conftest import SHOTS
from tests.core.doors.test_web_app import KEY, RING, TOKEN, serve

ITEMS = (
    Item("held_records", "", "f1", count=30, keys=("A-17", "A-18", "A-19", "A-20", "A-21")),
    Item(
        "conflict",
        "B-2",
        "f2",
        columns=(Shown("name", "Anne", "Anna"), Shown("qty", "12", "7"), Shown("salary", None, None, is_hidden=True)),
    ),
    Item("conflict", "B-9", "f3", columns=(Shown("city", "Köln", "Bonn"),)),
)


@pytest.fixture
def chat(tmp_path):
    """A chat of an emulator with the card of a sync, whose buttons a receiver answers."""
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    ring = Keyring.from_text(RING)
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        emu.switches.ack_seconds = 60.0
        people = {emu.state.add_user(name).open_id: name for name in ("林晓 Lin", "Wei Zhang")}
        chat_id = emu.state.add_chat("Data team", list(people))
        questions = QuestionStore(engine, ring, emu.app_id)
        boards = BoardStore(engine, ring, emu.app_id, questions)
        board = Board(
            "orders",
            ITEMS,
            conflicts=2,
            failed=1,
            failed_rows=("C-4: name holds 64 characters, the column takes 40",),
            table_url="https://example.feishu.cn/base/x",
            receiver=chat_id,
            written=("12 to Lark, 7 to the database", "写入飞书 12，写入数据库 7"),
        )
        front = Desk(GroupCommit(SqlInbox(engine, ring, emu.app_id)), questions)
        with serve(SqlInbox(engine, ring, emu.app_id), front=front, app_id=emu.app_id, clock=SystemClock()) as running:
            url = f"{running.url}/lark_default"
            emu.state.set_callback_url(emu.app_id, url, encrypt_key=KEY, verification_token=TOKEN)
            id_ = boards.update("place", board, allowed=lambda: people, key_of=str, fates={})
            showing = boards.begin(id_)
            sent = client.messaging.send(receiver_id=chat_id, content=content.card(showing.card))
            boards.note_shown(id_, showing, sent.message_id, chat_id)
            yield f"{emu.url}/_emulator/#/chat/{chat_id}"
    engine.dispose()


def test_decision_on_the_card_is_taken_back_and_made_anew(chat, plain_page):
    SHOTS.mkdir(parents=True, exist_ok=True)
    plain_page.set_viewport_size({"width": 1000, "height": 1100})
    plain_page.goto(chat)
    card = plain_page.locator(".card").first
    card.get_by_role("button", name="Use database").nth(1).click()
    back = card.get_by_role("button", name="Take back")
    back.wait_for()
    assert card.get_by_role("button", name="Use database").count() == 1
    plain_page.locator(".toast").first.wait_for(state="detached", timeout=60_000)
    card.screenshot(path=str(SHOTS / "card-decisions.png"))
    back.click()
    card.get_by_text("taken back").wait_for()
    assert card.get_by_role("button", name="Use database").count() == 2
