"""The page Lark sync in a real browser, on a real api-server below a path prefix, and what a person does on it."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger
from tests.browser.sync_page_parts import open_page, query, shoot
from tests.skin.sync_page.scene import NASTY, conflict


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
    # each database answers when it can
    page.locator("tr", has=page.get_by_role("link", name="invoices")).get_by_text("1,204").wait_for()
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


def test_rows_that_a_filter_found_are_tried_again(log_in, served, synced_shop):
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
    assert query(synced_shop, failed) == [(7,)]
    # the address has what was looked for, so a reload shows the same
    page.reload()
    page.get_by_text("No failed row matches.").wait_for()
    open_page(page, served, "m/orders/failed").get_by_role("checkbox", name="3", exact=True).check()
    page.get_by_role("button", name="Leave 1 alone").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("1 row is left alone from the next run on").wait_for()
    listed = "SELECT record_id FROM sync_blacklist WHERE table_name = 'orders' ORDER BY id"
    assert query(synced_shop, listed) == [("99",), ("3",)]


def test_conflict_that_changed_since_it_was_drawn_is_shown_as_it_is_now(log_in, served, synced_shop):
    """O9: the button that was drawn before is refused, and the new values stand there."""
    page = open_page(log_in("admin", color_scheme="dark"), served, "m/orders/conflicts")
    shoot(page, "conflicts-dark")
    with write_transaction(synced_shop.engine) as conn:
        now = {"name": "王小明 (new)", "phone": "138 0000 0001"}
        Ledger(conn, "orders").conflicts.add([conflict("42", now, {**now, "name": "Wang X."}, {**now, "name": "Wang"})])
    page.locator("article[data-id='1']").get_by_role("button", name="Adopt SQL").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("Nothing was changed: it is no more as it was shown.").wait_for()
    page.get_by_text("王小明 (new)").wait_for()
    assert query(synced_shop, "SELECT COUNT(*) FROM sync_decision WHERE kind = 'conflict'") == [(0,)]
    mine = page.locator("article.conflict", has=page.get_by_role("link", name="42", exact=True))
    mine.get_by_role("button", name="Adopt SQL").click()
    page.get_by_role("button", name="Yes, do it").click()
    mine.get_by_text("SQL wins in the next run, as admin (Airflow) decided").wait_for()
    assert query(synced_shop, "SELECT choice FROM sync_decision WHERE kind = 'conflict'") == [("sql",)]


def test_held_deletes_are_decided_and_the_runs_are_drawn(log_in, served, synced_shop):
    page = open_page(log_in("admin"), served, "m/orders/held")
    shoot(page, "held-light")
    page.get_by_role("button", name="Delete 40 in Lark too").click()
    page.get_by_text("Delete 40 records in Lark?").wait_for()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("The next run deletes them, as admin (Airflow) decided").wait_for()
    assert query(synced_shop, "SELECT choice FROM sync_decision WHERE kind = 'held_records'") == [("release",)]
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
