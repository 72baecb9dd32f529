"""The hook against the emulator over HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.lark import LarkHook


def set_connection(monkeypatch, **parts):
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps({"conn_type": "lark"} | parts))


def test_client_of_the_hook_talks_to_the_host_of_the_connection(shop):
    with LarkHook().client() as client:
        assert [table.name for table in client.bitable.list_tables(app_token=shop.app_token)] == ["areas"]


def test_async_client_of_the_hook_talks_to_the_same(shop):
    async def tables():
        client = await LarkHook().async_client()
        async with client:
            return await client.bitable.list_tables(app_token=shop.app_token)

    assert [table.name for table in asyncio.run(tables())] == ["areas"]


def test_airflow_makes_the_hook_from_the_connection(shop):
    from airflow.sdk import Connection

    hook = Connection.get("lark_default").get_hook()
    assert isinstance(hook, LarkHook)
    assert hook.bases == {"MyDB": shop.app_token}


def test_connection_is_read_once_per_hook(shop, monkeypatch):
    hook = LarkHook()
    first = hook.settings
    monkeypatch.delenv("AIRFLOW_CONN_LARK_DEFAULT")
    assert hook.settings is first


def test_app_secret_is_masked_in_logs(shop, monkeypatch):
    from airflow.sdk.log import redact

    set_connection(monkeypatch, login="cli_x", password="masked-s3cret", host=shop.emulator.url)
    assert LarkHook().settings.app_secret == "masked-s3cret"
    assert redact("the secret is masked-s3cret") == "the secret is ***"


def test_hook_of_an_unknown_connection_says_how_to_add_it():
    with pytest.raises(ConfigError, match=r"'lark_other': does not exist.*AIRFLOW_CONN_LARK_OTHER"):
        LarkHook("lark_other").client()
