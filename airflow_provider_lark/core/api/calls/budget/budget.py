"""Which calls of this process may go, so that those of all processes of the app keep to its rate limits.

A process holds places of a route, on a lease of seconds, and makes its calls with them; the store is only asked when
the lease needs renewing, or more places are needed than it has: about once a second where all are in use. While the
store is down, a process goes on with what it had.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TypeVar
from uuid import uuid4

from airflow_provider_lark.core.api.calls.budget.division import (
    LIFE_SECONDS,
    Demand,
    Grant,
    give_back,
    postpone,
    read_entry,
    settle,
    write_entry,
)
from airflow_provider_lark.core.api.calls.budget.holding import Holding
from airflow_provider_lark.core.api.calls.budget.store import Page, RateStore
from airflow_provider_lark.core.api.calls.ratelimit import LONGER
from airflow_provider_lark.core.api.wire.flow import Flow, Wait, blocking
from airflow_provider_lark.core.api.wire.limits import Quota
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import ConfigError, LarkError

T = TypeVar("T")

log = logging.getLogger(__name__)

CROWDED_SECONDS = 1.0
"""Who has many places looks so often whether others need some."""

PAUSE_SECONDS = 5.0
"""So long a store that failed is left alone; longer where it takes long to fail."""

_JUMP_SECONDS = 10.0
# no answer of a store is so old

_LOOK_SECONDS = 0.02
# another call of this process is asking


class Share:
    """What this process has of one route. Not safe to share between threads: its budget is."""

    def __init__(self, endpoint: str, quota: Quota) -> None:
        self.holdings = tuple(Holding(calls, seconds * LONGER) for calls, seconds in quota.windows)
        self.names = tuple(f"{endpoint} {seconds:g}" for _, seconds in quota.windows)
        self.is_asking = False
        self.is_crowded = False
        self.was_answered = False
        self.waiting = 0
        self.usable_until = self.renew_at = self.alone_until = float("-inf")
        self.seen: tuple[int, float] | None = None

    def next_step(self, now: float) -> float | None:
        """Return 0 where the call goes now, with a place of its own; how long to wait; None: ask the store."""
        if self.is_asking:
            return _LOOK_SECONDS
        if now >= min(self.usable_until, self.renew_at):
            return None
        lefts = [holding.seconds_left(now) for holding in self.holdings]
        if all(left == 0 for left in lefts):
            for holding in self.holdings:
                holding.take()
            return 0.0
        if not self.is_crowded:
            return None
        # a place whose call is not answered may come free at any moment
        longest = max(_LOOK_SECONDS if left is None else left for left in lefts)
        return max(min(longest, self.renew_at - now), _LOOK_SECONDS / 4)

    def accept(self, question: Question, grants: tuple[Grant, ...], now: float) -> None:
        """Have what the store said."""
        for holding, grant, demand in zip(self.holdings, grants, question.demands, strict=True):
            holding.accept(grant, demand, now)
        self.was_answered = True
        self.seen = (grants[0].now_ms, question.asked_at)
        self.is_crowded = any(grant.is_crowded for grant in grants)
        # from before it was asked: what it says may be as old
        self.usable_until = question.asked_at + LIFE_SECONDS
        self.renew_at = question.asked_at + (CROWDED_SECONDS if self.is_crowded else LIFE_SECONDS / 2)
        if any(grant.places == 0 for grant in grants):
            self.renew_at = now + max(grant.again_seconds for grant in grants if grant.places == 0)

    def go_on_alone(self, question: Question, now: float) -> None:
        """Keep what there is, or have all where nothing was ever heard of others, until the store is asked again."""
        for holding in self.holdings:
            holding.fill(1 if self.was_answered else holding.quota, now)
        self.is_crowded = True
        pause = max(PAUSE_SECONDS, 2 * (now - question.asked_at))
        self.usable_until = self.renew_at = now + pause
        # when the store is back, others have their parts still, and it does not know of them yet
        self.alone_until = now + 2 * pause + CROWDED_SECONDS

    def demand(self, owner: str, now: float) -> tuple[Demand, ...]:
        """Return what to ask the store for."""
        is_alone = self.was_answered and now < self.alone_until
        return tuple(
            holding.demand(owner, now, waiting=self.waiting, is_crowded=self.is_crowded, may_grow=not is_alone)
            for holding in self.holdings
        )

    def expected_ms(self, now: float) -> int | None:
        """Return what the store's clock should show; None where it was never seen."""
        return None if self.seen is None else self.seen[0] + round((now - self.seen[1]) * 1000)


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask a store for a share, at *asked_at* of a monotonic clock."""

    share: Share
    demands: tuple[Demand, ...]
    asked_at: float

    def decide(self, page: Page) -> tuple[dict[str, str], tuple[Grant, ...]]:
        """See :data:`.Decide`."""
        entries, grants = {}, []
        expected_ms = self.share.expected_ms(self.asked_at)
        jump_ms = 0 if expected_ms is None else page.now_ms - expected_ms
        for name, demand in zip(self.share.names, self.demands, strict=True):
            leases = read_entry(page.entries.get(name, ""))
            if jump_ms > _JUMP_SECONDS * 1000:
                # the store's clock was set: no lease has run out by that
                leases = postpone(leases, jump_ms)
            after, grant = settle(leases, demand, now_ms=page.now_ms, since_ms=page.since_ms)
            entries[name] = write_entry(after)
            grants.append(grant)
        return entries, tuple(grants)


@dataclass(frozen=True, slots=True)
class Parting:
    """What to tell a store at the end, of all shares at once."""

    questions: tuple[Question, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the entries."""
        return tuple(name for each in self.questions for name in each.share.names)

    def decide(self, page: Page) -> tuple[dict[str, str], None]:
        """See :data:`.Decide`: gives back what the shares have."""
        demands = [demand for each in self.questions for demand in each.demands]
        found = [read_entry(page.entries.get(name, "")) for name in self.names]
        left = (give_back(leases, demand, now_ms=page.now_ms) for leases, demand in zip(found, demands, strict=True))
        return dict(zip(self.names, map(write_entry, left), strict=True)), None


