"""Cards that are pressed on the emulator's page, in a real browser: what the app hears, and what the person sees."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.browser import scene as scenes
from tests.browser.conftest import SHOTS
from tests.emulator.listener import Listener

CALLBACK = [{"type": "callback", "value": {"k": 1}}]


def words(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text}


FORM = {
    "tag": "form",
    "name": "f",
    "elements": [
        {"tag": "input", "name": "why", "label": words("Reason <b>"), "required": True, "width": "fill"},
        {"tag": "input", "name": "long", "input_type": "multiline_text", "rows": 2},
        {
            "tag": "select_static",
            "name": "one",
            "options": [{"text": words(each), "value": each.lower()} for each in ("Small", "Large")],
        },
        {
            "tag": "multi_select_static",
            "name": "many",
            "options": [{"text": words(each), "value": each.lower()} for each in ("Red", "Green", "Blue")],
        },
        {"tag": "select_person", "name": "who"},
        {"tag": "date_picker", "name": "day", "initial_date": "2026-11-27"},
        {"tag": "picker_time", "name": "time"},
        {"tag": "picker_datetime", "name": "at"},
        {"tag": "checker", "name": "sure", "text": words("I am sure")},
        {
            "tag": "button",
            "name": "send",
            "text": words("Send"),
            "type": "primary_filled",
            "form_action_type": "submit",
            "behaviors": CALLBACK,
        },
        {"tag": "button", "name": "empty", "text": words("Reset"), "form_action_type": "reset"},
    ],
}
ASK = {
    "tag": "button",
    "text": words("Approve"),
    "type": "primary",
    "behaviors": CALLBACK,
    "confirm": {"title": words("Sure?"), "text": words("This loads all orders.")},
}


@pytest.fixture
def app() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.stop()


@pytest.fixture
def scene(app: Listener) -> Iterator[scenes.Scene]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with scenes.open_scene() as opened:
        opened.emulator.state.set_callback_url(opened.emulator.app_id, app.url, verification_token="t")
        yield opened


def card(*elements: object) -> dict[str, object]:
    header = {"title": words("Load the orders?"), "template": "blue"}
    return {"schema": "2.0", "config": {"update_multi": True}, "header": header, "body": {"elements": elements}}


def open_chat(scene, page, *cards):
    ann, wei = (scene.emulator.state.add_user(name).open_id for name in ("Ann", "Wei"))
    chat = scene.emulator.state.add_chat("Approvals", [ann, wei])
    for each in cards:
        scene.send(chat, "interactive", each)
    page.goto(f"{scene.emulator.url}/_emulator/#/chat/{chat}")
    page.wait_for_selector(".card")
    return ann, wei


def test_button_asks_first_tells_the_app_and_shows_what_it_answers(scene, app, plain_page):
    _, wei = open_chat(scene, plain_page, card(ASK))
    after = card({"tag": "markdown", "content": "**Approved** by Wei"})
    toast = {"type": "success", "content": "Thanks", "i18n": {"en_us": "Thanks <b>Wei</b>", "zh_cn": "谢谢"}}
    app.event_answer = json.dumps({"toast": toast, "card": {"type": "raw", "data": after}}).encode()
    plain_page.get_by_label("Who presses").select_option(label="Wei")
    plain_page.get_by_role("button", name="Approve").click()
    plain_page.get_by_text("This loads all orders.").wait_for()
    plain_page.screenshot(path=str(SHOTS / "page_click_confirm.png"))
    plain_page.get_by_role("button", name="Cancel").click()
    assert app.heard == []
    plain_page.get_by_role("button", name="Approve").click()
    plain_page.get_by_role("button", name="OK").click()
    plain_page.get_by_text("Thanks <b>Wei</b>").wait_for()
    plain_page.get_by_text("Approved by Wei").wait_for()
    plain_page.screenshot(path=str(SHOTS / "page_click_toast.png"))
    assert plain_page.get_by_role("button", name="Approve").count() == 0
    (told,) = app.events()
    assert (told["event"]["operator"]["open_id"], told["event"]["action"]["value"]) == (wei, {"k": 1})


def test_form_sends_what_is_filled_in_and_says_what_is_missing(scene, app, plain_page):
    ann, wei = open_chat(scene, plain_page, card(FORM))
    page = plain_page
    page.get_by_role("button", name="Send").click()
    page.get_by_text("why is required").wait_for()
    assert app.heard == []
    page.get_by_label("why", exact=True).fill("<script>alert(1)</script>")
    page.get_by_label("long", exact=True).fill("two\nlines")
    page.get_by_label("one", exact=True).select_option("large")
    page.get_by_label("many", exact=True).select_option(["red", "blue"])
    page.get_by_label("who", exact=True).select_option(wei)
    page.get_by_label("time", exact=True).fill("08:30")
    page.get_by_label("at", exact=True).fill("2026-11-28T09:15")
    page.get_by_label("sure", exact=True).check()
    page.screenshot(path=str(SHOTS / "page_click_form.png"))
    page.get_by_role("button", name="Send").click()
    page.wait_for_function("() => !document.querySelector('.waiting')")
    (told,) = app.events()
    assert told["event"]["operator"]["open_id"] == ann
    assert told["event"]["action"]["form_value"] == {
        "why": "<script>alert(1)</script>",
        "long": "two\nlines",
        "one": "large",
        "many": ["red", "blue"],
        "who": wei,
        "day": "2026-11-27 +0800",
        "time": "08:30 +0800",
        "at": "2026-11-28 09:15 +0800",
        "sure": True,
    }
    page.get_by_role("button", name="Reset").click()
    assert page.get_by_label("why", exact=True).input_value() == ""


def test_app_without_a_callback_address_is_an_error_for_the_person(scene, plain_page):
    scene.emulator.state.set_callback_url(scene.emulator.app_id, "")
    open_chat(scene, plain_page, card({**ASK, "confirm": None}))
    plain_page.get_by_role("button", name="Approve").click()
    plain_page.get_by_text("200340").wait_for()


def test_menu_select_and_area_answer_by_themselves(scene, app, plain_page):
    menu = {"tag": "overflow", "options": [{"text": words("Later"), "value": "later"}], "behaviors": CALLBACK}
    pick = {"tag": "select_static", "name": "pick", "options": [{"text": words("B"), "value": "b"}]}
    area = {"tag": "interactive_container", "behaviors": CALLBACK, "elements": [{"tag": "markdown", "content": "Area"}]}
    open_chat(scene, plain_page, card(menu, {**pick, "behaviors": CALLBACK}, area))
    plain_page.get_by_text("⋯").click()
    for act in (
        lambda: plain_page.get_by_role("button", name="Later").click(),
        lambda: plain_page.get_by_label("pick").select_option("b"),
        lambda: plain_page.get_by_text("Area").click(),
    ):
        heard = len(app.heard)
        act()
        plain_page.wait_for_function("() => !document.querySelector('.waiting')")
        assert len(app.heard) == heard + 1
    actions = [each["event"]["action"] for each in app.events()]
    assert [(each["tag"], each.get("option")) for each in actions] == [
        ("overflow", "later"),
        ("select_static", "b"),
        ("interactive_container", None),
    ]
