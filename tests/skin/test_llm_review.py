"""Reviews of generated text: common.ai's own LLMOperator, with a model of pydantic-ai that stands for a real one.

The provider is not in our environment: its plugins would cost each process of Airflow a second.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from types import SimpleNamespace

import pytest
from airflow.sdk.execution_time import task_runner

from airflow_provider_lark.notifications.hitl import LarkHITLNotifier
from tests.emulator.foreign.installing import packages_home
from tests.skin.deciding import decisions

PACKAGES = (
    *("apache-airflow-providers-common-ai==1.0.0", "pydantic-ai-slim==2.68.0", "pydantic-graph==2.68.0"),
    *("genai-prices==0.2.3", "griffelib==2.4.1", "logfire-api==5.6.0"),
)


@pytest.fixture(scope="module")
def home():
    return packages_home(*PACKAGES)


@pytest.fixture
def llm(home, monkeypatch):
    """The operator's class, and what sets the text that the model writes next."""
    monkeypatch.syspath_prepend(str(home))
    for name in ("airflow", "airflow.providers", "airflow.providers.common"):
        package = importlib.import_module(name)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(home.joinpath(*name.split(".")))])
    hooks = importlib.import_module("airflow.providers.common.ai.hooks.pydantic_ai")
    operators = importlib.import_module("airflow.providers.common.ai.operators.llm")
    models = importlib.import_module("pydantic_ai.models.test")
    monkeypatch.setenv("AIRFLOW_CONN_LLM", json.dumps({"conn_type": "pydanticai", "extra": {"model": "openai:none"}}))

    def writes(text):
        monkeypatch.setattr(hooks, "infer_model", lambda *_, **__: models.TestModel(custom_output_text=text))

    # pydantic-ai runs on the thread's loop, and would make one that nobody closes
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield SimpleNamespace(operator=operators.LLMOperator, hook=hooks.PydanticAIHook, writes=writes)
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def room(emulator, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    asked = []
    supervisor = SimpleNamespace(send=lambda msg: asked.append(msg))
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    with decisions(emulator, tmp_path, monkeypatch) as opened:
        opened.asked = asked
        yield opened


def context_of(task, try_number):
    ti = SimpleNamespace(
        id="0199b8f0-0000-7000-8000-000000000000",
        dag_id="news",
        task_id=task.task_id,
        run_id="manual__1",
        map_index=-1,
        try_number=try_number,
        xcom_push=lambda *_, **__: None,
    )
    return {"ti": ti, "task_instance": ti, "run_id": ti.run_id, "task": task}


def write(room, llm, text, *, try_number=1):
    """Let a try write *text*, and ask for its review; return how it waits, and the task."""
    llm.writes(text)
    task = llm.operator(
        task_id="write",
        prompt="Write the news",
        llm_conn_id="llm",
        require_approval=True,
        allow_modifications=True,
        approval_notifiers=[LarkHITLNotifier(receive_id=room.chat_id)],
    )
    # Airflow knows the types of connections of those providers that were installed when it started
    vars(task)["llm_hook"] = llm.hook("llm")
    # before Airflow 3.3 it defers, which is another class
    with pytest.raises(BaseException) as caught:
        task.execute(context_of(task, try_number))
    assert type(caught.value).__name__ in ("TaskAwaitingInput", "TaskDeferred"), caught.value
    return caught.value, task


def test_retry_asks_about_its_own_draft_and_what_is_pressed_on_the_older_one_decides_nothing(room, llm):
    """Input 7.24."""
    write(room, llm, "draft A")
    assert "draft A" in room.shown()
    assert "To edit it before you approve" in room.shown()
    # Lark does not take the change of the card at this moment: its buttons stay
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230013, times=None)
    waits, task = write(room, llm, "draft B", try_number=2)
    room.emulator.faults.clear()
    first, second = room.cards()
    assert "draft A" in first.content
    assert "draft B" in second.content
    assert "draft A" not in second.content
    assert room.toast("Lin", card=0) == "This was replaced by a newer question"
    assert '"callback"' not in room.shown(0)
    assert room.toast("Lin") == "Recorded: Approve. It goes to Airflow now"
    assert room.execute("SELECT state FROM lark_questions ORDER BY round") == [("replaced",), ("answered",)]
    # what the bridge gives Airflow lets the task go on with the text that was read
    chosen = {"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": {"id": "1", "name": "bridge"}}
    kept = dict(waits.kwargs)
    assert task.execute_complete(context_of(task, 2), **kept, event=chosen) == "draft B"
    assert [each.options for each in room.asked if hasattr(each, "options")] == [["Approve", "Reject"]] * 2
