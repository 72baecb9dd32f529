"""The JSON Schema that editors read, held against the reader: both take and refuse the same mappings."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from airflow_provider_lark.core import parse_mappings
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping import reader as mapping_reader
from airflow_provider_lark.core.sync.mapping.options import OPTION_DEFAULTS

SCHEMA = json.loads(resources.files("airflow_provider_lark").joinpath("mapping.schema.json").read_text("utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)

#: what the schema cannot know: which zones there are, what an address looks like, what stands twice
BEYOND = (
    "is not a time zone",
    "not a Bitable address",
    "does not specify a table",
    "is listed twice",
    "use the same SQL table",
    "are named",
)

FULL: dict[str, Any] = {
    "name": "orders",
    "lark": {"app_token": "bas1", "table_id": "tbl1", "view": "v", "filter": [{"f": {"isGreater": 3, "is": ["a"]}}]},
    "sql": {"table": "t", "schema": "s", "conn_id": "c", "key": ["a", "b"], "filter": {"n": None, "m": ["x", 1]}},
    "fields": [
        "name",
        {"field": "姓名", "column": "n", "direction": "to_sql"},
        {"field": "f", "link": "people", "users": "email", "conflict": "manual", "owner": "sql"},
    ],
    "direction": "both",
    "conflict": "merge:lark",
    "deletes": "soft:gone",
    "capture": {"column": "changed_ms", "unit": "milliseconds"},
    "leaving": "delete",
    "time_zone": "Asia/Shanghai",
    "users": "id",
    "record_id_column": "lark_id",
    "skew_seconds": 0.5,
    "overlap_seconds": 60,
    "settle_seconds": 30,
    "capture_overlap_seconds": 0,
    "max_delete_ratio": 1,
    "max_delete_rows": 5,
    "batch_size": 1000,
    "retention_days": 7,
    "history": "none",
    "lock_wait_seconds": 0.01,
}
WHOLE_BASE: dict[str, Any] = {
    "name": "crm.*",
    "lark": {"base": "MyDB", "tables": "*", "exclude": ["a"]},
    "sql": {"table": "*", "schema": "s"},
    "conflict": "sql",
}
LARKS = [{"base": "MyDB", "table": "x"}, {"wiki_token": "w", "table_id": "t"}, {"url": "https://x/base/b?table=tblB"}]
VALUES = [
    None, "", "  ", "x", "both", "manual", "merge", "merge:", "merge:newest", "merge:x", "newest:lark", "soft:",
    "soft:a", "ignore", "email", "full", "none",
    0, 1, 1.5, 10**10, -1, True, [], {}, ["x"], [""], [1], {"x": "y"}, {"x": 1}, {"": "y"},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def change(mapping: Any, path: tuple[Any, ...], *value: Any) -> Any:
    """Put *value* at *path*, or take away what is there."""
    changed = copy.deepcopy(mapping)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value:
        inner[path[-1]] = value[0]
    else:
        del inner[path[-1]]
    return changed


def changes(mapping: dict[str, Any]) -> Iterator[Any]:
    for path in places(mapping):
        if path:
            yield change(mapping, path)
            yield from (change(mapping, path, value) for value in VALUES)
        if isinstance(path[-1] if path else "x", str):
            try:
                yield change(mapping, (*path, "unheard"), "x")
            except TypeError:
                # a text has no entries
                continue


def variants() -> Iterator[Any]:
    yield FULL
    for lark in LARKS:
        yield FULL | {"lark": lark}
        yield from (FULL | {"lark": change(lark, (key,))} for key in lark)
    for whole in (FULL, WHOLE_BASE):
        yield from changes(whole)
    yield from (
        WHOLE_BASE | each for each in ({"fields": ["a"]}, {"sql": "*"}, {"sql": "a*b"}, {"sql": "a"}, {"sql": "**"})
    )
    for key in ("table", "table_id", "url"):
        yield change(WHOLE_BASE, ("lark", key), "https://x/base/b?table=tblB")
    yield from (FULL | {"fields": fields} for fields in ({"姓名": "n"}, ["a", "b"], {"a": {"column": "b"}}))
    texts = ("trigger", "scan", "column:changed", "column: c:d", "column:", "column: ", "scan:x", "trigger:", "Scan")
    yield from (FULL | {"capture": text} for text in texts)
    short = {"MyDB:users": "users", "MyDB:orders": "shop.orders"}
    yield from (short, {":users": "u"}, {"MyDB:": "u"}, {"MyDB:users": ""}, {"MyDB:users": 1}, {**short, "x": "y"})
    yield from ([FULL], [short], [FULL, short], {"mappings": [FULL]}, {"mappings": short}, {"mappings": FULL})
    yield from ([], {}, None, "x", 1, {"mappings": []}, {"mappings": [FULL], "name": "x"}, [[]], [1])


def told(raw: Any) -> str:
    """Return what the reader says against *raw*; an empty text when it takes it."""
    try:
        parse_mappings(raw)
    except ConfigError as error:
        return error.message
    return ""


def test_schema_and_reader_agree_on_every_change_of_one_entry() -> None:
    seen = {True: 0, False: 0}
    apart = []
    for raw in variants():
        message = told(raw)
        if any(reason in message for reason in BEYOND):
            continue
        is_valid = VALIDATOR.is_valid(raw)
        seen[is_valid] += 1
        if is_valid == bool(message):
            apart.append((raw, message))
    assert apart == []
    assert min(seen.values()) > 100


def test_schema_knows_each_key_and_default() -> None:
    parts = SCHEMA["definitions"]
    keys = {
        "mapping": mapping_reader._MAPPING_KEYS,
        "lark": mapping_reader._LARK_KEYS,
        "field": mapping_reader._FIELD_KEYS,
    }
    assert {name: set(parts[name]["properties"]) for name in keys} == {name: set(known) for name, known in keys.items()}
    options = parts["mapping"]["properties"]
    for name, default in OPTION_DEFAULTS.items():
        assert options[name].get("default") == default
        assert options[name]["description"]


@pytest.mark.parametrize("name", ["dags/lark_sync.yaml", "dags/demo/lark_sync.yaml"])
def test_shipped_mappings_fit_the_schema(name: str) -> None:
    raw = yaml.safe_load((Path(__file__).parents[2] / name).read_text(encoding="utf-8"))
    assert list(VALIDATOR.iter_errors(raw)) == []


def test_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)
