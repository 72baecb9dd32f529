"""One mapping: its two tables, what ties them, and what waits between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.database.row_security import explain_hidden
from airflow_provider_lark.core.database.savepoints import missing_undo
from airflow_provider_lark.core.errors import BadRequest, LarkError, NotFound
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.base_zone import BaseZone
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.lark_side.view_check import require_view
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.sql_side.reflection import reflect_table
from airflow_provider_lark.core.sync.binding import belonging, setup
from airflow_provider_lark.core.sync.binding.bind import bind
from airflow_provider_lark.core.sync.binding.bound import Agreed, Binding, BothTables
from airflow_provider_lark.core.sync.binding.locate import locate
from airflow_provider_lark.core.sync.binding.zone_choice import choose_zone, dated_columns, name_zone
from airflow_provider_lark.core.sync.doctor.capture import capture_check
from airflow_provider_lark.core.sync.doctor.findings import ADVANCED, Answer, Finding, look
from airflow_provider_lark.core.sync.doctor.larger_pages import look_at_larger_pages
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping

NO_RECORD = "recDoctor00000"
"""An id that no record has."""

_LOOKED_AT = 100

NO_PERSON = "airflow-provider-lark-doctor@example.invalid"
"""An e-mail address that nobody has."""


def examine_mapping(
    client: LarkClient, engine: Engine, mapping: TableMapping, *, clock: Clock, max_queue_age_seconds: float = 3600.0
) -> list[Finding]:
    """Look at both tables of *mapping*, at what ties them, and at what waits between them.

    :param max_queue_age_seconds: an older entry of the queue is trouble: nobody syncs, or the sync fails.
    """
    return list(_Examination(client, engine, mapping, clock, max_queue_age_seconds).run())


@dataclass(slots=True)
class _Examination:
    client: LarkClient
    engine: Engine
    mapping: TableMapping
    clock: Clock
    max_queue_age_seconds: float

    def run(self) -> Iterator[Finding]:
        found: list[LarkTable] = []
        fields: list[Field] = []
        asked = list(self._ask_lark(found, fields))
        yield from asked
        yield self._sum_up_scopes(asked)
        yield from self._ask_database(found, fields)

    def _ask_lark(self, found: list[LarkTable], fields: list[Field]) -> Iterator[Finding]:
        yield self._look("table", lambda: self._locate(found))
        if found:
            yield self._look("fields", lambda: self._read_fields(found[0], fields))
        if fields and self.mapping.lark.view:
            yield self._look("view", lambda: self._view(found[0], fields))
        if fields:
            yield self._look("read", lambda: self._read(found[0]))
            if self.client.matrices is not None:
                yield self._look("larger pages", lambda: look_at_larger_pages(found[0], fields))
            if self.mapping.direction != "to_sql":
                yield self._look("write", lambda: self._write(found[0]))
        if self.mapping.names_by_email and self.mapping.direction != "to_sql":
            yield self._look("people", self._find_people)

    def _ask_database(self, found: list[LarkTable], fields: list[Field]) -> Iterator[Finding]:
        database = self._look("database", self._reach_database)
        yield database
        if database.status != "ok":
            return
        if self.engine.dialect.name == "postgresql":
            yield self._look("row security", self._row_security)
        if self._missing_undo():
            yield self._look("transactions", lambda: ("trouble", self._missing_undo()))
        yield self._look("ledger", self._ledger)
        if fields:
            bound: list[Binding] = []
            yield self._look("mapping", lambda: self._bind(found[0], fields, bound))
            if bound:
                yield self._look("time zone", lambda: self._zone(found[0], bound[0]))
            if bound and (named := _computed_persons(bound[0])):
                yield self._look("addresses", lambda: self._addresses(found[0], named))
            if bound and self.mapping.direction != "to_sql":
                is_set_up = self._state() is not None
                yield self._look(*capture_check(self.engine, bound[0], is_set_up=is_set_up))
        if self._has_ledger():
            yield self._look("queue", self._queue)
            yield self._look("last scan", self._last_scan)

    def _sum_up_scopes(self, asked: list[Finding]) -> Finding:
        missing = [f"{each.check} requires one of {', '.join(each.scopes)}" for each in asked if each.scopes]
        if not missing:
            return self._look("scopes", lambda: "none of the checked scopes is missing")
        told = f"{'; '.join(missing)}; add it in the developer console and release a new version of the app"
        return self._look("scopes", lambda: ("trouble", told))

    def _look(self, check: str, ask: Callable[[], Answer]) -> Finding:
        return look(f"mapping {self.mapping.name}", check, ask)

    def _locate(self, found: list[LarkTable]) -> Answer:
        renamed: list[str] = []
        app_token, table_id = locate(self.client, self.mapping, self._known(), warn=renamed.append)
        names = {table.table_id: table.name for table in self.client.bitable.list_tables(app_token=app_token)}
        if table_id not in names:
            return "trouble", f"the base has no table {table_id}; known: {', '.join(sorted(names.values()))}"
        found.append(LarkTable(self.client, app_token, table_id))
        if renamed:
            return "warning", renamed[0]
        return f"{names[table_id]!r} ({table_id}) in base {app_token}"

    def _known(self) -> Checkpoint | None:
        try:
            return self._state()
        except (SQLAlchemyError, LarkError):
            # the look at the database says what is wrong with it
            return None

    def _read_fields(self, table: LarkTable, fields: list[Field]) -> Answer:
        fields += table.read_fields()
        return f"{counted(len(fields), 'field')}"

    def _view(self, table: LarkTable, fields: list[Field]) -> str:
        view = self.mapping.lark.view
        return f"{view!r} ({require_view(table, view, fields, where='lark.view')}) exists, and Lark heeds it"

    def _read(self, table: LarkTable) -> Answer:
        page = table.first_page(page_size=1)
        known = self._count_pairs()
        if not page.total and known:
            return "trouble", f"Lark returned no records, but {known:,} are known: {ADVANCED}"
        return f"{counted(page.total or 0, 'record')}"

    def _write(self, table: LarkTable) -> Answer:
        asks: dict[str, Callable[[], object]] = {
            "change": lambda: table.update([(NO_RECORD, {})]),
        }
        if self.mapping.deletes.mode == "propagate":
            delete = self.client.bitable.batch_delete
            asks["delete"] = lambda: delete(**table.ids, record_ids=[NO_RECORD])
        unclear = [right for right, ask in asks.items() if not _is_not_found(ask)]
        if unclear:
            return "warning", f"cannot check without writing whether the app may {' and '.join(unclear)} records"
        return f"the app may {' and '.join(asks)} records"

    def _find_people(self) -> str:
        self.client.contact.batch_get_id(emails=[NO_PERSON])
        return "e-mail addresses can be looked up"

    def _reach_database(self) -> str:
        table = reflect_table(self.engine, self.mapping.sql.table, self.mapping.sql.schema)
        return (
            f"table {self.mapping.sql.table_name}, {counted(len(table.columns), 'column')}, {self.engine.dialect.name}"
        )

    def _row_security(self) -> Answer:
        table = reflect_table(self.engine, self.mapping.sql.table, self.mapping.sql.schema)
        told = setup.hidden_rows(self.engine, table)
        return ("trouble", explain_hidden(told)) if told else "this user can see every row"

    def _missing_undo(self) -> str:
        table = reflect_table(self.engine, self.mapping.sql.table, self.mapping.sql.schema)
        with open_session(self.engine) as conn:
            return missing_undo(conn, table) or ""

    def _has_ledger(self) -> bool:
        with open_session(self.engine) as conn:
            return inspect(conn).has_table(tables.queue.name)

    def _ledger(self) -> Answer:
        with open_session(self.engine) as conn:
            migrate.refuse_newer(conn)
            found = migrate.current_version(conn)
        if found is None:
            return "warning", "not created yet; the setup or the first run creates it"
        if found != migrate.HEAD:
            return "warning", f"version {found}; the next run upgrades it to {migrate.HEAD}"
        return f"version {found}"

    def _state(self) -> Checkpoint | None:
        return setup.load_state(self.engine, self.mapping.sql.table_name)

    def _bind(self, table: LarkTable, fields: list[Field], bound: list[Binding]) -> Answer:
        state = self._state()
        known = partial(belonging.known_records, self.engine, self.mapping)
        if told := belonging.tell_other_table(self.mapping, state, table, known):
            return "trouble", told
        reflected = reflect_table(self.engine, self.mapping.sql.table, self.mapping.sql.schema)
        binding = bind(
            self.mapping,
            BothTables(table.app_token, table.table_id, fields, reflected, self.engine.dialect.name),
            Agreed.of(state),
            zone=choose_zone(self.mapping, state, BaseZone(self.client, table.app_token)),
        )
        bound.append(binding)
        told = f"{counted(len(binding.pairs), 'field/column pair')} compatible"
        if binding.modified_field is None and self.mapping.direction != "to_lark" and state is not None:
            return "warning", f'{told}; the table has no "Last modified time" field, so every run reads all records'
        return told

    def _zone(self, table: LarkTable, binding: Binding) -> Answer:
        base = BaseZone(self.client, table.app_token)
        name = name_zone(choose_zone(self.mapping, self._state(), base), ask=True)
        shown = name_zone(base, ask=True)
        columns = dated_columns(binding)
        if not columns:
            return f"no column depends on it ({name or 'the base does not report one'})"
        told = f"dates in {', '.join(columns)} are interpreted in {name}"
        if shown and shown != name and not self.mapping.time_zone:
            return "warning", f"{told}, but the base shows dates in {shown}; set time_zone in the mapping"
        return told

    def _addresses(self, table: LarkTable, names: list[str]) -> Answer:
        page = table.first_page(names, page_size=_LOOKED_AT)
        cells = [record["fields"].get(name) for record in page.items for name in names]
        people = [one for cell in cells if cell for one in (cell if isinstance(cell, list) else [cell])]
        if not people or any(isinstance(one, dict) and one.get("email") for one in people):
            return f"the users in {', '.join(names)} have e-mail addresses"
        return "warning", (
            f"no user in {', '.join(names)} has an e-mail address, so SQL gets none: the records were created by apps "
            "only, or the app lacks the scope contact:user.email:readonly"
        )

    def _queue(self) -> Answer:
        with open_session(self.engine) as conn:
            ledger = Ledger(conn, self.mapping.sql.table_name)
            backlog, open_conflicts = ledger.queue.backlog(), ledger.conflicts.count_open()
        age = backlog.oldest_seconds
        told = f"{backlog.pending} pending" + (f", oldest {age:.0f} s" if age is not None else "")
        if age is not None and age > self.max_queue_age_seconds:
            return "trouble", f"{told}; check that the incremental sync DAG is running and succeeding"
        if backlog.failed or backlog.blacklisted or backlog.held or open_conflicts:
            parts = f"{backlog.failed} failed, {backlog.blacklisted} blacklisted, {counted(open_conflicts, 'conflict')}"
            parts += f", {counted(backlog.held, 'held delete')}" if backlog.held else ""
            return "warning", f"{told}; needs attention: {parts}"
        return told

    def _last_scan(self) -> Answer:
        state = self._state()
        if state is None or state.last_scan_at_ms is None:
            return "warning", "no full sync has completed yet"
        hours = (self.clock.now() - state.last_scan_at_ms / 1000) / 3600
        return f"last full sync completed {hours:.1f} h ago"

    def _count_pairs(self) -> int:
        try:
            if not self._has_ledger():
                return 0
            with open_session(self.engine) as conn:
                return Ledger(conn, self.mapping.sql.table_name).pairs.count()
        except (SQLAlchemyError, LarkError):
            # the database has a check of its own
            return 0


def _computed_persons(binding: Binding) -> list[str]:
    """Return the names of the fields that Lark fills with persons and SQL names by address."""
    people = (FieldType.CREATED_USER, FieldType.MODIFIED_USER)
    return [pair.field.name for pair in binding.pairs if pair.by_email and pair.field.type in people]


def _is_not_found(ask: Callable[[], object]) -> bool:
    """Tell whether Lark refuses a write for its record, and so not for want of a right."""
    try:
        ask()
    except NotFound:
        return True
    except BadRequest:
        return False
    return False
