"""The page on the first message, followed as a new user would, with the emulator in place of Lark."""

from __future__ import annotations

import json
import re
from inspect import signature
from typing import Any

import pytest

from tests.docs.pages import page

PAGE = "docs/first-message.md"


def test_steps_of_the_page_send_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.cli.cli_parser import get_parser

    from airflow_provider_lark.emulator import Emulator

    (command,) = [block.text for block in page(PAGE).blocks("console")]
    words = re.sub(r"\\\n", " ", command).removeprefix("$ ").replace("'", "").split()
    given = get_parser().parse_args(words[1:])
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
