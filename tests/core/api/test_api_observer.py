"""Whoever watches a client is told of each request with its code, and of each wait for a rate limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.wire.routes import Route
from airflow_provider_lark.core.errors import BadRequest, LarkError, RowError, kind_of

PATH = "/open-apis/bitable/v1/apps/basA/tables/tblA/records/search"


@dataclass
class Watcher:
    """Keeps what it is told."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def called(self, route: Route, code: str) -> None:
        self.calls.append((route.kind, code))

    def waited(self, route: Route, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


def test_each_request_is_told_with_its_code_and_only_waits_for_rate_limits_are(
    make_client: Callable[..., LarkClient], server: Any, watcher: Watcher, clock: Any
) -> None:
    client = make_client(observer=watcher)
    server.do("cut")  # its wait is none for a rate limit
    server.refuse(99991400, status=429)
    server.refuse(1254607)
    server.say({"items": []})
    client.call("POST", PATH, json={})
    codes = ["outcome_unknown", "99991400", "1254607", "0"]
    assert watcher.calls == [("token", "0"), *(("search", code) for code in codes)]
    assert len(clock.waits) == 3
    assert [wait for wait in clock.waits if wait in watcher.waits] == watcher.waits == clock.waits[1:2]
    server.refuse(424242, status=400)
    with pytest.raises(BadRequest):
        client.call("POST", PATH, json={})
    assert watcher.calls[-1] == ("search", "other")


def test_waits_for_a_turn_are_told(
    make_client: Callable[..., LarkClient], server: Any, watcher: Watcher, clock: Any
) -> None:
    client = make_client(observer=watcher)
    server.say({"items": []}, times=41)
    for _ in range(41):
        client.call("POST", PATH, json={})
    assert watcher.waits == clock.waits != []


def test_request_that_does_not_reach_lark_is_told_and_not_counted(
    make_client: Callable[..., LarkClient], watcher: Watcher
) -> None:
    client = make_client(observer=watcher, host="http://127.0.0.1:9", max_attempts=2)
    with pytest.raises(LarkError):
        client.call("POST", PATH, json={})
    assert watcher.calls == [("token", "unreachable")] * 2
    assert client.calls.total == 0


def test_kinds_of_errors_are_those_of_the_tree() -> None:
    class Private(RowError):
        pass

    assert [kind_of(error) for error in (BadRequest(""), Private(""), ValueError())] == [
        "bad_request",
        "row_error",
        "other",
    ]
