"""Answers from the emulator to Airflow's real REST API and database: given once, believed when seen, and shown."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product

import httpx
import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import TaskDeferred

from airflow_provider_lark.core.errors import ConfigError, NotAuthorized
from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.hooks.hitl.airflow_api import AirflowApi
from airflow_provider_lark.hooks.hitl.bridge import HitlBridge
from airflow_provider_lark.operators.approval import LarkApprovalOperator
from airflow_provider_lark.operators.hitl import LarkHITLBridgeOperator
from airflow_provider_lark.plugins.lark import make_fastapi_apps
from tests.clocks import wait_until
from tests.dags.waiting import AWAITING_INPUT, Waiting, served_api
from tests.skin.deciding import decisions, task_context


@pytest.fixture(scope="module")
def api(airflow_db, tmp_path_factory):
    with served_api(tmp_path_factory.mktemp("api")) as url:
        yield url


@pytest.fixture
def waiting(api, tmp_path, monkeypatch):
    with Emulator() as emulator, decisions(emulator, tmp_path, monkeypatch) as room:
        opened = Waiting(room, api, monkeypatch)
        yield opened
        opened.close()


def test_answer_is_given_once_the_task_waits_and_believed_when_it_goes_on(waiting):
    # an id that has to be quoted, and values for exactly the Params of the task
    # beside one that is told who answered
    params = {"n": Param(None, type="integer", minimum=1), "lark_user": Param(None, type=["null", "string"])}
    waiting.ask("manual__2026-11-27T00:00:00+00:00", params=params)
    room = waiting.room
    assert room.toast("Lin", form={"n": "0"}, by_hand=True).startswith("n has to be at least 1")
    room.press("Lin", form={"n": "7"})
    # not awaiting input yet: what is answered now, Airflow would keep and not go on
    assert (waiting.look(times=2), waiting.given()[0]) == ((None, 0), None)
    waiting.set(AWAITING_INPUT)
    waiting.look()
    assert waiting.given()[0] is None
    waiting.look()
    assert waiting.given() == (["Approve"], "bridge", {"n": 7, "lark_user": room.people["Lin"]})
    assert waiting.state() == ("scheduled" if AWAITING_INPUT == "awaiting_input" else "deferred")
    assert "On its way to Airflow" in room.shown()
    assert waiting.look(times=2) == (None, 0)
    waiting.set("success")
    assert waiting.look() == ("delivered", 1)
    card = json.loads(room.shown())
    assert card["header"]["template"] == "green"
    assert "Recorded in Airflow" in waiting.shown()
    assert "On its way" not in room.shown()


def test_answered_in_airflow_first_closes_the_card_and_tells_who_pressed(waiting):
    waiting.ask("r-elsewhere")
    waiting.set(AWAITING_INPUT)
    waiting.room.press("Lin")
    waiting.answer("bob", "Reject")
    assert waiting.look() == ("answered", 1)
    assert "Too late. Answered in Airflow by bob: Reject" in waiting.shown()
    assert json.loads(waiting.shown())["header"]["template"] == "grey"
    assert waiting.given()[1] == "bob"
    audit = waiting.room.execute("SELECT outcome, reason FROM lark_answers")
    assert audit == [("accepted", "accepted")]


@pytest.mark.parametrize(
    ("by", "words"), [("bob", "Answered in Airflow by bob: Reject"), (None, "Time over, default Reject")]
)
def test_answered_in_airflow_alone_takes_the_buttons_away_and_says_who_and_when(waiting, by, words):
    """Input 7.15: answered on Airflow's page, or by its time-out; somebody has the card open as it was."""
    waiting.ask(f"r-page-{by}", defaults=["Reject"])
    waiting.set(AWAITING_INPUT)
    assert waiting.look() == (None, 0)
    as_it_was = waiting.room.shown()
    # Lark does not take the change of the card at this moment: its buttons stay
    waiting.room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230013, times=None)
    waiting.answer(by, "Reject") if by else waiting.time_out("Reject")
    waiting.look()
    waiting.room.emulator.faults.clear()
    assert waiting.room.shown() == as_it_was
    at = waiting.answered_at()
    assert waiting.room.toast("Lin") == f"{words} · {at:%H:%M} (UTC)"
    assert '"callback"' not in waiting.shown()
    assert f"{words} · <local_datetime millisecond='{at.timestamp() * 1000:.0f}'" in waiting.shown()
    assert (waiting.outcome()[0], waiting.given()[0]) == ("answered" if by else "defaulted", ["Reject"])


