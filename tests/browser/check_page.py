"""The emulator's page in a real browser: every ready card, messages, tables and charts, in light and dark."""

from __future__ import annotations

import dataclasses
import json

import pytest

from airflow_provider_lark.core.cards.ready import task
from airflow_provider_lark.core.cards.writing import write_card
from airflow_provider_lark.emulator import Emulator
from tests.browser import scene as scenes
from tests.browser import scene_parts
from tests.browser.conftest import SHOTS
from tests.browser.scene_ready import TASK
from tests.core.cards.test_cards_builders import EVERYTHING

SCHEMES = ["light", "dark"]
TINTS = {"red": (254, 227, 226), "orange": (254, 231, 205), "green": (208, 245, 206), "blue": (224, 233, 255)}
HUES = {
    "red": {"task-failed", "run-failed", "data-quality", "consistency-report"},
    "orange": {"task-retrying", "deadline-missed", "sync-report", "backlog-alert"},
    "green": {"task-succeeded", "run-succeeded"},
    "blue": {"sql-result"},
}


@dataclasses.dataclass
class Filled:
    scene: scenes.Scene
    ann: str
    cards: dict[str, str]
    talk: str
    parts: str
    base: str
    table: str
    large: str


@pytest.fixture(scope="module")
def filled():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with scenes.open_scene() as scene:
        ann = scene.emulator.state.add_user("林小满", "lin@example.com").open_id
        tables = scenes.fill_tables(scene, ann)
        picture = scene_parts.picture()
        talk = scenes.fill_talk(scene, ann, picture)
        parts = scene.emulator.state.add_chat("every part", [ann])
        key = scene.upload("image", picture, image_type="message")
        every = write_card(EVERYTHING.render()).replace("ou_1", ann).replace("on_2", ann).replace("img_v3_1", key)
        sound = scene.upload("file", b"x", file_type="opus", file_name="hello.opus", duration="65000")
        every = every.replace("file_v3_1", sound)
        for content in (every, json.dumps(scene_parts.charts()), json.dumps(scene_parts.words(ann))):
            scene.send(parts, "interactive", content)
        yield Filled(scene, ann, scenes.fill_cards(scene, ann), talk, parts, *tables)


@pytest.fixture(params=SCHEMES)
def seen(request, filled, chromium):
    """Opens places of the page; no script failed and nobody else was asked anything when the test ends."""
    page = chromium.new_page(
        viewport={"width": 1100, "height": 900}, color_scheme=request.param, timezone_id="Asia/Shanghai", locale="en-US"
    )
    page.set_default_timeout(20_000)
    wrong = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
    page.on("request", lambda asked: asked.url.startswith(filled.scene.emulator.url) or wrong.append(asked.url))
    yield Seen(page, filled.scene.emulator.url, request.param)
    page.close()
    assert wrong == []


class Seen:
    def __init__(self, page, url, scheme):
        self.page = page
        self.url = url
        self.scheme = scheme

    def open(self, place, sign):
        self.page.goto(f"{self.url}/_emulator/#/{place}")
        self.page.wait_for_selector(sign)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def shoot(self, name, target=None):
        # nothing is shown as if the mouse were over it
        self.page.mouse.move(0, 0)
        (target or self.page).screenshot(path=str(SHOTS / f"page_{name}_{self.scheme}.png"))

    def shoot_all(self, name):
        """Keep the whole list of messages, however long it is."""
        height = self.page.evaluate("document.querySelector('.messages').scrollHeight")
        self.page.set_viewport_size({"width": 1100, "height": height + 120})
        self.shoot(name, self.page.locator(".messages"))
        self.page.set_viewport_size({"width": 1100, "height": 900})


def test_every_ready_card_is_drawn(filled, seen):
    page = seen.open(f"chat/{filled.cards['chat']}", ".card")
    assert page.locator(".card").count() == len(filled.cards) - 1
    assert page.get_by_text("not drawn").count() == 0
    seen.shoot("chat")
    for hue, names in HUES.items():
        for name in names:
            card = page.locator(f"[data-id='{filled.cards[name]}'] .card")
            if seen.scheme == "light":
                back = card.locator(".card-head").evaluate("node => getComputedStyle(node).backgroundColor")
                assert back == f"rgb{TINTS[hue]}", name
            assert card.evaluate("node => node.scrollWidth <= node.clientWidth"), f"{name} is wider than a card"
            for arrow in card.locator("details:not([open]) > summary").all():
                arrow.click()
            seen.shoot(f"card_{name}", card)
    assert page.locator("svg rect").count() == 4 + 3


def test_cards_are_shown_in_the_language_that_is_chosen(filled, seen):
    page = seen.open(f"chat/{filled.cards['chat']}", ".card")
    page.get_by_role("button", name="Language of cards").click()
    card = page.locator(f"[data-id='{filled.cards['task-failed']}'] .card")
    card.get_by_text("orders_daily.load_orders 失败").wait_for()
    seen.shoot("card_task-failed_zh", card)


def test_messages_of_every_type_are_shown_and_none_is_markup(filled, seen):
    page = seen.open(f"chat/{filled.talk}", ".message")
    assert page.get_by_text("<script>alert(1)</script> 昨天的订单导入完成了吗？").is_visible()
    assert page.locator("main script, main iframe").count() == 0
    assert page.locator(".thread .message").count() == 1
    assert page.get_by_text("recalled a message").count() == 1
    assert page.get_by_text("a slip").count() == 0
    assert page.locator(".mark").inner_text().endswith("edited")
    assert page.locator(".reaction").inner_text().startswith("👍")
    assert page.locator("[data-type=image] img").evaluate("node => node.naturalWidth") == 240
    assert page.get_by_text("orders.csv").is_visible()
    seen.shoot_all("messages")


