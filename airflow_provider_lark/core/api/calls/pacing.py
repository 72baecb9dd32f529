"""When a call may be sent: rate limits of its chat or card and of its route, and pauses that Lark asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from airflow_provider_lark.core.api.calls.budget.budget import Budget, Share
from airflow_provider_lark.core.api.calls.call_log import CallLog
from airflow_provider_lark.core.api.calls.ratelimit import Lane, RateLimiter, Slot
from airflow_provider_lark.core.api.calls.settings import Settings
from airflow_provider_lark.core.api.wire.flow import Flow, Wait
from airflow_provider_lark.core.api.wire.limits import Quota
from airflow_provider_lark.core.api.wire.routes import Route
from airflow_provider_lark.core.errors import RateLimited

_TOO_FAST_FOR_ONE = 230020
_MANY = "too many calls are already waiting for"


@dataclass(frozen=True, slots=True)
class Taken:
    """The places that one call has: in the queues of this process, and in the shares of all of the app."""

    slots: list[Slot] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pacer:
    """Keeps the calls of one client to the pace that it shares with the others of its app."""

    settings: Settings
    limiter: RateLimiter
    budget: Budget
    calls: CallLog

    @contextmanager
    def places(self) -> Iterator[Taken]:
        """Give what :meth:`wait` fills for one call, and end the places when the block ends, however it does."""
        taken = Taken()
        try:
            yield taken
        finally:
            now = self.settings.clock.monotonic()
            for place in taken.slots:
                self.limiter.end(place, now)
            for share in taken.shares:
                self.budget.end(share, now)

    def wait(self, route: Route, lane: Lane | None, taken: Taken, *, subject: str) -> Flow[None]:
        """Wait until a call may go.

        :param taken: of :meth:`places`.
        :raises RateLimited: its turn does not come while the client is patient.
        """
        if lane is not None:
            # first: while a chat is waited for, the route is free for others
            yield from self._queue(lane.name, lane.quota, taken, f"{subject}: {_MANY} this chat or message", route)
        if route.quota is not None:
            refusal = f"{subject}: {_MANY} this API"
            yield from self._queue(route.endpoint, route.quota, taken, refusal, route)
            # last: a place that other processes could use is not held while this one waits for something else
            yield from self._share(route.quota, taken, refusal, route)

    def slow_down(self, route: Route, lane: Lane | None, error: RateLimited) -> None:
        """Let others wait too, of whom Lark would say the same."""
        now = self.settings.clock.monotonic()
        if error.retry_after_seconds:
            self.limiter.pause(route.endpoint, now, error.retry_after_seconds)
        elif lane is not None and error.code == _TOO_FAST_FOR_ONE:
            # others write there too: of a group all bots share the pace
            self.limiter.pause(lane.name, now, lane.quota.seconds)

    def _share(self, quota: Quota, taken: Taken, refusal: str, route: Route) -> Flow[None]:
        store, patience = self.settings.rate_store, self.settings.policy.max_elapsed_seconds
        if store is None or self.settings.rate_share is None:
            return
        share, waited = yield from self.budget.take(
            route.endpoint, quota, store, clock=self.settings.clock, patience_seconds=patience
        )
        if waited:
            self.calls.add_wait(route, waited)
        if share is None:
            raise _refused(refusal, patience, route)
        taken.shares.append(share)

    def _queue(self, what: str, quota: Quota, taken: Taken, refusal: str, route: Route) -> Flow[None]:
        share, clock = self.settings.rate_share, self.settings.clock
        if share is None:
            return
        asked, patience = clock.monotonic(), self.settings.policy.max_elapsed_seconds
        place = self.limiter.queue(what, quota, asked, share=share, patience_seconds=patience)
        if place is not None:
            taken.slots.append(place)
            while (left := self.limiter.seconds_left(place, clock.monotonic())) > 0:
                if clock.monotonic() + left - asked > patience:
                    break
                self.calls.add_wait(route, left)
                yield Wait(left)
            else:
                return
        raise _refused(refusal, patience, route)


def _refused(refusal: str, patience: float, route: Route) -> RateLimited:
    return RateLimited(f"{refusal}; run fewer tasks at once", retry_after_seconds=patience, endpoint=route.endpoint)
