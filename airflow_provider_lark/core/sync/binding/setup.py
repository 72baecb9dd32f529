"""Making a mapping ready: finding both tables, the ledger, the triggers, the field contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.database.quoting import quoted_name
from airflow_provider_lark.core.database.row_security import explain_hidden, hiding_policies
from airflow_provider_lark.core.database.savepoints import require_undo
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.base_zone import BaseZone
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.ledger.checkpoint import BatchLimit, Checkpoint
from airflow_provider_lark.core.sql_side.partitions import changed_parts, parts_of
from airflow_provider_lark.core.sql_side.reflection import reflect_table
from airflow_provider_lark.core.sync.binding import belonging, capturing
from airflow_provider_lark.core.sync.binding.bind import bind
from airflow_provider_lark.core.sync.binding.bound import Agreed, Binding, BothTables
from airflow_provider_lark.core.sync.binding.locate import locate
from airflow_provider_lark.core.sync.binding.modified_field import create_modified_field
from airflow_provider_lark.core.sync.binding.zone_choice import choose_zone, name_zone, settle_zone, warn_of_other_zone
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import Report, SetupReport
from airflow_provider_lark.core.sync.users import Users

Hold = Callable[[str], AbstractContextManager[object]]
"""Holds the lease on a Bitable table while something is made of it."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person lets a setup do; see ``SyncEngine.setup``."""

    adopt_fields: bool = False
    move: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A mapping whose tables were found and fit.

    :param time_zone: in which dates of the SQL table are taken; None where none is needed and Lark tells none.
    :param batch_limit: what runs before have learned of the tenant.
    """

    binding: Binding
    time_zone: str | None
    batch_limit: BatchLimit | None = None


def prepare(
    client: LarkClient,
    engine: Engine,
    mapping: TableMapping,
    report: SetupReport,
    *,
    choices: Choices,
    hold: Hold,
    users: Users,
    clock: Clock,
) -> Ready:
    """Find both tables, make what is missing, and store the field contract; see ``SyncEngine.setup``."""
    table = reflect_table(engine, mapping.sql.table, mapping.sql.schema)
    _refuse_unseen_rows(engine, table)
    before = load_state(engine, mapping.sql.table_name)
    app_token, table_id = locate(client, mapping, before, warn=report.warnings.append)
    lark = LarkTable(client, app_token, table_id)
    base_zone = BaseZone(client, app_token)

    def check(state: Checkpoint | None) -> tuple[list[Field], Binding]:
        if not choices.move:
            belonging.require_own_table(mapping, state, lark, partial(belonging.known_records, engine, mapping))
        fields = lark.read_fields()
        contract = [] if choices.adopt_fields or choices.move or state is None else state.fields
        dialect = engine.dialect.name
        bound = bind(
            mapping,
            BothTables(app_token, table_id, fields, table, dialect),
            replace(Agreed.of(state), contract=contract),
            find_user_id=users.find,
            zone=choose_zone(mapping, state, base_zone),
        )
        return fields, bound

    # a mapping that does not fit is refused before anything is made
    fields, binding = check(before)
    with open_session(engine) as conn:
        require_undo(conn, table)
    migrate.upgrade(engine)
    with hold(f"{app_token}/{table_id}"), _hold_old(before, lark, hold):
        state = load_state(engine, mapping.sql.table_name)
        if state != before:
            # somebody else has set it up meanwhile
            fields, binding = check(state)
        if binding.modified_field is None and mapping.direction != "to_lark":
            created = create_modified_field(lark, fields, report)
            binding = replace(binding, modified_field=created)
        zone = name_zone(choose_zone(mapping, state, base_zone), ask=True)
        capturing.put_on(engine, binding, report, clock=clock)
        same_records = choices.move and belonging.has_records(lark, belonging.known_records(engine, mapping))
        with write_transaction(engine) as conn:
            ledger = Ledger(conn, binding.table_name)
            if choices.move:
                state = belonging.move(ledger, state, lark, report, keeps_pairs=same_records)
            _forget_replaced_fields(ledger, binding, state)
            settle_zone(ledger, binding, state, zone, report)
            settled = capturing.settle_capture(binding, state or Checkpoint(), report)
            after = note_parts(conn, binding, _contract(binding, settled, zone), report)
            # a person has changed something: the tenant's limit, perhaps
            ledger.checkpoint.save(replace(after, batch_limit=None))
        if not mapping.time_zone:
            warn_of_other_zone(binding, zone, base_zone, report)
    describe(binding, report)
    return Ready(binding, zone or None)


def _hold_old(before: Checkpoint | None, table: LarkTable, hold: Hold) -> AbstractContextManager[object]:
    """Keep runs with the table away that the ledger belonged to."""
    if before is None or not before.app_token or before.app_token == table.app_token:
        return nullcontext()
    return hold(f"{before.app_token}/{before.table_id}")


def open_ready(
    client: LarkClient,
    engine: Engine,
    mapping: TableMapping,
    report: Report,
    *,
    hold: Hold,
    users: Users,
    clock: Clock,
) -> Ready:
    """Bind a mapping for a run; the first time this is the whole setup."""
    with open_session(engine) as conn:
        state = _load_state(conn, mapping.sql.table_name)
        is_set_up = state is not None and bool(state.fields)
        is_current = is_set_up and migrate.current_version(conn) == migrate.HEAD
        reflected = reflect_table(conn, mapping.sql.table, mapping.sql.schema) if is_set_up else None
    if state is None or reflected is None:
        first = SetupReport(mapping.name, "setup")
        ready = prepare(client, engine, mapping, first, choices=Choices(), hold=hold, users=users, clock=clock)
        report.warnings += first.warnings
        return ready
    if not is_current:
        # the package may be newer than the ledger
        migrate.upgrade(engine)
    app_token, table_id = state.app_token, state.table_id
    if mapping.lark.app_token and mapping.lark.table_id:
        app_token, table_id = mapping.lark.app_token, mapping.lark.table_id
    table = LarkTable(client, app_token, table_id)
    belonging.require_own_table(mapping, state, table, partial(belonging.known_records, engine, mapping))
    base_zone = BaseZone(client, app_token)
    chosen = choose_zone(mapping, state, base_zone)
    binding = bind(
        mapping,
        BothTables(app_token, table_id, table.read_fields(), reflected, engine.dialect.name),
        Agreed.of(state),
        find_user_id=users.find,
        zone=chosen,
    )
    zone = name_zone(chosen)
    if state.time_zone is None and not mapping.time_zone:
        # once: what was taken until now is stored below
        warn_of_other_zone(binding, zone, base_zone, report)
    capturing.renew(engine, binding, report, state, clock=clock)
    with write_transaction(engine) as conn:
        require_undo(conn, binding.spec.table)
        ledger = Ledger(conn, binding.table_name)
        known = {(entry["column"], _identity(entry)) for entry in state.fields}
        links = {entry["column"]: entry.get("link") for entry in state.fields}
        settle_zone(ledger, binding, state, zone, report)
        bound = {(pair.column.name, _identity(pair.to_contract())) for pair in binding.pairs}
        settled = capturing.settle_capture(binding, state, report)
        after = note_parts(conn, binding, _contract(binding, settled, zone), report)
        is_other = state.partitions != after.partitions or state.capture != after.capture
        is_other = is_other or links != {entry["column"]: entry.get("link") for entry in binding.contract()}
        if known != bound or state.time_zone != zone or is_other:
            _forget_replaced_fields(ledger, binding, state)
            ledger.checkpoint.save(after)
    return Ready(binding, zone or None, state.batch_limit)


def load_state(engine: Engine, table_name: str) -> Checkpoint | None:
    """Return the checkpoint of a SQL table, None before its setup or where there is no ledger."""
    with open_session(engine) as conn:
        return _load_state(conn, table_name)


def _load_state(conn: Connection, table_name: str) -> Checkpoint | None:
    return Ledger(conn, table_name).checkpoint.load() if inspect(conn).has_table(tables.checkpoint.name) else None


def hidden_rows(engine: Engine, table: Table) -> str:
    """Return by what PostgreSQL hides rows of *table* from this user; an empty text where it shows all."""
    with open_session(engine) as conn:
        return hiding_policies(conn, quoted_name(conn.dialect, table))


def _refuse_unseen_rows(engine: Engine, table: Table) -> None:
    if told := hidden_rows(engine, table):
        raise SchemaMismatch(f"table {table.fullname!r}: {explain_hidden(told)}")
    with open_session(engine) as conn:
        parts_of(conn, table.name, table.schema)


def _forget_replaced_fields(ledger: Ledger, binding: Binding, state: Checkpoint | None) -> None:
    """Drop what was agreed about columns that now meet another field, whose cells nobody has compared yet.

    Otherwise an empty new field would look as if a person had emptied it, and empty the column.
    """
    before = {} if state is None else {entry["column"]: _identity(entry) for entry in state.fields}
    for pair in binding.pairs:
        now = _identity(pair.to_contract())
        if before.get(pair.column.name, now) != now:
            ledger.pairs.forget_column(pair.column.name)


def _identity(entry: Mapping[str, Any]) -> tuple[str, int]:
    """Return what must stay the same for a field's cells to mean the same: Lark empties cells when a type changes."""
    return str(entry["field_id"]), int(entry["type"])


