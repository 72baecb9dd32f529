"""Are both sides equal? Read from shop.db and from the emulator's state directly, without the provider."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from world import TABLES, World

#: SQL column -> Lark field, written a second time: a mistake in the mapping file must show
FIELDS = {
    "cities": {"code": "代码", "name": "名称", "province_code": "省份代码", "note": "备注", "checked": "已核对"},
    "areas": {
        "code": "代码",
        "name": "名称",
        "city_code": "城市代码",
        "province_code": "省份代码",
        "note": "备注",
        "checked": "已核对",
    },
}
SHOWN = 5

Rows = dict[str, tuple[Any, ...]]


def find_differences(world: World, outcome: Mapping[tuple[str, str], str | None]) -> list[str]:
    """Say what differs between both sides, and which edit did not arrive; an empty list means: equal.

    :param outcome: the name that must stand at a table's key, None where the row must be gone.
    """
    found = []
    for table in TABLES:
        sql, lark = _read_sql(world, table), _read_lark(world, table, found)
        different = sorted(key for key in sql.keys() & lark.keys() if sql[key] != lark[key])
        for what, keys in (
            ("differ", different),
            ("are in SQL only", sorted(sql.keys() - lark.keys())),
            ("are in Lark only", sorted(lark.keys() - sql.keys())),
        ):
            if keys:
                found.append(f"{table}: {len(keys)} rows {what}: {', '.join(keys[:SHOWN])}")
        found += [
            f"{table}: {key} should be {wanted or 'gone'}, and is {_name(sql, key) or 'gone'} in SQL"
            for (place, key), wanted in outcome.items()
            if place == table and _name(sql, key) != wanted
        ]
    return found


def _name(rows: Rows, key: str) -> str | None:
    return rows[key][1] if key in rows else None


def _read_sql(world: World, table: str) -> Rows:
    with world.sql() as conn:
        rows = conn.execute(f"SELECT {', '.join(FIELDS[table])} FROM {table}").fetchall()
    return {row[0]: (*row[:-1], bool(row[-1])) for row in rows}


def _read_lark(world: World, table: str, found: list[str]) -> Rows:
    names = list(FIELDS[table].values())
    rows = [tuple(_plain(record["fields"].get(name)) for name in names) for record in world.records(table)]
    rows = [(*row[:-1], bool(row[-1])) for row in rows]
    twice = [key for key, count in Counter(row[0] for row in rows).items() if count > 1]
    if twice:
        found.append(f"{table}: {len(twice)} keys stand twice in Lark: {', '.join(map(str, twice[:SHOWN]))}")
    return {str(row[0]): row for row in rows}


def _plain(cell: Any) -> Any:
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else cell
