"""``kill -9`` of a sending task's process, four times; ``make chaos-sends`` does it at every call."""

from __future__ import annotations

import pytest

from tests.chaos.arena import Arena
from tests.skin.killed_sends import Sender

MESSAGES = "POST /open-apis/im/v1/messages"


@pytest.fixture
def arena():
    with Arena() as running:
        yield running


@pytest.mark.parametrize(
    ("send", "boundary"),
    [
        # `make chaos-sends` kills before and after each call
        pytest.param("card to two", f"after {MESSAGES}", id="between two receivers"),
        pytest.param("file", "after POST /open-apis/im/v1/files", id="after the upload"),
    ],
)
def test_task_killed_at_a_call_sends_once(monkeypatch, tmp_path, arena, send, boundary, request):
    sender = Sender(monkeypatch, tmp_path, arena)
    place = sender.kill_once(send, request.node.name, lambda _, place: place == boundary)
    assert place == boundary
