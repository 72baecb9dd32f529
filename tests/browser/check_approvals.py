"""Approvals on the emulator's page: a task of a running Airflow goes on, or ends by hand and closes its card."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError
from sqlalchemy import create_engine

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.questions.approval_card import approval_card
from airflow_provider_lark.core.questions.desk import Desk
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.questions.terms import Choice, Terms
from airflow_provider_lark.emulator import Emulator
from tests.browser.conftest import SHOTS, wait_until
from tests.core.doors.test_web_app import KEY, RING, TOKEN, serve

DAG = "lark_card_approval"
HITL = "lark_hitl_approval"


def state_of(airflow, run_id, task_id="approve", dag_id=DAG):
    return airflow.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")["state"]


def first_run(airflow, dag_id):
    """The run that the demo has started, whose task waits or is about to."""
    return airflow.get(f"/dags/{dag_id}/dagRuns?limit=1&order_by=run_after")["dag_runs"][0]["dag_run_id"]


def cards_of(page, title):
    return page.locator(".card").filter(has_text=title)


def press(page, card, told):
    """Press *Approve* as people do: again, when they are told that it was not recorded."""
    for _ in range(20):
        card.get_by_role("button", name="Approve").click()
        with suppress(TimeoutError):
            page.get_by_text(told).first.wait_for(timeout=5000)
            return
    raise AssertionError(f"nobody was told {told}")


def test_click_on_the_page_lets_the_task_go_on_and_an_end_by_hand_closes_the_card(airflow, plain_page):
    plain_page.goto(f"{airflow.emulator}/_emulator/")
    plain_page.get_by_text("Approvals").first.click()
    run_id = first_run(airflow, DAG)
    wait_until(lambda: state_of(airflow, run_id) == "deferred", "the task waits")
    cards = cards_of(plain_page, "Load the orders?")
    card = cards.nth(0)
    card.get_by_label("most", exact=True).fill("many")
    press(plain_page, card, "Most rows has to be a whole number")
    assert state_of(airflow, run_id) == "deferred"
    card.get_by_label("most", exact=True).fill("48211")
    card.get_by_label("reason", exact=True).fill("quarter end")
    card.screenshot(path=str(SHOTS / "approval-form.png"))
    press(plain_page, card, re.compile("Recorded: Approve|already recorded"))
    wait_until(lambda: state_of(airflow, run_id, "load") == "success", "the task below has run")
    assert card.get_by_role("button", name="Approve").count() == 0

    # a person ends the task in Airflow: its triggerer closes the card, though nobody pressed anything
    run_id = airflow.start(DAG)
    task = f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/approve"
    # one that ends before a triggerer has it leaves its card to its own time
    wait_until(lambda: airflow.get(task)["triggerer_job"] is not None, "a triggerer has the task")
    plain_page.wait_for_timeout(3000)
    second = cards.nth(1)
    second.wait_for(timeout=120_000)
    assert second.get_by_role("button", name="Approve").count() == 1
    airflow.set_state(DAG, run_id, "approve", "failed")
    second.get_by_text("Closed").wait_for(timeout=120_000)
    assert second.get_by_role("button", name="Approve").count() == 0


def test_airflows_own_approval_is_answered_on_its_card(airflow, plain_page):
    plain_page.goto(f"{airflow.emulator}/_emulator/")
    plain_page.get_by_text("Approvals").first.click()
    run_id = first_run(airflow, HITL)
    card = cards_of(plain_page, "Pay invoice 4711?").nth(0)
    card.screenshot(path=str(SHOTS / "hitl-card.png"))
    press(plain_page, card, re.compile("Recorded: Approve|already recorded"))
    card.get_by_text("Recorded in Airflow").wait_for(timeout=120_000)
    wait_until(lambda: state_of(airflow, run_id, "pay", HITL) == "success", "the task below has run")
    assert card.get_by_role("button", name="Approve").count() == 0


@pytest.fixture
def asked(tmp_path):
    """An emulator, and two approvals with buttons in a chat of it, which a receiver decides."""
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    ring = Keyring.from_text(RING)
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        # a busy machine answers late
        emu.switches.ack_seconds = 60.0
        store = QuestionStore(engine, ring, emu.app_id)
        people = {emu.state.add_user(name).open_id: name for name in ("Lin", "Wei")}
        chat = emu.state.add_chat("Approvals", list(people))
        choices = (Choice("Approve", "Approve"), Choice("Reject", "Reject", is_rejection=True))
        inbox = SqlInbox(engine, ring, emu.app_id)
        front = Desk(GroupCommit(inbox), store)
        with serve(inbox, front=front, app_id=emu.app_id, clock=SystemClock()) as running:
            url = f"{running.url}/lark_default"
            emu.state.set_callback_url(emu.app_id, url, encrypt_key=KEY, verification_token=TOKEN)
            for title, body in (
                ("Load the orders of 26 November?", "The load replaces the table `orders`: **48,211 rows**."),
                ("Delete the areas that no order names?", "17 rows of `areas`."),
            ):
                terms = Terms(choices, allowed=people, time_zone="Asia/Shanghai")
                made, _ = store.ask(title, _with_card(terms, title, body), seconds=3600)
                sent = client.messaging.send(receiver_id=chat, content=content.card(dict(made.terms.card)))
                store.note_card(made.id, sent.message_id, chat)
                store.note_sent(made.id)
            yield emu, chat, store
    engine.dispose()


def _with_card(terms, title, body):
    from dataclasses import replace

    return lambda id_: replace(terms, card=approval_card(id_, terms, (), title=title, body=body))


def test_buttons_of_a_card_are_gone_for_everybody_once_somebody_has_pressed(asked, plain_page):
    emu, chat, _ = asked
    SHOTS.mkdir(parents=True, exist_ok=True)
    plain_page.goto(f"{emu.url}/_emulator/#/chat/{chat}")
    first, second = plain_page.locator(".card").nth(0), plain_page.locator(".card").nth(1)
    first.get_by_role("button", name="Approve").click()
    plain_page.get_by_text("Recorded: Approve").wait_for()
    wait = first.get_by_role("button", name="Approve")
    wait.wait_for(state="detached")
    assert second.get_by_role("button").count() == 2
    clip = {"x": 280, "y": 100, "width": 690, "height": 470}
    plain_page.screenshot(path=str(SHOTS / "approval-buttons.png"), clip=clip)
