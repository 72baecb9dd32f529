"""The short form of ``make chaos-callbacks``: a store that stops while callbacks come loses and doubles none."""

from __future__ import annotations

import pytest

from tests.airflow_home import prepare

prepare()


@pytest.mark.parametrize("store", ["postgresql", "rabbitmq"])
def test_callbacks_while_the_store_stops_are_kept_once(store, rabbitmq_url):
    from tests.chaos.callback_sender import Plan
    from tests.chaos.callbacks import run

    plan = Plan(callbacks=150, rate=150.0, stop_seconds=0.5, again_seconds=0.5, is_durable=False)
    outcome = run(store, plan, rabbitmq_url, door="in-process")
    assert (outcome.lost, outcome.double) == (0, 0)
    assert outcome.entries - outcome.kept_late == plan.callbacks
