"""Looks at everything a sync needs and says what is wrong; it writes nothing, in Lark or in the database.

The right to write is asked for by changing no cell of a record that does not exist: Lark checks the rights first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.api.address import parse_base
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import BadRequest, LarkError, NotFound
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.stores import capture
from airflow_provider_lark.core.stores.accounts import tokens as accounts
from airflow_provider_lark.core.stores.accounts.encryption import Keyring
from airflow_provider_lark.core.stores.ledger import migrate, pairs, queue, schema
from airflow_provider_lark.core.stores.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.stores.sql import reflect_table
from airflow_provider_lark.core.sync import setup
from airflow_provider_lark.core.sync.binding import Binding, bind
from airflow_provider_lark.core.sync.mapping import TableMapping

Status = Literal["ok", "warning", "trouble"]

SKEW_WARNING_SECONDS = 5.0
"""How far two clocks may be apart before the policy ``newest`` is worth a thought."""

SKEW_TROUBLE_SECONDS = 60.0

NO_RECORD = "recDoctor00000"
"""An id that no record has."""

NO_PERSON = "airflow-provider-lark-doctor@example.invalid"
"""An e-mail address that nobody has."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    :param subject: what was looked at: ``app cli_…``, ``mapping areas``.
    :param check: which part of it: ``token``, ``clock``, ``fields``, ``triggers``, …
    :param detail: what was found, and for anything but ``ok`` what to do.
    """

    subject: str
    check: str
    status: Status
    detail: str


Ask = Callable[[], str | tuple[Status, str]]


def examine_app(client: LarkClient, *, clock: Clock) -> list[Finding]:
    """Ask for a token and for the app's bot, and compare the clocks."""
    subject = "app"
    bot = _look(subject, "token", lambda: f"Lark knows this app as {client.bot.info().name!r}")
    return [bot] if bot.status != "ok" else [bot, _look(subject, "clock", lambda: _compare_clocks(client))]


def examine_base(client: LarkClient, name: str, bases: Mapping[str, str]) -> list[Finding]:
    """Look whether the app may read one of the named *bases*."""

    def ask() -> str | tuple[Status, str]:
        app_token = client.bitable.locate_base(parse_base(name, bases=bases))
        app = client.bitable.get_app(app_token=app_token)
        tables = client.bitable.list_tables(app_token=app_token)
        what = f"{app.name!r}, {len(tables)} tables"
        return ("warning", f"{what}; {_ADVANCED}") if app.is_advanced else what

    return [_look(f"base {name}", "rights", ask)]


def examine_token_store(engine: Engine, keyring: Keyring) -> list[Finding]:
    """Look whether the keys open what the token store holds."""

    def ask() -> str | tuple[Status, str]:
        found = accounts.survey(engine, keyring)
        told = f"{found.current + found.older} tokens"
        if found.unreadable:
            return "trouble", f"no key opens {len(found.unreadable)} tokens; put the old key behind the new one"
        if found.older:
            return "warning", f"{told}, {found.older} under an older key: run airflow lark tokens reencrypt"
        return told

    return [_look("token store", "keys", ask)]


