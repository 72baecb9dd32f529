"""A bot in the emulator, and clients of it and of the scripted server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_lark.core.api.webhook.client import WebhookClient
from airflow_provider_lark.emulator import Emulator, ManualClock

CANARY = "canary-0000-4000-8000-000000000000"


@pytest.fixture
def emu(clock: Any) -> Iterator[Emulator]:
    # a minute after the half hour, by both clocks
    clock.seconds = 1_767_225_660.0
    with Emulator(clock=ManualClock(clock.seconds)) as running:
        yield running


@pytest.fixture
def make_bot(clock: Any) -> Iterator[Callable[..., WebhookClient]]:
    """Make a client on the test's clock."""
    made: list[WebhookClient] = []

    def make(address: str, **options: Any) -> WebhookClient:
        made.append(
            WebhookClient(address, **{"clock": clock, "jitter": lambda: 0.0, "timeout_seconds": 5.0, **options})
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def scripted(server: Any, clock: Any) -> str:
    """The address of a bot on the scripted server."""
    clock.seconds = 1_767_225_660.0
    return f"{server.url}/open-apis/bot/v2/hook/{CANARY}"
