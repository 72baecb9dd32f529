"""A Lark connection as Airflow's REST API shows it: no secret of it in clear, and tested in words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "dags" / "demo"

APP_SECRET = "canary-app-secret"
EXTRA = {
    "event_encrypt_key_secret": "canary-encrypt-key",
    "event_verification_token": "canary-verification",
    "proxy": "http://user:canary-proxy@proxy.example:3128",
    "bases": {"MyDB": "bascn1"},
    "store_conn_id": "shop_db",
}


@pytest.fixture(scope="module")
def rest(airflow_db):
    """Airflow's API server in this process, with everybody as an administrator."""
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from fastapi.testclient import TestClient

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
        patch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
        app = create_app(apps="core")
        client = TestClient(app, base_url="http://testserver")
        client.headers["Authorization"] = f"Bearer {client.get('/auth/token').json()['access_token']}"
        yield client
        purge_cached_app()


@pytest.fixture
def saved(rest):
    """The connection, saved as the form saves it."""
    parts = {"connection_id": "lark_rest", "conn_type": "lark", "login": "cli_a", "password": APP_SECRET}
    answer = rest.post("/api/v2/connections", json=parts | {"extra": json.dumps(EXTRA)})
    yield answer
    rest.delete("/api/v2/connections/lark_rest")


def test_rest_shows_no_secret_of_a_connection(rest, saved):
    answers = [saved, rest.get("/api/v2/connections"), rest.get("/api/v2/connections/lark_rest")]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    shown = "".join(answer.text for answer in answers)
    assert "canary" not in shown
    extra = json.loads(answers[-1].json()["extra"])
    # what is no secret stays readable
    assert (extra["bases"], extra["store_conn_id"]) == ({"MyDB": "bascn1"}, "shop_db")


def test_rest_keeps_secrets_that_come_back_masked(rest, saved):
    from airflow.models import Connection
    from airflow.utils.session import create_session

    shown = rest.get("/api/v2/connections/lark_rest").json()
    changed = {name: shown[name] for name in ("connection_id", "conn_type", "login", "password", "extra")}
    assert rest.patch("/api/v2/connections/lark_rest", json=changed | {"description": "new"}).status_code == 200
    with create_session() as session:
        kept = session.query(Connection).filter_by(conn_id="lark_rest").one()
        assert (kept.password, kept.extra_dejson) == (APP_SECRET, EXTRA)


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")
def test_rest_tests_a_connection_in_words_and_shows_no_secret(rest):
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator:
        lark = {"connection_id": "lark_new", "conn_type": "lark", "login": emulator.app_id, "host": emulator.url}
        works = rest.post("/api/v2/connections/test", json=lark | {"password": emulator.app_secret}).json()
        fails = rest.post("/api/v2/connections/test", json=lark | {"password": APP_SECRET}).json()
    assert works == {"status": True, "message": f"Connected to Lark at {lark['host']} as app 'Emulated app'."}
    assert (fails["status"], "App ID or App Secret is wrong" in fails["message"]) == (False, True)
    assert "canary" not in fails["message"]


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")
def test_button_tests_the_connection_of_the_demo(rest, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(DEMO), *sys.path])
    from world import open_world

    with open_world(tmp_path / "shop.db") as world:
        lark = {"connection_id": "lark_demo"} | world.connections()["lark_default"]
        assert rest.post("/api/v2/connections", json=lark).status_code == 201
        # what Airflow 3.3.2 sends when the button is pressed: a masked secret, and 0 where there is no port
        answer = rest.post("/api/v2/connections/test", json=lark | {"password": "***", "port": lark.get("port") or 0})
        rest.delete("/api/v2/connections/lark_demo")
    assert (answer.status_code, answer.json().get("status")) == (200, True), answer.text
