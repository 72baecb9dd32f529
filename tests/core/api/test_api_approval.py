"""The approval centre through the client, against the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.services.approval import (
    Action,
    DecisionCallback,
    Definition,
    ExternalCopy,
    ExternalInstance,
    ExternalTask,
    InstanceState,
)
from airflow_provider_lark.core.api.services.approval.texts import Texts
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, NotFound
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

AT = 1_767_225_600_000
CODE = "airflow.release"
LINK = "https://airflow.example/dags/release"


@pytest.fixture
def lin(emu: Emulator) -> str:
    return emu.state.add_user("Lin", "lin@example.com").open_id


@pytest.fixture
def defined(lark: LarkClient) -> LarkClient:
    lark.approval.upsert_definition(Definition(CODE, {"zh-CN": "发布审批", "en-US": "Release"}))
    return lark


def task(open_id: str, **changes: Any) -> ExternalTask:
    made = ExternalTask("task-lin", LINK, "PENDING", AT, AT, open_id=open_id, actions=(Action("APPROVE"),))
    return replace(made, **changes)


def instance(open_id: str, **changes: Any) -> ExternalInstance:
    made = ExternalInstance(
        CODE, "run-1", "PENDING", LINK, AT, AT, title="Release 1.2", user_name="Airflow", tasks=(task(open_id),)
    )
    return replace(made, **changes)


def test_definition_is_made_once_and_replaced_by_its_own_code(emu: Emulator, lark: LarkClient, lin: str) -> None:
    callback = DecisionCallback("https://lark.example/approval", Secret("canary-token"), Secret("canary-key"))
    made = Definition(
        CODE,
        "Release",
        group_code="data",
        group_name="Data",
        description={"zh-CN": "数据", "en-US": "Data"},
        biz_name="Airflow",
        callback=callback,
        allow_batch=True,
        managers=[lin],
        default_locale="en-US",
    )
    first = lark.approval.upsert_definition(made)
    again = lark.approval.upsert_definition(replace(made, name="Release to production", group_code="", group_name=""))
    assert first == again != CODE

    found = lark.approval.get_definition(approval_code=CODE)
    assert (found["approval_code"], found["group_code"]) == (CODE, "data")
    texts = {each["key"]: each["value"] for each in found["i18n_resources"][0]["texts"]}
    assert texts[found["approval_name"]] == "Release to production"
    assert found["external"]["action_callback_url"] == callback.url
    assert "canary" not in f"{found}{callback!r}{made!r}"


def test_instance_shows_its_tasks_and_takes_only_what_is_newer(defined: LarkClient, lin: str) -> None:
    copy = ExternalCopy("copy-1", LINK, AT, AT, open_id=lin)
    defined.approval.push_instance(instance(lin, form=[("Rows", {"zh-CN": "三", "en-US": "3"})], copies=(copy,)))
    done = task(lin, status="APPROVED", updated_ms=AT + 2, ended_ms=AT + 2, complete_reason="approved")
    defined.approval.push_instance(
        instance(lin, status="APPROVED", updated_ms=AT + 2, ended_ms=AT + 2, tasks=(done,), copies=(copy,))
    )
    # a delayed push of what was before
    defined.approval.push_instance(instance(lin, updated_ms=AT + 1, tasks=(task(lin, updated_ms=AT + 1),)))

    (page,) = defined.approval.task_pages(instance_ids=["run-1"])
    assert [(each.status, each.updated_ms) for each in page.items] == [("APPROVED", AT + 2)]
    assert [(each.task_id, each.status) for each in page.items[0].tasks] == [("task-lin", "APPROVED")]

    defined.approval.push_instance(instance(lin), mode="REPLACE")
    (page,) = defined.approval.task_pages(instance_ids=["run-1"])
    assert [each.status for each in page.items] == ["PENDING"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(InstanceState("run-1", AT, {"task-lin": AT}), [], id="as it is"),
        pytest.param(InstanceState("run-2", AT, {"task-lin": AT}), [InstanceState("run-2", 0)], id="no instance"),
        pytest.param(
            InstanceState("run-1", AT, {"task-wei": AT}), [InstanceState("run-1", AT, {"task-wei": 0})], id="no task"
        ),
        pytest.param(
            InstanceState("run-1", AT, {"task-lin": AT + 1}),
            [InstanceState("run-1", AT, {"task-lin": AT})],
            id="task differs",
        ),
        pytest.param(
            InstanceState("run-1", AT + 5, {"task-lin": AT}), [InstanceState("run-1", AT)], id="instance differs"
        ),
    ],
)
def test_check_tells_what_differs(
    defined: LarkClient, lin: str, asked: InstanceState, expected: list[InstanceState]
) -> None:
    defined.approval.push_instance(instance(lin))
    assert defined.approval.check_instances([asked]) == expected


def test_tasks_are_listed_by_definition_and_person_page_by_page(
    emu: Emulator, defined: LarkClient, lin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_lark.core.api.services.approval.APPROVAL_TASK_PAGE_MAX", 2)
    for number in range(5):
        defined.approval.push_instance(instance(lin, instance_id=f"run-{number}"))
    user = emu.state.directory.find(lin, "open_id")
    assert user is not None
    found = [
        [each.instance_id for each in page.items]
        for page in defined.approval.task_pages(approval_codes=[CODE], user_ids=[user.user_id], status="PENDING")
    ]
    assert found == [["run-0", "run-1"], ["run-2", "run-3"], ["run-4"]]
    assert [page.items for page in defined.approval.task_pages(approval_codes=[CODE], status="APPROVED")] == [[]]


def test_async_client_does_the_same(emu: Emulator, lin: str, make_async_client: Callable[..., AsyncLarkClient]) -> None:
    async def run() -> list[str]:
        async with AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url) as client:
            await client.approval.upsert_definition(Definition(CODE, "Release"))
            await client.approval.push_instance(instance(lin))
            assert await client.approval.check_instances([InstanceState("run-1", AT, {"task-lin": AT})]) == []
            pages = client.approval.task_pages(instance_ids=["run-1"])
            return [each.status async for page in pages for each in page.items]

    assert asyncio.run(run()) == ["PENDING"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"approval_code": "c" * 129}, "1 to 128 characters, got 129", id="code too long"),
        pytest.param({"approval_code": ""}, "1 to 128 characters, got 0", id="no code"),
        pytest.param({"instance_id": ""}, "instance_id is empty", id="no id"),
        pytest.param({"user_name": ""}, "nobody is named who asks", id="nobody asks"),
        pytest.param({"form": [("a", "b")] * 4}, "form has 4 entries, and Lark shows 3", id="form of four"),
        pytest.param({"form": [("n", {"zh-CN": "b", "en-US": "x" * 2048})]}, "2049 characters", id="form too long"),
        pytest.param({"updated_ms": AT // 1000}, "updated_ms: expected UTC milliseconds", id="seconds"),
        pytest.param({"ended_ms": 5}, "ended_ms: expected UTC milliseconds", id="end"),
        pytest.param({"link": "javascript:alert(1)"}, "link must be an address", id="link"),
        pytest.param({"tasks": (task("ou_1"), task("ou_2"))}, "task-lin: the ids of", id="task id twice"),
        pytest.param({"tasks": (task("ou_1", task_id="run-1"),)}, "run-1: the ids of", id="task id of the instance"),
        pytest.param({"tasks": (task(""),)}, "task task-lin: nobody is named", id="task of nobody"),
        pytest.param(
            {"tasks": tuple(task("ou_1", task_id=f"t{n}") for n in range(301))}, "301 tasks; at most 300", id="tasks"
        ),
        pytest.param(
            {"copies": tuple(ExternalCopy(f"c{n}", LINK, AT, AT, open_id="ou_1") for n in range(201))},
            "201 copies; at most 200",
            id="copies",
        ),
        pytest.param(
            {"tasks": (task("ou_1", actions=(Action("APPROVE"), Action("APPROVE"))),)}, "may stand there once", id="two"
        ),
        pytest.param({"title": {"xx": "a"}}, "language 'xx': the approval centre knows", id="language"),
    ],
)
def test_what_lark_would_refuse_or_hide_is_not_sent(
    emu: Emulator, lark: LarkClient, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        lark.approval.push_instance(instance("ou_1", **changes))
    assert emu.counters() == {}


def test_text_in_no_language_is_refused() -> None:
    with pytest.raises(BadRequest, match="in at least one"):
        Texts().add({})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"name": ""}, "name is empty", id="name"),
        pytest.param({"managers": ["ou_1"] * 201}, "at most 200", id="managers"),
        pytest.param(
            {"callback": DecisionCallback("https://a.example", Secret(""))}, "anyone could decide", id="no token"
        ),
        pytest.param({"callback": DecisionCallback("a.example", Secret("t"))}, "begin with http", id="no address"),
        pytest.param({"default_locale": "en_us"}, "language 'en_us'", id="language"),
    ],
)
def test_definition_that_lark_would_refuse_is_not_sent(
    emu: Emulator, lark: LarkClient, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        lark.approval.upsert_definition(replace(Definition(CODE, "Release"), **changes))
    assert emu.counters() == {}


def test_listing_without_a_question_is_not_sent(lark: LarkClient) -> None:
    with pytest.raises(BadRequest, match="give instance_ids, or approval_codes and status"):
        next(iter(lark.approval.task_pages(approval_codes=[CODE])))
    with pytest.raises(BadRequest, match="at most 20"):
        next(iter(lark.approval.task_pages(instance_ids=[str(n) for n in range(21)])))


def test_refusals_say_what_to_do(emu: Emulator, lark: LarkClient, lin: str) -> None:
    with pytest.raises(NotFound, match=r"definition does not exist.*approval_code") as caught:
        lark.approval.push_instance(instance(lin))
    assert caught.value.code == 1390002
    lark.approval.upsert_definition(Definition(CODE, "Release"))
    with pytest.raises(BadRequest, match="ids of people, which must be in the tenant") as refused:
        lark.approval.push_instance(instance("ou_nobody"))
    assert refused.value.code == 1390001
    emu.state.set_app(DEFAULT_APP_ID, scopes=["bitable:app"])
    with pytest.raises(AccessDenied, match="approval:external_instance"):
        lark.approval.push_instance(instance(lin))


def test_internal_error_of_a_push_is_tried_again(emu: Emulator, defined: LarkClient, lin: str) -> None:
    emu.faults.add("POST /open-apis/approval/v4/external_instances", action="error", code=1395001, times=1)
    defined.approval.push_instance(instance(lin))
    assert emu.counters()["POST /open-apis/approval/v4/external_instances"] == 2
