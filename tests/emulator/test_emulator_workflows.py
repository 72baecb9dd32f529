"""Automations of a base: what the API says of them, and what starts them (lark-api §4.8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.listener import Listener

ALL = ["pasteUpdate", "automationBatchUpdate", "syncUpdate", "appendImport"]


def text(value: str) -> list[dict[str, Any]]:
    return [{"value_type": "text", "value": value}]


def steps(url: str, *, table: str = "goods", **trigger: Any) -> list[dict[str, Any]]:
    start = {"table_name": table, "trigger_control_list": ALL, "condition_list": None, **trigger}
    post = {
        "method": "POST",
        "url": text(url),
        "headers": [{"key": "X-Token", "value": text("t0ken")}],
        "body_type": "raw",
        "raw_body": [*text('{"record":"'), {"value_type": "ref", "value": "$.changed.recordId"}, *text('"}')],
        "response_type": "none",
    }
    return [
        {"id": "changed", "type": "ChangeRecordTrigger", "next": "post", "data": start},
        {"id": "post", "type": "HTTPClientAction", "next": None, "data": post},
    ]


@pytest.fixture
def flows(caller: Any) -> str:
    return f"/open-apis/base/v3/bases/{caller.app_token}/workflows"


def make(caller: Any, flows: str, given: list[dict[str, Any]], token: str = "1") -> str:
    made = caller.call("POST", flows, {"client_token": token, "title": "Feed", "steps": given})["data"]
    assert made["status"] == "disabled"
    workflow_id: str = made["workflow_id"]
    assert caller.call("PATCH", f"{flows}/{workflow_id}/enable", {})["data"]["status"] == "enabled"
    return workflow_id


def told(caller: Any, listener: Listener) -> list[str]:
    caller.emu.automations.settle()
    found = [each["record"] for each in listener.events()]
    listener.heard.clear()
    return found


def test_life_of_an_automation(caller: Any, flows: str) -> None:
    made = steps("http://127.0.0.1:1/x")
    first = make(caller, flows, made)
    again = caller.call("POST", flows, {"client_token": "1", "title": "Other"})["data"]
    second = make(caller, flows, made, token="2")
    page = caller.call("POST", f"{flows}/list", {"page_size": 1})["data"]
    rest = caller.call("POST", f"{flows}/list", {"page_size": 1, "page_token": page["page_token"]})["data"]
    changed = caller.call("PUT", f"{flows}/{first}", {"title": "Mine"})["data"]
    blocks = caller.call("POST", flows.replace("workflows", "blocks/list"), {})["data"]["blocks"]
    assert caller.code("DELETE", flows.replace("workflows", f"blocks/{second}")) == 0

    assert again["workflow_id"] == first
    assert [each["workflow_id"] for each in (*page["items"], *rest["items"])] == [first, second]
    assert (page["has_more"], rest["has_more"], page["items"][0]["trigger_type"]) == (
        True,
        False,
        "ChangeRecordTrigger",
    )
    assert (changed["title"], changed["steps"], changed["status"]) == ("Mine", [], "enabled")
    assert [(each["id"], each["name"]) for each in blocks if each["type"] == "workflow"] == [
        (first, "Mine"),
        (second, "Feed"),
    ]
    assert [caller.code("GET", f"{flows}/{each}") for each in (first, second)] == [0, 2200]
    assert caller.code("PATCH", f"{flows}/{first}/disable", {}) == 0
    assert caller.call("POST", f"{flows}/list", {"status": "enabled"})["data"]["items"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"condition_list": []}, 800010701, id="no group"),
        pytest.param({"condition_list": [{"conditions": []}]}, 800010701, id="an empty group"),
        pytest.param({"table_name": "no table"}, 800010701, id="table"),
        pytest.param({"trigger_control_list": ["openAPIBatchUpdate"]}, 800010701, id="a control of another trigger"),
    ],
)
def test_trigger_that_is_refused(caller: Any, flows: str, change: dict[str, Any], code: int) -> None:
    assert caller.code("POST", flows, {"client_token": "1", "steps": steps("http://x/", **change)}) == code


def test_steps_that_are_refused(caller: Any, flows: str) -> None:
    trigger, post = steps("http://x/")
    json_answer = {**post, "data": {**post["data"], "response_type": "json"}}
    unknown = {**post, "data": {**post["data"], "url": [{"value_type": "ref", "value": "$.nobody.recordId"}]}}
    wrong = ([trigger, trigger], [trigger], [{**trigger, "type": "CreateTrigger"}, post], [trigger, json_answer])
    codes = [caller.code("POST", flows, {"client_token": "1", "steps": each}) for each in (*wrong, [trigger, unknown])]

    assert codes == [2200, 2200, 800010701, 800010701, 800010701]
    assert caller.code("POST", flows, {"steps": []}) == 800004006
    assert caller.code("PATCH", f"{flows}/wkf1/enable", {}) == 2200


def test_changes_by_people_start_it_and_deletes_and_the_api_do_not(caller: Any, flows: str, listener: Listener) -> None:
    workflow_id = make(caller, flows, steps(listener.url))
    person, place = caller.emu.person, (caller.app_token, caller.table_id)
    first = person.add_record(*place, {"Name": "a"})
    person.edit_record(*place, first, {"Name": "b"})
    assert told(caller, listener) == [first, first]

    (made,) = caller.create({"Name": "c"})
    person.delete_record(*place, first)
    assert told(caller, listener) == []
    caller.emu.switches.workflows_fire_on_api = True
    (other,) = caller.create({"Name": "d"})
    assert told(caller, listener) == [other]

    person.set_workflow(caller.app_token, workflow_id, enabled=False)
    person.edit_record(*place, made, {"Name": "e"})
    assert told(caller, listener) == []
    assert {run.state for run in caller.emu.automations.log()} == {"done"}


@pytest.mark.parametrize("how", ALL)
def test_way_that_the_trigger_does_not_name_starts_nothing(
    caller: Any, flows: str, listener: Listener, how: Any
) -> None:
    others = [each for each in ALL if each != how]
    make(caller, flows, steps(listener.url, trigger_control_list=others))
    place = (caller.app_token, caller.table_id)

    caller.emu.person.add_records(*place, [{"Name": "a"}], how=how)
    (typed,) = caller.emu.person.add_records(*place, [{"Name": "b"}])
    (named,) = caller.emu.person.add_records(*place, [{"Name": "c"}], how=others[0])

    assert told(caller, listener) == [typed, named]


def test_steps_that_lead_back_end(caller: Any, flows: str, listener: Listener) -> None:
    trigger, post = steps(listener.url)
    make(caller, flows, [trigger, {**post, "next": "post"}])
    made = caller.emu.person.add_record(caller.app_token, caller.table_id, {"Name": "a"})
    assert told(caller, listener) == [made, made]


def test_conditions_are_those_of_any_group(caller: Any, flows: str, listener: Listener) -> None:
    caller.emu.switches.workflows_need_conditions = True
    body = {"client_token": "1", "steps": steps(listener.url)}
    assert caller.call("POST", flows, body)["msg"] == "recordInfo.conditions must be non-empty"
    groups = [{"conjunction": "and", "conditions": [{"field_name": "Name", "operator": "isNotEmpty"}]}]
    make(caller, flows, steps(listener.url, condition_list=groups))
    place = (caller.app_token, caller.table_id)

    caller.emu.person.add_record(*place, {"Qty": 1})
    named = caller.emu.person.add_record(*place, {"Name": "a"})

    assert told(caller, listener) == [named]


@pytest.mark.parametrize("follows", [False, True])
def test_table_that_gets_another_name(caller: Any, flows: str, listener: Listener, follows: bool) -> None:
    caller.emu.switches.workflows_follow_renames = follows
    workflow_id = make(caller, flows, steps(listener.url))
    caller.emu.person.rename_table(caller.app_token, caller.table_id, "wares")
    made = caller.emu.person.add_record(caller.app_token, caller.table_id, {"Name": "a"})

    assert told(caller, listener) == ([made] if follows else [])
    shown = caller.call("GET", f"{flows}/{workflow_id}")["data"]["steps"][0]["data"]["table_name"]
    assert shown == ("wares" if follows else "goods")


def test_plan_that_has_run_out_and_an_address_that_does_not_answer(caller: Any, flows: str, listener: Listener) -> None:
    listener.answers.append(503)
    make(caller, flows, steps(listener.url))
    caller.emu.switches.max_workflow_runs = 2
    place = (caller.app_token, caller.table_id)
    made = caller.emu.person.add_records(*place, [{"Name": each} for each in "abc"])

    # what is refused is not sent again
    assert told(caller, listener) == made[:2]
    assert [(run.state, run.status) for run in caller.emu.automations.log()] == [("failed", 503), ("done", 200)]
    assert "t0ken" not in str([run.to_dict() for run in caller.emu.automations.log()]) + repr(
        caller.emu.automations.log()
    )


def test_who_may(caller: Any, flows: str) -> None:
    caller.emu.state.set_app(caller.emu.app_id, scopes=["bitable:app", "base:workflow:read"])
    assert caller.code("POST", f"{flows}/list", {}) == 0
    refused = caller.raw("POST", flows, {"client_token": "1"})
    assert (refused.json()["code"], "base:workflow:create" in refused.text) == (99991672, True)
    caller.emu.state.revoke(caller.app_token, caller.emu.app_id)
    assert caller.code("POST", f"{flows}/list", {}) == 91403
    caller.emu.switches.serves_workflows = False
    gone = caller.raw("POST", f"{flows}/list", {})
    assert (gone.status_code, gone.json()["code"]) == (404, 99991201)
