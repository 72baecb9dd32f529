"""The database of a plan: a copy of the ledger, and beside it what the run would write. A file that goes with the plan.

The real database is only read. The copy is SQLite's, in a file, so that memory does not grow with the tables.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    or_,
    select,
)

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import epoch_ms
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.ledger import tables
from airflow_provider_lark.core.sync.plan.actions import (
    EXAMPLES,
    Action,
    ActionSide,
    Kind,
    Refusals,
    cause_of,
    dump_changes,
    load_changes,
)

_metadata = MetaData()

planned_row = Table(
    "planned_row",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("fields", Text),
    Column("made", Text),
    Column("folded", String, index=True),
)
"""Rows of SQL as the run would leave them; no *fields* where it would delete one.

*made* are the key columns, as JSON, that the database would make: another key stands here for the row's own. *folded*
is shared by keys that the database may take for the same.
"""

planned_record = Table(
    "planned_record", _metadata, Column("record_id", String, primary_key=True), Column("fields", Text)
)
"""Records of Lark as the run would leave the cells that it writes; no *fields* where it would delete one."""

planned_action = Table(
    "planned_action",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("side", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("record_id", String, nullable=False),
    Column("changes", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("name", String, nullable=False),
    Index("ix_planned_action_name", "name"),
)
"""What the plan lists. *name* is the key as the run knows it: what stands for it, where the database would make it."""

planned_check = Table(
    "planned_check",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("side", String, nullable=False),
    Column("key", String, nullable=False),
    Column("record_id", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("waits", String, nullable=False),
    Column("state", String, nullable=False, server_default="planned"),
    Index("ux_planned_check", "key", "record_id", "side", "fingerprint", unique=True),
    Index("ix_planned_check_record", "record_id"),
)
"""The decisions of the run, by what they rest on. *state* is ``planned``, ``done``, or ``changed`` since.

