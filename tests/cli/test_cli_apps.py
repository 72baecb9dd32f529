"""``airflow lark app …``: connections come and go, and no secret is ever printed."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest

SECRET = "canary-app-secret-1"


@pytest.fixture
def add(airflow, emulator):
    emulator.state.add_app("cli_shop", SECRET, name="Shop app")

    def run(conn_id="shop", *more):
        base = ["app", "add", "--conn-id", conn_id, "--app-id", "cli_shop", "--host", emulator.url]
        return airflow(*base, *more)

    return run


def test_add_stores_the_app_as_a_connection(add, connections):
    done = add("shop", "--app-secret", SECRET, "--name", "生产应用", "--description", "for production")
    assert done.status == 0
    assert "airflow lark app test --conn-id shop" in done.out
    conn = connections()["shop"]
    assert (conn.conn_type, conn.login, conn.password, conn.description) == (
        "lark",
        "cli_shop",
        SECRET,
        "for production",
    )
    assert (conn.extra_dejson["app_name"], conn.port) == ("生产应用", 0)
    assert SECRET not in done.text


def test_add_takes_the_secret_from_standard_input(add, connections, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert add("shop", "--app-secret-stdin").status == 0
    assert connections()["shop"].password == SECRET


def test_add_asks_for_the_secret_without_showing_it(add, connections, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: SECRET)
    assert add().status == 0
    assert connections()["shop"].password == SECRET


@pytest.mark.parametrize("conn_id", ["no blanks", "x" * 251])
def test_add_refuses_an_id_that_airflow_does_not_take(add, connections, conn_id):
    done = add(conn_id, "--app-secret", SECRET)
    assert (done.status, "--conn-id: must be at most 250 characters" in done.err) == (1, True), done.err
    assert connections() == {}


@pytest.fixture
def refusing_db(airflow_db, monkeypatch):
    """Airflow's database, which takes no connection, and no Fernet key."""
    from airflow.models import crypto
    from airflow.utils.session import create_session
    from sqlalchemy import text

    # Airflow keeps what it has made of the key
    crypto.get_fernet.cache_clear()
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "")
    with create_session() as session:
        session.execute(text("CREATE TRIGGER full BEFORE INSERT ON connection BEGIN SELECT RAISE(ABORT, 'full'); END"))
    yield
    with create_session() as session:
        session.execute(text("DROP TRIGGER full"))
    crypto.get_fernet.cache_clear()


def test_add_that_the_database_refuses_shows_no_secret(refusing_db, add, connections):
    done = add("shop", "--app-secret", SECRET)
    assert (done.status, "Airflow's database failed (IntegrityError" in done.err) == (1, True), done.err
    assert SECRET not in done.text


def test_add_leaves_no_secret_in_the_audit_log(add, connections, monkeypatch):
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    monkeypatch.setattr("sys.argv", ["airflow", "lark", "app", "add", "--app-secret", SECRET])
    add("shop", "--app-secret", SECRET)
    with create_session() as session:
        kept = [f"{line.extra}" for line in session.scalars(select(Log)).all()]
    assert not any(SECRET in text for text in kept)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--app-secret", ""], "App Secret"),
        (["--app-secret", SECRET, "--app-secret-stdin"], "cannot be used together"),
        (["--app-secret", SECRET, "--host", "feishu.cn"], "connection 'shop'"),
    ],
    ids=["no secret", "two secrets", "host without scheme"],
)
def test_add_refuses_what_would_fail_in_a_task(add, connections, arguments, said):
    done = add("shop", *arguments)
    assert (done.status, said in done.err) == (1, True), done.err
    assert SECRET not in done.text
    assert connections() == {}


def test_add_replaces_a_connection_only_when_told(add, connections):
    add("shop", "--app-secret", "canary-old-secret")
    done = add("shop", "--app-secret", SECRET)
    assert done.status == 1
    assert "--replace" in done.err
    assert connections()["shop"].password == "canary-old-secret"
    assert add("shop", "--app-secret", SECRET, "--replace").status == 0
    assert connections()["shop"].password == SECRET


def test_commands_leave_connections_of_other_types_alone(add, airflow, connections):
    from airflow.models import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Connection(conn_id="shop", conn_type="http"))
    for done in (add("shop", "--app-secret", SECRET, "--replace"), airflow("app", "remove", "--conn-id", "shop", "-y")):
        assert (done.status, "has type 'http'" in done.err) == (1, True)
    assert connections()["shop"].conn_type == "http"


def test_list_shows_each_app_and_whether_it_works(add, airflow, connections):
    add("shop", "--app-secret", SECRET, "--name", "生产应用")
    add("typo", "--app-secret", "canary-wrong-secret")
    done = airflow("app", "list", "--output", "json")
    shop, typo = done.json
    assert (shop["Connection"], shop["App ID"], shop["Name"], shop["Status"]) == (
        "shop",
        "cli_shop",
        "生产应用",
        "Active",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", shop["Created At"])
    assert typo["Status"] == "NotAuthorized (10014)"
    assert "canary" not in done.text


def test_list_offline_asks_nobody(add, airflow, connections, emulator):
    add("shop", "--app-secret", SECRET)
    done = airflow("app", "list", "--offline")
    assert re.search(r"Connection +\| App ID +\| Name +\| Status +\| Created At", done.out)
    assert "not checked" in done.out
    assert emulator.counters() == {}


def test_show_hides_the_secret(add, airflow, connections):
    add("shop", "--app-secret", SECRET, "--description", "for production")
    done = airflow("app", "show", "--conn-id", "shop", "--output", "json")
    entries = {row["Entry"]: row["Value"] for row in done.json}
    assert (entries["App ID"], entries["App Secret"], entries["Description"]) == ("cli_shop", "***", "for production")
    assert SECRET not in done.text


def test_show_of_an_unknown_connection_says_how_to_add_one(airflow, connections):
    done = airflow("app", "show", "--conn-id", "nobody")
    assert (done.status, "'nobody': does not exist" in done.err) == (1, True)


def test_remove_asks_first(add, airflow, connections, monkeypatch):
    add("shop", "--app-secret", SECRET)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    refused = airflow("app", "remove", "--conn-id", "shop")
    assert refused.err == "Remove connection 'shop' of app cli_shop? [y/N] Nothing was removed"
    assert "shop" in connections()
    assert airflow("app", "remove", "--conn-id", "shop", "--yes").status == 0
    assert connections() == {}
    assert "airflow lark app list" in airflow("app", "remove", "--conn-id", "shop", "--yes").err


def test_test_tells_who_the_app_is_or_what_is_wrong(add, airflow, connections):
    add("shop", "--app-secret", SECRET)
    add("typo", "--app-secret", "canary-wrong-secret")
    good, bad = airflow("app", "test", "--conn-id", "shop"), airflow("app", "test", "--conn-id", "typo")
    assert (good.status, "Shop app" in good.out) == (0, True)
    assert (bad.status, "App Secret" in bad.err) == (1, True)
    assert "canary" not in bad.text


def test_airflow_itself_offers_the_commands(airflow_db):
    shown = subprocess.run(
        [sys.executable, "-m", "airflow", "lark", "--help"], capture_output=True, text=True, check=True, timeout=600
    )
    assert "doctor" in shown.stdout
    assert "Check a connection" in shown.stdout
