"""What makes two deliveries the same (issue inputs 7.07 to 7.09)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.receiving.envelope import Delivery, parse_object, read_delivery, to_ms
from tests.core.receiving.sealing import click, event, old_click

NOW_MS = 1_608_725_989_000


def read(body: dict[str, Any], *, now_ms: int = NOW_MS) -> Delivery:
    return read_delivery(body, now_ms=now_ms)


def same(left: Delivery, right: Delivery) -> bool:
    return bool(set(left.identities) & set(right.identities))


def test_redelivery_is_the_same_and_another_id_is_not() -> None:
    assert same(read(event()), read(event()))
    assert not same(read(event()), read(event(event_id="e2")))
    assert not same(read(event()), read(event(app_id="cli_2")))


def message(event_id: str, message_id: str) -> dict[str, Any]:
    body = event(event_type="im.message.receive_v1", event_id=event_id)
    body["event"] = {"message": {"message_id": message_id}}
    return body


def test_message_that_comes_under_two_event_ids_is_one() -> None:
    assert same(read(message("e1", "om_1")), read(message("e2", "om_1")))
    assert not same(read(message("e1", "om_1")), read(message("e2", "om_2")))


def test_two_choices_of_a_person_in_one_second_are_two() -> None:
    """Input 7.08."""
    first = read(click({"action": "adopt_lark", "conflict": 17}))
    second = read(click({"action": "adopt_lark", "conflict": 18}))
    assert not same(first, second)


def test_two_forms_of_one_card_in_one_second_are_two() -> None:
    """Input 7.08."""
    first = read(click(name="send", form_value={"reason": "a"}))
    second = read(click(name="send", form_value={"reason": "b"}))
    assert not same(first, second)


@pytest.mark.parametrize("value", [{"a": 1}, {"a": {"b": [1, 2]}}, "approve"])
def test_click_that_comes_as_both_kinds_is_one(value: object) -> None:
    new = read(click(value, name="ok", at_us=NOW_MS * 1000))
    old = read(old_click(value), now_ms=NOW_MS + 300)
    assert same(new, old)


def test_click_of_both_kinds_around_a_full_second_is_one() -> None:
    new = read(click({"a": 1}, at_us=1_608_725_989_990_000))
    old = read(old_click({"a": 1}), now_ms=1_608_725_990_010)
    assert same(new, old)


def test_same_button_again_after_some_seconds_is_another_click() -> None:
    first = read(click({"a": 1}, at_us=1_608_725_989_000_000))
    again = read(click({"a": 1}, at_us=1_608_725_992_000_000))
    assert not same(first, again)


def test_another_person_is_another_click() -> None:
    mine, theirs = click({"a": 1}), click({"a": 1}, name="x")
    theirs["event"]["operator"]["open_id"] = "ou_2"
    theirs["header"]["event_id"] = "c2"
    assert not same(read(mine), read(theirs))


def test_order_of_members_says_nothing() -> None:
    assert same(read(click({"a": 1, "b": 2})), read(old_click({"b": 2, "a": 1})))


def test_click_without_a_message_is_known_by_its_event_id_alone() -> None:
    body = click({"a": 1})
    body["event"]["context"] = {}
    delivery = read(body)
    assert delivery.kind == "card"
    assert len(delivery.identities) == 1


def test_events_without_any_id_are_the_same_only_byte_for_byte() -> None:
    def without_id(tail: str) -> dict[str, Any]:
        body = event(event_id="")
        body["event"] = {"text": "x" * 300 + tail}
        return body

    assert same(read(without_id("a")), read(without_id("a")))
    assert not same(read(without_id("a")), read(without_id("b")))
    old = {"token": "vtoken", "type": "event_callback", "event": {"type": "t", "n": 1}}
    assert not same(read(old), read({**old, "event": {"type": "t", "n": 2}}))


@pytest.mark.parametrize(
    "junk", [None, 7, "x", [], [{}], {"message": 7}, {"action": "x", "context": [], "operator": 1}]
)
def test_event_of_any_shape_is_kept(junk: object) -> None:
    for type_ in ("im.message.receive_v1", "card.action.trigger", "no.such.type_v9", "", 7):
        body = event(event_type=type_)
        body["event"] = junk
        assert read(body).identities


@pytest.mark.parametrize(
    ("told", "ms"),
    [
        ("1608725989", 1_608_725_989_000),
        ("1608725989000", 1_608_725_989_000),
        ("1608725989000123", 1_608_725_989_000),
        (1_608_725_989, 1_608_725_989_000),
        ("1599360473.5", 1_599_360_473_500),
        ("1608725989000.5", 1_608_725_989_000),
        ("1.6e12", 1_600_000_000_000),
        *[(junk, None) for junk in (None, "", "soon", True, [], {}, -5, 0, "1e400", "nan", float("inf"), 10**30)],
    ],
)
def test_moments_are_read_by_their_size(told: object, ms: int | None) -> None:
    assert to_ms(told) == ms


def test_half_of_a_surrogate_pair_is_no_text_and_two_halves_are() -> None:
    """No database keeps the half: the delivery would be answered with an error, and come again."""
    told = parse_object(b'{"half": "a\\ud800", "\\uD800": 1, "whole": "\\ud83d\\ude00", "plain": "\\\\ud800"}')
    assert told == {"half": "a?", "?": 1, "whole": "\U0001f600", "plain": "\\ud800"}
