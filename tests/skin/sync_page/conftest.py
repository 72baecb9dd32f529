"""The page's application with Airflow's real auth manager, asked over ASGI by users of different roles."""

from __future__ import annotations

import asyncio
import shutil
from types import SimpleNamespace

import httpx
import pytest

from tests.airflow_home import migrate, prepare
from tests.databases import engine, ledger_database, new_database, open_sqlite  # noqa: F401
from tests.skin.sync_page.scene import connection, fill, write_mappings

prepare()

ORIGIN = "http://airflow"


@pytest.fixture(scope="session")
def airflow_tables():
    """Airflow's own database, in which it looks for tokens that were revoked."""
    migrate()


class Visit:
    """One browser, or another client, at the page."""

    def __init__(self, app, token=None, *, by="cookie"):
        self.app = app
        self.headers = {"Authorization": f"Bearer {token}"} if token and by == "header" else {}
        self.cookies = {"_token": token} if token and by == "cookie" else {}

    def ask(self, method, path, *, headers=None, **more):
        async def run():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.cookies) as client:
                return await client.request(method, path, headers={**self.headers, **(headers or {})}, **more)

        return asyncio.run(run())

    def get(self, path, **parameters):
        given = {name: value for name, value in parameters.items() if value is not None}
        answer = self.ask("GET", f"/api/{path}", params=given)
        return SimpleNamespace(status=answer.status_code, **_body(answer))

    def post(self, path, body, **headers):
        own = {"Sec-Fetch-Site": "same-origin"} | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.ask("POST", f"/api/{path}", json=body, headers=own)
        return SimpleNamespace(status=answer.status_code, **_body(answer))


def _body(answer):
    return {"json": answer.json(), "text": answer.text}


@pytest.fixture
def app():
    from airflow_provider_lark.plugins.sync_page.mounting import PageApp

    return PageApp()


@pytest.fixture
def visit(airflow_tables, app, tmp_path, monkeypatch):
    """Log somebody in, by the role that they have; None: nobody."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    manager = create_auth_manager()

    def log_in(role, *, by="cookie"):
        token = role and manager.generate_jwt(SimpleAuthManagerUser(username=f"some {role}", role=role))
        return Visit(app, token, by=by)

    return log_in


@pytest.fixture
def mappings(tmp_path, monkeypatch):
    """Set the mapping files of the configuration."""

    def configure(*files):
        monkeypatch.setenv("AIRFLOW__LARK__MAPPING_FILES", ",".join(map(str, files)))

    return configure


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """The file of a filled database, made once: migrations take a second."""
    path = tmp_path_factory.mktemp("filled") / "shop.db"
    made = open_sqlite(path)
    fill(made)
    made.dispose()
    return path


@pytest.fixture
def shop(filled, tmp_path, mappings, monkeypatch):
    """A mapping `orders` on SQLite, of which everything waits that the page can show."""
    shutil.copy(filled, tmp_path / "shop.db")
    found = open_sqlite(tmp_path / "shop.db")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", connection(found))
    mappings(write_mappings(tmp_path / "sync.yaml", "orders"))
    yield found
    found.dispose()
