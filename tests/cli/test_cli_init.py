"""``airflow lark sync init``: a mapping file that reads back as it was meant, and that suits the doctor."""

from __future__ import annotations

import errno
import json
import os
from io import StringIO
from pathlib import Path

import pytest
import yaml
from sqlalchemy import inspect

from airflow_provider_lark.core import load_mappings
from tests.databases import open_sqlite

ODD_NAMES = ("NO", "on", "yes", "null", "~", "123", "1e3", "2026-01-01", "a: b", "#tag", "- x", "'q\"", "{{x}}", "名称")
"""Of O37, but for the blank behind a name, which Lark drops and a column keeps."""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "drafted.yaml"


@pytest.fixture
def base(emulator, shop):
    return next(iter(emulator.state.bases.values())).app_token


@pytest.fixture
def sql(shop, tmp_path):
    def run(*statements):
        with open_sqlite(tmp_path / "shop.db").begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    return run


@pytest.fixture
def init(airflow, shop, file):
    def run(*arguments, base="MyDB"):
        return airflow("sync", "init", base, "--sql-conn-id", "shop_db", "--file", str(file), *arguments)

    return run


def mappings_of(file):
    return {mapping.name: mapping for mapping in load_mappings(file)}


def test_init_writes_mappings_that_the_doctor_finds_nothing_wrong_with(airflow, init, file, emulator, base, sql):
    emulator.state.create_table(
        base,
        "Order Lines",
        [
            {"field_name": "No.", "type": 2},
            {"field_name": "Ordered At", "type": 5},
            {"field_name": "Made", "type": 1001},
            {"field_name": "Note", "type": 1},
            {"field_name": "Picture", "type": 17},
        ],
    )
    sql(
        "CREATE TABLE order_lines (line_id INTEGER PRIMARY KEY, ordered_at TIMESTAMP, made TIMESTAMP, note BLOB, "
        "feishu_id VARCHAR(40), extra INT NOT NULL)"
    )
    done = init()
    assert done.status == 0, done.err
    assert done.out == ""
    found = mappings_of(file)
    assert list(found) == ["areas", "order_lines"]
    pairs = {pair.field: (pair.column, pair.direction) for pair in found["order_lines"].fields}
    assert pairs == {"No.": ("line_id", None), "Ordered At": ("ordered_at", None), "Made": ("made", "to_sql")}
    assert found["order_lines"].record_id_column == "feishu_id"
    written = file.read_text()
    assert "paired by type, not by name" in written
    assert "note (BLOB)" in written
    assert "field Picture (Attachment): no column of this name" in written
    assert "column extra (INTEGER): no field of this name, and NOT NULL" in written
    examined = airflow("doctor", "--mapping", str(file), "--output", "json")
    assert examined.status == 0, examined.out


def test_init_names_that_yaml_reads_as_something_else_come_back_as_they_are(airflow, init, file, emulator, base, sql):
    """O37."""
    emulator.state.create_table(base, "{{ odd }}", [{"field_name": name, "type": 1} for name in ODD_NAMES])
    columns = ", ".join('"{}" TEXT'.format(name.replace('"', '""')) for name in ODD_NAMES[1:])
    sql(f'CREATE TABLE "{{{{ odd }}}}" ("NO" VARCHAR(20) NOT NULL PRIMARY KEY, {columns}, "名称 " TEXT)')
    assert init("--table", "{{ odd }}").status == 0
    (raw,) = yaml.safe_load(file.read_text())["mappings"]
    assert [pair["field"] for pair in raw["fields"]] == [pair["column"] for pair in raw["fields"]] == list(ODD_NAMES)
    assert raw["lark"]["table"] == raw["sql"]["table"] == "{{ odd }}"
    assert airflow("doctor", "--mapping", str(file), "--output", "json").status == 0


def test_init_column_with_a_blank_behind_its_name_meets_the_field_and_syncs(airflow, init, file, emulator, base, sql):
    """O37: the trailing blank, which Lark drops."""
    table_id = emulator.state.create_table(
        base, "blanks", [{"field_name": "id ", "type": 1}, {"field_name": " 名称 ", "type": 1}]
    ).table_id
    sql(
        'CREATE TABLE blanks ("id " VARCHAR(20) NOT NULL PRIMARY KEY, " 名称 " TEXT)',
        "INSERT INTO blanks VALUES ('1', 'x')",
    )
    assert init("--table", "blanks").status == 0
    (raw,) = yaml.safe_load(file.read_text())["mappings"]
    assert [pair["column"] for pair in raw["fields"]] == ["id ", " 名称 "]
    assert airflow("doctor", "--mapping", str(file), "--output", "json").status == 0
    done = airflow("sync", "full", "--mapping", str(file))
    assert done.status == 0, done.text
    assert len(emulator.person.records(base, table_id)) == 1


def test_init_links_users_and_options_are_told_and_the_linked_table_comes_first(init, file, emulator, base, sql):
    customers = emulator.state.create_table(base, "customers", [{"field_name": "id", "type": 2}]).table_id
    emulator.state.create_table(
        base,
        "a_orders",
        [
            {"field_name": "id", "type": 2},
            {"field_name": "customer", "type": 18, "property": {"table_id": customers, "multiple": False}},
            {"field_name": "owner", "type": 11},
            {"field_name": "status", "type": 3, "property": {"options": [{"name": "open"}]}},
        ],
    )
    sql(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY)",
        "CREATE TABLE a_orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, "
        "owner TEXT, status TEXT)",
    )
    assert init().status == 0
    found = mappings_of(file)
    assert list(found) == ["areas", "customers", "a_orders"]
    assert {pair.field: pair.link for pair in found["a_orders"].fields}["customer"] == "customers"
    written = file.read_text()
    assert "users: email" in written
    assert "a value that is no option yet becomes one" in written


