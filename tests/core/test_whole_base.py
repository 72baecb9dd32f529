"""A mapping of every table of a base: which mappings it becomes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sql_side.new_table import name_fold
from airflow_provider_lark.core.sync.mapping.whole_base import Expansion, Surroundings, expand

ODD = ("users", "users_old", "Users", "t$1", "a.b", "t%", "用户", " users")
"""The tables of O36, to which come two that become one SQL name."""


def pattern(**changes: Any) -> TableMapping:
    plain = {"lark": {"app_token": "bas1", "tables": "*"}, "sql": {"table": "*", "conn_id": "db"}, "conflict": "sql"}
    return TableMapping.from_dict({**plain, **changes})


def spread(
    tables: Mapping[str, str] | None,
    *,
    sql: tuple[str, ...] = (),
    known: Mapping[str, str] | None = None,
    fold: Callable[[str], str] = str.strip,
    others: tuple[TableMapping, ...] = (),
    **changes: Any,
) -> Expansion:
    names = sql or tuple(name.strip() for name in (tables or {}).values())
    return expand(pattern(**changes), Surroundings("bas1", tables, names, fold, known or {}), others)


def pairs(found: Expansion) -> dict[str, str]:
    return {mapping.lark.table_id: mapping.sql.table for mapping in found.mappings}


def test_odd_names_are_taken_exactly_and_those_that_are_one_here_are_refused_by_both_names() -> None:
    """O36."""
    tables = {f"tbl{at}": name for at, name in enumerate(ODD)}
    found = spread(tables)
    assert pairs(found) == {
        "tbl1": "users_old",
        "tbl2": "Users",
        "tbl3": "t$1",
        "tbl4": "a.b",
        "tbl5": "t%",
        "tbl6": "用户",
    }
    assert len(found.refused) == 2
    for told in found.refused.values():
        assert "'users' (tbl0)" in told
        assert "' users' (tbl7)" in told
    assert all(mapping.conflict.text == "sql" for mapping in found.mappings)
    # where the database does not tell case apart, one more falls together
    assert len(spread(tables, fold=lambda name: name.strip().lower()).refused) == 3


def test_names_that_are_cut_to_one_are_refused() -> None:
    tables = {"tbl1": "n" * 63 + "a", "tbl2": "n" * 63 + "b", "tbl3": "ok"}
    found = spread(tables, fold=lambda name: name[:63])
    assert pairs(found) == {"tbl3": "ok"}
    assert len(found.refused) == 2


def test_table_that_is_synced_keeps_its_sql_table_under_another_name_and_beside_a_rival() -> None:
    found = spread({"tbl1": "客户", "tbl2": "users"}, sql=("users",), known={"tbl1": "users"})
    assert pairs(found) == {"tbl1": "users"}
    (told,) = found.refused.values()
    assert "'users' (tbl2)" in told
    assert "'客户' (tbl1)" in told


def test_table_of_another_mapping_and_excluded_ones_are_left_alone() -> None:
    own = TableMapping.from_dict({"lark": {"app_token": "bas1", "table": "users"}, "sql": "people"})
    found = spread(
        {"tbl1": "users", "tbl2": "draft", "tbl3": "other", "tbl4": "people", "tbl5": "ok"},
        others=(own,),
        lark={"app_token": "bas1", "tables": "*", "exclude": ["draft", "tbl3"]},
    )
    assert pairs(found) == {"tbl5": "ok"}
    (told,) = found.refused.values()
    assert "mapping 'people'" in told


def test_table_without_a_sql_table_and_one_that_is_gone_are_told() -> None:
    found = spread({"tbl1": "new", "tbl2": "ok"}, sql=("ok", "old"), known={"tbl9": "old", "tbl2": "ok"})
    assert pairs(found) == {"tbl2": "ok"}
    assert found.refused == {}
    new, gone = found.told
    assert "'new' (tbl1) has no SQL table 'new'" in new
    assert "tbl9 is not in the base any more; SQL table 'old'" in gone


def test_names_follow_their_patterns_and_a_schema() -> None:
    known = {"tbl2": "s.crm_orders", "tbl3": "public.other"}
    around = Surroundings("bas1", {"tbl1": "users", "tbl2": "orders"}, ("crm_users", "crm_orders"), str, known)
    found = expand(pattern(name="CRM *", sql={"table": "crm_*", "schema": "s", "conn_id": "db"}), around, ())
    assert [(each.name, each.sql.table_name) for each in found.mappings] == [
        ("CRM crm_users", "s.crm_users"),
        ("CRM crm_orders", "s.crm_orders"),
    ]
    assert found.told == []


def test_without_lark_the_tables_that_the_ledger_knows_are_taken() -> None:
    found = spread(None, sql=("users", "orders"), known={"tbl1": "users"})
    assert pairs(found) == {"tbl1": "users"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sql": "users"}, "needs one \\*"),
        ({"name": "crm"}, "needs one \\*"),
        ({"fields": ["id"]}, "equal names are paired"),
        ({"lark": {"app_token": "b", "tables": "crm_%"}}, "every table of the base"),
        ({"lark": {"app_token": "b", "tables": "*", "table": "x"}}, "has tables and table"),
        ({"lark": {"app_token": "b", "table": "x", "exclude": ["y"]}}, "needs tables"),
    ],
)
def test_mapping_of_a_whole_base_that_says_too_much_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        pattern(**changes)


def test_names_fold_as_the_database_compares_them(engine: Engine) -> None:
    """O36: which of two tables can exist beside each other here."""
    kind = engine.dialect.name
    with engine.connect() as conn:
        fold = name_fold(conn)
        apart = {
            "sqlite": ["users", "users_old", "ÄB", "äb"],
            "postgresql": ["users", "Users"],
            "mysql": ["users", "t%"],
        }
        one = {"sqlite": ["users", "USERS "], "postgresql": ["n" * 63, "n" * 70], "mysql": ["users", " users"]}
        assert len({fold(name) for name in apart[kind]}) == len(apart[kind])
        assert len({fold(name) for name in one[kind]}) == 1
