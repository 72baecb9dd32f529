"""Posts of a base's automations through a real server: from a person's edit in the emulator to one hint a record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.hints import TableHints
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.feed_door import FEED_BYTES_MAX, TOKEN_HEADER, feed_token
from tests.core.doors.test_web_app import APP_SECRET, RING, Running, serve

SUBJECT = "bas1/tbl1"


@contextmanager
def opened(engine: Any) -> Iterator[Running]:
    with serve(SqlInbox(engine, Keyring.from_text(RING), "cli_1"), clock=SystemClock()) as running:
        yield running


@pytest.fixture
def running(new_database: Callable[[str], Any]) -> Iterator[Running]:
    with opened(new_database("sqlite")) as running:
        yield running


def post(running: Running, record: str, *, table: str = "tbl1", **more: Any) -> httpx.Response:
    shown = feed_token("cli_1", Secret(APP_SECRET), app_token="bas1", table_id="tbl1").reveal()
    body = json.dumps({"base": "bas1", "table": table, "record": record, **more})
    return httpx.post(f"{running.url}/feed/lark_default", content=body, headers={TOKEN_HEADER: shown}, timeout=60)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
def test_hint_that_is_sent_again_is_one_until_it_is_taken(new_database: Callable[[str], Any], dialect: str) -> None:
    with opened(new_database(dialect)) as running:
        told = [post(running, record) for record in ("rec1", "rec1", "rec2", "rec1")]
        assert [(each.status_code, each.json()) for each in told] == [(200, {"msg": "success"})] * 4
        hints = TableHints(running.inbox, lambda: SUBJECT)
        taken = hints.take()
        assert [each.records for each in taken] == [("rec1",), ("rec2",)]
        assert all(each.changed_at is None and not each.deleted for each in taken)

        # what comes after the claim may tell of an edit that its read misses
        assert post(running, "rec1").status_code == 200
        hints.done([each.id for each in taken])
        assert [each.records for each in hints.take()] == [("rec1",)]
        assert hints.take() == []


def test_forged_and_odd_posts_leave_nothing_behind(running: Running) -> None:
    wrong = post(running, "rec1", table="tbl2")
    long = post(running, "rec1", more="x" * FEED_BYTES_MAX)
    unserved = httpx.post(f"{running.url}/feed/nobody", content=b"{}", timeout=60)
    read = httpx.get(f"{running.url}/feed/lark_default", timeout=60)
    # nor is the token good for Lark's events
    event = httpx.post(
        f"{running.url}/lark_default",
        content=b"{}",
        headers={TOKEN_HEADER: feed_token("cli_1", Secret(APP_SECRET), app_token="bas1", table_id="tbl1").reveal()},
        timeout=60,
    )

    told = (wrong, long, unserved, read, event)
    assert [each.status_code for each in told] == [401, 413, 404, 405, 503]
    assert wrong.json() == {"msg": "refused"}
    assert running.inbox.count().pending == 0
    assert running.receiver.counts.by_outcome == {"wrong_token": 1, "too_long": 1, "unencrypted": 1}


def test_hint_that_waits_is_one_also_beside_claims(running: Running) -> None:
    """A flood of replays is as many entries as there were claims, and never more than one waits."""
    hints = TableHints(running.inbox, lambda: SUBJECT)
    taken = 0
    for number in range(40):
        assert post(running, "rec1").status_code == 200
        if number % 10 == 9:
            found = hints.take()
            taken += len(found)
            hints.done([each.id for each in found])
    counts = running.inbox.count()
    assert (taken, counts.pending, counts.completed) == (4, 0, 4)
