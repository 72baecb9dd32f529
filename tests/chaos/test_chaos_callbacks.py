"""The short form of ``make chaos-callbacks``: a store that stops while callbacks come loses and doubles none."""

from __future__ import annotations

import pytest

from tests.airflow_home import prepare

prepare()


@pytest.mark.parametrize("store", ["postgresql", "rabbitmq"])
def test_callbacks_while_the_store_stops_are_kept_once(store, rabbitmq_url):
    from tests.chaos.callbacks import Plan, run

    outcome = run(store, Plan(callbacks=200, rate=100.0, stop_seconds=1.0, again_seconds=2.0), rabbitmq_url)
    assert (outcome.lost, outcome.double) == (0, 0)
    assert outcome.entries - outcome.kept_late == 200
