"""A database that takes the connection and never answers must not cost the message."""

from __future__ import annotations

import json
import socket
from threading import Event
from time import monotonic

import pytest

from airflow_provider_lark.core.errors import Unreachable
from airflow_provider_lark.notifications import alert_delivery, quick_accounts
from airflow_provider_lark.notifications.quick_accounts import QuickAccounts, ask_database
from tests.databases import open_sqlite
from tests.skin.alerts import failed, open_chat

BUDGET_SECONDS = 20.0
"""Of the test: without a bound the notifier's own time, which tests have a lot of, runs out."""


@pytest.fixture
def chat(emulator, monkeypatch, tmp_path):
    """A chat whose cards and tokens are to be kept where nobody answers."""
    chat = open_chat(emulator, open_sqlite(tmp_path / "alerts.db"), monkeypatch)
    monkeypatch.setattr(quick_accounts, "STORE_SECONDS", 0.2)
    monkeypatch.setattr(alert_delivery, "NOTE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = {"conn_type": "postgres", "host": "127.0.0.1", "port": listener.getsockname()[1], "login": "u"}
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_DB", json.dumps(store | {"password": "pw-canary"}))
        yield chat


@pytest.mark.parametrize("dedupe", [None, "run"])
def test_failure_is_told_though_the_database_is_mute(chat, dedupe, told, caplog):
    began = monotonic()
    chat.tell(failed(), dedupe, locale="en_us")
    assert chat.shown.color == "red"
    assert monotonic() - began < BUDGET_SECONDS
    # the client says it of tokens, the notifier of cards
    lines = caplog.text + told()
    assert "does not respond" in lines
    assert "canary" not in lines


def test_all_questions_together_wait_once(monkeypatch):
    class Mute:
        asked = 0

        def load(self, key):
            Mute.asked += 1
            # longer than anybody waits, and not for ever
            Event().wait(3.0)

    monkeypatch.setattr(quick_accounts, "STORE_SECONDS", 0.1)
    accounts = QuickAccounts(Mute())
    for _ in range(3):
        with pytest.raises(Unreachable, match="does not respond"):
            accounts.load(None)
    assert Mute.asked == 1


def test_error_of_the_database_itself_passes():
    with pytest.raises(KeyError):
        ask_database({}.popitem, 5.0)
