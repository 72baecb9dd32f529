"""The hook against the emulator over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import traceback

import pytest

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.lark import LarkHook

KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
TOKEN = "POST /open-apis/auth/v3/tenant_access_token/internal"


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


@pytest.mark.parametrize(("extra", "is_used"), [({}, False), ({"base_v3": "on"}, True)], ids=["off", "on"])
def test_connection_says_whether_base_v3_is_used(monkeypatch, extra, is_used):
    set_connection(monkeypatch, login="cli_a", password="secret", extra=extra)
    with LarkHook().client() as client:
        assert (client.matrices is not None) == is_used


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
    assert LarkHook().settings.app_secret == Secret("masked-s3cret")
    # no word beside it that another test may have as a password
    assert redact("told: masked-s3cret") == "told: ***"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param(("MyDB:areas",), ("MyDB", "areas"), id="named base"),
        pytest.param(("MyDB", "areas"), ("MyDB", "areas"), id="named base and table"),
        pytest.param(("https://x.feishu.cn/base/bascn1?table=tbl0123456789abc",), ("", ""), id="address"),
    ],
)
def test_table_is_read_with_the_named_bases_of_the_connection(shop, given, found):
    address = LarkHook().table(*given)
    assert (address.base, address.table) == found
    assert address.app_token == (shop.app_token if found[0] else "bascn1")


def test_table_of_a_base_that_is_not_named_says_where_to_name_it(shop):
    with pytest.raises(ConfigError, match=r"base 'Other' is not a known base name \(known: MyDB\)"):
        LarkHook().table("Other:areas")


def test_call_reaches_any_api(shop):
    tables = LarkHook().call("GET", f"/open-apis/bitable/v1/apps/{shop.app_token}/tables", query={"page_size": 20})
    assert [table["name"] for table in tables["data"]["items"]] == ["areas"]


@pytest.mark.parametrize(
    "path",
    [
        "/open-apis/auth/v3/tenant_access_token/internal",
        "/open-apis//auth/v3/app_access_token",
        "/open-apis/%61uthen/v2/oauth/token",
        "https://open.feishu.cn/open-apis/authen/v1/refresh_access_token",
        "/open-apis/jssdk/ticket/get",
        "/open-apis/mina/v2/tokenLoginValidate",
    ],
)
def test_call_of_what_answers_with_a_token_is_refused_and_its_query_not_quoted(shop, path):
    with pytest.raises(ConfigError, match="the response contains a token") as caught:
        LarkHook().call("POST", f"{path}?code=canary")
    assert "canary" not in str(caught.value)
    assert shop.emulator.counters() == {}


def test_pickled_hook_holds_no_secret_and_reads_its_connection_anew(shop, monkeypatch):
    set_connection(monkeypatch, login="cli_x", password="canary-s3cret", host=shop.emulator.url)
    hook = LarkHook()
    assert hook.settings.app_id == "cli_x"
    pickled = pickle.dumps(hook)
    assert b"canary" not in pickled
    set_connection(monkeypatch, login="cli_y", password="canary-s3cret", host=shop.emulator.url)
    assert pickle.loads(pickled).settings.app_id == "cli_y"


@pytest.fixture
def shared_store(shop, monkeypatch, tmp_path):
    """The shop's connection with a token store beside it."""
    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"store_conn_id": "lark_accounts"}}))
    set_store(monkeypatch, tmp_path)
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", KEY)
    return shop


def set_store(monkeypatch, folder):
    parts = {"conn_type": "sqlite", "host": str(folder / "accounts.db")}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_ACCOUNTS", json.dumps(parts))


def ask_as_a_new_worker():
    # a clock of its own shares nothing with the other clients of this process
    with LarkHook().client(clock=SystemClock()) as client:
        return client.bot.info()


def test_workers_share_a_token_through_the_store_of_the_connection(shared_store):
    assert ask_as_a_new_worker() == ask_as_a_new_worker()
    assert shared_store.emulator.counters()[TOKEN] == 1


def test_async_client_shares_the_store_too_and_its_token_is_masked(shared_store):
    from airflow.sdk.log import redact

    async def ask():
        async with await LarkHook().async_client(clock=SystemClock()) as client:
            await client.bot.info()

    asyncio.run(ask())
    ask_as_a_new_worker()
    assert shared_store.emulator.counters()[TOKEN] == 1
    state = shared_store.emulator.state
    token, _ = state.tokens.issue(shared_store.emulator.app_id, state.tenant_key)
    assert redact(f"the token is {token}") == "the token is ***"


def test_workers_whose_store_is_down_ask_lark(shared_store, monkeypatch, tmp_path):
    set_store(monkeypatch, tmp_path / "folder does not exist")
    assert ask_as_a_new_worker() == ask_as_a_new_worker()
    assert shared_store.emulator.counters()[TOKEN] == 2


def test_store_without_an_encryption_key_says_how_to_make_one(shared_store, monkeypatch):
    monkeypatch.delenv("LARK_CONFIG_ENCRYPTION_KEY")
    with pytest.raises(ConfigError, match="openssl rand -base64 32"):
        LarkHook().client()


def test_encryption_key_that_is_refused_is_not_shown(shared_store, monkeypatch):
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", "canary-no-key,canary-either")
    with pytest.raises(ConfigError, match="key 1 of 2") as caught:
        LarkHook().client()
    stack = traceback.StackSummary.extract(traceback.walk_tb(caught.value.__traceback__), capture_locals=True)
    shown = [f"{caught.value}", *(f"{frame.locals}" for frame in stack if "/tests/" not in frame.filename)]
    assert "canary" not in "".join(shown)


def test_people_are_found_and_kept_in_the_store(shared_store):
    ann = shared_store.emulator.state.add_user("Ann", email="ann@example.com")
    for _ in range(2):
        with LarkHook().client() as client:
            assert LarkHook().user_directory(client).find_ids(emails=[ann.email]) == {ann.email: ann.open_id}
    assert shared_store.emulator.counters()["POST /open-apis/contact/v3/users/batch_get_id"] == 1


def test_people_are_found_where_the_store_is_down(shared_store, monkeypatch, tmp_path):
    set_store(monkeypatch, tmp_path / "folder does not exist")
    with LarkHook().client() as client:
        assert LarkHook().user_directory(client).find_ids(emails=["no@example.com"]) == {"no@example.com": None}


def test_hook_of_an_unknown_connection_says_how_to_add_it():
    with pytest.raises(ConfigError, match=r"'lark_other': does not exist.*AIRFLOW_CONN_LARK_OTHER"):
        LarkHook("lark_other").client()


def test_hook_of_a_connection_that_airflow_cannot_read_shows_nothing_of_it(monkeypatch):
    # Airflow looks for secrets in the extra, and gives up on one so deep
    set_connection(monkeypatch, password="canary", extra="[" * 100_000)
    with pytest.raises(ConfigError) as caught:
        LarkHook().client()
    stack = traceback.StackSummary.extract(traceback.walk_tb(caught.value.__traceback__), capture_locals=True)
    assert "canary" not in "".join(f"{frame.locals}" for frame in stack if "/tests/" not in frame.filename)
    assert caught.value.__context__ is None
