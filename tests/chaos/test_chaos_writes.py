"""The proof on Celery counts writes that meet in a base: it sees each of them, and no others."""

from __future__ import annotations

import pytest

from tests.chaos.live.writes import Write, find_meetings


@pytest.mark.parametrize(
    ("spans", "met"),
    [
        pytest.param([("a", 0, 2), ("a", 1, 3)], 1, id="second comes while first is under way"),
        pytest.param([("a", 0, 9), ("a", 1, 2), ("a", 3, 4)], 2, id="two come, one after the other"),
        pytest.param([("a", 0, 1), ("a", 1, 2)], 0, id="second comes when first is answered"),
        pytest.param([("a", 0, 2), ("b", 1, 3)], 0, id="of two bases"),
    ],
)
def test_writes_that_come_while_another_of_their_base_runs_are_found(
    spans: list[tuple[str, float, float]], met: int
) -> None:
    writes = [Write(base, f"table {number}", start, end) for number, (base, start, end) in enumerate(spans)]
    assert len(find_meetings(writes)) == met
