"""Mappings as users write them: what is accepted, and what the message says when it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core import TableMapping, load_mappings, parse_mappings
from airflow_provider_lark.core.errors import ConfigError

PLAIN: dict[str, Any] = {"lark": {"app_token": "bas1", "table_id": "tbl1"}, "sql": {"table": "areas"}}


def plain(**changes: Any) -> dict[str, Any]:
    return {**PLAIN, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="defaults"),
        pytest.param(
            {"name": "n", "direction": "to_sql", "conflict": "merge:lark", "deletes": "soft:gone"}, id="policies"
        ),
        pytest.param({"conflict": "manual", "deletes": "ignore", "time_zone": "Asia/Shanghai"}, id="others"),
        pytest.param({"fields": [{"field": "姓名", "column": "name", "direction": "to_sql"}]}, id="fields"),
        pytest.param({"sql": {"table": "t", "schema": "s", "conn_id": "c", "key": ["a", "b"]}}, id="sql in full"),
        pytest.param({"batch_size": 1000, "skew_seconds": 0.5, "max_delete_ratio": 1}, id="options"),
        pytest.param({"lark": {"base": "MyDB", "table": "users"}}, id="by name"),
    ],
)
def test_mapping_survives_its_own_dict(changes: dict[str, Any]) -> None:
    mapping = TableMapping.from_dict(plain(**changes))
    assert TableMapping.from_dict(mapping.to_dict()) == mapping


def test_mapping_reads_the_address_of_a_table() -> None:
    lark = TableMapping.from_dict(plain(lark={"url": "https://x.feishu.cn/base/basA?table=tblB&view=vewC"})).lark
    assert (lark.app_token, lark.table_id) == ("basA", "tblB")
    wiki = TableMapping.from_dict(plain(lark={"url": "https://x.feishu.cn/wiki/nodA?table=tblB"})).lark
    assert (wiki.wiki_token, wiki.table_id) == ("nodA", "tblB")


def test_short_form_resolves_named_bases() -> None:
    users, orders = parse_mappings({"MyDB:users": "users", "MyDB:orders": "shop.orders"}, bases={"MyDB": "bas1"})
    assert (users.lark.app_token, users.lark.table, users.sql.table_name) == ("bas1", "users", "users")
    assert (orders.sql.schema, orders.sql.table) == ("shop", "orders")


def test_short_form_with_unknown_base_says_where_to_name_it() -> None:
    with pytest.raises(ConfigError, match=r"base 'MyDB' is not a known base name \(known: Other\).*extra"):
        parse_mappings({"MyDB:users": "users"}, bases={"Other": "bas1"})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(plain(sql={"tabel": "x"}), r"m\.sql\.tabel: unknown key; did you mean 'table'\?", id="misspelt"),
        pytest.param(plain(direction="up"), r"m\.direction: 'up' is not one of both, to_sql, to_lark", id="direction"),
        pytest.param(plain(conflict="oldest"), r"m\.conflict: 'oldest' is not one of newest", id="conflict"),
        pytest.param(plain(deletes="soft:"), r"m\.deletes: 'soft:' is not one of", id="deletes"),
        pytest.param(plain(fields=[{"column": "x"}]), r"m\.fields\[0\]\.field: expected a string", id="field"),
        pytest.param(plain(fields=["a", "a"]), r"m\.fields: field 'a' is listed twice", id="twice"),
        pytest.param(plain(lark={"table_id": "t"}), r"m\.lark: no base", id="no base"),
        pytest.param(plain(lark={"app_token": "t"}), r"m\.lark: no table", id="no table"),
        pytest.param(plain(lark={"url": "https://x/sheets/1"}), r"not a Bitable address", id="url"),
        pytest.param(plain(lark={"url": "https://x/base/b"}), r"does not specify a table", id="url without table"),
        pytest.param(plain(time_zone="Mars/Base"), r"m\.time_zone: 'Mars/Base' is not a time zone", id="zone"),
        pytest.param(plain(time_zone="Asia"), r"m\.time_zone: 'Asia' is not a time zone", id="folder of zones"),
        pytest.param(plain(batch_size=2000), r"m\.batch_size: expected a whole number from 1 to 1000", id="batch"),
        pytest.param(None, r"m: expected mappings", id="nothing"),
        pytest.param([plain(), plain(name="b")], r"use the same SQL table 'areas'", id="shared table"),
        pytest.param([plain(name="a"), plain(name="a", sql="b")], r"two mappings are named 'a'", id="shared name"),
        pytest.param(
            [plain(name="a"), plain(name="b", sql="b")], r"'a' and 'b' both write to the Bitable", id="two writers"
        ),
    ],
)
def test_wrong_mapping_names_the_entry(raw: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_mappings(raw, where="m")


def test_file_with_broken_yaml_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "sync.yaml"
    file.write_text("- lark: {app_token: a, table_id: t}\n  sql: areas\n\tname: x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sync\.yaml, line 3, column 1: invalid YAML"):
        load_mappings(file)


def test_file_that_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_mappings(tmp_path / "none.yaml")


def test_file_with_a_list_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sync.yaml"
    file.write_text("mappings:\n  - lark: {app_token: a, table_id: t}\n    sql: 城市\n", encoding="utf-8")
    assert [mapping.name for mapping in load_mappings(file)] == ["城市"]
