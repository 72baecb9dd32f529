"""LarkCardCallbackSensor on the emulator: any card that a task sent, and what people press on it."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import httpx
import pytest
from airflow.sdk.bases import sensor as sensor_module
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_lark.core.clock import SYSTEM_CLOCK
from airflow_provider_lark.sensors.callback import LarkCardCallbackSensor
from tests.core.receiving.sealing import click, dump, encrypt, signed
from tests.skin.deciding import KEY, TOKEN, decisions, task_context
from tests.skin.polls import events_of


@pytest.fixture
def room(emulator, tmp_path, monkeypatch):
    with decisions(emulator, tmp_path, monkeypatch) as opened:
        yield opened


CARD = {
    "schema": "2.0",
    "config": {"update_multi": True},
    "body": {
        "elements": [
            {
                "tag": "form",
                "name": "f",
                "elements": [
                    {"tag": "input", "name": "rows"},
                    {
                        "tag": "button",
                        "name": "send",
                        "text": {"tag": "plain_text", "content": "Send"},
                        "form_action_type": "submit",
                        "behaviors": [{"type": "callback", "value": {"choice": "go", "order": 17}}],
                    },
                ],
            }
        ]
    },
}


def send(room, card=CARD):
    from airflow_provider_lark.core.api.services.messaging import content
    from airflow_provider_lark.hooks.lark import LarkHook

    with LarkHook().client() as client:
        return client.messaging.send(receiver_id=room.chat_id, content=content.card(card)).message_id


def sensor(message_id, **given):
    given = {"task_id": "wait", "message_id": message_id, "field_types": {"rows": "integer"}} | given
    return LarkCardCallbackSensor(**given)


def test_sensor_returns_who_what_and_when_of_a_form(room):
    waiting = sensor({"message_id": send(room)}, allowed=["lin@example.com"], deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(task_context(waiting))
    assert room.toast("Wei", "Send", form={"rows": "1"}).startswith("You are not among those")
    assert room.toast("Lin", "Send", form={"rows": "x"}).startswith("rows has to be a whole number")
    room.press("Lin", "Send", form={"rows": "7"})
    (event,) = events_of(caught.value.trigger)
    assert set(event) == {"status", "question_id", "state"}
    told = waiting.execute_complete(task_context(waiting), event)
    assert (told["open_id"], told["choice"], told["values"]) == (room.people["Lin"], "go", {"rows": 7})
    assert told["action"]["value"] == {"choice": "go", "order": 17}
    assert json.loads(json.dumps(told)) == told
    assert f"<at id={room.people['Lin']}></at>" in room.shown()
    assert '"button"' not in room.shown()


def test_answer_on_one_card_does_not_draw_it_over_another(room):
    other = {**CARD, "header": {"title": {"tag": "plain_text", "content": "Another one"}}}
    ids = [send(room), send(room), send(room, other)]
    room.press("Lin", "Send", form={"rows": "3"}, card=0)
    assert sensor(ids[:2]).execute(task_context(sensor(ids[:2])))["values"] == {"rows": 3}
    assert ['"button"' in room.shown(card) for card in (0, 1, 2)] == [False, False, True]
    ids = [send(room), send(room, other)]
    room.press("Lin", "Send", form={"rows": "4"})
    waiting = sensor(ids, task_id="both")
    assert waiting.execute(task_context(waiting))["values"] == {"rows": 4}
    assert ["Another one" in room.shown(card) for card in (-2, -1)] == [False, True]


OLD_CARD = {
    "config": {"update_multi": True},
    "elements": [
        {"tag": "action", "actions": [{"tag": "button", "text": {"tag": "plain_text", "content": "Send"}, "value": {}}]}
    ],
}


@pytest.mark.parametrize(
    "card", [OLD_CARD, {"type": "template", "data": {"template_id": "AAqk"}}], ids=["1.0", "template"]
)
def test_answer_to_a_click_carries_a_card_of_the_same_version_or_none(room, card):
    """Input 7.12; cards of JSON 2.0 are pressed in the other tests."""
    room.emulator.state.add_card_template("AAqk")
    message_id = send(room, card)
    waiting = sensor(message_id, field_types=None, deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(task_context(waiting))
    if card is OLD_CARD:
        seen = room.press("Lin", "Send")
        assert (seen["code"], seen["is_updated"], seen["toast"]["content"]) == (0, True, "Recorded")
        assert "schema" not in json.loads(room.shown())
        assert '"button"' not in room.shown()
    else:
        # Lark draws it, and knows what can be pressed there
        assert set(tell_click(room, message_id)) == {"toast"}
    (event,) = events_of(caught.value.trigger)
    assert waiting.execute_complete(task_context(waiting), event)["open_id"] == room.people["Lin"]


def tell_click(room, message_id):
    """Return the receiver's answer to Lin's click on a button, signed and sealed as Lark does it."""
    body = click({}, at_us=int(SYSTEM_CLOCK.now() * 1_000_000))
    body["header"] |= {"token": TOKEN, "app_id": room.emulator.app_id}
    body["event"]["operator"]["open_id"] = room.people["Lin"]
    body["event"]["context"] = {"open_message_id": message_id, "open_chat_id": room.chat_id}
    sealed = encrypt(dump(body), KEY)
    url = f"{os.environ['AIRFLOW__LARK__RECEIVER_URL']}/lark_default"
    headers = signed(sealed, KEY, at=int(SYSTEM_CLOCK.now()))
    return httpx.post(url, content=sealed, headers=headers, timeout=60, trust_env=False).json()


def test_click_that_came_before_the_sensor_counts(room):
    message_id = send(room)
    assert room.toast("Wei", "Send", form={"rows": "3"}) == "Received"
    waiting = sensor(message_id)
    assert waiting.execute(task_context(waiting))["values"] == {"rows": 3}
    assert '"button"' not in room.shown()


def test_try_that_dies_after_it_has_taken_its_answer_leaves_it_to_the_next(room):
    message_id = send(room)
    room.press("Wei", "Send", form={"rows": "3"})
    first = sensor(message_id).execute(task_context(sensor(message_id)))
    # `kill -9` before Airflow knew; nobody can press the card any more
    assert sensor(message_id).execute(task_context(sensor(message_id))) == first


@pytest.mark.parametrize(("soft", "kind"), [(False, AirflowSensorTimeout), (True, AirflowSkipException)])
def test_nobody_in_time_fails_or_skips(room, soft, kind):
    waiting = sensor(send(room), deferrable=True, soft_fail=soft)
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(task_context(waiting))
    room.execute("UPDATE lark_questions SET expires_at_ms = 1")
    (event,) = events_of(caught.value.trigger)
    with pytest.raises(kind):
        waiting.execute_complete(task_context(waiting), event)
    assert "Time over" in room.shown()
    # cleared, it waits anew
    waiting = sensor(waiting.message_id, deferrable=True, field_types=None)
    with pytest.raises(TaskDeferred):
        waiting.execute(task_context(waiting))


def test_sensor_whose_time_is_over_on_the_worker_closes_its_card(room, monkeypatch):
    waiting = sensor(send(room), timeout=3600, deferrable=False)
    moments = iter((0.0, 3601.0))
    # Airflow's own count begins before the question is asked, and so ends before its time is over
    monkeypatch.setattr(sensor_module, "time", SimpleNamespace(monotonic=lambda: next(moments, 3602.0)))
    with pytest.raises(AirflowSensorTimeout):
        waiting.execute(task_context(waiting))
    assert room.execute("SELECT state FROM lark_questions") == [("expired",)]
    assert "Time over" in room.shown()
    assert '"button"' not in room.shown()


@pytest.mark.parametrize(("tries", "kept"), [(1, "open"), (0, "withdrawn")])
def test_sensor_that_fails_closes_its_card_unless_another_try_waits_on(room, tries, kept):
    waiting = sensor(send(room), deferrable=True)
    context = task_context(waiting)
    with pytest.raises(TaskDeferred):
        waiting.execute(context)
    context["ti"] = SimpleNamespace(**vars(context["ti"]), try_number=1, max_tries=tries)
    with pytest.raises(AirflowException, match="five times in a row"):
        waiting.resume_execution(
            "execute_complete", {"event": {"status": "error", "message": "five times in a row"}}, context
        )
    assert room.execute("SELECT state FROM lark_questions") == [(kept,)]
    assert ('"button"' in room.shown()) is (kept == "open")


def test_wrong_parameters_are_named(room):
    for given, words in (
        ({"field_types": {"nope": "integer"}}, "no form field named nope"),
        ({"allowed": ["nobody@example.com"]}, "nobody has nobody@example.com"),
        # what templates may give must not let everybody answer
        ({"allowed": "[]"}, "allowed: is empty"),
        ({"allowed": "None"}, "allowed: is empty"),
    ):
        waiting = sensor(send(room), **given)
        with pytest.raises(AirflowFailException, match=words):
            waiting.poke(task_context(waiting))
    with pytest.raises(ValueError, match="an empty list allows nobody"):
        sensor("om_1", allowed=[])


def test_sensor_that_looks_anew_each_time_knows_the_form_of_a_card_that_was_pressed(room):
    message_id = send(room)
    given = {"mode": "reschedule"}
    assert not sensor(message_id, **given).poke(task_context(sensor(message_id))).is_done
    room.press("Wei", "Send", form={"rows": "3"})
    # the receiver has closed the card; each look is a process of its own
    found = sensor(message_id, **given).poke(task_context(sensor(message_id)))
    assert (found.is_done, found.xcom_value["values"]) == (True, {"rows": 3})
