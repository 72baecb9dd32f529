"""Cards of ``.json`` files: found beside the DAG, rendered text by text, and told by name and place when wrong."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.operators.message import LarkSendMessageOperator
from tests.skin.task_process import run_task

CARD = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{ what }} of {{ run_id }}"}]}}
AWKWARD = 'C:\\new "orders"\n<at id=all></at>'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cards").mkdir()
    return tmp_path


def write(path, card=CARD):
    path.write_bytes(card if isinstance(card, bytes) else json.dumps(card).encode("utf-8-sig"))
    return path


def execute(emulator, monkeypatch, folder, card, **dag):
    parts = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(parts))
    emulator.state.add_chat("Team")
    with DAG("d", schedule=None, template_searchpath=[str(folder)], **dag):
        operator = LarkSendMessageOperator(task_id="tell", receive_id="Team", card=card)
    ti = SimpleNamespace(dag_id="d", task_id="tell", map_index=-1)
    context = {"ti": ti, "run_id": "manual__1", "what": AWKWARD}
    operator.render_template_fields(context)
    return operator.execute(context)


def element(message):
    return json.loads(message.content)["body"]["elements"][0]["content"]


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
@pytest.mark.parametrize("given", ["cards/report.json", " {{ 'cards' }}/report.json ", "absolute"])
def test_file_is_found_and_its_texts_rendered_exactly(emulator, monkeypatch, folder, given, native):
    path = write(folder / "cards" / "report.json")
    given = str(path) if given == "absolute" else given
    execute(emulator, monkeypatch, folder, given, render_template_as_native_obj=native)
    # what stands in a value mentions nobody
    safe = AWKWARD.replace("<", "<\u200d")
    assert element(emulator.messages[0]) == f"{safe} of manual__1"
    assert emulator.messages[0].mentions == ()


@pytest.mark.parametrize(
    ("given", "content", "words"),
    [
        pytest.param("nowhere.json", CARD, ["nowhere.json: file not found", "searchpath"], id="missing"),
        pytest.param("../r.json", CARD, ["../r.json: file not found"], id="outside the folders"),
        pytest.param("/nowhere/r.json", CARD, ["/nowhere/r.json: ", "No such file"], id="absolute and missing"),
        pytest.param(
            "r.json", b'{"a": {{ 1 }}}', ["r.json:1:8", "only allowed inside strings"], id="Jinja around JSON"
        ),
        pytest.param("r.json", '{"a": "错"}'.encode("gbk"), ["r.json: ", "not valid UTF-8"], id="encoding"),
        pytest.param("r.json", {"a": "{{ nobody }}"}, ["r.json: a: ", "'nobody' is undefined"], id="Jinja undefined"),
        pytest.param(
            "r.json", {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}, ["body.elements[0]"], id="wrong card"
        ),
    ],
)
def test_file_that_is_no_card_fails_for_good(emulator, monkeypatch, folder, given, content, words):
    write(folder / "r.json", content)
    with pytest.raises(AirflowFailException) as caught:
        execute(emulator, monkeypatch, folder, given)
    assert all(word in str(caught.value) for word in words), caught.value
    assert emulator.messages == []


def test_file_beside_the_dag_is_found_in_a_task_process(emulator, monkeypatch, tmp_path):
    emulator.state.add_chat("Team")
    write(tmp_path / "report.json", {**CARD, "body": {"elements": [{"tag": "markdown", "content": "{{ run_id }}"}]}})
    source = """
from airflow.sdk import DAG

from airflow_provider_lark.operators.message import LarkSendMessageOperator

with DAG("made_in_a_test", schedule=None):
    LarkSendMessageOperator(task_id="tell", receive_id="Team", card="report.json")
"""
    lark = {"host": emulator.url, "login": emulator.app_id, "password": "emulator-secret"}
    run = run_task(monkeypatch, tmp_path, source, "tell", {"lark_default": lark})
    assert (run.state, element(emulator.messages[0])) == ("success", "manual__1")
