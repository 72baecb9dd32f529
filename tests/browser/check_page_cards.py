"""Parts of cards as Lark shows them: sizes, defaults, what is left out."""

from __future__ import annotations

import pytest

from tests.browser.places import open_place, send_card
from tests.browser.scene_parts import picture


@pytest.fixture
def page(plain_page):
    return plain_page


def test_parts_of_a_card_are_as_wide_as_lark_shows_them(page, emulator):
    hook = emulator.state.add_webhook(name="Sizes")
    text = {"tag": "plain_text", "content": "Open"}
    button = {"tag": "button", "text": text}
    sizes = [{}, {"width": "fill"}, {"width": "150px"}]
    images = [{}, {"size": "tiny"}, {"mode": "medium"}, {"size": "100px 30px", "scale_type": "crop_top"}]
    key = emulator.state.resources.add("image", picture(), app_id="", type_="message", mime="image/png").key
    column = {"tag": "column", "elements": [{"tag": "markdown", "content": "x"}], "width": "weighted"}
    send_card(
        page,
        hook,
        *({**button, **each} for each in sizes),
        *({"tag": "img", "img_key": key, **each} for each in images),
        {"tag": "column_set", "flex_mode": "bisect", "columns": [column] * 3},
    )
    open_place(page, emulator, f"chat/{hook.chat_id}", ".card")

    def boxes(sign):
        return [
            (round(each["width"]), round(each["height"])) for each in (e.bounding_box() for e in locate(page, sign))
        ]

    whole = 600 - 2 - 24
    buttons = [width for width, _ in boxes(".card .button")]
    assert buttons[0] < 80
    assert buttons[1:] == [whole, 150]
    assert boxes(".picture img") == [(whole, whole // 2), (16, 16), (80, 80), (100, 30)]
    tops = {each.bounding_box()["y"] for each in locate(page, ".column")}
    assert len(tops) == 1  # flex_mode is for narrow screens
    page.set_viewport_size({"width": 380, "height": 900})
    assert len({each.bounding_box()["y"] for each in locate(page, ".column")}) == 2


def locate(page, sign):
    page.locator(sign).first.wait_for()
    page.wait_for_load_state("networkidle")
    return page.locator(sign).all()


def test_people_and_dates_of_a_card_are_shown_as_much_as_it_says(page, emulator):
    ann = emulator.state.add_user("Ann", "ann@example.com").open_id
    hook = emulator.state.add_webhook(name="People")
    done = {"tag": "checker", "checked": True, "text": {"tag": "plain_text", "content": "done"}}
    struck = {"tag": "checker", "checked": True, "checked_style": {"show_strikethrough": True}, "text": done["text"]}
    columns = [{"name": "a", "data_type": "date"}, {"name": "b", "data_type": "date", "date_format": "YYYY/MM/DD"}]
    day = 1_764_115_200_000
    send_card(
        page,
        hook,
        {"tag": "person", "user_id": ann},
        {"tag": "person", "user_id": ann, "show_name": True, "show_avatar": False},
        {"tag": "person_list", "persons": [{"id": ann}]},
        {"tag": "table", "columns": columns, "rows": [{"a": day, "b": day}]},
        done,
        struck,
    )
    open_place(page, emulator, f"chat/{hook.chat_id}", ".card")
    people = page.locator(".card .persons")
    assert [each.inner_text() for each in people.all()] == ["A", "Ann", "Ann"]
    assert page.locator(".card-table td").all_inner_texts() == ["2025-11-26T08:00:00+08:00", "2025/11/26"]
    lines = [
        each.evaluate("node => getComputedStyle(node).textDecorationLine") for each in locate(page, ".checker-text")
    ]
    assert lines == ["none", "line-through"]


def test_buttons_of_json_1_0_stand_as_their_layout_says(page, emulator):
    hook = emulator.state.add_webhook(name="Old")
    buttons = [{"tag": "button", "text": {"tag": "plain_text", "content": each}} for each in "AB"]
    layouts = [{"layout": "bisected"}, {"layout": "trisection"}, {"layout": "flow"}, {}]
    card = {"elements": [{"tag": "action", "actions": buttons, **each} for each in layouts]}
    answer = page.request.post(hook.url, data={"msg_type": "interactive", "card": card})
    assert answer.json()["code"] == 0, answer.text()
    open_place(page, emulator, f"chat/{hook.chat_id}", ".card")
    widths = [round(each.bounding_box()["width"]) for each in locate(page, ".card .button")[::2]]
    assert widths[:2] == [(574 - 8) // 2, round((574 - 16) / 3)]
    assert widths[2] == widths[3] < 60


def test_card_from_a_template_shows_its_variables_as_words(page, emulator):
    hook = emulator.state.add_webhook(name="Template")
    data = {"template_id": "AAq1", "template_variable": {"who": "<b>", "rows": [1]}}
    card = {"type": "template", "data": data}
    assert page.request.post(hook.url, data={"msg_type": "interactive", "card": card}).json()["code"] == 0
    open_place(page, emulator, f"chat/{hook.chat_id}", ".card")
    assert page.locator(".variables td").all_inner_texts() == ["<b>", "[1]"]
    inset = page.locator(".variables").bounding_box()["x"] - page.locator(".card").bounding_box()["x"]
    assert inset == 13
