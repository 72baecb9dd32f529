"""The mappings of a base and a database, each held against its tables; what does not fit is told instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.sync.binding.bind import bind
from airflow_provider_lark.core.sync.binding.bound import Agreed, BothTables
from airflow_provider_lark.core.sync.draft.pairs import DraftPair, DraftPairs, draft_pairs
from airflow_provider_lark.core.sync.draft.sides import BitableTable, Sides, SqlTable
from airflow_provider_lark.core.sync.draft.tables import Wanted, linked_first, pair_tables
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping


@dataclass(frozen=True, slots=True)
class Place:
    """How a mapping names the base and the database.

    :param lark: ``{"base": "MyDB"}``, ``{"app_token": …}`` or ``{"wiki_token": …}``.
    """

    lark: Mapping[str, str]
    conn_id: str


@dataclass(frozen=True, slots=True)
class DraftMapping:
    """Two tables that belong together.

    :param problem: why they cannot be synced; empty where they can.
    """

    lark: BitableTable
    sql: SqlTable
    pairs: DraftPairs
    problem: str

    def to_raw(self, place: Place) -> dict[str, Any]:
        """Return the mapping as plain data."""
        sql: dict[str, Any] = {"conn_id": place.conn_id, "table": self.sql.name}
        if self.sql.schema:
            sql["schema"] = self.sql.schema
        if self.pairs.key != self.sql.primary_key:
            sql["key"] = list(self.pairs.key)
        raw: dict[str, Any] = {"lark": {**place.lark, **self._named()}, "sql": sql}
        if self.pairs.direction != "both":
            raw["direction"] = self.pairs.direction
        if self.pairs.record_id_column:
            raw["record_id_column"] = self.pairs.record_id_column
        return {**raw, "fields": [_pair_to_raw(pair) for pair in self.pairs.pairs]}

    def _named(self) -> dict[str, str]:
        # a mapping's names lose the blanks around them
        name = self.lark.name
        return {"table": name} if name and name == name.strip() else {"table_id": self.lark.table_id}


@dataclass(frozen=True, slots=True)
class Draft:
    """All mappings, those that others link to first.

    :param notes: tables without a partner, and what could not be read.
    """

    mappings: tuple[DraftMapping, ...]
    notes: tuple[str, ...]

    @property
    def ready(self) -> list[DraftMapping]:
        """The mappings that can be synced."""
        return [mapping for mapping in self.mappings if not mapping.problem]


def draft(sides: Sides, wanted: Wanted, place: Place) -> Draft:
    """Draft the mappings of what is *wanted*."""
    tables = pair_tables(sides, wanted)
    refused: set[str] = set()
    while True:
        # nothing can link to a table that is not synced
        targets = {lark.table_id: sql for lark, sql in tables.paired if sql.name not in refused}
        found = {
            sql.name: _draft_one(sides, lark, sql, draft_pairs(lark, sql, targets), place)
            for lark, sql in tables.paired
        }
        problems = {name for name, each in found.items() if each.problem}
        if problems <= refused:
            break
        refused |= problems
    labels = {each.sql.label: name for name, each in found.items()}
    needs = {
        name: [labels[pair.link] for pair in each.pairs.pairs if pair.link in labels] for name, each in found.items()
    }
    notes = [
        f"Bitable table {table.name!r} ({table.table_id}): no SQL table of this name" for table in tables.only_lark
    ]
    notes += [f"SQL table {table.label!r}: no Bitable table of this name" for table in tables.only_sql]
    return Draft(tuple(found[name] for name in linked_first(needs)), (*notes, *sides.unread))


def _draft_one(sides: Sides, lark: BitableTable, sql: SqlTable, pairs: DraftPairs, place: Place) -> DraftMapping:
    found = DraftMapping(lark, sql, pairs, pairs.refusal)
    if found.problem:
        return found
    return DraftMapping(lark, sql, pairs, _problem(sides, found, place))


def _problem(sides: Sides, found: DraftMapping, place: Place) -> str:
    """Return why the mapping does not fit its own tables; an empty text where it does."""
    try:
        mapping = TableMapping.from_dict(found.to_raw(place))
        tables = BothTables(sides.app_token, found.lark.table_id, found.lark.fields, found.sql.table, sides.dialect)
        bind(mapping, tables, Agreed())
    except (ConfigError, SchemaMismatch) as exc:
        return str(exc.message)
    if mapping.sql.table != found.sql.name:
        return "a mapping cannot name a SQL table with blanks around its name; rename the table"
    return ""


def _pair_to_raw(pair: DraftPair) -> dict[str, Any]:
    raw = {"field": pair.field.name, "column": pair.column.name, "direction": pair.direction, "link": pair.link}
    return {name: value for name, value in raw.items() if value is not None}
