"""The one loop in which work on a database is run again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_lark.core.database.retries import retry_transaction, retry_until_free
from tests.core.api.conftest import FakeClock


class Undone(Exception):
    pass


class Refused(Exception):
    pass


def failing(*errors: Exception, seconds: float = 0.0, clock: FakeClock | None = None) -> Callable[[], str]:
    waiting = list(errors)

    def work() -> str:
        if clock is not None:
            clock.seconds += seconds
        if waiting:
            raise waiting.pop(0)
        return "done"

    return work


def is_undone(exc: BaseException) -> bool:
    return isinstance(exc, Undone)


def transact(work: Callable[[], str], clock: FakeClock) -> str:
    return retry_transaction(work, may_repeat=is_undone, first_wait_seconds=0.1, subject="orders", clock=clock)


def test_transaction_that_was_undone_is_run_again_after_waits_that_double():
    clock = FakeClock()
    assert transact(failing(*(Undone() for _ in range(4))), clock) == "done"
    assert clock.waits == pytest.approx([0.1, 0.2, 0.4, 0.8])


def test_transaction_that_is_undone_five_times_fails_with_the_databases_error():
    clock = FakeClock()
    errors = [Undone(n) for n in range(9)]
    with pytest.raises(Undone) as caught:
        transact(failing(*errors), clock)
    assert caught.value is errors[4]
    assert len(clock.waits) == 4


@pytest.mark.parametrize("error", [Refused(), KeyboardInterrupt()], ids=["refused", "interrupted"])
def test_what_another_attempt_would_not_mend_fails_at_once(error: BaseException):
    clock = FakeClock()

    def work() -> str:
        raise error

    with pytest.raises(type(error)) as caught:
        transact(work, clock)
    assert caught.value is error
    assert clock.waits == []


@pytest.mark.parametrize(
    ("wait_seconds", "attempts"),
    # an attempt takes 2 s and a pause 2 s: attempts end 2, 6 and 10 s after the start, the first of them at or past the
    # deadline is the last
    [(1.0, 1), (2.0, 1), (5.0, 2), (9.0, 3)],
)
def test_lock_is_asked_for_until_the_deadline(wait_seconds: float, attempts: int):
    clock = FakeClock()
    work = failing(*(Undone() for _ in range(9)), seconds=2.0, clock=clock)
    with pytest.raises(Undone):
        retry_until_free(
            work, is_locked=is_undone, pause_seconds=2.0, wait_seconds=wait_seconds, subject="orders", clock=clock
        )
    assert clock.waits == [2.0] * (attempts - 1)


def test_lock_that_becomes_free_is_taken():
    clock = FakeClock()
    work = failing(Undone(), Undone(), seconds=2.0, clock=clock)
    assert (
        retry_until_free(work, is_locked=is_undone, pause_seconds=2.0, wait_seconds=30.0, subject="orders", clock=clock)
        == "done"
    )
