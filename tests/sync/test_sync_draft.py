"""A draft of mappings on each database: tables made on either side, odd names, and a sync that then runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from sqlalchemy import Engine

from airflow_provider_lark.core import LarkClient, SyncEngine, parse_mappings
from airflow_provider_lark.core.sync.draft import creation
from airflow_provider_lark.core.sync.draft.draft import Draft, Place, draft
from airflow_provider_lark.core.sync.draft.names import pair_names
from airflow_provider_lark.core.sync.draft.sides import read_sides
from airflow_provider_lark.core.sync.draft.tables import pair_tables, read_wanted
from airflow_provider_lark.core.sync.draft.text import render, scalar
from airflow_provider_lark.emulator import Emulator

ODD = ("a: b", "#tag", "{{x}}", "50%", "a.b", "t$1", "select", "'q\"", "名称")


class Desk:
    """A base and a database, and what a person does with them."""

    def __init__(self, emulator: Emulator, client: LarkClient, engine: Engine) -> None:
        self.emu, self.client, self.engine = emulator, client, engine
        self.app_token = emulator.state.create_base("Desk").app_token
        self.place = Place({"app_token": self.app_token}, "db")

    def execute(self, *statements: str) -> None:
        with self.engine.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def create(self, side: str) -> creation.Creations:
        sides = read_sides(self.client, self.engine, self.app_token, None)
        tables = pair_tables(sides, read_wanted((), sides))
        if side == "sql":
            planned = creation.plan_sql(sides, tables, self.engine, None)
            creation.create_sql(planned, self.engine)
        else:
            planned = creation.plan_lark(tables)
            creation.create_lark(planned, self.client, self.app_token, tables)
        return planned

    def draft(self) -> Draft:
        sides = read_sides(self.client, self.engine, self.app_token, None)
        return draft(sides, read_wanted((), sides), self.place)

    def sync(self) -> list[SyncEngine]:
        """Run each mapping of the file as it reads back, and return the engines."""
        mappings = parse_mappings(yaml.safe_load(render(self.draft(), self.place)))
        engines = [SyncEngine(self.client, self.engine, mapping, lease_wait_seconds=0) for mapping in mappings]
        for each in engines:
            report = each.full()
            assert (report.failed, report.problems) == (0, [])
        return engines


@pytest.fixture
def desk(emulator: Emulator, engine: Engine) -> Iterator[Desk]:
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        yield Desk(emulator, client, engine)


def test_draft_of_a_new_base_makes_sql_tables_that_sync(desk: Desk) -> None:
    """O37, on each database."""
    fields = [{"field_name": "编号", "type": 2}, *({"field_name": name, "type": 1} for name in ODD)]
    odd = desk.emu.state.create_table(desk.app_token, "odd {{names}} 50%", fields).table_id
    kinds = {"flag": 7, "day": 5, "pick": 3, "picks": 4, "who": 11, "site": 15, "made": 1001}
    fields = [{"field_name": "id", "type": 1}, *({"field_name": name, "type": kind} for name, kind in kinds.items())]
    every = desk.emu.state.create_table(desk.app_token, "kinds", fields).table_id
    planned = desk.create("sql")
    assert [each.table.name for each in planned.tables if isinstance(each, creation.NewSqlTable)] == [
        "odd {{names}} 50%",
        "kinds",
    ]
    assert not desk.create("sql").tables
    desk.emu.person.add_record(desk.app_token, odd, {name: f"x {name}" for name in ODD})
    desk.emu.person.add_record(desk.app_token, every, {"id": "a", "flag": True, "pick": "p", "picks": ["q", "r"]})
    for engine in desk.sync():
        assert engine.check().in_step
        assert engine.check().equal == 1


def test_draft_of_a_database_makes_bitable_tables_that_sync(desk: Desk) -> None:
    desk.execute(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40))",
        "CREATE TABLE orders (shop INTEGER, no VARCHAR(20), customer_id INTEGER, total NUMERIC(10,2), "
        "made TIMESTAMP NULL, PRIMARY KEY (shop, no), FOREIGN KEY (customer_id) REFERENCES customers (id))",
        "INSERT INTO customers VALUES (1, 'Ann')",
        "INSERT INTO orders VALUES (1, 'a', 1, 2.50, NULL)",
    )
    planned = desk.create("lark")
    assert [each.name for each in planned.tables if isinstance(each, creation.NewBitableTable)] == [
        "customers",
        "orders",
    ]
    assert not desk.create("lark").tables
    raw = yaml.safe_load(render(desk.draft(), desk.place))["mappings"][1]
    assert {pair["column"]: pair.get("link") for pair in raw["fields"]} == {
        **dict.fromkeys(("shop", "no", "total", "made")),
        "customer_id": "customers",
    }
    assert all(engine.check().in_step for engine in desk.sync())
    # the ledger's own tables are no candidates
    assert not desk.create("lark").tables


def test_draft_table_that_the_database_cannot_name_is_refused_and_the_others_are_made(desk: Desk) -> None:
    for name in ("n" * 70, "fine", "Fine"):
        desk.emu.state.create_table(desk.app_token, name, [{"field_name": "id", "type": 1}])
    planned = desk.create("sql")
    refused = {"Fine" if name.casefold() == "fine" else "long" for name in planned.refused}
    # SQLite has no limit
    assert refused == ({"Fine"} if desk.engine.dialect.name == "sqlite" else {"Fine", "long"})
    assert any("'fine' and 'Fine'" in reason or "'Fine' and 'fine'" in reason for reason in planned.refused.values())


@pytest.mark.parametrize(
    "name",
    [
        "NO",
        "y",
        "",
        " ",
        "名称 ",
        "1e3",
        "0x1F",
        "1_000",
        "12:30:45",
        ".inf",
        "=",
        "<<",
        "!!x",
        "a\tb\n",
        "😀",
        "\u2028",
    ],
)
def test_yaml_scalar_reads_back_as_the_very_text_in_and_out_of_braces(name: str) -> None:
    """O37."""
    assert yaml.safe_load(f"{{a: {scalar(name)}, b: [{scalar(name)}]}}") == {"a": name, "b": [name]}


def test_names_meet_by_case_and_marks_only_where_nothing_else_would_do() -> None:
    assert pair_names(["Order No.", "ID", "x-1", "x 1"], ["order_no", "id", "x1"]) == {
        "Order No.": "order_no",
        "ID": "id",
    }
