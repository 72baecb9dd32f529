"""The page on the first message, followed as a new user would, with the emulator in place of Lark."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from inspect import signature
from typing import Any

import httpx
import pytest

from tests.docs.pages import page

PAGE = "docs/first-message.md"


def commands() -> list[list[str]]:
    """Every command of the page, as a shell splits it."""
    lines = (re.sub(r"\\\n", " ", block.text).splitlines() for block in page(PAGE).blocks("console"))
    return [shlex.split(line.removeprefix("$ ")) for each in lines for line in each if line.startswith("$ ")]


def command_of(*words: str) -> list[str]:
    (found,) = [each for each in commands() if set(words) < set(each) and "add" in each]
    return found


def test_steps_of_the_page_send_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.cli.cli_parser import get_parser

    from airflow_provider_lark.emulator import Emulator

    given = get_parser().parse_args(command_of("lark_webhook_default")[1:])
    snippet = next(block.text for block in page(PAGE).blocks("python") if "LarkWebhookOperator" in block.text)
    names: dict[str, Any] = {}
    exec(compile(snippet, PAGE, "exec"), names)
    (task,) = names["dag"].tasks
    with Emulator() as emulator:
        assert given.conn_password.startswith("https://open.feishu.cn/open-apis/bot/v2/hook/")
        parts = {"conn_type": given.conn_type, "password": emulator.state.add_webhook().url}
        monkeypatch.setenv(f"AIRFLOW_CONN_{given.conn_id.upper()}", json.dumps(parts))
        task.avoid_peak_seconds = 0  # a test does not wait for the half hour to pass
        task.render_template_fields({"dag": task.dag, "run_id": "manual__1"})
        returned = task.execute({})
        card = json.loads(emulator.messages[0].content)
    assert card["header"]["title"]["content"] == "Hello from first_message"
    assert card["body"]["elements"][0]["content"] == "Run `manual__1` says **hello**."
    assert sorted(returned) == ["msg_type", "size_bytes"]


def test_every_parameter_of_operator_and_notifier_is_told() -> None:
    from airflow_provider_lark.notifications.webhook import LarkWebhookNotifier
    from airflow_provider_lark.operators.webhook import LarkWebhookOperator

    told = {re.split(r"\W", each)[0] for each in page(PAGE).code()}
    given = [*signature(LarkWebhookOperator.__init__).parameters, *signature(LarkWebhookNotifier.__init__).parameters]
    assert sorted(set(given) - {"self", "kwargs"} - told) == []


def test_every_command_of_airflow_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    for words in commands():
        if words[0] == "airflow":
            assert get_parser().parse_args(words[1:]).func is not None, words
    dags = re.findall(r'with DAG\("(\w+)"', page(PAGE).text)
    assert {words[-1] for words in commands() if words[:3] == ["airflow", "dags", "test"]} <= set(dags)


def test_steps_without_a_lark_send_both_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    starting = next(each for each in commands() if "airflow_provider_lark.emulator" in each)
    asked = [each for each in commands() if each[0] == "curl"]
    app = command_of("--conn-host")
    with subprocess.Popen([sys.executable, *starting[1:], "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            made = [post(each[-3].replace("http://127.0.0.1:8787", url), each[-1]) for each in asked]
            hook = {"conn_type": "lark_webhook", "password": made[0]["url"]}
            monkeypatch.setenv("AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps(hook))
            given = {name: app[app.index(f"--conn-{name}") + 1] for name in ("login", "password")}
            lark = {"conn_type": "lark", "host": url, **given}
            monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
            for snippet in (block.text for block in page(PAGE).blocks("python")):
                run(snippet)
            sent = httpx.get(f"{url}/_emulator/messages", verify=False).json()["result"]
        finally:
            process.terminate()
            process.communicate(timeout=600)
    assert [(each["msg_type"], each["receive_id_type"]) for each in sent] == [
        ("interactive", "chat_id"),
        ("text", "email"),
    ]


def post(url: str, body: str) -> dict[str, Any]:
    answer = httpx.post(url, content=body, verify=False)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["result"]
    return told


def run(snippet: str) -> None:
    """Run what the DAG of a snippet does."""
    names: dict[str, Any] = {}
    exec(compile(snippet, PAGE, "exec"), names)
    if "LarkWebhookOperator" in names:
        (task,) = names["dag"].tasks
        task.avoid_peak_seconds = 0  # a test does not wait for the half hour to pass
        task.execute({})
    elif "tell" in names:
        names["tell"].function()