def test_every_part_of_a_card_is_drawn(filled, seen):
    page = seen.open(f"chat/{filled.parts}", ".card")
    assert page.get_by_text("not drawn").count() == 0
    assert page.locator(".audio .time").inner_text() == "00:00 / 01:05"
    assert page.locator(".pictures.triple img").evaluate_all("all => all.every(each => each.naturalWidth === 240)")
    assert page.locator(".form .choice.square").count() == page.locator(".choice").count() == 1
    assert page.locator(".choosable.disabled").count() == 1
    assert page.locator("svg .chart-line").count() == 3 + 1
    assert page.locator("svg .slice").count() == 7 + 4
    assert page.locator("svg .chart-spot").count() == 24
    assert page.get_by_text("79%", exact=False).count() + page.get_by_text("80%", exact=False).count() >= 2
    assert page.locator("svg .chart-tag").count() == 4
    assert page.get_by_text("A chart of the kind sunburst").is_visible()
    hostile = page.get_by_text("<img src=x onerror=alert(1)>")
    assert hostile.is_visible()
    assert page.locator("a[href^='javascript']").count() == 0
    seen.shoot_all("parts")


def test_card_that_nobody_foresaw_hides_no_other_part(filled, seen):
    scene = filled.scene
    hook = scene.emulator.state.add_webhook(name="Odd")
    text = {"tag": "plain_text", "content": "still here"}
    odd = [
        {"tag": "div", "fields": 5},
        {"tag": "column_set", "columns": {}},
        {"tag": "action", "actions": 1},
        {"tag": "x"},
    ]
    card = {"header": {"title": text, "text_tag_list": 7}, "elements": [*odd, {"tag": "div", "text": text}]}
    answer = scene.http.post(f"/open-apis/bot/v2/hook/{hook.hook_id}", json={"msg_type": "interactive", "card": card})
    assert answer.json()["code"] == 0, answer.text
    page = seen.open(f"chat/{hook.chat_id}", ".card")
    assert page.get_by_text("still here").last.is_visible()
    assert page.get_by_text("cannot be drawn").count() >= 2


def test_long_texts_do_not_hold_the_page_up(filled, seen):
    scene = filled.scene
    chat = scene.emulator.state.add_chat(f"long {seen.scheme}", [filled.ann])
    for char in ("[", "<at id=1>", "错"):
        scene.emulator.state.write_message(chat, filled.ann, char * (140_000 // len(char)))
    for char in ("`", "# ", "- ", "> ", "**a ", "|-"):
        part = {"tag": "markdown", "content": char * (27_000 // len(char))}
        scene.send(chat, "interactive", {"schema": "2.0", "body": {"elements": [part]}})
    page = seen.open(f"chat/{chat}", ".message")
    assert page.locator(".message").count() == 9
    assert page.get_by_text("cannot be drawn").count() == 0


def test_table_shows_values_by_their_fields_and_follows_edits(filled, seen):
    emulator = filled.scene.emulator
    page = seen.open(f"table/{filled.base}/{filled.table}", ".grid tbody tr")
    assert page.get_by_text("<img src=x onerror=alert(1)>").is_visible()
    seen.shoot("table")
    record = emulator.person.records(filled.base, filled.table)[1]["record_id"]
    name = f"A-18 {seen.scheme}"
    emulator.person.edit_record(filled.base, filled.table, record, {"订单号": name})
    page.locator("td.changed").get_by_text(name).wait_for()


def test_large_table_opens_at_any_page(filled, seen):
    page = seen.open(f"table/{filled.base}/{filled.large}", ".grid tbody tr")
    page.get_by_label("Last page").click()
    page.get_by_text("row 49999").wait_for()
    assert page.locator(".grid tbody tr").count() == 100
    seen.shoot("large_table")


def test_card_that_changes_is_redrawn_and_what_was_unfolded_stays(filled, seen):
    scene = filled.scene
    chat = scene.emulator.state.add_chat(f"recovery {seen.scheme}", [filled.ann])
    first, second = (scene.send_card(chat, task.task_failed_card(TASK)) for _ in range(2))
    page = seen.open(f"chat/{chat}", ".card")
    page.locator(f"[data-id='{first}'] summary").click()
    good = task.task_succeeded_card(dataclasses.replace(TASK, exception=None, red_seconds=600))
    scene.call("PATCH", f"messages/{second}", {"content": write_card(good)})
    page.locator(f"[data-id='{second}']").get_by_text("recovered").wait_for()
    assert page.locator(f"[data-id='{first}'] details").get_attribute("open") == ""
    assert page.locator(f"[data-id='{second}'] .mark").inner_text().endswith("updated")


def test_page_says_that_the_emulator_is_gone_and_goes_on_when_it_is_back(chromium):
    with Emulator() as emulator:
        page = chromium.new_page()
        page.goto(f"{emulator.url}/_emulator/")
        page.get_by_text("Nothing here yet").wait_for()
        port = int(emulator.url.rpartition(":")[2])
    page.get_by_text("does not answer").wait_for()
    with Emulator(port) as emulator:
        emulator.state.add_chat("Back")
        page.get_by_text("Back").wait_for()
        assert page.get_by_text("does not answer").is_hidden()
    page.close()


def test_calls_and_faults_are_shown(filled, seen):
    filled.scene.emulator.faults.clear()
    filled.scene.emulator.faults.add("im/v1/chats$", code=230020)
    filled.scene.http.get("/open-apis/im/v1/chats")
    page = seen.open("calls?only=failed", ".scroll tr.failed")
    assert page.locator("tr.failed").first.get_by_text("230020").is_visible()
    seen.shoot("calls")
    page = seen.open("faults", ".scroll table.log")
    assert page.get_by_text("1 of 1").is_visible()
    seen.shoot("faults")