_ADVANCED = (
    "it has advanced permissions: give the app the right to manage it, or searches come back empty without an error"
)


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
        place: list[tuple[str, str]] = []
        yield self._look("table", lambda: self._locate(place))
        fields: list[Field] = []
        if place:
            yield self._look("fields", lambda: self._read_fields(place[0], fields))
        if fields:
            yield self._look("read", lambda: self._read(place[0]))
            if self.mapping.direction != "to_sql":
                yield self._look("write", lambda: self._write(place[0]))
        if self.mapping.names_by_email and self.mapping.direction != "to_sql":
            yield self._look("people", self._find_people)
        database = self._look("database", self._reach_database)
        yield database
        if database.status != "ok":
            return
        yield self._look("ledger", self._ledger)
        if fields:
            bound: list[Binding] = []
            yield self._look("mapping", lambda: self._bind(place[0], fields, bound))
            if bound and self.mapping.direction != "to_sql":
                yield self._look("triggers", lambda: self._triggers(bound[0]))
        if self._has_ledger():
            yield self._look("queue", self._queue)
            yield self._look("last scan", self._last_scan)

    def _look(self, check: str, ask: Ask) -> Finding:
        return _look(f"mapping {self.mapping.name}", check, ask)

    def _locate(self, place: list[tuple[str, str]]) -> str | tuple[Status, str]:
        app_token, table_id = setup.locate(self.client, self.mapping)
        tables = {table.table_id: table.name for table in self.client.bitable.list_tables(app_token=app_token)}
        if table_id not in tables:
            return "trouble", f"the base has no table {table_id}; its tables: {', '.join(sorted(tables.values()))}"
        place.append((app_token, table_id))
        return f"{tables[table_id]!r} ({table_id}) in base {app_token}"

    def _read_fields(self, place: tuple[str, str], fields: list[Field]) -> str | tuple[Status, str]:
        fields += setup.read_fields(self.client, *place)
        return f"{len(fields)} fields"

    def _read(self, place: tuple[str, str]) -> str | tuple[Status, str]:
        app_token, table_id = place
        page = self.client.bitable.search_page(app_token=app_token, table_id=table_id, page_size=1)
        known = self._count_pairs()
        if not page.total and known:
            return "trouble", f"Lark shows no record, and {known} are known: {_ADVANCED}"
        return f"{page.total} records"

    def _write(self, place: tuple[str, str]) -> str | tuple[Status, str]:
        app_token, table_id = place
        bitable = self.client.bitable
        asks: dict[str, Callable[[], object]] = {
            "change": lambda: bitable.batch_update(app_token=app_token, table_id=table_id, records=[(NO_RECORD, {})]),
        }
        if self.mapping.deletes.mode == "propagate":
            asks["delete"] = lambda: bitable.batch_delete(
                app_token=app_token, table_id=table_id, record_ids=[NO_RECORD]
            )
        unclear = [right for right, ask in asks.items() if not _is_not_found(ask)]
        if unclear:
            return "warning", f"whether the app may {' and '.join(unclear)} records cannot be told without writing"
        return f"the app may {' and '.join(asks)} records"

    def _find_people(self) -> str:
        self.client.contact.batch_get_id(emails=[NO_PERSON])
        return "e-mail addresses can be looked up"

    def _reach_database(self) -> str:
        table = reflect_table(self.engine, self.mapping.sql.table, self.mapping.sql.schema)
        return f"table {self.mapping.sql.table_name}, {len(table.columns)} columns, {self.engine.dialect.name}"

    def _has_ledger(self) -> bool:
        with self.engine.connect() as conn:
            return inspect(conn).has_table(schema.queue.name)

    def _ledger(self) -> str | tuple[Status, str]:
        with self.engine.connect() as conn:
            found = migrate.current_version(conn)
        if found is None:
            return "warning", "not there yet: the first run, or the setup, makes it"
        if found != migrate.HEAD:
            return "warning", f"version {found}; the next run brings it to {migrate.HEAD}"
        return f"version {found}"

    def _state(self) -> Checkpoint | None:
        return setup.load_state(self.engine, self.mapping.sql.table_name)

    def _bind(self, place: tuple[str, str], fields: list[Field], bound: list[Binding]) -> str | tuple[Status, str]:
        state = self._state()
        app_token, table_id = place
        binding = bind(
            self.mapping,
            app_token=app_token,
            table_id=table_id,
            fields=fields,
            table=reflect_table(self.engine, self.mapping.sql.table, self.mapping.sql.schema),
            dialect=self.engine.dialect.name,
            contract=[] if state is None else state.fields,
            modified_field_id=None if state is None else state.modified_field_id,
        )
        bound.append(binding)
        told = f"{len(binding.pairs)} fields and columns fit"
        if binding.modified_field is None and self.mapping.direction != "to_lark" and state is not None:
            return "warning", f'{told}; the table has no "Last modified time" field, so every run reads all records'
        return told

    def _triggers(self, binding: Binding) -> str | tuple[Status, str]:
        if self._state() is None:
            return "warning", "not there yet: the first run, or the setup, installs them"
        with self.engine.connect() as conn:
            is_current = capture.is_current(conn, setup.captured_spec(binding))
        if not is_current:
            return (
                "trouble",
                f"missing on {binding.table_name}, or older than its columns; run the setup, then a full sync",
            )
        return "installed and current"

    def _queue(self) -> str | tuple[Status, str]:
        with self.engine.connect() as conn:
            backlog = queue.backlog(conn, self.mapping.sql.table_name)
            waiting = schema.conflict.c
            open_conflicts = conn.scalar(
                select(func.count())
                .select_from(schema.conflict)
                .where(waiting.table_name == self.mapping.sql.table_name, waiting.status == "open")
            )
        age = backlog.oldest_seconds
        told = f"{backlog.pending} wait" + (f", the oldest for {age:.0f} s" if age is not None else "")
        if age is not None and age > self.max_queue_age_seconds:
            return "trouble", f"{told}: does the incremental DAG run, and is it green?"
        if backlog.failed or backlog.blacklisted or open_conflicts:
            parts = f"{backlog.failed} failed, {backlog.blacklisted} blacklisted, {open_conflicts} conflicts"
            return "warning", f"{told}; for a person: {parts}"
        return told

    def _last_scan(self) -> str | tuple[Status, str]:
        state = self._state()
        if state is None or state.last_scan_at_ms is None:
            return "warning", "no full sync has finished yet"
        hours = (self.clock.now() - state.last_scan_at_ms / 1000) / 3600
        return f"a full sync finished {hours:.1f} h ago"

    def _count_pairs(self) -> int:
        try:
            if not self._has_ledger():
                return 0
            with self.engine.connect() as conn:
                return pairs.count(conn, self.mapping.sql.table_name)
        except SQLAlchemyError:
            # the database has a check of its own
            return 0


def _look(subject: str, check: str, ask: Ask) -> Finding:
    """Ask, and turn what goes wrong into a finding."""
    try:
        answer = ask()
    except LarkError as exc:
        return Finding(subject, check, "trouble", f"{type(exc).__name__}: {exc}")
    except SQLAlchemyError as exc:
        # its text quotes the statement, and a broken address of the database its password
        cause = getattr(exc, "orig", None) or exc
        return Finding(
            subject, check, "trouble", f"the database refuses ({type(cause).__name__}); check its connection"
        )
    if isinstance(answer, str):
        return Finding(subject, check, "ok", answer)
    return Finding(subject, check, *answer)


def _is_not_found(ask: Callable[[], object]) -> bool:
    """Tell whether Lark refuses a write for its record, and so not for want of a right."""
    try:
        ask()
    except NotFound:
        return True
    except BadRequest:
        return False
    return False


def _compare_clocks(client: LarkClient) -> str | tuple[Status, str]:
    offset_ms = client.server_offset_ms
    if offset_ms is None:
        return "warning", "Lark's answers carry no time"
    seconds = abs(offset_ms) / 1000
    told = f"this machine is {seconds:.0f} s {'behind' if offset_ms > 0 else 'ahead of'} Lark"
    if seconds > SKEW_TROUBLE_SECONDS:
        return "trouble", f"{told}; set its clock (NTP)"
    if seconds > SKEW_WARNING_SECONDS:
        return "warning", f"{told}; set its clock (NTP), or conflicts of `newest` go the wrong way"
    return told
