"""Rows of other tables that refer to rows of this one: which they are, and what becomes of them with a delete.

The mapping of the other table says by ``link:`` that a column refers to this table, and the ledger of both lies in one
database. So a run that deletes finds them, and lets the run of their own table carry over what became of them: on MySQL
and MariaDB no trigger tells of what a foreign key does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, Text, delete, func, inspect, literal_column, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import are_among, is_among
from airflow_provider_lark.core.errors import LarkError, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical import load_values
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.hints import counted, list_names
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.base_text import base_text, is_told
from airflow_provider_lark.core.ledger.checkpoint import all_contracts
from airflow_provider_lark.core.ledger.deletes import REFERRED
from airflow_provider_lark.core.ledger.tables import record_map
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.keys import KeyCodec, exact_key_sql
from airflow_provider_lark.core.sql_side.reflection import columns_of, reflect_table
from airflow_provider_lark.core.sync.binding.links import keys_of
from airflow_provider_lark.core.sync.mapping.targets import OnDelete

_PAGE = 1000
_EXAMPLES = 20


class Reference(NamedTuple):
    """A row that refers to a row of this table."""

    key: Key
    parent: Key


class Referring(NamedTuple):
    """The rows that refer to one row: how many, and the first of them."""

    total: int
    keys: list[Key]

    def __str__(self) -> str:
        """Name them."""
        more = self.total - len(self.keys)
        return ", ".join(self.keys) + (f" and {more} more" if more else "")


@dataclass(frozen=True, slots=True)
class Child:
    """A column of another table whose rows refer to this one by it.

    :param rule: what the database's foreign key does; empty where there is none.
    """

    table_name: str
    column: str
    on_delete: OnDelete
    table: Table
    key_columns: tuple[str, ...]
    many: bool
    rule: str

    @property
    def fate(self) -> str:
        """What becomes of its rows with a delete, for a message."""
        told = {"set_null": f"{self.column} is set to NULL", "cascade": "they are deleted too"}
        return told.get(self.on_delete) or self.fate_by_database

    @property
    def fate_by_database(self) -> str:
        """What the database's foreign key makes of them."""
        told = {
            "SET NULL": f"the foreign key sets {self.column} to NULL",
            "SET DEFAULT": f"the foreign key sets {self.column} to its default",
            "CASCADE": "the foreign key deletes them",
            "": f"{self.column} stays in SQL, and their links in Lark are emptied",
        }
        return told.get(self.rule, "the foreign key refuses the delete")

    @property
    def lasting(self) -> str:
        """What stays as a delete left it, though the row that was referred to comes back; empty where nothing does."""
        fate = self.on_delete if self.on_delete in ("set_null", "cascade") else self.rule.lower().replace(" ", "_")
        if fate == "cascade":
            own = "come back by an undo of the run of their own mapping"
            return f"rows of {self.table_name} that were deleted with it {own}"
        if fate in ("set_null", "set_default"):
            return f"{self.table_name}.{self.column} of the rows that referred to it stays as the delete left it"
        return ""

    def referring(self, conn: Connection, parents: Collection[Key]) -> list[Reference]:
        """Return the rows that refer to *parents* now."""
        if self.many:
            # a list of keys is not to be asked for; Lark empties its links
            return []
        found: list[Reference] = []
        own, link = self._codec(self.key_columns), self._codec((self.column,))
        wanted = [value for key in parents if (value := _value(link, key)) is not None]
        for some in split(wanted):
            columns = [self.table.c[name] for name in (*self.key_columns, self.column)]
            for row in conn.execute(select(*columns).where(is_among(self.table.c[self.column], some))):
                parent = link.to_key(row[-1:])
                # a collation may take more for equal
                if parent in parents:
                    found.append(Reference(own.to_key(row[:-1]), parent))
        return found

    def referred(self, conn: Connection, parents: Collection[Key]) -> dict[Key, Referring]:
        """Return which of *parents* rows refer to now, with the first twenty of each: there may be any number."""
        if self.many:
            return {}
        own, link, child = self._codec(self.key_columns), self._codec((self.column,)), self.table.alias("lark_child")
        wanted = [value for key in parents if (value := _value(link, key)) is not None]
        # by the key's text: a collation may take more for equal
        parent = literal_column(exact_key_sql(conn.dialect, self._columns((self.column,)), "lark_child"), Text())
        keys = [child.c[name] for name in self.key_columns]
        rank = func.row_number().over(partition_by=parent, order_by=keys).label("lark_rank")
        count = func.count().over(partition_by=parent).label("lark_count")
        named = [each.label(f"lark_{place}") for place, each in enumerate([*keys, parent])]
        found: dict[Key, Referring] = {}
        for some in split(wanted):
            ranked = select(*named, rank, count).where(is_among(child.c[self.column], some)).subquery()
            first = select(ranked).where(ranked.c.lark_rank <= _EXAMPLES).order_by(ranked.c.lark_rank)
            for *key, name, _, total in conn.execute(first):
                if name in parents:
                    found.setdefault(Key(name), Referring(total, [])).keys.append(own.to_key(key))
        return found

    def agreed(self, conn: Connection, parents: Collection[Key]) -> list[Reference]:
        """Return the rows that referred to *parents* when both sides last agreed."""
        mine = [record_map.c.table_name == self.table_name, record_map.c.base.is_not(None)]
        if not self.many and is_told(self.column, parents):
            # a base is long, and most name others
            mine.append(is_among(base_text(conn.dialect, self.column), list(parents), Text()))
        found: list[Reference] = []
        after = ""
        while True:
            page = select(record_map.c.key, record_map.c.base).where(*mine, record_map.c.key > after)
            rows = conn.execute(page.order_by(record_map.c.key).limit(_PAGE)).all()
            if not rows:
                return found
            for row in rows:
                values = keys_of(load_values(row.base).get(self.column))
                found += [Reference(Key(row.key), key) for key in values if key in parents]
            after = rows[-1].key

    def exist(self, conn: Connection, keys: Sequence[Key]) -> set[Key]:
        """Return those of *keys* whose row exists."""
        codec = self._codec(self.key_columns)
        columns = [self.table.c[name] for name in self.key_columns]
        found: set[Key] = set()
        for some in split(keys):
            rows = conn.execute(select(*columns).where(self._are(conn, some)))
            found |= {codec.to_key(tuple(row)) for row in rows}
        return found

    def change(self, conn: Connection, references: Sequence[Reference]) -> None:
        """Do to rows that refer to a row what the mapping wants, before the row goes."""
        for some in split(list(dict.fromkeys(each.key for each in references))):
            mine = self._are(conn, some)
            if self.on_delete == "cascade":
                conn.execute(delete(self.table).where(mine))
            elif self.on_delete == "set_null":
                conn.execute(update(self.table).where(mine).values({self.column: None}))

    def _are(self, conn: Connection, keys: Sequence[Key]) -> ColumnElement[bool]:
        codec = self._codec(self.key_columns)
        columns = [self.table.c[name] for name in self.key_columns]
        return are_among(columns, [codec.to_values(key) for key in keys], conn.dialect)

    def tell(self, parent_table: str, references: Sequence[Reference], fate: str) -> str:
        """Say which rows refer to rows that are deleted, and what becomes of them."""
        keys = list(dict.fromkeys(each.key for each in references))
        return (
            f"{counted(len(keys), 'row')} of {self.table_name} ({list_names(keys)}) referred to deleted rows of "
            f"{parent_table} ({list_names(dict.fromkeys(each.parent for each in references))}): {fate}"
        )

    def _codec(self, names: Sequence[str]) -> KeyCodec:
        return KeyCodec(self._columns(names))

    def _columns(self, names: Sequence[str]) -> list[Column]:
        columns = {column.name: column for column in columns_of(self.table)}
        return [columns[name] for name in names]


