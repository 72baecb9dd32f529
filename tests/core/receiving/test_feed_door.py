"""The door for automations: a token that opens it for one table, and for nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.receiving.envelope import Delivery
from airflow_provider_lark.core.receiving.feed_door import FEED_CHANGED, TOKEN_HEADER, FeedDoor, feed_token
from airflow_provider_lark.core.receiving.refusal import Reason, Refused

SECRET = Secret("app secret")
TOLD = {"base": "bas1", "table": "tbl1", "record": "rec1"}


def token(base: str = "bas1", table: str = "tbl1", *, app_id: str = "cli_1", secret: Secret = SECRET) -> str:
    return feed_token(app_id, secret, app_token=base, table_id=table).reveal()


def receive(told: Any, shown: str | None, header: str = TOKEN_HEADER) -> Delivery:
    headers = {} if shown is None else {header: shown}
    return FeedDoor("cli_1", SECRET).receive(json.dumps(told).encode(), headers, now_ms=7)


@pytest.mark.parametrize("header", [TOKEN_HEADER, TOKEN_HEADER.lower(), TOKEN_HEADER.upper()])
def test_post_becomes_what_an_event_of_the_record_would_be(header: str) -> None:
    delivery = receive(TOLD, token(), header)

    assert (delivery.kind, delivery.type, delivery.app_id, delivery.created_ms) == ("event", FEED_CHANGED, "cli_1", 7)
    assert delivery.subject == "bas1/tbl1"
    assert delivery.event["action_list"] == [{"record_id": "rec1", "action": "record_edited"}]
    # neither what is kept nor what a log may show holds the token
    assert token() not in repr(delivery) + json.dumps(delivery.body)


def test_edits_of_a_record_are_one_hint_and_those_of_two_are_two() -> None:
    first, again = receive(TOLD, token()), receive({**TOLD, "more": 1}, token())
    other = receive({**TOLD, "record": "rec2"}, token())
    table = receive({**TOLD, "base": "bas2"}, token("bas2"))

    assert first.identities == again.identities
    assert len({each.identities for each in (first, other, table)}) == 3


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(token()[:-1], id="cut"),
        pytest.param(token("bas2"), id="of another base"),
        pytest.param(token(table="tbl2"), id="of another table"),
        pytest.param(token(app_id="cli_2"), id="of another app"),
        pytest.param(token(secret=Secret("old")), id="of another secret"),
        pytest.param(SECRET.reveal(), id="the secret itself"),
        pytest.param("ünï\ud800", id="not ASCII"),
    ],
)
def test_any_other_token_opens_nothing(shown: str | None) -> None:
    with pytest.raises(Refused) as caught:
        receive(TOLD, shown)

    assert (caught.value.reason, caught.value.status) == (Reason.TOKEN, 401)
    assert token() not in caught.value.message
    assert not shown or shown not in caught.value.message


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"base": "bas1"},
        {**TOLD, "table": ["tbl1"]},
        {**TOLD, "base": "bas1\0x"},
        {**TOLD, "base": "b" * 65},
        {**TOLD, "table": "tbl1/../x"},
    ],
)
def test_post_without_base_and_table_is_none(told: Any) -> None:
    with pytest.raises(Refused) as caught:
        receive(told, token())
    assert caught.value.status == 400


def test_what_is_no_object_is_no_post() -> None:
    door = FeedDoor("cli_1", SECRET)
    for body in (b"", b"[]", b"\xff", b"[" * 100_000):
        with pytest.raises(Refused):
            door.receive(body, {TOKEN_HEADER: token()}, now_ms=0)


@pytest.mark.parametrize("record", ["", None, 7, {"id": "rec1"}, "rec1 or 1=1", "r" * 65])
def test_record_that_cannot_be_read_is_news_of_the_table(record: Any) -> None:
    delivery = receive({**TOLD, "record": record}, token())
    assert (delivery.subject, delivery.event["action_list"]) == ("bas1/tbl1", [])


def test_token_is_no_part_of_what_is_shown() -> None:
    assert repr(feed_token("cli_1", SECRET, app_token="bas1", table_id="tbl1")) == repr(Secret("x"))
