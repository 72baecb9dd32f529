"""The fixtures for users' own tests, in a pytest of their own and in this one."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import pytest

from airflow_provider_lark.core.api import LarkClient

pytest_plugins = ["pytester", "airflow_provider_lark.emulator.pytest_plugin"]

CONFTEST = 'pytest_plugins = ["airflow_provider_lark.emulator.pytest_plugin"]'
A_USERS_TESTS = """
import json, os, sys, urllib.request

import pytest

seen = []


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_platform_of_its_own(turn, lark_emulator, lark_table):
    assert lark_emulator.state.bases == {}
    assert lark_emulator.log == []
    assert lark_emulator.app_id not in seen
    seen.append(lark_emulator.app_id)
    lark_emulator.switches.rate_limits = True
    lark_table({"Name": "text"}, [{"Name": "a"}])
    lark_emulator.faults.add("search", code=1254607)


def test_connection_stands_in_the_environment(lark_connection, lark_emulator):
    assert lark_connection == "lark_default"
    told = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    assert told["conn_type"] == "lark"
    body = json.dumps({"app_id": told["login"], "app_secret": told["password"]}).encode()
    url = told["host"] + "/open-apis/auth/v3/tenant_access_token/internal"
    with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
        assert json.load(answer)["code"] == 0
    assert [each.template for each in lark_emulator.log] == ["/open-apis/auth/v3/tenant_access_token/internal"]


def test_connection_is_gone_afterwards():
    assert "AIRFLOW_CONN_LARK_DEFAULT" not in os.environ


def test_nothing_heavy_was_imported():
    heavy = ("airflow", "airflow_provider_lark.core", "httpx", "sqlalchemy", "cryptography")
    assert [name for name in heavy if name in sys.modules] == []
"""


def test_fixtures_work_in_a_users_pytest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(A_USERS_TESTS)

    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=5)


def test_fixtures_are_not_there_unasked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(lark_emulator): pass")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)


def test_table_shows_plain_rows(lark_table: Any, lark_emulator: Any) -> None:
    table = lark_table(
        {"Name": "text", "Qty": 2, "Kind": "single_select", "Price": {"type": 2, "ui_type": "Currency"}},
        [{"Name": "a", "Qty": 1, "Kind": "x"}],
        name="goods",
    )
    (first,) = table.record_ids()
    second, third = table.add({"Name": "b"}, {"Name": "c"})
    table.edit(first, Qty=None, Price=2.5)
    table.edit(second, Name=[{"type": "text", "text": "b"}, {"type": "text", "text": "2"}])
    table.delete(third)

    empty = {"Qty": None, "Kind": None, "Price": None}
    assert table.rows() == [{"Name": "a", **empty, "Kind": "x", "Price": 2.5}, {"Name": "b2", **empty}]
    assert lark_table({"Name": "text"}, name="more").app_token == table.app_token


def test_table_may_stand_in_a_base_of_its_own(lark_table: Any, lark_emulator: Any) -> None:
    base = lark_emulator.state.create_base("Other").app_token

    assert lark_table({"Name": "text"}, app_token=base).app_token == base


def test_unknown_type_names_the_known_ones(lark_table: Any) -> None:
    with pytest.raises(ValueError, match=r"field 'Name': unknown type 'txt'; known: text, number"):
        lark_table({"Name": "txt"})


def test_our_client_reads_what_the_fixture_made(lark_table: Any, lark_emulator: Any) -> None:
    table = lark_table({"Name": "text"}, [{"Name": "a"}])
    with LarkClient(lark_emulator.app_id, lark_emulator.app_secret, lark_emulator.url) as client:
        fields = client.bitable.list_fields(app_token=table.app_token, table_id=table.table_id)

    assert [each["field_name"] for each in fields] == ["Name"]
    health = httpx.get(f"{lark_emulator.url}/_emulator/health", verify=False)
    assert health.json()["result"]["status"] == "ok"


def test_webhook_is_a_bot_with_a_group_and_a_connection_of_its_own(lark_webhook: Any, lark_emulator: Any) -> None:
    one, other = lark_webhook(), lark_webhook(conn_id="alarms", secret="demo", keywords=["k"], timeout_seconds=3)
    assert one.chat_id != other.chat_id

    told = json.loads(os.environ["AIRFLOW_CONN_ALARMS"])
    assert told["conn_type"] == "lark_webhook"
    assert told["extra"] == {"avoid_peak_seconds": 0, "signing_secret": "demo", "keyword": "k", "timeout_seconds": 3}
    body = {"msg_type": "text", "content": {"text": "hi"}}
    assert httpx.post(told["password"], json=body, verify=False).json()["code"] == 19021
    address = json.loads(os.environ["AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT"])["password"]
    assert httpx.post(address, json=body, verify=False).json()["code"] == 0
    assert (one.texts(), one.contents(), other.texts()) == (["hi"], [{"text": "hi"}], [])
