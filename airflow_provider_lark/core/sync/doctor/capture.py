"""How changes in SQL are captured: whether the triggers are there, or what is doubtful about doing without."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from airflow_provider_lark.core import capture
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.sync.binding import capturing
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.binding.capture_column import doubts
from airflow_provider_lark.core.sync.doctor.findings import Answer
from airflow_provider_lark.core.sync.mapping.table_mapping import DELETES_WAIT


def capture_check(engine: Engine, binding: Binding, *, is_set_up: bool) -> tuple[str, Callable[[], Answer]]:
    """Return the name of the check that fits the mapping, and what it asks.

    :param is_set_up: the ledger knows the table.
    """
    if capturing.needs_triggers(binding):
        return "triggers", lambda: _triggers(engine, binding, is_set_up)
    return "capture", lambda: _without_triggers(engine, binding)


def _triggers(engine: Engine, binding: Binding, is_set_up: bool) -> Answer:
    if not is_set_up:
        return "warning", "not installed yet; the setup or the first run installs them"
    spec = capturing.captured_spec(binding)
    with open_session(engine) as conn:
        is_current, definers = capture.is_current(conn, spec), capture.foreign_definers(conn, spec)
    if not is_current:
        return (
            "trouble",
            f"missing on {binding.table_name} or outdated; run the setup, then a full sync",
        )
    if definers.gone:
        gone = ", ".join(definers.gone)
        told = f"they run as {gone}, a user that no longer exists, so every write to the table fails"
        return "trouble", f"{told}; run the setup with this connection"
    if definers.others:
        return "warning", capturing.tell_other(binding.table_name, definers)
    return "installed and current"


def _without_triggers(engine: Engine, binding: Binding) -> Answer:
    policy = binding.mapping.capture
    told = f"{policy.text}; {DELETES_WAIT}"
    if policy.mode == "scan":
        told = "scan; every run reads the whole table"
    with open_session(engine) as conn:
        left = sorted(capture.installed(conn, capturing.captured_spec(binding)))
        doubtful = doubts(conn, binding)
    if left:
        doubtful.append(f"triggers are still there from an earlier capture ({', '.join(left)}); run the setup")
    return ("warning", "; ".join([told, *doubtful])) if doubtful else told
