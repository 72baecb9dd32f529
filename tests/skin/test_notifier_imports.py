"""What a notifier imports: all of it before its nine seconds run, since a busy machine takes seconds for that alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys
from tests.airflow_home import prepare
prepare()
os.environ["AIRFLOW_CONN_{1}"] = sys.argv[1]
from airflow_provider_lark.notifications import base
from airflow_provider_lark.notifications.lark import LarkNotifier
from airflow_provider_lark.notifications.webhook import LarkWebhookNotifier

def run_within(seconds, function, inner=base.run_within):
    before = set(sys.modules)
    inner(seconds, function)
    late.extend(sorted(name for name in set(sys.modules) - before if name.startswith(("airflow", "httpx", "redis"))))

base.run_within, late = run_within, []
{0}.notify({{"run_id": "manual__1", "reason": "task_failure"}})
print(late)
"""


def late_imports(notifier: str, conn_id: str, connection: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(notifier, conn_id.upper()), json.dumps(connection)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return done.stdout.splitlines()[-1]


def test_app_notifier_imports_nothing_within_its_budget(emulator, team):
    connection = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    assert late_imports('LarkNotifier(receive_id="Team")', "lark_default", connection) == "[]"
    assert len(emulator.messages) == 1


def test_app_notifier_that_shares_its_limits_in_redis_imports_nothing_within_its_budget(emulator, team, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_LIMITS", "redis://127.0.0.1:6379")
    connection = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    connection["extra"] = json.dumps({"redis_conn_id": "limits"})
    assert late_imports('LarkNotifier(receive_id="Team")', "lark_default", connection) == "[]"
    assert len(emulator.messages) == 1


def test_webhook_notifier_imports_nothing_within_its_budget(emulator):
    connection = {"conn_type": "lark_webhook", "password": emulator.state.add_webhook().url}
    assert late_imports("LarkWebhookNotifier()", "lark_webhook_default", connection) == "[]"
    assert len(emulator.messages) == 1
