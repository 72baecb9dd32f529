"""Teams of one Airflow, whose connections may have the same id: no process mixes up what it keeps of their apps."""

from __future__ import annotations

import json

import pytest

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.hooks.lark import LarkHook


def test_same_connection_id_of_two_teams_never_shares_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator() as emulator:
        other = emulator.state.add_app("cli_other", "the secret of the other team")
        apps = {emulator.app_id: emulator.app_secret, other.app_id: other.app_secret}
        seen = {}
        for turn in range(2):
            for app_id, secret in apps.items():
                conn = {"conn_type": "lark", "login": app_id, "password": secret, "host": emulator.url}
                monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(conn))
                with LarkHook().client() as client:
                    told = client.bot.info().open_id
                    assert seen.setdefault(app_id, told) == told
                    tokens = client.calls.snapshot()
                assert bool(turn) == (sum(tokens.values()) == 1), (
                    "each app has a token of its own, kept for its next client"
                )
        assert len(set(seen.values())) == 2
