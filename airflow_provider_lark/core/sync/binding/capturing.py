"""How changes in SQL are captured: triggers are created, renewed and dropped, or a column is looked at instead.

Triggers are changed in transactions of their own that block no other session.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core import capture
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.database.error_codes import lacks_right
from airflow_provider_lark.core.database.table_locks import change_definition
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.sql_side.reflection import TableSpec
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.binding.capture_column import doubts
from airflow_provider_lark.core.sync.report import Report, SetupReport


def captured_spec(binding: Binding) -> TableSpec:
    """Return the SQL table with the columns whose changes the triggers note."""
    wanted = set(binding.watched) | set(binding.spec.key_columns)
    columns = {column.name: column for column in binding.spec.columns}
    if binding.spec.filter is not None:
        # a change of a column that is not mapped may let a row in, or put it out
        columns |= {name: column for name, column in binding.spec.filter.columns.items() if name not in columns}
    return replace(binding.spec, columns=tuple(column for name, column in columns.items() if name in wanted))


def put_on(engine: Engine, binding: Binding, report: SetupReport, *, clock: Clock) -> None:
    """Make the triggers those of this version and of this user; take them off a mapping that needs none."""
    spec = captured_spec(binding)
    if binding.mapping.direction == "to_sql":
        take_off(engine, spec, clock=clock)
        return
    if not needs_triggers(binding):
        _do_without(engine, binding, report, clock)
        return
    is_current, definers = _look(engine, spec)
    if not is_current:
        _install(engine, spec, clock)
        report.created.append(f"triggers on {binding.table_name}")
    elif definers.others:
        named = ", ".join(definers.others)
        try:
            _install(engine, spec, clock)
        except SchemaMismatch:
            if definers.gone or not definers.is_sure:
                raise
            report.warnings.append(
                f"the triggers on {binding.table_name} run as {named}, and this user is not allowed to recreate them. "
                "If that user is dropped, every write to the table will fail; have an administrator run the setup"
            )
        else:
            report.created.append(f"recreated the triggers on {binding.table_name} as this user; they ran as {named}")


def renew(engine: Engine, binding: Binding, report: Report, state: Checkpoint, *, clock: Clock) -> None:
    """Make the triggers anew where a run finds them missing, old, or in the name of a user that is gone.

    Where the mapping has another way of capture than the run before, change to it.
    """
    if binding.mapping.direction == "to_sql":
        return
    if not needs_triggers(binding):
        if state.capture is None or state.capture.kind != binding.mapping.capture.text:
            _do_without(engine, binding, report, clock)
        return
    spec = captured_spec(binding)
    is_current, definers = _look(engine, spec)
    if not is_current and state.capture is not None:
        _install(engine, spec, clock)
    elif not is_current:
        _install(engine, spec, clock)
        finds = "this run finds" if report.operation == "full" else "run a full sync to find"
        report.warnings.append(
            f"the triggers on {binding.table_name} were missing or outdated and were reinstalled; {finds} changes made "
            "in the meantime"
        )
    elif definers.gone:
        _install(engine, spec, clock)
        report.warnings.append(
            f"the triggers on {binding.table_name} ran as {', '.join(definers.gone)}, a user that no longer exists, "
            "so every write to the table failed; they were reinstalled as this user"
        )
    elif not definers.is_sure:
        report.warnings.append(tell_other(binding.table_name, definers))


def needs_triggers(binding: Binding) -> bool:
    """Tell whether triggers capture the changes of the table."""
    return binding.mapping.direction != "to_sql" and binding.mapping.capture.mode == "trigger"


def settle_capture(binding: Binding, state: Checkpoint, report: Report) -> Checkpoint:
    """Return *state* for the mapping's way of capture; where triggers take over, the next run is a full one.

    They have seen nothing of what came before them. Other ways look at all rows by themselves when they begin.
    """
    if state.capture is None or not needs_triggers(binding):
        return state
    if state.last_scan_at_ms is not None:
        report.warnings.append(
            f"changes of {binding.table_name} are captured by triggers from now on, no longer by {state.capture.kind}; "
            "the next run compares all rows"
        )
    return replace(state, capture=None, last_scan_at_ms=None)


def _do_without(engine: Engine, binding: Binding, report: Report, clock: Clock) -> None:
    """Take triggers off that are there from before, and say what is doubtful about the capture column."""
    spec = captured_spec(binding)
    with open_session(engine) as conn:
        found = capture.installed(conn, spec)
        report.warnings += doubts(conn, binding)
    if not found:
        return
    told = f"changes of {binding.table_name} are captured by {binding.mapping.capture.text} from now on"
    try:
        take_off(engine, spec, clock=clock)
    except DBAPIError as exc:
        if not lacks_right(exc):
            raise
        report.warnings.append(
            f"{told}, but this user is not allowed to drop the triggers ({', '.join(sorted(found))}), which go on "
            "filling sync_queue; have their owner drop them"
        )
    else:
        report.warnings.append(f"{told}; the triggers were dropped")


def tell_other(table_name: str, definers: capture.Definers) -> str:
    """Say that the triggers depend on another user."""
    return (
        f"the triggers on {table_name} run as {', '.join(definers.others)}. If that user is dropped, every write to "
        "the table will fail; run the setup with this connection to recreate them as this user"
    )


def take_off(engine: Engine, spec: TableSpec, *, clock: Clock) -> None:
    """Remove the triggers."""
    change_definition(engine, lambda conn: capture.uninstall(conn, spec), clock=clock)


def _look(engine: Engine, spec: TableSpec) -> tuple[bool, capture.Definers]:
    with open_session(engine) as conn:
        return capture.is_current(conn, spec), capture.foreign_definers(conn, spec)


def _install(engine: Engine, spec: TableSpec, clock: Clock) -> None:
    def work(conn: Connection) -> None:
        capture.install(conn, spec, anew=True)

    change_definition(engine, work, clock=clock)
