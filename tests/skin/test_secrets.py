"""No secret shows in what a task leaves behind: canaries are planted, and looked for in all of it."""

from __future__ import annotations

import base64
import json
import socket
from textwrap import dedent

import pytest

from tests.skin.task_process import run_task

APP_SECRET = "canary-app-secret"
EVENT_KEY = "canary-encrypt-key"
VERIFICATION_TOKEN = "canary-verification"
PROXY_PASSWORD = "canary-proxy"
USER_TOKEN = "u-canary-user"
REFRESH_TOKEN = "canary-refresh"
ENCRYPTION_KEY = base64.b64encode(b"canary-under-32-bytes-of-a-key!!").decode()


@pytest.fixture
def world(monkeypatch, tmp_path):
    """An emulator, connections full of canaries, and a token store with a user's tokens in it."""
    from airflow_provider_lark.emulator import Emulator

    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", ENCRYPTION_KEY)
    with Emulator(app_secret=APP_SECRET) as emulator:
        keep_user_token(emulator, tmp_path / "accounts.db")
        yield World(emulator, tmp_path)


class World:
    def __init__(self, emulator, folder):
        self.emulator = emulator
        self.folder = folder
        lark = {"host": emulator.url, "login": emulator.app_id, "password": APP_SECRET}
        extra = {"event_encrypt_key_secret": EVENT_KEY, "event_verification_token": VERIFICATION_TOKEN}
        proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:{closed_port()}"
        self.connections = {
            "lark_canary": lark | {"extra": json.dumps(extra | {"store_conn_id": "accounts"})},
            "lark_proxied": lark | {"extra": json.dumps(extra | {"proxy": proxy})},
            "accounts": {"conn_type": "sqlite", "host": str(folder / "accounts.db")},
        }

    @property
    def canaries(self):
        state = self.emulator.state
        token, left_seconds = state.tokens.issue(self.emulator.app_id, state.tenant_key)
        # the task's own, not one that is issued only now
        assert left_seconds < 7200
        planted = (APP_SECRET, EVENT_KEY, VERIFICATION_TOKEN, PROXY_PASSWORD, USER_TOKEN, REFRESH_TOKEN, ENCRYPTION_KEY)
        return (*planted, token)


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def keep_user_token(emulator, path):
    from airflow_provider_lark.core.accounts import upgrade
    from airflow_provider_lark.core.accounts.encryption import Keyring
    from airflow_provider_lark.core.accounts.tokens import SqlTokenStore
    from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey
    from airflow_provider_lark.core.api.wire.secret import Secret
    from tests.databases import open_sqlite

    engine = open_sqlite(path)
    upgrade(engine)
    until = emulator.clock.now() + 7200
    token = StoredToken(Secret(USER_TOKEN), until, Secret(REFRESH_TOKEN), until)
    key = TokenKey(emulator.url, emulator.app_id, "user", "ou_ann")
    SqlTokenStore(engine, Keyring.from_environment()).save(key, token)


# a careless author: prints every secret that passes through the provider, and raises with them
CARELESS = dedent("""
    import logging

    from airflow.sdk import DAG, task

    @task
    def careless():
        from airflow_provider_lark.core.errors import LarkError
        from airflow_provider_lark.hooks.lark import LarkHook

        log, known = logging.getLogger(__name__), listen_to_secrets()
        hook, proxied = LarkHook("lark_canary"), LarkHook("lark_proxied")
        for make_client in (hook.client, lambda: hook.client(user="ou_ann"), lambda: proxied.client(max_attempts=1)):
            try:
                with make_client() as client:
                    client.bot.info()
            except LarkError:
                log.exception("refused")
        known |= {secret for each in (hook, proxied) for secret in each.settings.secrets}
        log.debug("%s", hook.settings)
        for number, secret in enumerate(known):
            print("printed", number, secret)
            log.debug("logged %d %s", number, secret)
        raise RuntimeError(f"failed with {' '.join(known)}")

    def listen_to_secrets():
        from airflow_provider_lark.core.api.wire.secret import Secret

        known, make = set(), Secret.__init__

        def listen(self, text):
            make(self, text)
            if text:
                known.add(text)

        Secret.__init__ = listen
        return known

    with DAG("made_in_a_test", schedule=None):
        careless()
""")


def test_log_of_a_task_that_prints_every_secret_shows_none(world, monkeypatch):
    run = run_task(monkeypatch, world.folder, CARELESS, "careless", world.connections)
    assert run.state == "failed"
    printed = [event.split(maxsplit=2)[2] for event in run.events("info") if event.startswith("printed ")]
    # Airflow may mask the proxy's whole address besides
    assert printed.count("***") in (len(world.canaries), len(world.canaries) + 1)
    assert "the proxy refused the connection" in run.log
    assert [canary for canary in world.canaries if canary in run.everything] == []


# a DAG that puts secrets into templates, where Airflow stores and shows what they render to
TEMPLATED = dedent("""
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.api import LarkApiOperator

    extra = "conn.lark_canary.extra_dejson."
    secrets = ["conn.lark_canary.password", extra + "event_encrypt_key_secret", extra + "event_verification_token"]
    with DAG("made_in_a_test", schedule=None):
        LarkApiOperator(
            task_id="templated",
            lark_conn_id="lark_canary",
            method="POST",
            path="/open-apis/contact/v3/users/batch_get_id",
            json={"emails": ["ann@example.com", *("{{ " + secret + " }}" for secret in secrets)]},
            result_path="data.user_list.0.user_id",
        )
""")


def test_rendered_fields_and_xcom_of_an_operator_show_no_secret(world, monkeypatch):
    ann = world.emulator.state.add_user("Ann", email="ann@example.com")
    run = run_task(monkeypatch, world.folder, TEMPLATED, "templated", world.connections)
    assert run.state == "success", run.log
    assert json.loads(run.told["rtif"][-1])["json"] == {"emails": ["ann@example.com", *["***"] * 3]}
    assert run.told["xcom"] == [json.dumps(ann.open_id)]
    assert [canary for canary in world.canaries if canary in run.everything] == []


REFUSED = dedent("""
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.api import LarkApiOperator

    with DAG("made_in_a_test", schedule=None):
        for conn_id in ("lark_wrong", "lark_proxied", "lark_many"):
            LarkApiOperator(task_id=conn_id, lark_conn_id=conn_id, path="/open-apis/bot/v3/info")
""")


@pytest.mark.parametrize(
    ("conn_id", "words"),
    [
        pytest.param("lark_wrong", "App ID or App Secret is wrong", id="wrong secret"),
        pytest.param("lark_many", "extra has 10,000 fields", id="10,000 fields"),
    ],
)
def test_error_of_a_task_says_what_is_wrong_and_shows_no_secret(world, monkeypatch, conn_id, words):
    lark = world.connections["lark_canary"]
    world.connections["lark_wrong"] = lark | {"password": "canary-wrong"}
    world.connections["lark_many"] = lark | {"extra": json.dumps({f"f{n}": "canary-field" for n in range(10_000)})}
    run = run_task(monkeypatch, world.folder, REFUSED, conn_id, world.connections)
    assert run.state == "failed"
    assert words in run.log
    assert "canary" not in run.everything.replace("canaries", "").replace("lark_canary", "")


def test_token_store_holds_no_token_in_clear(world, monkeypatch):
    run = run_task(monkeypatch, world.folder, TEMPLATED, "templated", world.connections)
    assert run.state == "success", run.log
    held = (world.folder / "accounts.db").read_bytes()
    assert b"ou_ann" in held
    assert [canary for canary in world.canaries if canary.encode() in held] == []