@dataclass(slots=True)
class Children:
    """The columns of other tables that refer to one table, looked up once in a run, when something is deleted."""

    table_name: str
    _known: list[Child] | None = field(default=None)

    def of(self, conn: Connection) -> list[Child]:
        """Return them."""
        if self._known is None:
            self._known = list(_find(conn, self.table_name))
        return self._known

    def enqueue(self, ledger: Ledger, conn: Connection, child: Child, references: Sequence[Reference]) -> None:
        """Let the run of the other table carry over what became of its rows."""
        keys = list(dict.fromkeys(each.key for each in references))
        there = child.exist(conn, keys)
        queue = ledger.beside(child.table_name).queue
        queue.enqueue([key for key in keys if key in there])
        queue.enqueue([key for key in keys if key not in there], operation="DELETE")


def restricted(conn: Connection, children: Sequence[Child], parents: Collection[Key]) -> dict[Key, str]:
    """Return why the deletes of some of *parents* are held: rows refer to them, and their mapping restricts that."""
    told: dict[Key, str] = {}
    for child in children:
        if child.on_delete == "restrict":
            for parent, rows in child.referred(conn, parents).items():
                known = f"{told[parent]}; " if parent in told else f"{REFERRED}: "
                told[parent] = f"{known}{child.table_name} {rows}"
    return told


def _value(codec: KeyCodec, key: Key) -> Any:
    try:
        return codec.to_values(key)[0]
    except ValueMismatch:
        # no row of the other table can refer to this key
        return None


def _find(conn: Connection, table_name: str) -> Iterator[Child]:
    for owner, entries in all_contracts(conn):
        for entry in entries:
            link = entry.get("link")
            if link and link["to"] == table_name:
                try:
                    child = _child(conn, owner, entry["column"], link)
                except LarkError:
                    # its table is gone, or another one has its name: its own run says so
                    continue
                yield child


def _child(conn: Connection, owner: str, column: str, link: Mapping[str, Any]) -> Child:
    table = reflect_table(conn, link["table"], link["schema"])
    if column not in table.c:
        raise SchemaMismatch(f"table {owner!r} has no column {column!r} any more")
    rules = [
        str(key.get("options", {}).get("ondelete") or "NO ACTION").upper()
        for key in inspect(conn).get_foreign_keys(link["table"], schema=link["schema"])
        if key["constrained_columns"] == [column]
    ]
    return Child(
        owner, column, link["on_delete"], table, tuple(link["key"]), bool(link["many"]), rules[0] if rules else ""
    )
