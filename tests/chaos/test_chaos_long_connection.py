"""The short form of ``make chaos-long-connection``: every edit arrives, and lost events are counted as such."""

from __future__ import annotations

from airflow_provider_lark.core.accounts.migrate import upgrade
from tests.chaos.day import Plan
from tests.chaos.long_connection import run

WEATHERS = ("loses", "half-open", "thief", "pieces", "outage", "handover")


def test_bad_connections_lose_no_edit_and_each_lost_event_is_counted(ledger_database, new_database):
    store = new_database("sqlite")
    upgrade(store)
    hours = len(WEATHERS) * 160 / 3600
    plan = Plan(hours, edit_seconds=30, weather_seconds=160, records=30, poll_seconds=100, weathers=WEATHERS)
    outcome = run(plan, ledger_database("sqlite"), store)
    assert outcome.differences == [], str(outcome)
    assert outcome.report.lost_events > 0, str(outcome)
    assert outcome.report.reconnects > 2, str(outcome)