*waits* names the columns that are put off, as :func:`.dump_names` writes them.
"""

_PAGE, _LINES = 500, 2000

_CONNECTIONS = 2  # one reads while the other writes


class PlanDatabase:
    """The temporary file. It has no name: it goes with its connections, also when the process is killed."""

    def __init__(self) -> None:
        handle, path = mkstemp(prefix="lark-plan-")
        os.close(handle)
        try:
            self._engine = create_engine(f"sqlite:///{path}", pool_size=_CONNECTIONS, max_overflow=0)
            event.listen(self._engine, "connect", _hurry)
            tables.metadata.create_all(self._engine)
            _metadata.create_all(self._engine)
            with ExitStack() as stack:
                for _ in range(_CONNECTIONS):
                    stack.enter_context(self._engine.connect())
        finally:
            # every connection that will be used is open by now; another one would make a file of this name
            Path(path).unlink()
        event.listen(self._engine, "do_connect", _refuse_late)

    def close(self) -> None:
        """Remove it."""
        self._engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction."""
        with self._engine.begin() as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a session."""
        with self._engine.connect() as conn:
            yield conn

    def copy_ledger(self, conn: Connection, table_name: str, linked: Sequence[str]) -> None:
        """Copy what the ledger behind *conn* knows of a table, and the pairs of the tables that it links to."""
        unfinished = tables.queue.c.status != "completed"
        recent = tables.log.c.id > select(func.max(tables.log.c.id) - _LINES).scalar_subquery()
        for table, condition in (
            (tables.checkpoint, None),
            (tables.record_map, tables.record_map.c.table_name.in_([table_name, *linked])),
            (tables.queue, (tables.queue.c.table_name == table_name) & unfinished),
            (tables.intent, (tables.intent.c.table_name == table_name) & (tables.intent.c.state == "open")),
            (tables.conflict, (tables.conflict.c.table_name == table_name) & (tables.conflict.c.status == "open")),
            (tables.log, (tables.log.c.table_name == table_name) & recent),
            (tables.decision, (tables.decision.c.table_name == table_name) & (tables.decision.c.status == "open")),
            (
                tables.blacklist,
                or_(tables.blacklist.c.table_name == table_name, tables.blacklist.c.table_name.is_(None)),
            ),
        ):
            if inspect(conn).has_table(table.name):
                self._copy(conn, table, condition)

    def copy_pairs(self, earlier: PlanDatabase, table_name: str) -> None:
        """Take the pairs of a table for those that an *earlier* plan of it leaves.

        Rows whose key the database would make are left out: nobody knows yet what would lead to them.
        """
        pair = tables.record_map
        is_made = exists().where(planned_row.c.key == pair.c.key, planned_row.c.made.is_not(None))
        found = select(pair).where(pair.c.table_name == table_name, ~is_made)
        with earlier.read() as source, self.write() as copy:
            copy.execute(delete(pair).where(pair.c.table_name == table_name))
            for some in source.execute(found, execution_options={"yield_per": _PAGE}).mappings().partitions():
                copy.execute(insert(pair), [{column.key: row[column] for column in pair.columns} for row in some])

    def add(self, conn: Connection, actions: Sequence[Action], names: Sequence[str] = ()) -> None:
        """Note *actions*, in the transaction of *conn*.

        :param names: the keys as the run knows them; those of *actions* by default.
        """
        if actions:
            conn.execute(
                insert(planned_action),
                [
                    {
                        "side": each.side,
                        "kind": each.kind,
                        "key": each.key,
                        "record_id": each.record_id,
                        "changes": dump_changes(each.changes),
                        "why": each.why,
                        "cause": cause_of(each.why) if each.kind == "refuse" else "",
                        "name": name,
                    }
                    for each, name in zip(actions, names or [each.key for each in actions], strict=True)
                ],
            )

    def counts(self) -> dict[tuple[ActionSide, Kind], int]:
        """Count the actions."""
        side, kind = planned_action.c.side, planned_action.c.kind
        with self.read() as conn:
            found = conn.execute(select(side, kind, func.count()).group_by(side, kind).order_by(side, kind))
            return {(row[0], row[1]): row[2] for row in found}

    def names_among(
        self, conn: Connection, names: Sequence[str], side: ActionSide | None = None, kinds: Sequence[Kind] = ()
    ) -> set[str]:
        """Return those of *names* of which an action is noted.

        :param side: only those of this side; of any by default. *kinds* alike.
        """
        conditions = [planned_action.c.side == side] if side else []
        conditions += [planned_action.c.kind.in_(kinds)] if kinds else []
        found: set[str] = set()
        name = planned_action.c.name
        for some in split(names):
            found.update(conn.scalars(select(name).where(is_among(name, some), *conditions)))
        return found

    def take_back_refusals(self, refused: Collection[str]) -> None:
        """Remove the refusals of records other than *refused*: what those waited for has come later in the run."""
        mine = (planned_action.c.side == "sql", planned_action.c.kind == "refuse")
        after = 0
        with self.write() as conn:
            page = select(planned_action.c.id, planned_action.c.name).where(*mine).order_by(planned_action.c.id)
            while rows := conn.execute(page.where(planned_action.c.id > after).limit(_PAGE)).all():
                landed = [row.id for row in rows if row.name not in refused]
                conn.execute(delete(planned_action).where(is_among(planned_action.c.id, landed)))
                after = rows[-1].id

    def refusals(self, limit: int) -> list[Refusals]:
        """Return why rows cannot be synced, what concerns most rows first."""
        side, cause, refused = planned_action.c.side, planned_action.c.cause, planned_action.c.kind == "refuse"
        grouped = select(side, cause, func.count(), func.min(planned_action.c.why)).where(refused).group_by(side, cause)
        keys = select(planned_action.c.key).where(refused).order_by(planned_action.c.id).limit(EXAMPLES)
        with self.read() as conn:
            found = conn.execute(grouped.order_by(func.count().desc(), cause).limit(limit)).all()
            refusals = []
            for side_, cause_, rows, why in found:
                examples = conn.scalars(keys.where(side == side_, cause == cause_))
                refusals.append(Refusals(side_, why if rows == 1 else cause_, rows, tuple(examples)))
            return refusals

    def actions(
        self, side: ActionSide | None = None, kind: Kind | None = None, limit: int | None = None
    ) -> Iterator[Action]:
        """Yield the actions in their order, page by page."""
        after, left = 0, limit
        wanted = [planned_action.c.side == side] if side else []
        wanted += [planned_action.c.kind == kind] if kind else []
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            page = select(planned_action).where(planned_action.c.id > after, *wanted)
            with self.read() as conn:
                rows = conn.execute(page.order_by(planned_action.c.id).limit(size)).all()
            if not rows:
                return
            for row in rows:
                yield Action(row.side, row.kind, row.key, row.record_id, load_changes(row.changes), row.why)
            after, left = rows[-1].id, None if left is None else left - len(rows)

    def _copy(self, conn: Connection, table: Table, condition: Any) -> None:
        # a ledger of an older version lacks columns, which have defaults
        there = {column["name"] for column in inspect(conn).get_columns(table.name)}
        columns = [column for column in table.columns if column.name in there]
        moments = [conn.dialect.name != "sqlite" and column.name.endswith("_at") for column in columns]
        # a moment has a type of its own in each database
        read: list[Any] = [
            epoch_ms(column) if moment else column for column, moment in zip(columns, moments, strict=True)
        ]
        source = select(*read) if condition is None else select(*read).where(condition)
        keys = [column.key for column in columns]
        found = conn.execute(source, execution_options={"yield_per": _PAGE})
        with self.write() as copy:
            for some in found.partitions():
                rows = [
                    [_as_text(value) if moment else value for value, moment in zip(row, moments, strict=True)]
                    for row in some
                ]
                copy.execute(insert(table), [dict(zip(keys, row, strict=True)) for row in rows])


def _as_text(ms: int | None) -> str | None:
    return None if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"


def _refuse_late(*_: Any) -> None:
    raise ConfigError("the plan is closed; create it or load it again")


def _hurry(raw: Any, _record: Any) -> None:
    # nobody needs the file after a crash
    raw.execute("PRAGMA journal_mode = MEMORY")
    raw.execute("PRAGMA synchronous = OFF")
