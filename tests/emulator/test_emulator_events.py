"""Subscriptions, what events say, and how they are delivered (lark-api §5)."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import Any

import pytest

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.tenant import crypto
from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged
from tests.emulator.listener import Listener

RECORD = "drive.file.bitable_record_changed_v1"


@pytest.fixture
def subscribed(caller: Any, listener: Listener) -> Any:
    caller.emu.state.set_event_url(caller.emu.app_id, listener.url, verification_token="v-token")
    assert caller.call("POST", files(caller, "subscribe"), file_type="bitable")["data"] == {}
    return caller


def files(caller: Any, tail: str) -> str:
    return f"/open-apis/drive/v1/files/{caller.app_token}/{tail}"


def told(caller: Any, listener: Listener) -> list[dict[str, Any]]:
    caller.emu.events.settle()
    return listener.events()


def cells(caller: Any, values: list[dict[str, Any]]) -> dict[str, Any]:
    names = {field_id: name for name, field_id in caller.emu.person.fields(caller.app_token, caller.table_id).items()}
    return {names[each["field_id"]]: each["field_value"] for each in values}


def test_subscription_comes_and_goes(caller: Any) -> None:
    states = []
    for method, tail in (("POST", "subscribe"), ("DELETE", "delete_subscribe")):
        assert caller.call(method, files(caller, tail), file_type="bitable")["data"] == {}
        states.append(caller.call("GET", files(caller, "get_subscribe"), file_type="bitable")["data"])

    assert states == [{"is_subscribe": True}, {"is_subscribe": False}]


def test_subscription_that_is_not_there_is_an_error_by_switch(caller: Any) -> None:
    told = []
    for where in ("silent", "delete", "always"):
        caller.emu.switches.unsubscribed = where
        for method, tail in (("DELETE", "delete_subscribe"), ("GET", "get_subscribe")):
            told.append(caller.code(method, files(caller, tail), file_type="bitable"))

    assert told == [0, 0, 1069605, 0, 1069605, 1069605]


def test_wrong_subscription_is_refused(caller: Any) -> None:
    unknown = caller.raw("POST", "/open-apis/drive/v1/files/nothing/subscribe", file_type="bitable")
    wrong = caller.raw("POST", files(caller, "subscribe"), file_type="docx")
    caller.emu.state.revoke(caller.app_token, caller.emu.app_id)
    foreign = caller.raw("POST", files(caller, "subscribe"), file_type="bitable")

    assert [(each.status_code, each.json()["code"]) for each in (unknown, wrong, foreign)] == [
        (400, 1069604),
        (400, 1069602),
        (403, 1069603),
    ]


def test_event_of_a_call_holds_all_its_rows(subscribed: Any, listener: Listener) -> None:
    caller, emu = subscribed, subscribed.emu
    made = caller.create({"Name": "a", "Qty": 1.5, "Kind": "x"}, {"Name": "b", "Ok": True, "Tags": ["p", "q"]})

    (event,) = told(caller, listener)

    header, body = event["header"], event["event"]
    assert (event["schema"], header["event_type"], header["token"]) == ("2.0", RECORD, "v-token")
    assert (header["app_id"], header["tenant_key"]) == (emu.app_id, emu.state.tenant_key)
    assert header["create_time"] == str(emu.state.now_ms)
    assert (body["file_type"], body["file_token"], body["table_id"]) == ("bitable", caller.app_token, caller.table_id)
    assert body["operator_id"]["open_id"] == emu.state.apps[emu.app_id].open_id
    assert body["subscriber_id_list"] == [body["operator_id"]]
    assert body["update_time"] == emu.state.now_ms // 1000
    assert [(each["record_id"], each["action"]) for each in body["action_list"]] == [
        (each, "record_added") for each in made
    ]
    assert "before_value" not in body["action_list"][0]
    options = emu.state.table(caller.app_token, caller.table_id).field_named("Kind").options
    assert cells(caller, body["action_list"][0]["after_value"]) == {"Name": "a", "Qty": "1.5", "Kind": options[0]["id"]}
    tags = emu.state.table(caller.app_token, caller.table_id).field_named("Tags").options
    second = cells(caller, body["action_list"][1]["after_value"])
    assert (second["Ok"], json.loads(second["Tags"])) == ("true", [each["id"] for each in tags])


def test_edit_tells_the_changed_fields_and_delete_the_last_values(subscribed: Any, listener: Listener) -> None:
    person, place = subscribed.emu.person, (subscribed.app_token, subscribed.table_id)
    record_id = person.add_record(*place, {"Name": "a", "Qty": 1})
    person.edit_record(*place, record_id, {"Name": "a", "Qty": None, "Day": 1_767_225_600_000})
    person.edit_record(*place, record_id, {"Name": "a"})
    person.delete_record(*place, record_id)

    _, edited, deleted = [each["event"] for each in told(subscribed, listener)]

    (action,) = edited["action_list"]
    assert cells(subscribed, action["before_value"]) == {"Qty": "1", "Day": ""}
    assert cells(subscribed, action["after_value"]) == {"Qty": "", "Day": "1767225600000"}
    assert edited["operator_id"]["open_id"] == subscribed.emu.state.person.open_id
    (action,) = deleted["action_list"]
    assert (action["action"], "after_value" in action) == ("record_deleted", False)
    assert cells(subscribed, action["before_value"])["Name"] == "a"


def test_user_field_names_the_people(subscribed: Any, listener: Listener) -> None:
    ann = subscribed.emu.state.add_user("Ann")
    subscribed.emu.person.add_field(subscribed.app_token, subscribed.table_id, {"field_name": "Who", "type": 11})
    subscribed.create({"Who": [{"id": ann.open_id}]})

    value = told(subscribed, listener)[-1]["event"]["action_list"][0]["after_value"][0]

    (user,) = value["field_identity_value"]["users"]
    ids = {"open_id": ann.open_id, "union_id": ann.union_id, "user_id": ann.user_id}
    assert (user["user_id"], user["name"]) == (ids, "Ann")


def test_computed_cells_neither_fire_nor_appear(subscribed: Any, listener: Listener) -> None:
    person, place = subscribed.emu.person, (subscribed.app_token, subscribed.table_id)
    person.add_field(*place, {"field_name": "Sum", "type": 20})
    record_id = person.add_record(*place, {"Name": "a"})
    person.set_computed(*place, record_id, "Sum", 3)
    person.delete_record(*place, record_id)

    events = told(subscribed, listener)

    assert [each["header"]["event_type"].split("_")[1] for each in events] == ["field", "record", "record"]
    assert cells(subscribed, events[-1]["event"]["action_list"][0]["before_value"]) == {"Name": "a"}


def test_field_events_show_before_and_after(subscribed: Any, listener: Listener) -> None:
    table = subscribed.table
    field_id = subscribed.call("POST", f"{table}/fields", {"field_name": "New", "type": 1})["data"]["field"]["field_id"]
    subscribed.call("PUT", f"{table}/fields/{field_id}", {"field_name": "Newer", "type": 1})
    subscribed.call("DELETE", f"{table}/fields/{field_id}")

    actions = [each["event"]["action_list"][0] for each in told(subscribed, listener)]

    assert [each["action"] for each in actions] == ["field_added", "field_edited", "field_deleted"]
    assert {each["field_id"] for each in actions} == {field_id}
    shown = [(each.get("before_value", {}).get("name"), each.get("after_value", {}).get("name")) for each in actions]
    assert shown == [(None, "New"), ("New", "Newer"), ("Newer", None)]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"scopes": ["im:message"]}, id="no scope for it"),
        pytest.param({"enabled": False}, id="app off"),
    ],
)
def test_app_that_may_not_hear_hears_nothing(subscribed: Any, listener: Listener, settings: dict[str, Any]) -> None:
    subscribed.emu.state.set_app(subscribed.emu.app_id, **settings)
    subscribed.emu.person.add_record(subscribed.app_token, subscribed.table_id, {"Name": "a"})

    assert told(subscribed, listener) == []


def test_nothing_is_heard_without_both_steps(caller: Any, listener: Listener) -> None:
    caller.emu.state.set_event_url(caller.emu.app_id, listener.url, event_types=["other"])
    caller.create({"Name": "not subscribed"})
    caller.call("POST", files(caller, "subscribe"), file_type="bitable")
    caller.create({"Name": "event not added in the console"})

    assert told(caller, listener) == []


def test_refused_call_is_no_news(subscribed: Any, listener: Listener) -> None:
    assert subscribed.code("POST", subscribed.records, {"fields": {"Nope": 1}}) == 1254045

    assert told(subscribed, listener) == []


@pytest.mark.parametrize(("digits", "length"), [pytest.param(13, 13, id="ms"), pytest.param(16, 16, id="us")])
def test_create_time_follows_its_switch(subscribed: Any, listener: Listener, digits: int, length: int) -> None:
    subscribed.emu.switches.event_time_digits = digits
    subscribed.create({"Name": "a"})

    assert len(told(subscribed, listener)[0]["header"]["create_time"]) == length


# the envelope on its way


def test_aes_and_signature_give_the_published_vectors() -> None:
    sealed = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
    body = json.dumps({"encrypt": sealed}, separators=(",", ":")).encode()

    assert crypto.encrypt(b"hello world", "test key", base64.b64decode(sealed)[:16]) == sealed
    assert crypto.sign("1599360473", "nonce1", "test key", body) == (
        "ee8135faf2b7472beb66183fd3bde52c40839d19923d173fb3c273d8bb72e2d9"
    )


def test_encrypted_event_is_signed_over_the_bytes_sent(caller: Any, listener: Listener) -> None:
    listener.encrypt_key = "k"
    caller.emu.state.set_event_url(caller.emu.app_id, listener.url, encrypt_key="k", verification_token="v")
    caller.call("POST", files(caller, "subscribe"), file_type="bitable")
    caller.create({"Name": "ä"})

    assert told(caller, listener)[0]["header"]["token"] == "v"

    (heard,) = listener.heard
    parts = [heard.headers[f"x-lark-request-{name}"] for name in ("timestamp", "nonce")]
    wanted = hashlib.sha256("".join([*parts, "k"]).encode() + heard.body).hexdigest()
    assert heard.headers["x-lark-signature"] == wanted
    assert set(json.loads(heard.body)) == {"encrypt"}


def test_plain_event_carries_no_signature(subscribed: Any, listener: Listener) -> None:
    subscribed.create({"Name": "a"})
    told(subscribed, listener)

    assert not any(name.startswith("x-lark") for name in listener.heard[0].headers)


@pytest.mark.parametrize("answer", [b"{}", b"not json", b'{"challenge": "other"}', b"[]"])
def test_url_that_does_not_return_the_challenge_is_not_kept(caller: Any, listener: Listener, answer: bytes) -> None:
    listener.challenge_answer = answer

    with pytest.raises(Unacknowledged, match="challenge"):
        caller.emu.state.set_event_url(caller.emu.app_id, listener.url)
    assert caller.emu.state.apps[caller.emu.app_id].endpoint is None


@pytest.mark.parametrize("url", ["ftp://x/y", "nonsense", "http://", "http://x:0/", "http://x:99999/"])
def test_url_that_is_none_is_refused(caller: Any, url: str) -> None:
    with pytest.raises(ValueError, match=r"http|Port"):
        caller.emu.state.set_event_url(caller.emu.app_id, url)


def test_refused_event_is_sent_again_after_15_s_5_min_1_h_6_h_and_dropped(
    subscribed: Any, listener: Listener, clock: Any
) -> None:
    listener.answers.extend([500] * 5)
    subscribed.create({"Name": "a"})

    seen = []
    for wait in (0, 14, 1, 299, 1, 3599, 1, 21599, 1, 86400):
        clock.advance(wait)
        seen.append(len(told(subscribed, listener)))

    assert seen == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert len({each["header"]["event_id"] for each in listener.events()}) == 1
    (delivery,) = subscribed.emu.events.log()
    assert (delivery.state, delivery.attempts) == ("dropped", 5)
    assert "HTTP 500" in delivery.last_error


def test_retry_that_is_taken_ends_the_matter(subscribed: Any, listener: Listener, clock: Any) -> None:
    listener.answers.append(500)
    subscribed.create({"Name": "a"})
    told(subscribed, listener)
    clock.advance(15)

    assert len(told(subscribed, listener)) == 2
    assert [each.state for each in subscribed.emu.events.log()] == ["delivered"]


def test_silence_beyond_the_ack_time_counts_as_refusal(subscribed: Any, listener: Listener, clock: Any) -> None:
    subscribed.emu.switches.ack_seconds = 0.05
    listener.answers.append(0)
    subscribed.create({"Name": "a"})
    told(subscribed, listener)

    assert "did not answer within 0.05 s" in subscribed.emu.events.log()[0].last_error
    clock.advance(15)
    assert len(told(subscribed, listener)) == 2


def test_dead_url_is_retried(caller: Any, listener: Listener) -> None:
    caller.emu.state.set_event_url(caller.emu.app_id, listener.url)
    listener.stop()
    caller.call("POST", files(caller, "subscribe"), file_type="bitable")
    caller.create({"Name": "a"})
    caller.emu.events.settle()

    (delivery,) = caller.emu.events.log()
    assert (delivery.state, delivery.attempts) == ("waiting", 1)


def test_duplicates_and_disorder_by_switch(subscribed: Any, listener: Listener, clock: Any) -> None:
    subscribed.emu.switches.update({"event_copies": 2, "events_out_of_order": True})
    for name in ("first", "second"):
        subscribed.create({"Name": name})
    told(subscribed, listener)
    clock.advance(1)
    told(subscribed, listener)

    ids = [each["header"]["event_id"] for each in listener.events()]
    names = [
        next(iter(cells(subscribed, each["event"]["action_list"][0]["after_value"]).values()))
        for each in listener.events()
    ]
    assert names == ["second", "second", "first", "first"]
    assert (ids[0] == ids[1], ids[2] == ids[3], ids[0] != ids[2]) == (True, True, True)


def test_delay_by_switch_is_of_the_first_try_by_the_emulator_s_clock(
    subscribed: Any, listener: Listener, clock: Any
) -> None:
    subscribed.emu.switches.event_delay_seconds = 30
    subscribed.create({"Name": "late"})
    clock.advance(29)
    told(subscribed, listener)
    assert listener.events() == []
    clock.advance(1)
    told(subscribed, listener)
    assert len(listener.events()) == 1


def test_stop_does_not_wait_for_a_silent_url(listener: Listener) -> None:
    emu = Emulator().start()
    emu.switches.ack_seconds = 600
    base = emu.state.create_base("b")
    table = emu.state.create_table(base.app_token, "t", [{"field_name": "Name", "type": 1}])
    emu.state.set_event_url(emu.app_id, listener.url)
    emu.state.subscriptions.add(base.app_token, emu.app_id, emu.state.person.open_id)
    listener.answers.append(0)
    emu.person.add_record(base.app_token, table.table_id, {"Name": "a"})
    assert listener.called.wait(60)
    before = emu.clock.now()
    emu.stop()

    assert emu.clock.now() - before < emu.switches.ack_seconds / 10
    assert emu.events.log()[0].state == "waiting"


def test_reset_forgets_events_and_subscriptions(subscribed: Any, listener: Listener) -> None:
    subscribed.create({"Name": "a"})
    told(subscribed, listener)
    subscribed.emu.reset()

    assert subscribed.emu.events.log() == []
    assert subscribed.emu.state.apps[subscribed.emu.app_id].endpoint is None


def test_control_sets_the_url_and_shows_deliveries_without_content(caller: Any, listener: Listener) -> None:
    given = {"app_id": caller.emu.app_id, "url": listener.url, "encrypt_key": "hush"}
    listener.encrypt_key = "hush"
    answers = [caller.http.post("/_emulator/state/set_event_url", json=given)]
    caller.call("POST", files(caller, "subscribe"), file_type="bitable")
    caller.create({"Name": "a cell"})
    answers += [caller.http.post("/_emulator/events/settle"), caller.http.get("/_emulator/events")]

    assert [each.status_code for each in answers] == [200, 200, 200]
    assert [each["state"] for each in answers[-1].json()["result"]] == ["delivered"]
    assert not any("hush" in each.text or "a cell" in each.text for each in answers)
    caller.http.delete("/_emulator/events")
    assert caller.http.get("/_emulator/events").json()["result"] == []
    listener.challenge_answer = b"{}"
    refused = caller.http.post("/_emulator/state/set_event_url", json=given)
    assert (refused.status_code, "challenge" in refused.json()["error"]) == (400, True)


def test_waiting_events_go_on_after_a_restart(subscribed: Any, listener: Listener, clock: Any) -> None:
    listener.answers.append(500)
    subscribed.create({"Name": "a"})
    told(subscribed, listener)
    subscribed.emu.events.stop()
    clock.advance(15)
    subscribed.emu.events.start()

    assert len(told(subscribed, listener)) == 2


def test_event_on_its_way_does_not_survive_a_reset(subscribed: Any, listener: Listener) -> None:
    listener.answers.append(0)
    subscribed.create({"Name": "a"})
    assert listener.called.wait(60)
    subscribed.emu.reset()
    listener.released.set()
    subscribed.emu.events.settle()

    assert subscribed.emu.events.log() == []


def test_events_come_without_asking(subscribed: Any, listener: Listener) -> None:
    subscribed.create({"Name": "a"})

    assert listener.called.wait(60)


def test_app_may_ask_back_while_it_is_told(subscribed: Any, listener: Listener) -> None:
    asked: list[dict[str, Any]] = []
    listener.on_event = lambda: asked.append(subscribed.search())
    subscribed.create({"Name": "a"})
    told(subscribed, listener)

    assert [each["total"] for each in asked] == [1]


def test_many_writers_lose_no_event(subscribed: Any, listener: Listener) -> None:
    person, place = subscribed.emu.person, (subscribed.app_token, subscribed.table_id)
    writers = [
        threading.Thread(target=lambda: [person.add_record(*place, {"Name": "a"}) for _ in range(25)]) for _ in range(4)
    ]
    for each in writers:
        each.start()
    for each in writers:
        each.join()

    added = [each["event"]["action_list"][0]["record_id"] for each in told(subscribed, listener)]
    assert sorted(added) == sorted(each["record_id"] for each in person.records(*place))
    assert len({each["header"]["event_id"] for each in listener.events()}) == 100


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://127.0.0.1:1/ä", "http://\udcff/", "https://127.0.0.1:1/"]
)
def test_url_out_of_reach_does_not_end_the_delivery_of_others(caller: Any, listener: Listener, url: str) -> None:
    emu = caller.emu
    emu.state.set_event_url(emu.app_id, url, verify=False)
    emu.state.add_app("cli_good", "secret")
    emu.state.set_event_url("cli_good", listener.url)
    for app_id in (emu.app_id, "cli_good"):
        emu.state.subscriptions.add(caller.app_token, app_id, emu.state.apps[app_id].open_id)
    emu.person.add_record(caller.app_token, caller.table_id, {"Name": "lone \udcff surrogate"})
    emu.events.settle()

    assert {each.app_id: each.state for each in emu.events.log()} == {emu.app_id: "waiting", "cli_good": "delivered"}