def test_init_tables_without_partner_or_key_are_left_out_with_the_reason(init, file, emulator, base, sql):
    emulator.state.create_table(base, "alone", [{"field_name": "id", "type": 1}])
    emulator.state.create_table(base, "keyless", [{"field_name": "id", "type": 1}])
    sql("CREATE TABLE keyless (id TEXT)", "CREATE TABLE solo (id INTEGER PRIMARY KEY)")
    done = init()
    assert done.status == 0
    assert "3 tables left out" in done.err
    assert list(mappings_of(file)) == ["areas"]
    written = file.read_text()
    assert "# Bitable table 'alone'" in written
    assert "# SQL table 'solo': no Bitable table" in written
    assert "'keyless': no primary key" in written


def test_init_file_that_exists_is_kept_without_force(init, file):
    file.write_text("mine")
    done = init()
    assert done.status == 1
    assert "--force" in done.err
    assert file.read_text() == "mine"
    assert init("--force").status == 0
    assert list(mappings_of(file)) == ["areas"]


@pytest.mark.parametrize(
    ("name", "told"), [("no/file.yaml", "there is no folder"), (".", "no regular file"), ("pipe", "no regular")]
)
def test_init_file_that_cannot_be_written_is_refused_before_anything_is_made(airflow, shop, emulator, base, name, told):
    fields = [{"field_name": "What", "type": 1}]
    emulator.state.create_table(base, "ideas", fields)
    path = str(Path(shop).parent / name)
    os.mkfifo(Path(shop).parent / "pipe")
    done = airflow(
        "sync", "init", "MyDB", "--sql-conn-id", "shop_db", "--file", path, "--force", "--create", "sql", "--yes"
    )
    assert (done.status, told in done.text, "Creat" in done.text) == (1, True, False)
    assert (Path(shop).parent / "pipe").is_fifo()


def test_init_disk_that_is_full_leaves_the_old_file_and_nothing_beside_it(init, file, monkeypatch):
    file.write_text("old")

    def fill(path, text, **_):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill)
    done = init("--force")
    assert (done.status, file.read_text()) == (1, "old")
    assert f"{file}: cannot be written (No space left on device)" in done.err
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".drafted")] == []


def test_init_nothing_to_map_writes_no_file_and_says_why(init, file, emulator, base, sql):
    sql("DROP TABLE areas")
    done = init()
    assert done.status == 1
    assert "no SQL table of this name" in done.err
    assert not file.exists()


def test_init_create_sql_shows_first_and_is_idempotent(airflow, init, file, emulator, base, sql, tmp_path, monkeypatch):
    customers = emulator.state.create_table(base, "客户", [{"field_name": "编号", "type": 2}]).table_id
    emulator.state.create_table(
        base,
        "订单",
        [
            {"field_name": "单号", "type": 1},
            {"field_name": "客户", "type": 18, "property": {"table_id": customers, "multiple": False}},
            {"field_name": "金额", "type": 2},
            {"field_name": "x" * 70, "type": 3001},
        ],
    )
    monkeypatch.setattr("sys.stdin", StringIO())
    refused = init("--create", "sql")
    assert refused.status == 1
    assert "SQL table 订单: 单号" in refused.err
    with open_sqlite(tmp_path / "shop.db").connect() as conn:
        assert inspect(conn).get_table_names() == ["areas"]
    assert not file.exists()
    assert init("--create", "sql", "--yes").status == 0
    assert sorted(mappings_of(file)) == ["areas", "客户", "订单"]
    again = init("--create", "sql", "--yes", "--force")
    assert again.status == 0
    assert "Nothing to create" in again.err
    emulator.person.add_record(base, customers, {})
    done = airflow("sync", "full", "--mapping", str(file))
    assert done.status == 0, done.text
    # the number that the record lacked came from the database
    assert emulator.person.records(base, customers)[0]["fields"]["编号"] == 1


def test_init_create_lark_makes_foreign_keys_links(airflow, init, file, emulator, base, sql):
    sql(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), "
        "total NUMERIC(10,2))",
        "INSERT INTO customers VALUES (1, 'Ann')",
        "INSERT INTO orders VALUES (10, 1, 2.5)",
    )
    done = init("--create", "lark", "--yes")
    assert done.status == 0
    assert "Created 2 tables" in done.err
    found = mappings_of(file)
    assert {pair.column: pair.link for pair in found["orders"].fields}["customer_id"] == "customers"
    assert "Nothing to create" in init("--create", "lark", "--yes", "--force").err
    done = airflow("sync", "full", "--mapping", str(file))
    assert done.status == 0, done.text
    tables = {table.name: table.table_id for table in emulator.state.bases[base].tables.values()}
    (order,) = emulator.person.records(base, tables["orders"])
    (customer,) = emulator.person.records(base, tables["customers"])
    assert customer["record_id"] in json.dumps(order["fields"]["customer_id"])


def test_init_table_pairs_what_is_named_differently_and_refuses_what_there_is_not(init, file, emulator, base, sql):
    emulator.state.create_table(base, "用户", [{"field_name": "id", "type": 1}])
    sql("CREATE TABLE users (id VARCHAR(9) NOT NULL PRIMARY KEY)")
    assert init("--table", "用户=users").status == 0
    assert list(mappings_of(file)) == ["users"]
    done = init("--table", "用户=user", "--force")
    assert done.status == 1
    assert "did you mean 'users'" in done.err


def test_init_without_file_prints_yaml_only(airflow, shop):
    done = airflow("sync", "init", "MyDB", "--sql-conn-id", "shop_db")
    assert done.status == 0
    assert len(yaml.safe_load(done.out)["mappings"]) == 1
