"""When a consumer is woken: at once, then at most once a quiet second, and again while what waits is not taken."""

from __future__ import annotations

from itertools import pairwise

import pytest

from airflow_provider_lark.core.inbox.waiting import Waiting
from airflow_provider_lark.core.inbox.wake_ups import LONGEST_AGAIN_SECONDS, WakeUps


def wake(moments: dict[float, int | None], until: float) -> list[float]:
    """Return when the consumer is woken, looking every half second.

    :param moments: the newest entry from a moment on; None: nothing waits.
    """
    wake_ups, woken, newest = WakeUps(), [], None
    for tick in range(int(until * 2) + 1):
        now = 100 + tick / 2
        newest = moments.get(now - 100, newest)
        if wake_ups.is_due(None if newest is None else Waiting(1, newest), now):
            woken.append(now - 100)
    return woken


@pytest.mark.parametrize(
    ("moments", "until", "woken"),
    [
        pytest.param({}, 60, [], id="nothing waits"),
        pytest.param({0: 7}, 10, [0], id="what waited before the start"),
        pytest.param({3: 7, 4: None, 20: 8, 21: None}, 60, [3, 20], id="each after a while of its own"),
        # three more within the second, then a pause
        pytest.param({1: 1, 1.5: 2, 2: 3, 2.5: 4, 6: None}, 10, [1, 3.5], id="a burst is two"),
        # one each half second, for ever
        pytest.param({n / 2: n for n in range(41)}, 20, [0, 5, 10, 15, 20], id="a stream is one in five seconds"),
        # 30 s, then 60, 120
        pytest.param({0: 1}, 215, [0, 30, 90, 210], id="again while it is not taken"),
        pytest.param({0: 1, 5: None, 6: 2}, 40, [0, 6, 36], id="one that is taken begins anew"),
    ],
)
def test_wake_ups(moments: dict[float, int | None], until: float, woken: list[float]) -> None:
    assert wake(moments, until) == woken


def test_waking_in_vain_becomes_rare_and_never_ends() -> None:
    woken = wake({0: 1}, 10_000)
    gaps = [after - before for before, after in pairwise(woken)]
    assert gaps[-5:] == [LONGEST_AGAIN_SECONDS] * 5


def test_entry_of_a_worker_that_died_wakes_again() -> None:
    # it is taken at 1 s, and comes back under its old number at 900 s
    assert wake({0: 5, 1: None, 900: 5}, 910) == [0, 900]