def test_press_under_way_while_airflow_took_the_default_is_told_so(waiting, monkeypatch):
    """Input 7.21: the answer of the last moment meets the default, and Airflow refuses it (409)."""
    waiting.ask("r-default", defaults=["Reject"])
    waiting.set(AWAITING_INPUT)
    waiting.room.press("Lin")
    waiting.look()
    given, answer = [], AirflowApi.answer

    def give_too_late(api, *args, **kwargs):
        # between the bridge's look and its answer
        waiting.time_out("Reject")
        given.append(answer(api, *args, **kwargs))
        return given[-1]

    with monkeypatch.context() as patch:
        patch.setattr(AirflowApi, "answer", give_too_late)
        assert (waiting.look(), given) == ((None, 0), ["conflict"])
    assert waiting.look() == ("defaulted", 1)
    assert "Too late. Time over, default Reject" in waiting.shown()
    # both are kept: what was pressed, and what Airflow took
    assert waiting.room.execute("SELECT open_id, outcome FROM lark_answers") == [
        (waiting.room.people["Lin"], "accepted")
    ]
    assert waiting.given()[:2] == (["Reject"], None)


def test_question_that_was_replaced_and_a_task_that_ended_close_their_cards(waiting):
    waiting.ask("r-again")
    waiting.room.press("Lin")
    waiting.set("running", try_number=2)
    waiting.notify()
    waiting.look()
    first, second = waiting.room.cards()
    assert "Replaced by a newer question" in html.unescape(first.content)
    assert '"callback"' in second.content
    assert waiting.room.execute("SELECT outcome FROM lark_hitl_requests ORDER BY looked_ms, outcome") == [
        ("replaced",), (None,),
    ]  # fmt: skip
    assert waiting.given()[0] is None
    waiting.set("failed")
    waiting.look()
    assert "The task ended without an answer: failed" in waiting.shown()


def test_account_that_is_not_assigned_is_noticed_before_anybody_presses(waiting, caplog):
    """Input 7.19: and never "approved" on the card while the task still waits."""
    lin = {"id": "lin@example.com", "name": "Lin"}
    waiting.ask("r-assigned", assigned_users=[lin], response_timeout=timedelta(hours=1), defaults=["Reject"])
    waiting.set(AWAITING_INPUT)
    # Lark does not take the change of the card at this moment: its buttons stay
    waiting.room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230013, times=None)
    caplog.set_level(logging.INFO)
    assert waiting.look() == ("refused", 1)
    waiting.room.emulator.faults.clear()
    what_to_do = "assigned_users has to name it too"
    assert what_to_do in caplog.text
    assert what_to_do in waiting.room.toast("Lin")
    assert '"callback"' not in waiting.shown()
    assert "it takes no answer from the account bridge" in waiting.shown()
    assert "then: Reject" in waiting.shown()
    waiting.ask("r-both", assigned_users=[lin, {"id": "bridge", "name": "bridge"}])
    waiting.set(AWAITING_INPUT)
    assert "not among those" in waiting.room.toast("Wei")
    waiting.room.press("Lin")
    waiting.look(times=2)
    assert waiting.given()[:2] == (["Approve"], "bridge")


