"""The approval centre of the emulator over plain HTTP: what it takes, what people press, and whom it tells."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_lark.emulator import Emulator
from tests.emulator.conftest import Caller
from tests.emulator.listener import Listener

AT = 1_767_225_600_000
LINKS = {"pc_link": "https://airflow.example/run", "mobile_link": "https://airflow.example/run"}
APPROVALS = "/open-apis/approval/v4/external_approvals"
INSTANCES = "/open-apis/approval/v4/external_instances"
KEY = "@i18n@0123456789"
TEXTS = [{"locale": "zh-CN", "is_default": True, "texts": [{"key": KEY, "value": "发布"}]}]


def definition(**changes: Any) -> dict[str, Any]:
    external = {"support_pc": True, "support_mobile": True, **changes.pop("external", {})}
    return {"approval_code": "mine", "approval_name": KEY, "external": external, "i18n_resources": TEXTS, **changes}


def instance(who: str, **changes: Any) -> dict[str, Any]:
    task = {
        "task_id": "t1",
        "open_id": who,
        "links": LINKS,
        "status": "PENDING",
        "create_time": str(AT),
        "end_time": "0",
        "update_time": str(AT),
        "action_context": "try 1",
        "action_configs": [
            {"action_type": "APPROVE"},
            {"action_type": "REJECT", "is_need_reason": True, "is_reason_required": True},
        ],
        **changes.pop("task", {}),
    }
    return {
        "approval_code": "mine",
        "instance_id": "i1",
        "status": "PENDING",
        "links": LINKS,
        "title": KEY,
        "open_id": who,
        "start_time": str(AT),
        "end_time": "0",
        "update_time": str(AT),
        "update_mode": "UPDATE",
        "task_list": [task],
        "i18n_resources": TEXTS,
        **changes,
    }


@pytest.fixture
def lin(emu: Emulator) -> Any:
    return emu.state.add_user("Lin", "lin@example.com")


@pytest.fixture
def waiting(caller: Caller, listener: Listener, lin: Any) -> Caller:
    """A caller whose instance waits for Lin; what she presses goes to the listener."""
    external = {"action_callback_url": listener.url, "action_callback_token": "cb-token"}
    assert caller.code("POST", APPROVALS, definition(external=external)) == 0
    assert caller.code("POST", INSTANCES, instance(lin.open_id)) == 0
    return caller


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"approval_code": "c" * 129}, id="code too long"),
        pytest.param({"approval_name": "Release"}, id="no key"),
        pytest.param({"approval_name": "@i18n@1"}, id="key too short"),
        pytest.param({"approval_name": "@i18n@unknown"}, id="key without text"),
        pytest.param({"external": {"support_pc": False, "support_mobile": False}}, id="shown nowhere"),
        pytest.param({"i18n_resources": []}, id="no texts"),
        pytest.param({"i18n_resources": [{**TEXTS[0], "is_default": False}]}, id="no default language"),
        pytest.param({"i18n_resources": [{**TEXTS[0], "locale": "zh_cn"}]}, id="language"),
        pytest.param({"group_code": "new"}, id="new group without name"),
        pytest.param({"viewers": [{"viewer_type": "TENANT"}] * 201}, id="viewers"),
        pytest.param({"viewers": [{"viewer_type": "USER", "viewer_user_id": "ou_x"}]}, id="unknown viewer"),
        pytest.param({"managers": ["ou_x"]}, id="unknown manager"),
    ],
)
def test_definition_is_refused(caller: Caller, changes: dict[str, Any]) -> None:
    assert caller.code("POST", APPROVALS, definition(**changes)) == 1390001


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "DONE"}, id="status of a task"),
        pytest.param({"links": {}}, id="no link"),
        pytest.param({"start_time": "soon"}, id="time"),
        pytest.param({"update_time": None}, id="no time"),
        pytest.param({"update_mode": "MERGE"}, id="mode"),
        pytest.param({"open_id": ""}, id="nobody asks"),
        pytest.param({"open_id": "ou_x"}, id="unknown person"),
        pytest.param({"title": "Release"}, id="title is no key"),
        pytest.param({"task": {"open_id": ""}}, id="task of nobody"),
        pytest.param({"task": {"status": "CANCELED"}}, id="status of an instance"),
        pytest.param({"task": {"action_configs": [{"action_type": "LATER"}]}}, id="own action without name"),
        pytest.param({"task": {"action_configs": [{"action_type": "APPROVE"}] * 3}}, id="three actions"),
        pytest.param({"task": {"generate_type": ""}}, id="empty kind"),
        pytest.param({"cc_list": [{"cc_id": "c"}] * 201}, id="copies"),
    ],
)
def test_instance_is_refused(waiting: Caller, lin: Any, changes: dict[str, Any]) -> None:
    assert waiting.code("POST", INSTANCES, instance(lin.open_id, **changes)) == 1390001


def test_too_many_tasks_and_a_long_form_are_refused(waiting: Caller, lin: Any) -> None:
    task = instance(lin.open_id)["task_list"][0]
    many = [{**task, "task_id": f"t{n}"} for n in range(301)]
    assert waiting.code("POST", INSTANCES, instance(lin.open_id, task_list=many)) == 1390001
    long = [{"locale": "zh-CN", "is_default": True, "texts": [{"key": KEY, "value": "长" * 1025}]}]
    form = [{"name": KEY, "value": KEY}]
    assert waiting.code("POST", INSTANCES, instance(lin.open_id, form=form, i18n_resources=long)) == 1390001


def test_unknown_members_are_refused_where_they_stand(waiting: Caller, lin: Any) -> None:
    assert waiting.code("POST", INSTANCES, instance(lin.open_id, colour="red")) == 99992402
    assert waiting.code("POST", INSTANCES, instance(lin.open_id, task={"colour": "red"})) == 99992402


def test_definition_of_another_app_is_unknown(waiting: Caller, emu: Emulator, lin: Any) -> None:
    emu.state.add_app("cli_other", "other-secret")
    answer = waiting.http.post(
        "/open-apis/auth/v3/tenant_access_token/internal", json={"app_id": "cli_other", "app_secret": "other-secret"}
    )
    waiting.headers = {"Authorization": f"Bearer {answer.json()['tenant_access_token']}"}
    assert waiting.code("POST", INSTANCES, instance(lin.open_id)) == 1390002


def test_ids_that_stand_twice_hide_the_instance(waiting: Caller, emu: Emulator, lin: Any) -> None:
    answer = waiting.call("POST", INSTANCES, instance(lin.open_id, update_mode="REPLACE", task={"task_id": "i1"}))
    assert answer["code"] == 0
    with pytest.raises(ValueError, match="does not show the instance"):
        emu.decisions.press("i1", "i1")


def test_update_takes_the_instance_and_each_task_only_as_far_as_they_are_newer(waiting: Caller, lin: Any) -> None:
    wei = {**instance(lin.open_id)["task_list"][0], "task_id": "t2"}
    body = instance(lin.open_id, status="APPROVED", update_time=str(AT - 1), task={"status": "APPROVED"})
    body["task_list"].append(wei)
    assert waiting.code("POST", INSTANCES, body) == 0
    listed = waiting.call("GET", "/open-apis/approval/v4/external_tasks", {"instance_ids": ["i1"]})["data"]["data"]
    assert [(each["status"], each["update_time"]) for each in listed] == [("PENDING", str(AT))]
    assert [(each["id"], each["status"]) for each in listed[0]["tasks"]] == [("t1", "PENDING"), ("t2", "PENDING")]


def test_press_tells_the_system_that_asked(waiting: Caller, emu: Emulator, listener: Listener, lin: Any) -> None:
    pressed = emu.decisions.press("i1", "t1", "REJECT", reason="数字不对")
    assert (pressed.status, pressed.shown) == (200, "")
    (told,) = listener.events()
    assert told == {
        "action_type": "REJECT",
        "action_context": "try 1",
        "user_id": lin.user_id,
        "approval_code": told["approval_code"],
        "instance_id": "i1",
        "task_id": "t1",
        "reason": "数字不对",
        "attachments": [],
        "token": "cb-token",
    }
    assert told["approval_code"] != "mine"
    # the centre changes nothing by itself
    emu.switches.approval_callback_code = "own"
    emu.decisions.press("i1", "t1", way="search")
    assert {"approval_code": "mine", "id": "t1"}.items() <= listener.events()[1].items()
    assert "instance_id" not in listener.events()[1]


def test_press_is_sealed_with_the_key_of_the_definition(
    waiting: Caller, emu: Emulator, listener: Listener, lin: Any
) -> None:
    listener.encrypt_key = "cb-key"
    external = {"action_callback_url": listener.url, "action_callback_token": "t", "action_callback_key": "cb-key"}
    assert waiting.code("POST", APPROVALS, definition(external=external)) == 0
    emu.decisions.press("i1", "t1")
    assert b"Lin" not in listener.heard[0].body
    assert listener.heard[0].body.startswith(b'{"encrypt"')
    assert listener.events()[0]["action_type"] == "APPROVE"


def test_person_sees_what_went_wrong(waiting: Caller, emu: Emulator, listener: Listener) -> None:
    listener.answers.extend([500, 0])
    emu.switches.approval_callback_seconds = 0.2
    assert "HTTP 500" in emu.decisions.press("i1", "t1").shown
    assert "did not answer within 0.2 s" in emu.decisions.press("i1", "t1").shown


def test_system_may_push_its_answer_while_the_person_waits(
    waiting: Caller, emu: Emulator, listener: Listener, lin: Any
) -> None:
    done = instance(
        lin.open_id, status="APPROVED", update_time=str(AT + 1), task={"status": "APPROVED", "update_time": str(AT + 1)}
    )
    listener.on_event = lambda: waiting.code("POST", INSTANCES, done)
    pressing = threading.Thread(target=emu.decisions.press, args=("i1", "t1"))
    pressing.start()
    pressing.join(timeout=60)
    assert not pressing.is_alive()
    with pytest.raises(ValueError, match="it has no buttons"):
        emu.decisions.press("i1", "t1")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"action_type": "LATER"}, "no button LATER", id="button"),
        pytest.param({"action_type": "REJECT", "reason": " "}, "needs a reason", id="reason"),
        pytest.param({"instance_id": "nope"}, "nope", id="instance"),
    ],
)
def test_control_presses_and_refuses(waiting: Caller, given: dict[str, Any], words: str) -> None:
    answer = waiting.http.post("/_emulator/approvals/press", json={"instance_id": "i1", "task_id": "t1", **given})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_control_lists_presses(waiting: Caller, lin: Any) -> None:
    waiting.http.post("/_emulator/approvals/press", json={"instance_id": "i1", "task_id": "t1"}).raise_for_status()
    (pressed,) = waiting.http.get("/_emulator/approvals/presses").json()["result"]
    assert (pressed["action_type"], pressed["open_id"], pressed["status"]) == ("APPROVE", lin.open_id, 200)


def test_definition_without_a_callback_has_no_buttons(caller: Caller, emu: Emulator, lin: Any) -> None:
    assert caller.code("POST", APPROVALS, definition()) == 0
    assert caller.code("POST", INSTANCES, instance(lin.open_id)) == 0
    with pytest.raises(ValueError, match="no action_callback_url"):
        emu.decisions.press("i1", "t1")
