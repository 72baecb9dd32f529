"""The approval centre on the emulator's page, in a real browser: a press reaches the system that asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.approval import DecisionCallback, Definition
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.questions.centre_terms import Approver, CentreTerms
from airflow_provider_lark.core.questions.centre_view import centre_view
from airflow_provider_lark.core.questions.fields import Field
from airflow_provider_lark.core.questions.question import Question
from airflow_provider_lark.core.questions.rules import State, Vote
from airflow_provider_lark.core.questions.terms import Choice, Terms
from airflow_provider_lark.emulator import Emulator
from tests.browser.conftest import SHOTS
from tests.emulator.listener import Listener

LINK = "https://airflow.example/dags/release"


class Centre:
    """Three questions: one that waits for two people, one that was approved and one that was rejected."""

    def __init__(self, emu: Emulator, url: str) -> None:
        self.emu = emu
        self.people = [
            Approver(user.open_id, user.user_id, user.name)
            for user in (emu.state.add_user("林晓 Lin"), emu.state.add_user("Wei Zhang"))
        ]
        self.client = LarkClient(emu.app_id, emu.app_secret, host=emu.url)
        name = {"zh-CN": "数据发布", "en-US": "Data release"}
        self.client.approval.upsert_definition(Definition("release", name, callback=DecisionCallback(url, Secret("t"))))
        self.push("orders", {"zh-CN": "发布订单表", "en-US": "Release the orders of 27 November"})
        lin, wei = self.people
        approved = Vote(lin.open_id, emu.state.now_ms, "Approve")
        self.push("users", {"zh-CN": "发布用户表", "en-US": "Release the users"}, approved)
        rejected = Vote(wei.open_id, emu.state.now_ms, "Reject")
        self.push("areas", {"zh-CN": "删除旧地区", "en-US": "Delete old areas"}, rejected)

    def push(self, name: str, title: Any, vote: Vote | None = None) -> None:
        entries = (
            ({"zh-CN": "行数", "en-US": "Rows"}, "48,211"),
            ({"zh-CN": "目标", "en-US": "Target"}, "shop.orders"),
        )
        centre = CentreTerms("release", title, LINK, tuple(self.people), entries=entries)
        choices = (Choice("Approve", "Approve"), Choice("Reject", "Reject", is_rejection=True))
        fields = (Field("reason", "text", is_required_to_reject=True),)
        state: State = "open" if vote is None else "answered"
        votes = () if vote is None else (vote,)
        now = self.emu.state.now_ms
        asked = Question(
            *(name, "k", state, Terms(choices, fields, centre=centre), (), votes, vote and vote.choice, now, None, now),
            *(now, True, False, 0),
            pushed_ms=now,
        )
        self.client.approval.push_instance(centre_view(asked, centre))


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


@pytest.fixture
def centre(listener: Listener) -> Iterator[Centre]:
    with Emulator() as emu:
        made = Centre(emu, listener.url)
        with made.client:
            yield made


def test_press_on_the_page_reaches_the_system_and_shows_what_it_makes_of_it(
    centre: Centre, listener: Listener, plain_page: Any
) -> None:
    plain_page.goto(f"{centre.emu.url}/_emulator/#/approvals")
    waiting = plain_page.locator(".approval").first
    waiting.get_by_text("Release the orders of 27 November").wait_for()
    assert plain_page.locator("#places").get_by_text("待办").count() == 1
    SHOTS.mkdir(parents=True, exist_ok=True)
    plain_page.screenshot(path=str(SHOTS / "approval-centre.png"))

    # a rejection needs a reason, which the page asks for before anything is sent
    wei = waiting.locator(".approval-task").nth(1)
    wei.get_by_role("button", name="Reject").click()
    wei.get_by_text("Reason (required)").wait_for()
    assert listener.events() == []
    wei.get_by_role("textbox").fill("数字不对")
    wei.get_by_role("button", name="Reject").click()
    wei.get_by_text("Sent to the system").wait_for()
    (told,) = listener.events()
    assert (told["action_type"], told["reason"], told["task_id"]) == ("REJECT", "数字不对", "airflow-orders.2")

    # what was typed stays while the page draws itself anew; and the end is shown as soon as it is pushed
    lin = waiting.locator(".approval-task").nth(0)
    lin.get_by_role("textbox").fill("looks good")
    wei_vote = Vote(centre.people[1].open_id, centre.emu.state.now_ms, "Reject")
    centre.push("other", "Another <b>one</b>")
    plain_page.get_by_text("Another <b>one</b>").wait_for()
    assert plain_page.get_by_placeholder("Reason").nth(2).input_value() == "looks good"
    centre.push("orders", "Release the orders", wei_vote)
    buttons = plain_page.locator(".approval-task button")
    buttons.nth(4).wait_for(state="detached")
    assert buttons.count() == 4


def test_person_sees_that_the_system_did_not_take_it(centre: Centre, listener: Listener, plain_page: Any) -> None:
    listener.answers.append(503)
    plain_page.goto(f"{centre.emu.url}/_emulator/#/approvals")
    plain_page.get_by_role("button", name="Approve").first.click()
    plain_page.get_by_text("answered HTTP 503").wait_for()
