"""An api-server whose page Lark sync has everything on it, and people who open it in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_lark.core.ledger import Ledger, migrate
from tests.api_server import start_api_server
from tests.databases import open_sqlite
from tests.skin.sync_page.scene import (
    NASTY,
    add_entries,
    add_failed,
    add_runs,
    connection,
    fill,
    write_mappings,
)

SHOTS = Path(__file__).parents[2] / ".demo" / "browser"
LOAD_MS = 120_000
PREFIX = "/team/airflow"
ROLES = ("admin", "viewer")


@pytest.fixture(scope="session")
def synced_shop(tmp_path_factory):
    """A database with all that waits, and one of other states."""
    home = tmp_path_factory.mktemp("shop")
    engine = open_sqlite(home / "shop.db")
    fill(engine)
    fill(engine, "people")
    with engine.begin() as conn:
        add_runs(conn, "customers", 30)
        add_runs(conn, "invoices", 12, status="failed")
        add_runs(conn, NASTY, 5)
        add_entries(conn, "invoices", 1204, age=7300)
        add_failed(conn, NASTY, 2, error="<b>bold</b> {{constructor}}", first=1)
        Ledger(conn, NASTY).dead_letters.add(NASTY, error="<script>alert(1)</script>", delay_seconds=None)
    newer = open_sqlite(home / "newer.db")
    migrate.upgrade(newer)
    with newer.begin() as conn:
        conn.exec_driver_sql("UPDATE sync_alembic_version SET version_num = 'v9999'")
    found = SimpleNamespace(home=home, engine=engine, newer=newer)
    yield found
    engine.dispose()
    newer.dispose()


@pytest.fixture(scope="session")
def served(synced_shop):
    """An api-server whose mapping files name these databases, and one that is down; its address, and passwords."""
    shop = synced_shop
    home = shop.home
    names = ["orders", "customers", "invoices", "products", "people", NASTY, "用户表"]
    files = [
        write_mappings(home / "shop.yaml", *names),
        write_mappings(home / "newer.yaml", "payments", conn_id="newer_db"),
        write_mappings(home / "down.yaml", "stock", conn_id="down_db"),
    ]
    passwords = {role: f"{role} word" for role in ROLES}
    (home / "passwords.json").write_text(json.dumps(passwords), encoding="utf-8")
    env = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{role}:{role}" for role in ROLES),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "t" * 64,
        "AIRFLOW__API__SECRET_KEY": "t" * 64,
        "AIRFLOW__LARK__MAPPING_FILES": ",".join(map(str, files)),
        "AIRFLOW_CONN_SHOP_DB": connection(shop.engine),
        "AIRFLOW_CONN_NEWER_DB": connection(shop.newer),
        "AIRFLOW_CONN_DOWN_DB": json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "schema": "x"}),
    }
    migrated = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrated, env={**os.environ, **env}, check=True, capture_output=True)
    SHOTS.mkdir(parents=True, exist_ok=True)
    with start_api_server(home / "api.log", prefix=PREFIX, **env) as (url, _):
        yield SimpleNamespace(url=url, passwords=passwords)


@pytest.fixture
def log_in(served, chromium):
    """Open a browser as somebody; at the end no script has failed, and nothing was asked for beside the prefix."""
    contexts, wrong = [], []

    def open_(role, **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 1000}, "locale": "en-US", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LOAD_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on(
            "request",
            lambda sent: wrong.append(sent.url) if not sent.url.startswith((served.url, "data:", "blob:")) else None,
        )
        page.goto(f"{served.url}/")
        page.fill("input[name=username]", role)
        page.fill("input[name=password]", served.passwords[role])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{served.url}/")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def shoot(page, name):
    # what moves, and what is said for a while, has come to rest
    page.wait_for_timeout(600)
    page.screenshot(path=str(SHOTS / f"sync-{name}.png"))


def open_page(page, served, place=""):
    """Open the page by itself, outside of Airflow's frame."""
    page.goto(f"{served.url}/lark-sync/#/{place}")
    page.locator("#main table, #main .empty, #main .card, #main .timeline").first.wait_for()
    return page


def query(shop, statement):
    with shop.engine.connect() as conn:
        return [tuple(row) for row in conn.exec_driver_sql(statement)]
