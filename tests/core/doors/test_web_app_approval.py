"""Decisions of the approval centre through a real server: from a person's press in the emulator to the inbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.approval import (
    Action,
    DecisionCallback,
    Definition,
    ExternalInstance,
    ExternalTask,
)
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.approval_door import callback_secrets, read_decision
from airflow_provider_lark.emulator import Emulator
from tests.core.doors.test_web_app import KEY, RING, Running, serve
from tests.core.receiving.sealing import dump, encrypt

AT = 1_767_225_600_000
LINK = "https://airflow.example"


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with Emulator() as emu:
        yield emu


@pytest.fixture
def running(emu: Emulator, new_database: Callable[[str], Any]) -> Iterator[Running]:
    inbox = SqlInbox(new_database("sqlite"), Keyring.from_text(RING), emu.app_id)
    with serve(inbox, app_id=emu.app_id, clock=SystemClock()) as running:
        yield running


@pytest.fixture
def lin(emu: Emulator, running: Running) -> Any:
    """Lin, for whom an instance waits; the centre knows the receiver's address."""
    lin = emu.state.add_user("Lin")
    secrets = callback_secrets(emu.app_id, encrypt_key=Secret(KEY))
    callback = DecisionCallback(f"{running.url}/approval/lark_default", secrets.token, secrets.key)
    task = ExternalTask(
        "t1",
        LINK,
        "PENDING",
        AT,
        AT,
        open_id=lin.open_id,
        context="i1",
        actions=(Action("APPROVE"), Action("REJECT", asks_reason=True)),
    )
    with LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        client.approval.upsert_definition(Definition("mine", "Release", callback=callback))
        client.approval.push_instance(
            ExternalInstance("mine", "i1", "PENDING", LINK, AT, AT, user_name="Airflow", tasks=(task,))
        )
    return lin


def test_press_stands_in_the_inbox_before_the_person_sees_it_done(emu: Emulator, running: Running, lin: Any) -> None:
    assert emu.decisions.press("i1", "t1", "REJECT", reason="数字不对").shown == ""
    # once more: the answer came, and the person does not know
    assert emu.decisions.press("i1", "t1", "REJECT", reason="数字不对").shown == ""
    assert emu.decisions.press("i1", "t1", way="search").shown == ""
    entries = running.inbox.claim(limit=10, token="me", lease_seconds=60, kind="approval", subject="i1")
    decisions = [read_decision(each.event) for each in entries]
    assert [(each.action, each.reason, each.user_id) for each in decisions] == [
        ("REJECT", "数字不对", lin.user_id),
        ("APPROVE", "", lin.user_id),
    ]
    assert running.receiver.counts.by_outcome == {"stored": 2, "known": 1}


def test_person_is_told_when_it_could_not_be_kept(emu: Emulator, running: Running, lin: Any) -> None:
    assert running.inbox.count().pending == 0
    with running.inbox._database.engine.begin() as conn:
        conn.execute(text("ALTER TABLE lark_inbox RENAME TO gone"))
    pressed = emu.decisions.press("i1", "t1")
    assert (pressed.status, pressed.shown) == (503, "未能记录，请再按一次 Not recorded: please press again")
    assert running.receiver.counts.by_outcome["not_stored"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(encrypt(dump({"token": "forged", "user_id": "u", "action_type": "APPROVE"}), "k"), 401, id="key"),
        pytest.param(dump({"token": "forged", "user_id": "u", "action_type": "APPROVE"}), 503, id="not sealed"),
        pytest.param(b"<html>", 400, id="no JSON"),
        pytest.param(b"x" * (4 * 1024 * 1024 + 1), 413, id="huge"),
    ],
)
def test_forgery_is_refused_without_a_reason(running: Running, body: bytes, status: int) -> None:
    answer = httpx.post(f"{running.url}/approval/lark_default", content=body, timeout=60)
    assert answer.status_code == status
    assert json.loads(answer.content)["msg"] in {"refused", "bodies of more than 4194304 bytes are not taken"}
    assert running.inbox.count().pending == 0


def test_looking_at_the_address_decides_nothing(running: Running) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        answer = httpx.request(method, f"{running.url}/approval/lark_default", timeout=60)
        assert answer.status_code == 405
    assert httpx.post(f"{running.url}/approval/other", timeout=60).status_code == 404
    assert running.inbox.count().pending == 0