def test_airflow_or_lark_that_is_down_loses_nothing(waiting, monkeypatch, caplog):
    waiting.room.emulator.faults.add("POST /open-apis/im/v1/messages", code=230035, times=None)
    waiting.ask("r-down")
    waiting.set(AWAITING_INPUT)
    waiting.look()
    waiting.room.emulator.faults.clear()
    waiting.room.execute("UPDATE lark_questions SET asked_at_ms = asked_at_ms - 60000")
    waiting.look()
    assert len(waiting.room.cards()) == 1
    waiting.room.press("Lin")
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps({"conn_type": "http", "host": "http://127.0.0.1:9"}))
        waiting.look(times=2)
        assert "cannot be reached" in caplog.text
        assert waiting.room.execute("SELECT attempts FROM lark_hitl_requests") == [(2,)]
    waiting.look(times=2)
    assert waiting.given()[0] == ["Approve"]
    waiting.set("success")
    waiting.room.emulator.faults.add("PATCH /open-apis/im/v1/messages", status=500, times=None)
    assert waiting.look() == ("delivered", 0)
    waiting.room.emulator.faults.clear()
    assert waiting.look() == ("delivered", 1)
    assert "Recorded in Airflow" in waiting.shown()


def test_request_that_can_never_be_sent_does_not_keep_others_from_their_answer(waiting, caplog):
    empty = waiting.room.emulator.state.add_department("Empty")
    waiting.ask("r-nobody", {"allowed": [empty]})
    waiting.ask("r-broken")
    # as with a key that this process does not have
    waiting.room.execute(
        "UPDATE lark_questions SET terms = 'x' WHERE asked_at_ms = (SELECT MAX(asked_at_ms) FROM lark_questions)"
    )
    waiting.ask("r-beside")
    waiting.set(AWAITING_INPUT)
    waiting.room.press("Lin")
    waiting.room.execute("UPDATE lark_questions SET asked_at_ms = asked_at_ms - 60000")
    waiting.look(times=2)
    assert waiting.given()[0] == ["Approve"]
    assert "has nobody in it who could answer" in caplog.text
    assert "can decrypt a question" in caplog.text


def test_card_update_that_hangs_holds_up_no_click_and_is_made_up_for(waiting):
    """Input 7.16, at the bridge: three tasks wait, and Lark does not answer when the card of one is to be changed."""
    for run_id in ("r-hang-1", "r-hang-2", "r-hang-3"):
        waiting.ask(run_id)
        waiting.set(AWAITING_INPUT)
    waiting.answer("bob", "Approve")
    room = waiting.room
    hang = room.emulator.faults.add("PATCH /open-apis/im/v1/messages", action="timeout_before", times=2)
    room.execute("UPDATE lark_hitl_requests SET look_at_ms = 0")

    def look():
        calls = {"timeout_seconds": 2}
        with HitlBridge.open("lark_default", "airflow_api", calls) as bridge:
            bridge.look()

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        wait_until(lambda: hang.hits)
        told = [room.toast(who, card=card) for who, card in (("Lin", 0), ("Wei", 1))]
        looking.result()
    assert told == ["Recorded: Approve. It goes to Airflow now"] * 2
    assert '"callback"' in room.shown(2)
    waiting.look(times=3)
    assert '"callback"' not in room.shown(2)
    assert "Answered in Airflow by bob" in waiting.shown(2)
    for run_id in ("r-hang-1", "r-hang-2"):
        waiting.run_id = run_id
        assert waiting.given()[:2] == (["Approve"], "bridge")


BOTS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (compatible; LarkUrlPreview/1.0)",
    "Mozilla/5.0 (Windows NT 10.0; ms-office; MSOffice 16) SafeLinks",
)


