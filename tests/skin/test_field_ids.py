"""Fields by id in place of their names: people rename fields."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import create_engine, text

from airflow_provider_lark.operators.bitable import BitableListRecordsOperator, BitableUpsertRecordsOperator
from airflow_provider_lark.operators.sync import BitableFullSyncOperator
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from tests.skin.orders import context, open_orders


class Orders:
    def __init__(self, place, engine):
        self.place = place
        self.engine = engine
        self.ids = place.emulator.person.fields(place.base, place.table_id)

    def rename(self, field, name):
        self.place.emulator.person.rename_field(self.place.base, self.place.table_id, field, name)

    def rows(self, sql):
        with self.engine.connect() as conn:
            return [tuple(row) for row in conn.execute(text(sql))]


@pytest.fixture
def orders(emulator, monkeypatch, tmp_path):
    place = open_orders(emulator, monkeypatch)
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE orders (code TEXT NOT NULL PRIMARY KEY, 数量 INTEGER)"))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}))
    yield Orders(place, engine)
    engine.dispose()


def run(operator, **parameters):
    return operator(task_id="t", **parameters).execute(context())


def transfer(operator, **parameters):
    return run(operator, table="MyDB:orders", sql_conn_id="shop_db", **parameters)


def test_transfer_to_sql_takes_ids_of_fields_whatever_they_are_called(orders):
    orders.place.add({"code": "a", "qty": 1})
    chosen = {orders.ids["code"]: "code", orders.ids["qty"]: "数量"}
    keys = [orders.ids["code"]]
    for name in ("订单号", "号码"):
        orders.rename("code" if name == "订单号" else "订单号", name)
        report = transfer(BitableToSqlOperator, target_table="orders", fields=chosen, key_fields=keys, mode="upsert")
        assert report["read"] == 1
    assert orders.rows("SELECT * FROM orders") == [("a", 1)]


def test_transfer_that_makes_a_sql_table_names_columns_by_the_fields_of_the_ids(orders):
    orders.place.add({"code": "a", "qty": 1})
    chosen = [orders.ids["code"], orders.ids["qty"]]
    transfer(BitableToSqlOperator, target_table="made", fields=chosen, key_fields=chosen[:1], create_table=True)
    assert orders.rows("SELECT code, qty FROM made") == [("a", 1)]


def test_transfer_to_bitable_takes_ids_of_fields(orders):
    orders.place.add({"code": "a", "qty": 1})
    orders.rename("code", "订单号")
    fields = {orders.ids["code"]: "code", orders.ids["qty"]: "qty"}
    sql = "SELECT 'a' AS code, 2 AS qty UNION ALL SELECT 'b', 3 ORDER BY 1"
    report = transfer(SqlToBitableOperator, sql=sql, fields=fields, key_fields=[orders.ids["code"]], mode="upsert")
    assert (report["updated"], report["created"]) == (1, 1)
    assert orders.place.cells("qty") == [2, 3]


def test_field_that_is_called_like_the_id_of_another_is_meant_by_its_name(orders):
    orders.place.add({"code": "a", "qty": 1})
    orders.rename("code", orders.ids["qty"])
    transfer(
        BitableToSqlOperator, target_table="orders", fields={orders.ids["qty"]: "code"}, key_fields=[orders.ids["qty"]]
    )
    assert orders.rows("SELECT code FROM orders") == [("a",)]


def test_unknown_id_is_told_like_an_unknown_name(orders):
    with pytest.raises(AirflowFailException, match="field 'fldNowhere1' does not exist"):
        transfer(BitableToSqlOperator, target_table="orders", fields={"fldNowhere1": "code"})


def test_mapping_takes_ids_of_fields_from_its_first_setup_on(orders):
    orders.place.add({"code": "a", "qty": 1})
    orders.rename("code", "订单号")
    fields = [{"field": orders.ids["code"], "column": "code"}, {"field": orders.ids["qty"], "column": "数量"}]
    mapping = {"lark": {"base": "MyDB", "table": "orders"}, "sql": {"table": "orders"}, "fields": fields}
    assert run(BitableFullSyncOperator, mapping=mapping, sql_conn_id="shop_db")["to_sql"]["created"] == 1
    orders.rename("订单号", "号码")
    assert run(BitableFullSyncOperator, mapping=mapping, sql_conn_id="shop_db")["status"] == "ok"
    assert orders.rows("SELECT * FROM orders") == [("a", 1)]


def test_filters_sorts_and_keys_of_record_operators_take_ids(orders):
    orders.place.add({"code": "a", "qty": 1}, {"code": "b", "qty": 2})
    found = run(
        BitableListRecordsOperator,
        table="MyDB:orders",
        filter={orders.ids["qty"]: {"isGreater": 0}},
        sort=[f"-{orders.ids['qty']}"],
        field_names=[orders.ids["code"]],
    )
    assert [record["fields"] for record in found["records"]] == [{"code": "b"}, {"code": "a"}]
    rows = [{"code": "b", "qty": 5}]
    done = run(BitableUpsertRecordsOperator, table="MyDB:orders", records=rows, key_fields=[orders.ids["code"]])
    assert (done["updated"], done["created"]) == (1, 0)
