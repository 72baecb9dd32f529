"""What every test may use: real databases, and a RabbitMQ node. And what it gets: a process that knows no app yet."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ("tests.databases", "tests.rabbitmq")


@pytest.fixture(autouse=True)
def _forget_apps() -> None:
    """Let no test meet the token of another's emulator, which may have had the same port."""
    shared = sys.modules.get("airflow_provider_lark.core.api.calls.app_state")
    if shared is not None:
        shared._STATES.clear()