def test_addresses_that_bots_and_mail_scanners_open_decide_nothing(waiting, monkeypatch):
    """Input 7.26: every address on our cards, and every way of the receivers, opened by GET and HEAD."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_ENABLED", "True")
    waiting.ask("r-preview")
    waiting.set(AWAITING_INPUT)
    room = waiting.room
    approval = LarkApprovalOperator(
        task_id="other",
        receive_id=room.chat_id,
        title="Load?",
        allowed=["lin@example.com"],
        centre=True,
        deferrable=True,
    )
    with pytest.raises(TaskDeferred):
        approval.execute(task_context(approval))
    with room.emulator.state.lock:
        links = [str(each) for one in room.emulator.state.approvals.all() for each in vars(one).values()]
    shown = "".join([*(each.content for each in room.cards()), *links])
    pages = {found.replace("\\u0026", "&") for found in re.findall(r"https?://[^\s\"'\\\\)]+", shown)}
    assert any("required_actions" in each for each in pages)
    assert "https://a.example/d" in pages
    (question,) = set(re.findall(r'"lark_question": ?"([0-9a-f]{32})"', room.shown(0)))
    asked = f"?lark_question={question}&choice=Approve&action=APPROVE"
    received = os.environ["AIRFLOW__LARK__RECEIVER_URL"]
    ways = [f"{received}{way}/lark_default{asked}" for way in ("", "/approval", "/feed")]
    before = _all_state(waiting)
    (mounted,) = make_fastapi_apps()
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=60) as http:
        for method, agent, page in product(("GET", "HEAD"), BOTS, sorted(pages)):
            path = page.split("/", 3)[3]
            http.request(method, f"{waiting.url}/{path}", headers={"User-Agent": agent})
        for method, agent, page in product(("GET", "HEAD"), BOTS, ways):
            assert http.request(method, page, headers={"User-Agent": agent}).status_code == 405

    async def ask_plugin():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted["app"])) as client:
            paths = [f"http://airflow/{way}/lark_default{asked}" for way in ("events", "approval", "feed")]
            return {(await client.request(method, path)).status_code for method in ("GET", "HEAD") for path in paths}

    assert asyncio.run(ask_plugin()) == {405}
    assert _all_state(waiting) == before
    # what a person presses, which comes signed, still counts
    assert room.toast("Lin", card=0).startswith("Recorded")


def _all_state(waiting):
    tables = ("lark_questions", "lark_answers", "lark_inbox")
    kept = [waiting.room.execute(f"SELECT * FROM {table}") for table in tables]
    return [*kept, waiting.given(), waiting.state()]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"login": "bridge", "password": "wr0ng-canary"}, NotAuthorized, "refuses its login or password"),
        ({"login": "bridge", "host": ""}, ConfigError, "has no host"),
    ],
)
def test_wrong_connection_to_airflow_ends_the_bridge_and_shows_no_secret(waiting, monkeypatch, given, error, words):
    waiting.ask(f"r-{words[:3]}")
    parts = {"conn_type": "http", "host": waiting.url} | given
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps(parts))
    with pytest.raises(error, match=words) as caught, HitlBridge.open("lark_default", "airflow_api") as bridge:
        bridge.look()
    assert "canary" not in str(caught.value)


def test_operator_looks_once_or_waits_in_the_triggerer_with_all_its_settings(waiting):
    from airflow.sdk.exceptions import TaskDeferred

    from airflow_provider_lark.triggers.hitl import LarkHITLBridgeTrigger
    from tests.skin.polls import events_of

    waiting.ask("r-operator")
    waiting.set("success")
    assert LarkHITLBridgeOperator(task_id="bridge", deferrable=False).execute({}) == {"ended": 1}
    task = LarkHITLBridgeOperator(task_id="bridge", run_for=60, deferrable=True, timeout_seconds=7)
    with pytest.raises(TaskDeferred) as caught:
        task.execute({})
    _, settings = caught.value.trigger.serialize()
    assert settings["calls"]["timeout_seconds"] == 7
    (event,) = events_of(LarkHITLBridgeTrigger(**settings | {"until_ms": 0}))
    assert task.execute_complete({}, event) == {}