def _new_owner() -> str:
    return uuid4().hex[:12]


class Budget:
    """The shares of one app in this process; safe to share between threads.

    :param new_owner: makes a name that no other process has.
    """

    def __init__(self, new_owner: Callable[[], str] = _new_owner) -> None:
        self._lock = Lock()
        self._owner = new_owner()
        self._shares: dict[str, Share] = {}
        self._users = 0
        self._told = False

    def join(self) -> None:
        """Note that one more client uses the budget."""
        with self._lock:
            self._users += 1

    def take(
        self, endpoint: str, quota: Quota, store: RateStore, *, clock: Clock, patience_seconds: float
    ) -> Flow[tuple[Share | None, float]]:
        """Wait until a call may go, and return the share to :meth:`end` with its answer, and the seconds of waiting.

        None where its turn does not come within *patience_seconds*.
        """
        with self._lock:
            share = self._shares.setdefault(endpoint, Share(endpoint, quota))
            share.waiting += 1
        waited = 0.0
        try:
            while (step := self._step(share, clock.monotonic())) != 0:
                if isinstance(step, Question):
                    yield from self._ask(step, store, clock)
                elif waited + step > patience_seconds:
                    return None, waited
                else:
                    yield Wait(step)
                    waited += step
        finally:
            with self._lock:
                share.waiting -= 1
        return share, waited

    def end(self, share: Share, now: float) -> None:
        """Note that a call was answered, or given up."""
        with self._lock:
            for holding in share.holdings:
                holding.end(now)

    def leave(self, store: RateStore | None, clock: Clock) -> Flow[None]:
        """Note that a client uses the budget no more; the last one gives back what it has. Never fails."""
        with self._lock:
            self._users -= 1
            if self._users or store is None or self._told:
                return
            parting = Parting(tuple(self._take_apart(clock.monotonic())))
        if parting.names:
            # what is not given back runs out by itself
            yield from blocking(partial(_try, partial(store.visit, parting.names, parting.decide)))

    def _step(self, share: Share, now: float) -> float | Question:
        with self._lock:
            step = share.next_step(now)
            if step is not None:
                return step
            share.is_asking = True
            return self._question(share, now)

    def _question(self, share: Share, now: float) -> Question:
        return Question(share, share.demand(self._owner, now), now)

    def _take_apart(self, now: float) -> list[Question]:
        """Forget the shares of which no call is under way, and return those that others may want to have."""
        quiet = {
            name: share
            for name, share in self._shares.items()
            if not share.is_asking and not share.waiting and all(each.is_quiet for each in share.holdings)
        }
        for name in quiet:
            del self._shares[name]
        return [self._question(share, now) for share in quiet.values() if share.was_answered]

    def _ask(self, question: Question, store: RateStore, clock: Clock) -> Flow[None]:
        share = question.share
        try:
            found = yield from blocking(partial(_try, partial(store.visit, share.names, question.decide)))
            with self._lock:
                if isinstance(found, LarkError):
                    share.go_on_alone(question, clock.monotonic())
                else:
                    share.accept(question, found, clock.monotonic())
            self._tell(found if isinstance(found, LarkError) else None)
        finally:
            with self._lock:
                share.is_asking = False

    def _tell(self, failure: LarkError | None) -> None:
        with self._lock:
            is_news, self._told = self._told != (failure is not None), failure is not None
        if not is_news:
            return
        if failure is None:
            log.info("rate limits are shared with other processes again")
        else:
            log.warning(
                "rate limits are not shared with other processes for now, and each goes on with the part it had: %s",
                failure.message,
            )


def _try(visit: Callable[[], T]) -> T | LarkError:
    try:
        return visit()
    except LarkError as error:
        return error
    except Exception as exc:  # noqa: BLE001 - anybody may write a store, and no call may fail for it
        # without the cause: a driver's text may quote an address with its password
        return ConfigError(f"the store of rate limits failed with {type(exc).__name__}")
