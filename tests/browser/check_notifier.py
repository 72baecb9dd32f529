"""A task that fails in a real Airflow, and what its chat shows: red, and green once it has recovered."""

from __future__ import annotations

import pytest

from tests.browser.conftest import SHOTS, wait_until

DAG_ID = "lark_failure_notifier"
TEAM = "Data team"


@pytest.fixture
def chat(airflow, chromium):
    """The team's chat on the emulator's page, beside Airflow."""
    chat_id = next(each["chat_id"] for each in airflow.view("overview")["chats"] if each["name"] == TEAM)
    page = chromium.new_page(viewport={"width": 1100, "height": 900}, timezone_id="Asia/Shanghai", locale="en-US")
    page.goto(f"{airflow.emulator}/_emulator/#/chat/{chat_id}")
    yield page
    page.close()


def test_failing_task_makes_one_red_card_that_its_recovery_turns_green(page, airflow, chat, shot):
    airflow.unpause(DAG_ID)
    run_id = airflow.trigger(DAG_ID, failing_tries=2, receive_id=TEAM)
    assert airflow.get(f"/dags/{DAG_ID}/dagRuns/{run_id}")["state"] == "failed"
    card = chat.locator(".card").filter(has_text=DAG_ID)
    card.locator(".card-head").get_by_text("failed").wait_for()
    assert card.count() == 1
    page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}")
    page.get_by_text("load_orders").first.wait_for()
    shot("notifier_failed_run")
    chat.screenshot(path=str(SHOTS / "notifier_red.png"))

    airflow.clear(DAG_ID, run_id)
    state = wait_until(
        lambda: {"success", "failed"} & {airflow.get(f"/dags/{DAG_ID}/dagRuns/{run_id}")["state"]}, "end"
    )
    assert state == {"success"}
    card.locator(".card-head").get_by_text("recovered").wait_for()
    assert card.count() == 1
    page.reload()
    page.get_by_text("load_orders").first.wait_for()
    shot("notifier_recovered_run")
    chat.screenshot(path=str(SHOTS / "notifier_green.png"))
