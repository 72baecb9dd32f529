"""Bisecting: finding the bad items in a batch that Lark accepts as a whole or not at all.

No code tells whether an item or the moment is to blame: Lark answers an internal error whenever one certain record is
in a batch, and there are undocumented codes. So a batch that fails is split in half whatever the error; if one half
is written, the cause is a bad item and not an outage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil, log2
from typing import Generic, NamedTuple, TypeVar

from airflow_provider_lark.core.api.retry import few_attempts
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ClientTokenConflict,
    ConfigError,
    DatabaseBusy,
    LarkError,
    LeaseHeld,
    LimitReached,
    NotAuthorized,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    ReadFailed,
    RecordNotFound,
    RetriableError,
    ServerFailed,
    Stopped,
    UnexpectedAnswer,
    Unreachable,
)

T = TypeVar("T")

_NEVER_OF_AN_ITEM = (
    ConfigError,
    DatabaseBusy,
    LeaseHeld,
    LimitReached,
    NotAuthorized,
    QuotaExhausted,
    RateLimited,
    Stopped,
    Unreachable,
)
"""The request would not be let through whatever it held."""

_MAY_BE_OF_A_LONE_ITEM = (AccessDenied, BadRequest, ReadFailed, RecordNotFound, ServerFailed)
"""Held against an item also where nothing landed: reads went through before, so Lark is there."""

DOUBTS = {True: 3, False: 7}
"""So many parts refused, and none taken: single items are tried then. For an error that may pass, and for another."""

HOPELESS = 8
SINGLES = {True: 3, False: HOPELESS}
"""So many single items refused then, and none taken: it is the table or the moment, not the items."""

STREAK = 8
"""So many parts one after the other that Lark was too busy for, or did not answer: an outage has begun in between."""


class Left(NamedTuple, Generic[T]):
    """What was not sent, to be sent later, and why: the last *error*."""

    items: list[T]
    error: LarkError | None = None

    @property
    def is_outage(self) -> bool:
        """Whether it waits for better times, and not only for another go."""
        return self.error is not None and _is_of_the_moment(self.error)


class Luck:
    """Whether anything landed at all, in a run of several batches: what fails after that is no outage of the start."""

    def __init__(self) -> None:
        self.landed = 0


def is_in_doubt(error: LarkError) -> bool:
    """Tell whether a create that ended with *error* may have made its records, or may make them yet."""
    open_ = isinstance(error, (OutcomeUnknown, UnexpectedAnswer, ClientTokenConflict))
    return open_ and not isinstance(error, ServerFailed)


def bisect_batch(
    items: Sequence[T],
    send: Callable[[Sequence[T]], object],
    refuse: Callable[[T, LarkError], None],
    *,
    luck: Luck | None = None,
    creates: bool = False,
) -> Left[T]:
    """Send *items*; where that fails, bisect them until each bad one stands alone.

    One bad item among n costs at most 2·log2(n) further calls, and a call is tried less often once halves land.

    :param send: sends some of them, all or none.
    :param refuse: is told of each item that fails alone.
    :param luck: what landed in batches before, for callers that send several.
    :param creates: a batch whose outcome is open is not bisected: it may have been carried out, and no part of it may
        be sent under another token.
    :returns: what was left unsent, because the budget of calls is used up, or an outage has begun.
    :raises LarkError: nothing landed, or the error cannot be of an item: it is the table, the rights or the moment.
    """
    return _Hunt(send, refuse, luck or Luck(), creates).run(items) if items else Left([])


def bisect_all(
    items: Sequence[T],
    send: Callable[[Sequence[T]], object],
    refuse: Callable[[T, LarkError], None],
    *,
    luck: Luck | None = None,
    creates: bool = False,
) -> None:
    """Send *items* as :func:`bisect_batch` does, and again what it left unsent, until nothing is left.

    :raises LarkError: as from :func:`bisect_batch`; or an outage has begun.
    """
    left = Left[T](list(items))
    while left.items:
        left = bisect_batch(left.items, send, refuse, luck=luck, creates=creates)
        if left.is_outage and left.items and left.error is not None:
            raise left.error


class _Hunt(Generic[T]):
    """One batch, breadth first: so that large good parts land before the bad ones are looked for.

    :ivar suspects: items that failed alone before anything landed, with their errors.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T]], object],
        refuse: Callable[[T, LarkError], None],
        luck: Luck,
        creates: bool,
    ) -> None:
        self._send = send
        self._refuse = refuse
        self._luck = luck
        self._creates = creates
        self._failed = 0
        self._streak = 0
        self._last: LarkError | None = None
        self._suspects: list[tuple[T, LarkError]] = []

    def run(self, items: Sequence[T]) -> Left[T]:
        waiting = deque([items])
        half = 10 * (2 + ceil(log2(len(items))))
        budget = 2 * half
        while waiting and budget > 0:
            # with half of the budget the large good parts land, with the other half the bad items are named
            part = waiting.popleft() if budget > half else waiting.pop()
            budget -= 1
            error = self._try(part)
            if error is None:
                continue
            if len(part) == 1:
                self._suspects.append((part[0], error))
            else:
                middle = len(part) // 2
                halves = [part[:middle], part[middle:]]
                waiting += halves if budget >= half else halves[::-1]
            if self._luck.landed and _is_of_the_moment(error) and self._streak >= STREAK:
                break
            if not self._luck.landed and self._failed >= DOUBTS[isinstance(error, RetriableError)]:
                self._try_singles(waiting, error)
        self._conclude()
        return Left([item for part in waiting for item in part], self._last)

    def _try(self, part: Sequence[T]) -> LarkError | None:
        try:
            if self._failed:
                # the first sending had all its retries, so what passes by itself has passed
                with few_attempts():
                    self._send(part)
            else:
                self._send(part)
        except _NEVER_OF_AN_ITEM:
            raise
        except LarkError as error:
            if self._creates and is_in_doubt(error):
                raise
            self._failed += 1
            self._streak += 1
            self._last = error
            return error
        self._streak = 0
        self._luck.landed += len(part)
        return None

    def _try_singles(self, waiting: deque[Sequence[T]], error: LarkError) -> None:
        """Let single items, from here and there, decide whether it is the items.

        :raises LarkError: none of them lands.
        """
        passes = isinstance(error, RetriableError)
        for turn in range(SINGLES[passes]):
            if not waiting:
                return
            single = _take_one(waiting, turn)
            found = self._try([single])
            if found is None:
                return
            self._suspects.append((single, found))
        if waiting:
            if not passes:
                self._conclude()
            raise error

    def _conclude(self) -> None:
        """Name the items that failed alone, unless it looks like an outage: then nothing is held against them.

        :raises LarkError: nothing landed, and the error may be of the moment, of the rights or of the table.
        """
        for item, error in self._suspects:
            if not self._luck.landed and not isinstance(error, _MAY_BE_OF_A_LONE_ITEM):
                raise error
            self._refuse(item, error)


def _is_of_the_moment(error: LarkError) -> bool:
    return isinstance(error, RetriableError) and not isinstance(error, ServerFailed | ReadFailed)


def _take_one(waiting: deque[Sequence[T]], turn: int) -> T:
    """Take an item out of the middle of a part: of the first one, the last one, the second one, and so on."""
    at = turn // 2 if turn % 2 == 0 else -1 - turn // 2
    at %= len(waiting)
    part = waiting[at]
    middle = len(part) // 2
    del waiting[at]
    if len(part) > 1:
        waiting.insert(at, [*part[:middle], *part[middle + 1 :]])
    return part[middle]
