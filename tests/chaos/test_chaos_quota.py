"""A short form of ``make chaos-quota``."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from tests.chaos.quota import LIMIT, measure


def test_three_tasks_of_one_app_are_never_refused_and_use_the_limit(new_database: Callable[[str], Engine]) -> None:
    """O44."""
    store = new_database("postgresql").url.render_as_string(hide_password=False)
    found = measure(store, tasks=3, seconds=5.0)
    assert found.refused == 0
    assert found.most_in_a_second <= LIMIT
    assert found.per_second >= 0.8 * LIMIT
    assert found.fewest > 0
