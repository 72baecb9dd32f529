"""The emulator's page at odd times: wrong links, restarts, long chats, formats, a telephone."""

from __future__ import annotations

import pytest

from airflow_provider_lark.emulator import Emulator
from tests.browser.places import open_place, send_card


@pytest.fixture
def page(plain_page):
    return plain_page


def test_bases_of_one_name_keep_their_headings(page, emulator):
    for _ in range(2):
        base = emulator.state.create_base("Shop").app_token
        emulator.state.create_table(base, "goods", [{"field_name": "Name", "type": 1}])
    open_place(page, emulator, "calls")
    page.wait_for_selector("#places a:has-text('goods')")
    assert page.locator("#places h2").all_inner_texts().count("Base Shop") == 2


@pytest.mark.parametrize(
    "place", ["chat/%zz", "chat/oc_none", "table/x/y", "table/x", "calls?skip=-1", "calls?skip=x", "chat/a%2Fb?end=1e9"]
)
def test_link_that_leads_nowhere_says_so_and_breaks_nothing(page, emulator, place):
    open_place(page, emulator, place)
    if not place.startswith("calls"):
        page.get_by_role("heading", name="Not here").wait_for()
    page.get_by_role("link", name="Calls").click()
    page.get_by_role("heading", name="Calls").wait_for()
    assert page.title() == "Calls · Lark emulator"


def test_emulator_that_was_started_anew_shows_nothing_of_the_old_one(page, emulator):
    chat = emulator.state.add_chat("Team")
    emulator.state.write_message(chat, emulator.state.person.open_id, "of the old one")
    open_place(page, emulator, f"chat/{chat}", ".message")
    emulator.stop()
    page.get_by_text("does not answer").wait_for()
    assert page.get_by_text("of the old one").first.is_visible()
    with Emulator(port=int(page.evaluate("location.port")), seed=1) as other:
        page.get_by_role("heading", name="Not here").wait_for()
        assert page.get_by_text("of the old one").count() == 0
        assert page.locator("#notice").is_hidden()
        chat = other.state.add_chat("New team")
        page.get_by_role("link", name="New team").click()
        page.get_by_text("No messages yet").wait_for()


def test_long_chat_can_be_read_up_to_its_first_message(page, emulator):
    state = emulator.state
    chat = state.add_chat("Long")
    for number in range(1_100):
        state.write_message(chat, state.person.open_id, f"message {number}")
    open_place(page, emulator, f"chat/{chat}", ".message")
    for shown in range(100, 501, 50):
        page.get_by_role("button", name="Show earlier").click()
        page.locator(f".message:nth-of-type({shown})").wait_for()
    page.get_by_role("link", name="Earlier (600 more)").click()
    page.get_by_text("message 599", exact=True).wait_for()
    assert page.locator(".message").count() == 50
    page.go_back()
    page.get_by_text("message 1099", exact=True).wait_for()
    open_place(page, emulator, f"chat/{chat}?end=30", ".message")
    page.get_by_text("message 29", exact=True).wait_for()
    assert page.get_by_text("message 0", exact=True).count() == 1
    page.get_by_role("link", name="Later (1,070 more)").click()
    page.get_by_text("message 529", exact=True).wait_for()


def test_message_above_stays_where_it_is_read_when_earlier_ones_come(page, emulator):
    state = emulator.state
    chat = state.add_chat("Long")
    for number in range(120):
        state.write_message(chat, state.person.open_id, f"message {number}")
    open_place(page, emulator, f"chat/{chat}", ".message")
    first = page.get_by_text("message 70", exact=True)
    first.scroll_into_view_if_needed()
    before = first.bounding_box()["y"]
    page.get_by_role("button", name="Show earlier").click()
    page.get_by_text("message 20", exact=True).wait_for(state="attached")
    assert abs(first.bounding_box()["y"] - before) < 60


def test_new_name_in_a_chat_closes_nothing_that_was_unfolded(page, emulator):
    state = emulator.state
    hook = state.add_webhook(name="Alarms")
    text = {"tag": "plain_text", "content": "Cause"}
    panel = {
        "tag": "collapsible_panel",
        "header": {"title": text},
        "elements": [{"tag": "markdown", "content": "deep"}],
    }
    send_card(page, hook, panel)
    open_place(page, emulator, f"chat/{hook.chat_id}", ".card")
    page.locator("summary").click()
    page.get_by_text("deep").wait_for()
    ann = state.add_user("Ann", "ann@example.com").open_id
    send_card(page, hook, {"tag": "markdown", "content": f"<at id={ann}></at> look"})
    page.locator(".mention").wait_for()
    assert page.get_by_text("deep").is_visible()


