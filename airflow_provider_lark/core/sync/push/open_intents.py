"""Writes that an earlier run has sent and whose answer it has not seen."""

from __future__ import annotations

from airflow_provider_lark.core.sync.push.create import settle_creates
from airflow_provider_lark.core.sync.push.write_intents import settle_writes
from airflow_provider_lark.core.sync.run.run import Run


def settle_intents(run: Run) -> None:
    """Find out what became of them, before anything else is done."""
    found = run.read(lambda tx: tx.intents.open("create", "update", "delete"))
    settle_creates(run, [intent for intent in found if intent.kind == "create"])
    settle_writes(run, [intent for intent in found if intent.kind != "create"])
