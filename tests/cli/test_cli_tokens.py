"""``airflow lark tokens …``: the token store's tables, keys and old rows."""

from __future__ import annotations

import base64
import json

import pytest
from sqlalchemy import text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api.wire.secret import Secret
from tests.databases import open_sqlite

OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
VARIABLE = "LARK_CONFIG_ENCRYPTION_KEY"


@pytest.fixture
def store(emulator, tmp_path, monkeypatch):
    """A Lark connection with a token store, in which its tenant token is kept under the old key."""
    database = tmp_path / "accounts.db"
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    lark["extra"] = {"token_store_conn_id": "accounts"}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNTS", json.dumps({"conn_type": "sqlite", "host": str(database)}))
    monkeypatch.setenv(VARIABLE, OLD)
    engine = open_sqlite(database)
    yield engine
    engine.dispose()


@pytest.fixture
def shop_file(emulator, tmp_path):
    """A mapping file of a Bitable table that is there."""
    base = emulator.state.create_base("Shop").app_token
    table = emulator.state.create_table(base, "areas", [{"field_name": "code", "type": 1}])
    file = tmp_path / "lark_sync.yaml"
    lark = {"app_token": base, "table_id": table.table_id}
    file.write_text(json.dumps({"mappings": [{"name": "areas", "lark": lark, "sql": "areas"}]}))
    return str(file)


@pytest.fixture
def filled_store(store):
    from airflow_provider_lark.core.clock import SystemClock
    from airflow_provider_lark.hooks.lark import LarkHook

    # a clock of its own: else the token of another test in this process would do
    with LarkHook().client(clock=SystemClock()) as client:
        client.bot.info()
    return store


def test_check_makes_the_tables_and_counts(airflow, filled_store):
    done = airflow("tokens", "check")
    assert (done.status, done.out.strip()) == (
        0,
        f"1 token encrypted with the first key in {VARIABLE}, 0 with an older key",
    )


def test_check_with_another_key_says_so_without_showing_one(airflow, filled_store, monkeypatch):
    monkeypatch.setenv(VARIABLE, NEW)
    done = airflow("tokens", "check")
    assert (done.status, "None of the keys can decrypt 1 token" in done.err) == (1, True)
    assert OLD not in done.text
    assert NEW not in done.text


def test_reencrypt_moves_every_token_to_the_new_key(airflow, filled_store, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
    old = Keyring.from_text(OLD)
    row = {"body": old.encrypt(Secret("[]")), "key_id": old.current_id}
    with filled_store.begin() as conn:
        columns = "app_id, kind, event_type, event_id, status, attempts, body, key_id"
        values = "'a', 'event', 't', 'e', 'failed', 0, :body, :key_id"
        conn.execute(text(f"INSERT INTO lark_inbox ({columns}) VALUES ({values})"), row)
    assert "1 question, answer or inbox entry encrypted with an older key" in airflow("tokens", "check").out
    done = airflow("tokens", "reencrypt").out.splitlines()
    assert (done[0][:20], done[1]) == ("Re-encrypted 1 token", "Re-encrypted 1 question, answer or inbox entry")
    monkeypatch.setenv(VARIABLE, NEW)
    assert (airflow("tokens", "check").status, airflow("tokens", "check").out.count("older key")) == (0, 1)


def test_reencrypt_deletes_what_no_key_opens_only_when_told(airflow, filled_store, monkeypatch):
    monkeypatch.setenv(VARIABLE, NEW)
    refused = airflow("tokens", "reencrypt")
    assert (refused.status, "wrong encryption key" in refused.err) == (1, True)
    assert (
        "Deleted 1 token that none of the keys could decrypt" in airflow("tokens", "reencrypt", "--drop-unreadable").out
    )


def test_purge_deletes_what_expired(airflow, filled_store):
    with filled_store.begin() as conn:
        conn.execute(text("UPDATE tokens SET expires_at = datetime('now', '-8 days')"))
    told = "Deleted 1 expired token, 0 user cache entries and 0 old failure cards"
    assert airflow("tokens", "purge").out.startswith(told)


def test_commands_without_a_store_say_where_to_name_it(airflow, store, emulator, monkeypatch):
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    done = airflow("tokens", "purge")
    assert (done.status, "has no token store" in done.err) == (1, True)
    assert airflow("tokens", "purge", "--sql-conn-id", "accounts").status == 0


def test_commands_on_a_database_that_is_down_do_not_show_its_password(airflow, store, monkeypatch):
    down = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "canary-password"}
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNTS", json.dumps(down))
    done = airflow("tokens", "purge")
    assert (done.status, "failed (OperationalError); check that it is running" in done.err) == (1, True)
    assert "canary" not in done.text


def test_doctor_finds_tokens_that_no_key_opens(airflow, filled_store, monkeypatch):
    def found():
        done = airflow("doctor", "--output", "json")
        return done.status, {row["What"]: row["Status"] for row in done.json}["token store accounts"]

    assert found() == (0, "ok")
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
    assert found() == (0, "warning")
    monkeypatch.setenv(VARIABLE, NEW)
    assert found() == (1, "trouble")
    monkeypatch.delenv(VARIABLE)
    assert airflow("doctor").status == 1


def test_database_that_does_not_answer_is_told_by_its_connection(airflow, store, shop_file, monkeypatch):
    away = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "schema": "x", "login": "u", "password": "hidden"}
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNTS", json.dumps(away))
    done = airflow("tokens", "purge")
    assert (done.status, "the database postgresql" in done.text, "@127.0.0.1:1/x failed" in done.text) == (
        1,
        True,
        True,
    )
    done = airflow("sync", "plan", "--mapping", shop_file, "--sql-conn-id", "accounts")
    assert (done.status, "connection 'accounts': the database failed" in done.text) == (1, True)
    done = airflow("doctor", "--mapping", shop_file, "--sql-conn-id", "accounts", "--output", "json")
    assert done.status == 1
    (found,) = [each for each in done.json if each["Check"] == "database"]
    assert found["Found"].startswith("connection 'accounts': the database failed (OperationalError")
    assert "hidden" not in done.text