def _contract(binding: Binding, state: Checkpoint, zone: str) -> Checkpoint:
    modified = binding.modified_field
    return replace(
        state,
        app_token=binding.app_token,
        table_id=binding.table_id,
        fields=binding.contract(),
        modified_field_id=None if modified is None else modified.field_id,
        time_zone=zone,
    )


def note_parts(conn: Connection, binding: Binding, state: Checkpoint, report: Report) -> Checkpoint:
    """Return *state* with the table's partitions; where rows came or went with some, the next run is a full one.

    :raises SchemaMismatch: other tables inherit from it.
    """
    parts = parts_of(conn, binding.spec.name, binding.spec.schema)
    if parts is None:
        return replace(state, partitions=None)
    changed = changed_parts(conn, parts, state.partitions or ())
    if changed and state.last_scan_at_ms is not None:
        state = replace(state, last_scan_at_ms=None)
        report.warnings.append(
            f"partitions of {binding.table_name} were attached or detached ({', '.join(changed)}), which triggers "
            "cannot capture; the next run compares all rows"
        )
    return replace(state, partitions=tuple(parts))


def describe(binding: Binding, report: SetupReport) -> None:
    """Tell in *report* which fields meet which columns."""
    report.table_id = binding.table_id
    blocking = binding.blocking_columns()
    if blocking and binding.mapping.direction != "to_lark":
        report.warnings.append(
            f"records added in Lark cannot be inserted into {binding.table_name}: column {', '.join(blocking)} is NOT "
            "NULL, has no default and no mapped field; map a field to it or give it a default"
        )
    report.fields = [
        {"field": pair.field.describe(), "column": pair.column.describe(), "direction": pair.flow}
        for pair in binding.pairs
    ]
