"""Which tables of both sides belong together, and in which order they are to be synced."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sync.draft.names import pair_names
from airflow_provider_lark.core.sync.draft.sides import BitableTable, Sides, SqlTable


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tables are asked for.

    :param pairs: SQL names by names of Bitable tables, as a person gave them.
    :param only: names on either side; empty for all.
    """

    pairs: Mapping[str, str]
    only: frozenset[str]


@dataclass(frozen=True, slots=True)
class PairedTables:
    """What belongs together, what else is wanted, and what is alone."""

    paired: tuple[tuple[BitableTable, SqlTable], ...]
    only_lark: tuple[BitableTable, ...]
    only_sql: tuple[SqlTable, ...]


def read_wanted(given: Iterable[str], sides: Sides) -> Wanted:
    """Read names of tables, and pairs of them as ``Bitable table=sql_table``.

    :raises ConfigError: no table has that name.
    """
    lark, sql = [table.name for table in sides.bitable], [table.name for table in sides.sql]
    pairs: dict[str, str] = {}
    only: set[str] = set()
    for name in given:
        if name in lark or name in sql:
            only.add(name)
            continue
        left, mark, right = name.rpartition("=")
        left = left.strip()
        right = right.strip()
        if not mark or left not in lark:
            raise ConfigError(f"--table {name}: no such table; {did_you_mean(left or name, [*lark, *sql])}")
        if right not in sql:
            raise ConfigError(f"--table {name}: the database has no table {right!r}; {did_you_mean(right, sql)}")
        pairs[left] = right
    if len(set(pairs.values())) < len(pairs):
        raise ConfigError("--table: two Bitable tables are paired with one SQL table; give each its own")
    return Wanted(pairs, frozenset(only | pairs.keys()))


def pair_tables(sides: Sides, wanted: Wanted) -> PairedTables:
    """Pair the tables by name; those that a person paired come first."""
    lark = {table.name: table for table in sides.bitable}
    sql = {table.name: table for table in sides.sql}
    taken = set(wanted.pairs.values())
    free = [name for name in lark if name not in wanted.pairs]
    by_name = {**wanted.pairs, **pair_names(free, [name for name in sql if name not in taken])}
    partners = set(by_name.values())
    return PairedTables(
        tuple((lark[one], sql[two]) for one, two in by_name.items() if _is_wanted(wanted, one, two)),
        tuple(table for table in sides.bitable if table.name not in by_name and _is_wanted(wanted, table.name)),
        tuple(table for table in sides.sql if table.name not in partners and _is_wanted(wanted, table.name)),
    )


def linked_first(needs: Mapping[str, Collection[str]]) -> list[str]:
    """Return the names so that each comes after those that it needs, as far as there is no circle.

    >>> linked_first({"orders": ["users"], "users": []})
    ['users', 'orders']
    """
    done: dict[str, None] = {}
    left = dict(needs)
    while left:
        free = [name for name, needed in left.items() if not (set(needed) - {name}) & left.keys()] or [next(iter(left))]
        for name in free:
            done[name] = None
            del left[name]
    return list(done)


def _is_wanted(wanted: Wanted, *names: str) -> bool:
    return not wanted.only or bool(wanted.only & set(names))
