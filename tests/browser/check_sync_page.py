"""The page Lark sync in a real browser, on a real api-server below a path prefix, and what a person does on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger, migrate
from tests.api_server import start_api_server
from tests.browser.conftest import LOAD_MS, SHOTS
from tests.databases import open_sqlite
from tests.skin.sync_page.scene import (
    NASTY,
    add_entries,
    add_failed,
    add_runs,
    conflict,
    connection,
    fill,
    write_mappings,
)

PREFIX = "/team/airflow"
ROLES = ("admin", "viewer")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A database with all that waits, and one of other states."""
    home = tmp_path_factory.mktemp("shop")
    engine = open_sqlite(home / "shop.db")
    fill(engine)
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


@pytest.fixture(scope="module")
def served(shop):
    """An api-server whose mapping files name these databases, and one that is down; its address, and passwords."""
    home = shop.home
    names = ["orders", "customers", "invoices", "products", NASTY, "用户表"]
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


def test_page_is_in_the_menu_and_a_reload_leads_back(log_in, served):
    """O29: the menu, the frame, a deep link and its reload, all below the prefix, as dark as Airflow is."""
    page = log_in("admin", color_scheme="dark")
    page.goto(f"{served.url}/plugin/lark_sync")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="orders", exact=True).click()
    frame.get_by_role("link", name="Conflicts").click()
    frame.locator("article.conflict").first.wait_for()
    assert page.url.endswith("#/m/orders/conflicts")
    page.reload()
    frame.locator("article.conflict").first.wait_for()
    assert frame.locator("html").evaluate("each => getComputedStyle(each).colorScheme") == "dark"
    shoot(page, "in-airflow")
    page.go_back()
    page.goto(served.url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Lark sync").click()
    frame.get_by_role("link", name="orders", exact=True).wait_for()


def test_what_cannot_be_read_is_said_in_its_place(log_in, served):
    """O54 on the page, a database that is down, and the others beside them; light and dark, English and Chinese."""
    page = open_page(log_in("admin"), served)
    payments = page.locator("tr", has=page.get_by_role("link", name="payments"))
    payments.get_by_text("version v9999, and this package knows").wait_for()
    page.locator("tr", has=page.get_by_role("link", name="stock")).get_by_text("connection 'down_db'").wait_for()
    assert page.locator("tr", has=page.get_by_role("link", name="invoices")).get_by_text("1,204").count() == 1
    shoot(page, "overview-light")
    page.emulate_media(color_scheme="dark")
    page.click("#language")
    page.get_by_text("无法读取").first.wait_for()
    shoot(page, "overview-dark-zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_others_wrote_is_shown_as_it_stands(log_in, served, language):
    """O32: names, keys, error texts, values and questions; log_in fails on a dialog and on what a value asks for."""
    page = open_page(log_in("admin", locale="zh-CN" if language == "zh" else "en-US"), served)
    page.get_by_role("link", name=NASTY).click()
    page.locator("h1").get_by_text(NASTY, exact=True).wait_for()
    page.locator("nav.tabs a").nth(1).click()
    page.locator("td.error", has_text="<script>alert(1)</script>").wait_for()
    assert page.locator("td.error", has_text="<b>bold</b> {{constructor}}").count() == 2
    assert page.get_by_role("link", name=NASTY).count() == 1
    page.click("#retry-all")
    page.locator("dialog p", has_text=NASTY).wait_for()
    shoot(page, f"question-{language}")
    page.locator("dialog button.plain").click()
    open_page(page, served, "m/orders/conflicts")
    page.locator("td.value", has_text="</script><script>alert(1)</script>").wait_for()
    assert page.locator("td.value", has_text=NASTY).count() == 1
    assert page.locator("#main img, #main script").count() == 0


def test_rows_that_a_filter_found_are_tried_again(log_in, served, shop):
    """O31: the question has the number, and says what is meant."""
    page = open_page(log_in("admin"), served, "m/orders/failed")
    shoot(page, "failed-light")
    page.fill("input[name=text]", "22003")
    page.get_by_role("button", name="Find").click()
    page.get_by_text("3 failed rows match").wait_for()
    page.click("#retry-all")
    page.get_by_text("Try 3 failed rows again?").wait_for()
    page.get_by_text("Only those with “22003” in key or error.").wait_for()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("The next run tries 3 rows again").wait_for()
    page.get_by_text("No failed row matches.").wait_for()
    failed = "SELECT COUNT(*) FROM sync_queue WHERE table_name = 'orders' AND status = 'failed'"
    assert query(shop, failed) == [(7,)]
    # the address has what was looked for, so a reload shows the same
    page.reload()
    page.get_by_text("No failed row matches.").wait_for()
    open_page(page, served, "m/orders/failed").get_by_role("checkbox", name="3", exact=True).check()
    page.get_by_role("button", name="Leave 1 alone").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("1 row is left alone from the next run on").wait_for()
    listed = "SELECT record_id FROM sync_blacklist WHERE table_name = 'orders' ORDER BY id"
    assert query(shop, listed) == [("99",), ("3",)]


def test_conflict_that_changed_since_it_was_drawn_is_shown_as_it_is_now(log_in, served, shop):
    """O9: the button that was drawn before is refused, and the new values stand there."""
    page = open_page(log_in("admin", color_scheme="dark"), served, "m/orders/conflicts")
    shoot(page, "conflicts-dark")
    with write_transaction(shop.engine) as conn:
        now = {"name": "王小明 (new)", "phone": "138 0000 0001"}
        Ledger(conn, "orders").conflicts.add([conflict("42", now, {**now, "name": "Wang X."}, {**now, "name": "Wang"})])
    page.locator("article[data-id='1']").get_by_role("button", name="Adopt SQL").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("Nothing was changed: it is no more as it was shown.").wait_for()
    page.get_by_text("王小明 (new)").wait_for()
    assert query(shop, "SELECT COUNT(*) FROM sync_decision WHERE kind = 'conflict'") == [(0,)]
    mine = page.locator("article.conflict", has=page.get_by_role("link", name="42", exact=True))
    mine.get_by_role("button", name="Adopt SQL").click()
    page.get_by_role("button", name="Yes, do it").click()
    mine.get_by_text("SQL wins in the next run, as admin (Airflow) decided").wait_for()
    assert query(shop, "SELECT choice FROM sync_decision WHERE kind = 'conflict'") == [("sql",)]


def test_held_deletes_are_decided_and_the_runs_are_drawn(log_in, served, shop):
    page = open_page(log_in("admin"), served, "m/orders/held")
    shoot(page, "held-light")
    page.get_by_role("button", name="Delete 40 in Lark too").click()
    page.get_by_text("Delete 40 records in Lark?").wait_for()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("The next run deletes them, as admin (Airflow) decided").wait_for()
    assert query(shop, "SELECT choice FROM sync_decision WHERE kind = 'held_records'") == [("release",)]
    open_page(page, served, "m/orders/overview")
    assert page.locator("svg.chart").count() == 3
    assert page.locator("svg.chart rect.to_lark").count() > 20
    shoot(page, "runs-light")
    page.emulate_media(color_scheme="dark")
    page.click("#language")
    page.get_by_text("每次运行后的积压").wait_for()
    shoot(page, "runs-dark-zh")
    open_page(page, served, "m/orders/history?key=42")
    page.locator("td.value", has_text="王小明").wait_for()
    shoot(page, "history-dark-zh")


def test_viewer_sees_what_is_missing_to_change_something(log_in, served):
    """O28: the right that is missing is named; no button can be pressed, and no value is shown."""
    page = open_page(log_in("viewer"), served, "m/orders/conflicts")
    page.get_by_text("this needs the right to edit the connection “shop_db” in Airflow").wait_for()
    page.get_by_text("this needs the right to read the connection “shop_db” in Airflow").wait_for()
    buttons = page.locator("#main article button")
    assert buttons.count() == 6
    assert all(each.is_disabled() for each in buttons.all())
    assert page.get_by_text("Wang X.").count() == 0
    shoot(page, "viewer")


def test_who_has_not_logged_in_is_told_so(chromium, served):
    page = chromium.new_page(locale="en-US")
    page.goto(f"{served.url}/lark-sync/")
    page.get_by_text("Your login has ended. Log in to Airflow again").wait_for()
    page.close()
