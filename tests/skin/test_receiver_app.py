"""The receiver's application by itself: what it is mounted for, and what it does while a connection cannot be read."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading

import httpx
import pytest
from cryptography.fernet import Fernet

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.doors.overload import SWITCH_SECONDS
from airflow_provider_lark.core.doors.web_app import Served
from airflow_provider_lark.core.errors import ConfigError, Unreachable
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.door import Door
from airflow_provider_lark.core.receiving.feed_door import TOKEN_HEADER, FeedDoor, feed_token
from airflow_provider_lark.plugins import served_connection
from airflow_provider_lark.plugins.lark import make_fastapi_apps
from airflow_provider_lark.plugins.receiver import ReceiverApp
from airflow_provider_lark.plugins.served_connection import FRESH_SECONDS, RETRY_SECONDS, ServedConnection
from tests.clocks import JumpingClock
from tests.core.receiving.sealing import dump, encrypt, event, signed
from tests.databases import open_sqlite

KEY = "test key"


@pytest.fixture
def served(tmp_path):
    engine = open_sqlite(tmp_path / "store.db")
    inbox = SqlInbox(engine, Keyring.from_text(Fernet.generate_key().decode()), "cli_1")
    yield Served(
        Door("cli_1", encrypt_key=Secret(KEY)), GroupCommit(inbox), feed_door=FeedDoor("cli_1", Secret("app secret"))
    )
    engine.dispose()


def configure(monkeypatch, **options):
    for name, value in options.items():
        monkeypatch.setenv(f"AIRFLOW__LARK__{name.upper()}", value)


@pytest.mark.parametrize("word", ["", "False", "false", "0", "f", "maybe"])
def test_nothing_is_mounted_unless_it_is_wanted(monkeypatch, word):
    configure(monkeypatch, receiver_enabled=word)
    assert make_fastapi_apps() == []


@pytest.mark.parametrize("word", ["True", "true", "1", "t"])
def test_the_prefix_is_mounted_where_it_is_wanted(monkeypatch, word):
    configure(monkeypatch, receiver_enabled=word)
    (mounted,) = make_fastapi_apps()
    assert mounted["url_prefix"] == "/lark"


def test_no_connection_is_no_receiver(monkeypatch, caplog):
    configure(monkeypatch, receiver_enabled="True", receiver_conn_ids=" , \n")
    assert make_fastapi_apps() == []
    assert "names no connection" in caplog.text


def test_loading_the_plugin_imports_nothing_of_a_web_server():
    """O30: it is loaded in tasks as well, whatever the settings say: FastAPI and Airflow's models are not wanted."""
    code = """
import sys
import airflow.sdk.plugins_manager, airflow.sdk.configuration
before = set(sys.modules)
from airflow_provider_lark.plugins.lark import LarkPlugin
assert [each["url_prefix"] for each in LarkPlugin.fastapi_apps] == ["/lark-sync", "/lark"]
assert LarkPlugin.external_views
print(sorted(name for name in set(sys.modules) - before if not name.startswith("airflow_provider_lark")))
"""
    env = {**os.environ, "AIRFLOW__LARK__RECEIVER_ENABLED": "True", "AIRFLOW__LARK__MAPPING_FILES": "a.yaml"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


async def post(client, number):
    sealed = encrypt(dump(event(event_id=f"e{number}")), KEY)
    headers = signed(sealed, KEY, at=int(SystemClock().now()))
    answer = await client.post("http://airflow/events/lark_default", content=sealed, headers=headers)
    return answer.status_code


@pytest.fixture
def process():
    interval = sys.getswitchinterval()
    yield
    gc.unfreeze()
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("process")
def test_opening_that_hangs_is_not_waited_for(served):
    may_open = threading.Event()

    def open_(_):
        assert may_open.wait(120)
        return served

    async def run():
        app = ReceiverApp(["lark_default"], open_)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            # it cannot be open yet, so an answer shows that nobody waits for it
            first = await post(client, 1)
            may_open.set()
            give_up = SystemClock().monotonic() + 120
            while (status := await post(client, 2)) != 200:
                assert SystemClock().monotonic() < give_up
                await asyncio.sleep(0.01)
            return first, status

    assert asyncio.run(run()) == (503, 200)
    # full collections, and threads that compute, would hold up the loop
    assert gc.get_freeze_count()
    assert sys.getswitchinterval() <= SWITCH_SECONDS
    assert served.inbox.store.count().pending == 1


def test_posts_of_a_feed_have_an_address_of_their_own(served):
    token = feed_token("cli_1", Secret("app secret"), app_token="bas1", table_id="tbl1").reveal()
    body = b'{"base": "bas1", "table": "tbl1", "record": "rec1"}'

    async def run():
        app = ReceiverApp(["lark_default"], lambda _: served)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:

            async def post(way, shown, conn_id="lark_default"):
                url = f"http://airflow/{way}/{conn_id}"
                return (await client.post(url, content=body, headers={TOKEN_HEADER: shown})).status_code

            while (first := await post("feed", token)) == 503:
                # the connection is still being opened
                await asyncio.sleep(0.01)
            # what is not served at all is told from what is refused
            return [first, await post("feed", "x"), await post("feed", token, "nobody"), await post("approval", token)]

    assert asyncio.run(run()) == [200, 401, 404, 404]
    assert served.inbox.store.count().pending == 1


class Opening:
    """Opens as it is told to, and counts how often."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.count = 0

    def __call__(self, conn_id):
        self.count += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def ask(connection):
    """Ask until no opening is under way."""
    outcome = None
    for _ in range(2):
        try:
            outcome = await connection.get(60)
        except ConfigError as exc:
            outcome = exc
        while connection._opening is not None:
            await asyncio.sleep(0.001)
    return outcome


def test_broken_connection_is_said_once_and_tried_again_after_a_while(served, caplog):
    opening, clock = (
        Opening(ConfigError("has no token store"), ConfigError("has no token store"), served),
        JumpingClock(),
    )

    async def run():
        connection = ServedConnection("lark_default", opening, clock=clock)
        outcomes = [await ask(connection) for _ in range(3)]
        assert (opening.count, {type(each) for each in outcomes}) == (1, {ConfigError})
        for _ in range(2):
            clock.sleep(RETRY_SECONDS)
            outcomes.append(await ask(connection))
        return outcomes

    assert asyncio.run(run())[-1] is served
    assert caplog.text.count("has no token store") == 1


@pytest.mark.parametrize(
    ("error", "is_served"),
    [
        pytest.param(ConfigError("does not exist"), False, id="connection deleted"),
        pytest.param(Unreachable("the store is down"), True, id="store down"),
        pytest.param(RuntimeError("anything of a driver, password=geheim"), True, id="metadata database down"),
    ],
)
def test_what_was_read_holds_until_the_connection_is_known_to_be_gone(served, error, is_served, caplog):
    opening, clock = Opening(served, error), JumpingClock()

    async def run():
        connection = ServedConnection("lark_default", opening, clock=clock)
        assert await ask(connection) is served
        clock.sleep(FRESH_SECONDS)
        return await ask(connection)

    outcome = asyncio.run(run())
    assert (outcome is served) == is_served
    assert "geheim" not in caplog.text


@pytest.mark.parametrize(
    ("key", "status", "reason"), [(None, 503, "encrypt_key_missing"), ("old key", 401, "encrypt_key_differs")]
)
def test_delivery_under_a_key_that_the_connection_lacks_is_said_once_and_taken_when_it_has_it(
    served, caplog, monkeypatch, key, status, reason
):
    """Input 7.03: signed and encrypted rightly, and the connection has no Encrypt Key, or still has the old one."""
    door = Door("cli_1", encrypt_key=None if key is None else Secret(key), verification_token=Secret("vtoken"))
    opening = Opening(Served(door, served.inbox))
    # the connection is read anew at each request
    monkeypatch.setattr(served_connection, "FRESH_SECONDS", 0.0)

    async def run():
        app = ReceiverApp(["lark_default"], opening)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            while (first := await post(client, 1)) == 503 and reason not in caplog.text:
                # the connection is still being opened
                await asyncio.sleep(0.01)
            refused = [first, *[await post(client, 1) for _ in range(3)]]
            opening.outcomes = [served]
            give_up = SystemClock().monotonic() + 120
            while (taken := await post(client, 1)) != 200:
                assert SystemClock().monotonic() < give_up
                await asyncio.sleep(0.01)
            return refused, taken

    assert asyncio.run(run()) == ([status] * 4, 200)
    told = [each.getMessage() for each in caplog.records if reason in each.getMessage()]
    assert len(told) == 1
    assert "Encrypt Key" in told[0]
    # only the last was taken
    assert served.inbox.store.count().pending == 1
