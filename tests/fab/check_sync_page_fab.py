"""The page Lark sync with Airflow's FAB auth manager, on a real api-server: which of its roles may do what.

For `make test-fab` only: the provider takes an older python-dateutil than the other tests run with.
"""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import httpx
import pytest

from tests.api_server import start_api_server
from tests.databases import open_sqlite
from tests.skin.sync_page.scene import connection, fill, write_mappings

# what [fab] makes by itself, and a role that somebody made for people who shall look and not touch
ROLES = ("Admin", "Op", "User", "Viewer", "Public", "Watcher", "Reader")
OWN = {"Watcher": ("Plugins",), "Reader": ("Plugins", "Connections")}
PEOPLE = f"""
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

with get_application_builder() as builder:
    sm = builder.sm
    for role, resources in {OWN!r}.items():
        sm.bulk_sync_roles([{{"role": role, "perms": [("can_read", each) for each in resources]}}])
    for role in {ROLES!r}:
        assert sm.add_user(role, role, role, f"{{role}}@example.com", sm.find_role(role), password="a word")
"""
RETRY = {"mapping": "orders", "keys": ["1"]}
KEEP = {"mapping": "orders", "kept_in": "lark", "choice": "keep", "seen": "x"}


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """An api-server with FAB, a user of each role, and a mapping of which everything waits."""
    home = tmp_path_factory.mktemp("fab")
    engine = open_sqlite(home / "shop.db")
    fill(engine)
    env = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "t" * 64,
        "AIRFLOW__API__SECRET_KEY": "t" * 64,
        "AIRFLOW__LARK__MAPPING_FILES": str(write_mappings(home / "sync.yaml", "orders")),
        "AIRFLOW_CONN_SHOP_DB": connection(engine),
    }

    for command in (["-m", "airflow", "db", "migrate"], ["-m", "airflow", "fab-db", "migrate"], ["-c", PEOPLE]):
        done = subprocess.run([sys.executable, *command], env={**os.environ, **env}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    with start_api_server(home / "api.log", **env) as (url, _):
        yield SimpleNamespace(url=url)
    engine.dispose()


@pytest.fixture(scope="session")
def ask(served):
    """Ask the page as somebody of a role, with the cookie of their login."""
    tokens = {}

    def ask_(role, method, path, body=None, **parameters):
        with httpx.Client(base_url=served.url, timeout=120, trust_env=False) as client:
            if role not in tokens:
                login = {"username": role, "password": "a word"}
                tokens[role] = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            client.cookies.set("_token", tokens[role])
            headers = {"Sec-Fetch-Site": "same-origin"}
            answer = client.request(method, f"/lark-sync/api/{path}", params=parameters, json=body, headers=headers)
        return SimpleNamespace(status=answer.status_code, json=answer.json(), text=answer.text)

    return ask_


@pytest.mark.parametrize("role", ["User", "Viewer", "Public"])
def test_roles_that_may_not_read_plugins_see_nothing(ask, role):
    for answer in (
        ask(role, "GET", "mappings"),
        ask(role, "GET", "failed", mapping="orders"),
        ask(role, "POST", "retry", RETRY),
    ):
        assert (answer.status, answer.json["kind"]) == (403, "no_right")
        assert "read plugins" in answer.json["message"]


def test_role_with_plugins_alone_sees_no_value_and_changes_nothing(ask):
    (told,) = ask("Watcher", "GET", "mappings").json["mappings"]
    assert (told["reads"], told["edits"]) == (False, False)
    assert "王小明" not in ask("Watcher", "GET", "conflicts", mapping="orders").text
    refused = ask("Watcher", "POST", "retry", RETRY)
    assert (refused.status, "edit the connection 'shop_db'" in refused.json["message"]) == (403, True)


def test_role_that_may_read_connections_sees_values_and_changes_nothing(ask):
    (told,) = ask("Reader", "GET", "mappings").json["mappings"]
    assert (told["reads"], told["edits"]) == (True, False)
    assert "王小明" in ask("Reader", "GET", "conflicts", mapping="orders").text
    assert ask("Reader", "POST", "held/decide", KEEP).status == 403


@pytest.mark.parametrize("role", ["Op", "Admin"])
def test_roles_that_may_edit_connections_decide(ask, role):
    (told,) = ask(role, "GET", "mappings").json["mappings"]
    assert (told["reads"], told["edits"]) == (True, True)
    assert "王小明" in ask(role, "GET", "conflicts", mapping="orders").text
    key = {"Op": "1", "Admin": "2"}[role]
    assert ask(role, "POST", "retry", {**RETRY, "keys": [key]}).json["done"] == 1
    # what others decided is in their name as FAB has it
    held = ask(role, "GET", "held", mapping="orders", kept_in="lark").json
    body = {**KEEP, "seen": held["seen"], "decided": held["decided"]}
    assert ask(role, "POST", "held/decide", body).json["done"] == 40
    now = ask(role, "GET", "held", mapping="orders", kept_in="lark").json["decided"]
    assert (now["choice"], role in now["by"]) == ("keep", True)


def test_who_has_not_logged_in_is_told_so(served):
    answer = httpx.get(f"{served.url}/lark-sync/api/mappings", timeout=120, trust_env=False)
    assert (answer.status_code, answer.json()["kind"]) == (401, "no_login")
