"""Which calls find the bad items of a batch, and when it is not the items."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import pytest

from airflow_provider_lark.core.bisect import Luck, bisect_batch
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    LarkError,
    NotAuthorized,
    OutcomeUnknown,
    RateLimited,
    ServerBusy,
    ServerFailed,
    TooLarge,
    Unreachable,
    ValueRefused,
)

KINDS = [ValueRefused, BadRequest, AccessDenied, TooLarge, ServerFailed, OutcomeUnknown, ServerBusy]


class Side:
    """Takes a batch unless it holds a bad item, or is down."""

    def __init__(self, bad: Collection[int], kind: type[LarkError], down_after: float = math.inf) -> None:
        self.bad = frozenset(bad)
        self.kind = kind
        self.down_after = down_after
        self.calls = 0
        self.landed: list[int] = []
        self.refused: dict[int, LarkError] = {}
        self.left: list[int] = []

    def send(self, part: object) -> None:
        items = list(part)  # type: ignore[call-overload]  # numbers
        self.calls += 1
        if self.calls > self.down_after or self.bad & set(items):
            raise self.kind("no")
        self.landed += items

    def take(self, count: int, luck: Luck | None = None) -> Side:
        self.left = bisect_batch(range(count), self.send, self.refused.__setitem__, luck=luck).items
        return self


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 1, 499, 500, 666, 999])
def test_one_bad_item_is_found_whatever_the_error(kind: type[LarkError], at: int) -> None:
    side = Side([at], kind).take(1000)
    assert (list(side.refused), len(side.landed), side.left) == ([at], 999, [])
    assert side.calls - 1 <= 2 * math.ceil(math.log2(1000))


SPREADS: dict[str, Callable[[int], bool]] = {
    "the first 60": lambda n: n < 60,
    "60 neighbours": lambda n: 70 <= n < 130,
    "the last 60": lambda n: n >= 140,
    "every tenth": lambda n: n % 10 == 0,
    "all but one": lambda n: n != 42,
}


@pytest.mark.parametrize("spread", list(SPREADS)[:4])
def test_many_bad_items_are_found_in_one_go(spread: str) -> None:
    bad = {n for n in range(200) if SPREADS[spread](n)}
    side = Side(bad, BadRequest).take(200)
    assert set(side.refused) == bad
    assert len(side.landed) == 200 - len(bad)


@pytest.mark.parametrize("spread", list(SPREADS)[:4])
def test_many_items_over_which_lark_breaks_down_are_named_bit_by_bit(spread: str) -> None:
    waiting = list(range(200))
    bad = {n for n in waiting if SPREADS[spread](n)}
    for _ in range(40):
        side = Side(bad, ServerFailed)
        left = bisect_batch(waiting, side.send, side.refused.__setitem__).items
        assert not set(side.refused) - bad
        waiting = left
        if not waiting:
            break
    assert not waiting


@pytest.mark.parametrize(("kind", "most"), [(BadRequest, 15), (ServerBusy, 6), (ServerFailed, 6), (OutcomeUnknown, 6)])
def test_outage_is_told_after_a_few_calls(kind: type[LarkError], most: int) -> None:
    side = Side(range(1000), kind)
    with pytest.raises(kind):
        side.take(1000)
    assert side.calls == most
    # what may pass is held against nobody
    assert bool(side.refused) is (kind is BadRequest)


@pytest.mark.parametrize("kind", [NotAuthorized, RateLimited, Unreachable])
def test_what_cannot_be_of_an_item_is_not_bisected(kind: type[LarkError]) -> None:
    side = Side([1], kind)
    with pytest.raises(kind):
        side.take(100)
    assert side.calls == 1


@pytest.mark.parametrize("kind", [OutcomeUnknown, ServerBusy])
def test_outage_that_begins_in_between_leaves_the_rest(kind: type[LarkError]) -> None:
    # the first half lands, then nothing
    side = Side([900], kind, down_after=3).take(1000)
    assert side.landed
    assert side.calls <= 12
    assert len(side.landed) + len(side.refused) + len(side.left) == 1000
    assert len(side.refused) <= 8


def test_lone_item_is_named_when_lark_breaks_down_over_it_only() -> None:
    assert list(Side([0], ServerFailed).take(1).refused) == [0]
    assert list(Side([0], BadRequest).take(1).refused) == [0]
    # a role may let the app write some records only
    assert list(Side([0], AccessDenied).take(1).refused) == [0]
    for kind in (ServerBusy, OutcomeUnknown):
        with pytest.raises(kind):
            Side([0], kind).take(1)
        luck = Luck()
        Side([], kind).take(5, luck)
        # others landed just before, so it is this one
        assert list(Side([0], kind).take(1, luck).refused) == [0]


def test_budget_bounds_the_calls_and_each_run_gets_on() -> None:
    waiting, landed = list(range(1000)), 0
    for _ in range(24):
        side = Side([n for n in waiting if n % 2], BadRequest)
        left = bisect_batch(waiting, side.send, side.refused.__setitem__).items
        landed += len(side.landed)
        assert side.calls <= 20 * 12 + 8
        assert len(left) <= max(0, len(waiting) - 50)
        waiting = left
    assert (waiting, landed) == ([], 500)


def test_nothing_to_send_calls_nobody() -> None:
    assert bisect_batch([], lambda part: pytest.fail("sent"), lambda item, error: None).items == []
