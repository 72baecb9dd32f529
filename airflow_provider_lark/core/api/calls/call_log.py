"""How many requests a client has sent, by kind: the measure of what a sync costs; and who is told of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Protocol

from airflow_provider_lark.core.api.codes import known_codes
from airflow_provider_lark.core.api.wire.routes import Route
from airflow_provider_lark.core.errors import LarkError, RateLimited, Unreachable, kind_of

DONE = "0"
"""Lark's code of a request that it carried out."""


class CallObserver(Protocol):
    """Is told of each request, when it has ended, and of each wait for a rate limit; must not fail, and not block."""

    def called(self, route: Route, code: str) -> None:
        """Note a request.

        :param code: :data:`DONE`; a code of Lark that has a meaning here, or ``other``; or, where Lark gave none, the
            kind of the error, such as ``unreachable``. A closed set.
        """
        ...

    def waited(self, route: Route, seconds: float) -> None:
        """Note that a call waits: for its turn, or because Lark has refused it as one too many."""
        ...


class CallLog:
    """Counts every HTTP request that was sent, retries included; a failed connection is not counted.

    :param observer: is told of failed connections too.
    """

    def __init__(self, observer: CallObserver | None = None) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._observer = observer

    def add(self, route: Route, error: LarkError | None = None) -> None:
        """Count one request.

        :param error: how it failed.
        """
        if not isinstance(error, Unreachable):
            with self._lock:
                self._counts[route.kind] += 1
        if self._observer is not None:
            self._observer.called(route, _code_of(error))

    def add_wait(self, route: Route, seconds: float, because: LarkError | None = None) -> None:
        """Note that a call waits before it is sent.

        :param because: the failure after which it is sent again; only one for a rate limit counts.
        """
        if self._observer is not None and (because is None or isinstance(because, RateLimited)):
            self._observer.waited(route, seconds)

    def snapshot(self) -> dict[str, int]:
        """Return the counts by kind, kinds that did not occur left out."""
        with self._lock:
            return dict(self._counts)

    @property
    def by_kind(self) -> dict[str, int]:
        """The counts by kind; :data:`.CallKind` has the kinds."""
        return self.snapshot()

    @property
    def total(self) -> int:
        """All requests so far."""
        return sum(self.snapshot().values())

    def since(self, earlier: Mapping[str, int]) -> dict[str, int]:
        """Return what came after the snapshot *earlier*, kinds that did not occur left out."""
        now = Counter(self.snapshot())
        now.subtract(earlier)
        return {kind: count for kind, count in now.items() if count > 0}

    def __repr__(self) -> str:
        return f"CallLog({self.snapshot()!r})"


def _code_of(error: LarkError | None) -> str:
    if error is None:
        return DONE
    if error.code is None:
        return kind_of(error)
    # somebody else's number could be anything
    return str(error.code) if error.code in known_codes() else "other"
