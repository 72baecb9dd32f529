"""The page Lark sync as people use it: two at once, by keyboard, in Chinese, on a phone, and when a login has ended."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.browser.sync_page_parts import LOAD_MS, open_page, query, shoot
from tests.skin.sync_page.scene import add_failed

STRANGE = [
    "a/b/../c",
    "x'y\"z",
    "a?b#c%20d&e=f",
    "键/值 é",
    "  two  blanks ",
    "<b>&amp;</b>",
    "😀\u202egnp.exe",
    "\u200b",
]
SHOWN = {"😀\u202egnp.exe": "😀\\u{202e}gnp.exe", "\u200b": "\\u{200b}"}
PLACES = [
    "",
    *(f"m/people/{tab}" for tab in ("overview", "failed", "conflicts", "held", "blacklist", "history?key=42")),
]


def test_second_of_two_people_is_told_what_the_first_decided(log_in, served, synced_shop):
    first, second = (open_page(log_in("admin"), served, "m/people/conflicts") for _ in range(2))
    for page, side in ((first, "Adopt Lark"), (second, "Adopt SQL")):
        card = page.locator("article.conflict", has=page.get_by_role("link", name="42", exact=True))
        card.get_by_role("button", name=side).click()
        page.get_by_role("button", name="Yes, do it").click()
        page.locator("#notice.shown").wait_for()
    second.locator("#notice", has_text="Lark wins, as admin (Airflow) decided since it was shown").wait_for()
    second.get_by_text("Lark wins in the next run, as admin (Airflow) decided").wait_for()
    shoot(second, "second-is-told")
    made = "SELECT choice FROM sync_decision WHERE table_name = 'people'"
    assert query(synced_shop, made) == [("lark",)]


def test_rows_that_somebody_else_has_tried_again_are_told_of(log_in, served, synced_shop):
    with synced_shop.engine.begin() as conn:
        add_failed(conn, "people", 1, error="twice", first=900)
    pages = [open_page(log_in("admin"), served, "m/people/failed?text=twice") for _ in range(2)]
    for page, told in zip(pages, ("The next run tries 1 row again", "Nothing was left to do"), strict=True):
        page.click("#retry-all")
        page.get_by_role("button", name="Yes, do it").click()
        page.locator("#notice", has_text=told).wait_for()


def test_strange_keys_lead_to_their_history(log_in, served, synced_shop):
    """What cannot be seen is shown by its code; a key that is too long for an address is cut, and leads nowhere."""
    with synced_shop.engine.begin() as conn:
        for key in [*STRANGE, "K" * 100_000]:
            conn.exec_driver_sql(
                "INSERT INTO sync_queue (table_name, record_id, operation, status, error_message, processed_at)"
                " VALUES ('products', ?, 'UPDATE', 'failed', 'strange', CURRENT_TIMESTAMP)",
                (key,),
            )
    page = log_in("admin")
    for key in STRANGE:
        open_page(page, served, "m/products/failed")
        page.locator("a.row-key").get_by_text(SHOWN.get(key, key), exact=True).click()
        page.locator("h3.row-key").get_by_text(SHOWN.get(key, key), exact=True).wait_for()
        page.get_by_text("UPDATE failed").wait_for()
    open_page(page, served, "m/products/failed")
    long = page.locator("a.row-key", has_text="KKK")
    assert (len(long.inner_text()), long.get_attribute("href")) == (201, None)
    shoot(page, "strange-keys")
    page.locator("tr", has=long).get_by_role("checkbox").check()
    page.get_by_role("button", name="Retry 1 selected").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("The next run tries 1 row again").wait_for()


def test_keyboard_stays_where_it_is_when_the_page_is_drawn_anew(log_in, served):
    page = open_page(log_in("admin"), served)
    focused = "() => document.activeElement.textContent || document.activeElement.id"
    page.get_by_role("button", name="Failed", exact=True).focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Failed")
    assert page.evaluate(focused) == "Failed"
    page.locator("#refresh").focus()
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(focused) == "Refresh"
    page.get_by_role("link", name="people", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("svg.chart").first.wait_for()
    # it is read out where one has come to
    assert page.evaluate(focused) == "people"
    assert page.title() == "people · Lark sync"
    page.get_by_role("link", name="Held deletes").focus()
    page.keyboard.press("Enter")
    page.locator("ul.keys").first.wait_for()
    assert page.evaluate(focused).startswith("Held deletes")


def test_chinese_is_composed_while_the_page_is_drawn_anew(log_in, served):
    """An input method writes letters first; a field that is made anew amid them would end it."""
    page = open_page(log_in("admin", locale="zh-CN"), served)
    page.focus("#search")
    typing = page.context.new_cdp_session(page)
    typing.send("Input.imeSetComposition", {"text": "yong", "selectionStart": 4, "selectionEnd": 4})
    page.locator("#refresh").dispatch_event("click")
    page.wait_for_load_state("networkidle")
    typing.send("Input.imeSetComposition", {"text": "yonghu", "selectionStart": 6, "selectionEnd": 6})
    typing.send("Input.insertText", {"text": "用户"})
    assert page.input_value("#search") == "用户"
    page.get_by_role("link", name="用户表", exact=True).wait_for()
    assert page.get_by_role("link", name="people", exact=True).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_all_without_moving_sideways(log_in, served, scheme):
    page = log_in("admin", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    for place in PLACES:
        open_page(page, served, place)
        page.wait_for_selector(".waiting", state="detached")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), place
        shoot(page, f"phone-{scheme}-{place.partition('?')[0].rpartition('/')[2] or 'all'}")
    open_page(page, served, "m/people/conflicts")
    sql = page.locator("td.value.sql").first.bounding_box()
    assert sql["x"] + sql["width"] <= 360


def test_login_that_has_ended_leads_back_to_where_one_was(log_in, served):
    """The cookie is gone while the page is open: nothing is done, and after the login one is at the same place."""
    page = open_page(log_in("admin"), served, "m/people/held")
    page.context.clear_cookies()
    page.get_by_role("button", name="Restore 40 in SQL").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.locator("#notice", has_text="Your login has ended").wait_for()
    shoot(page, "login-ended")
    page.locator(".problem").get_by_role("link", name="Log in").first.click()
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", served.passwords["admin"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Restore 40 in SQL").wait_for(timeout=LOAD_MS)
    assert page.url.endswith(f"/lark-sync/#/m/{quote('people')}/held")