NUMBERS = {
    "0": (12.5, "13", True),
    "0.00": (12.5, "12.50", False),
    "1,000.00": (-1234567.891, "-1,234,567.89", True),
    "0.0%": (0.1234, "12.3%", True),
    "%": (0.5, "50%", False),
    "$0.00": (-3.5, "-$3.50", False),
}


def test_numbers_and_dates_are_shown_by_their_formats(page, emulator):
    base = emulator.state.create_base("Shop", time_zone="Asia/Shanghai").app_token
    percent = {"formatter": "0%", "range_customize": True, "min": 0, "max": 10}
    days = [{"field_name": each, "type": 5, "property": {"date_formatter": each}} for each in ("dd/MM/yyyy", "MM-dd")]
    fields = [
        *({"field_name": each, "type": 2, "property": {"formatter": each}} for each in NUMBERS),
        {"field_name": "of ten", "type": 2, "ui_type": "Progress", "property": {**percent, "formatter": "0"}},
        {
            "field_name": "euro",
            "type": 2,
            "ui_type": "Currency",
            "property": {"formatter": "0.00", "currency_code": "EUR"},
        },
        {"field_name": "ok", "type": 7},
        *days,
    ]
    table = emulator.state.create_table(base, "goods", fields).table_id
    row = {name: value for name, (value, _, _) in NUMBERS.items()}
    day = 1_764_115_200_000
    emulator.person.add_record(base, table, {**row, "of ten": 5, "euro": 1234.5, "dd/MM/yyyy": day, "MM-dd": day})
    open_place(page, emulator, f"table/{base}/{table}", ".grid tbody tr")
    cells = page.locator(".grid tbody td .cell")
    wanted = [shown for _, shown, _ in NUMBERS.values()]
    assert cells.all_inner_texts() == [*wanted, "5", "€1,234.50", "", "26/11/2025", "11-26"]
    assert [cells.nth(at).locator(".rounded").count() == 1 for at in range(len(NUMBERS))] == [
        rounded for _, _, rounded in NUMBERS.values()
    ]
    assert cells.nth(0).get_attribute("title").startswith("12.5\n")
    assert page.locator(".progress span").evaluate("node => node.style.width") == "50%"
    assert page.locator(".box").get_attribute("aria-label") == "no"


def test_linked_record_is_called_by_its_first_field_as_it_is_shown(page, emulator):
    base = emulator.state.create_base("Shop", time_zone="Asia/Shanghai").app_token
    days = [{"field_name": "Day", "type": 5, "property": {"date_formatter": "yyyy-MM-dd"}}]
    far = emulator.state.create_table(base, "days", days).table_id
    link = {"field_name": "Due", "type": 18, "property": {"table_id": far}}
    near = emulator.state.create_table(base, "jobs", [{"field_name": "Name", "type": 1}, link]).table_id
    ids = [emulator.person.add_record(base, far, each) for each in ({"Day": 1_764_115_200_000}, {})]
    emulator.person.add_record(base, near, {"Due": ids})
    open_place(page, emulator, f"table/{base}/{near}", ".grid tbody tr")
    assert page.locator(".grid td .chip").all_inner_texts() == ["2025-11-26", ids[1]]


@pytest.mark.parametrize("place", ["table", "chat", "calls", "faults"])
def test_page_fits_a_telephone(page, emulator, place):
    page.set_viewport_size({"width": 360, "height": 740})
    base = emulator.state.create_base("Shop").app_token
    fields = [{"field_name": f"Field {at}", "type": 1} for at in range(30)]
    table = emulator.state.create_table(base, "goods", fields).table_id
    chat = emulator.state.add_chat("Team " * 20)
    emulator.state.write_message(chat, emulator.state.person.open_id, "x" * 300)
    where = {"table": f"table/{base}/{table}", "chat": f"chat/{chat}"}.get(place, place)
    open_place(page, emulator, where)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("main").bounding_box()["height"] > 400


def test_keyboard_passes_by_the_list_of_chats(page, emulator):
    for number in range(60):
        emulator.state.add_chat(f"chat {number}")
    open_place(page, emulator, "calls")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "all"
