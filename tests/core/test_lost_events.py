"""Which changes count as found without an event."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_provider_lark.core.sync import lost_events
from airflow_provider_lark.core.sync.lost_events import SETTLE_SECONDS, LostChange, LostEvents

T = 1_767_225_600


def at(*seconds: float) -> dict[str, int | None]:
    """Return the record ``r`` as changed at the last of *seconds*."""
    return {"r": int((T + seconds[-1]) * 1000)}


@pytest.mark.parametrize(
    ("told", "found", "lost"),
    [
        pytest.param([], [10], 1, id="no event"),
        pytest.param([10], [10], 0, id="its event"),
        pytest.param([7], [10], 0, id="the times of both differ a little"),
        pytest.param([12], [10], 0, id="the event was made a little later"),
        pytest.param([], [10, 40], 2, id="no event of two edits"),
        pytest.param([10, 40], [10, 40], 0, id="both events"),
        pytest.param([10], [10, 40], 1, id="the event of the first edit does not stand for the second"),
        pytest.param([40], [10, 40], 1, id="nor the event of the second for the first"),
        pytest.param([10, 40], [40], 0, id="of two edits between two runs the last one counts"),
        pytest.param([10], [40], 1, id="and its event is the one that counts"),
        pytest.param([None], [10], 0, id="an event without a time"),
    ],
)
@pytest.mark.parametrize("comes", ["before", "after"])
def test_change_without_its_event_counts_as_lost(
    told: list[float | None], found: list[float], lost: int, comes: str
) -> None:
    lost_events = LostEvents()

    def hear() -> None:
        for moment in told:
            lost_events.hear(["r"], changed_at=None if moment is None else T + moment, now=50)

    hear() if comes == "before" else None
    for moment in found:
        lost_events.find(at(moment), now=60)
    hear() if comes == "after" else None
    assert lost_events.settle(now=60 + SETTLE_SECONDS - 1) == []
    assert len(lost_events.settle(now=60 + SETTLE_SECONDS)) == lost
    assert lost_events.settle(now=99_999) == []


def test_delete_counts_by_the_event_of_a_delete_only() -> None:
    lost = LostEvents()
    for record_id in ("told", "edited", "untold"):
        lost.find({record_id: T * 1000}, now=0)
        lost.hear([record_id], changed_at=T, now=0)
    lost.hear(["told"], changed_at=T + 9, now=9, deleted=True)
    lost.find({}, ["told", "edited", "untold"], now=10)
    # held by the guard, a delete is found by every run
    lost.find({}, ["told", "edited", "untold"], now=20)
    assert {str(each) for each in lost.settle(now=99_999)} == {"edited (deleted)", "untold (deleted)"}


def test_change_that_every_run_meets_anew_counts_once_and_one_without_a_time_each_time() -> None:
    lost = LostEvents()
    for now in (0, 1_000, 2_000):
        lost.find({"r": T * 1000, "timeless": None}, now=now)
    assert Counter(lost.settle(now=99_999)) == {LostChange("r", T): 1, LostChange("timeless", None): 3}


def test_flood_is_not_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_events, "KEPT_MAX", 10)
    monkeypatch.setattr(lost_events, "HEARD_MAX", 20)
    lost = LostEvents()
    lost.find({f"r{number}": T * 1000 for number in range(30)}, now=0)
    assert len(lost.settle(now=SETTLE_SECONDS)) == 10
    lost.find({f"s{number}": T * 1000 for number in range(5)}, now=1_000)
    # the events of these may be among those that were not kept
    lost.hear([f"t{number}" for number in range(30)], changed_at=T, now=1_000)
    assert lost.settle(now=99_999) == []
    assert not lost._heard
    assert not lost._found
