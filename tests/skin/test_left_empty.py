"""Optional parameters that a form or a template leaves empty: None, which a template writes as the word ``None``."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine, text

from airflow_provider_lark.operators.api import LarkApiOperator
from airflow_provider_lark.operators.bitable import (
    BitableDeleteRecordsOperator,
    BitableDownloadAttachmentsOperator,
    BitableListRecordsOperator,
    BitableUploadAttachmentsOperator,
)
from airflow_provider_lark.operators.sync import BitableSyncSetupOperator
from airflow_provider_lark.sensors.bitable import BitableRecordSensor
from airflow_provider_lark.sensors.sync_queue import SyncQueueBacklogSensor
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator
from tests.skin.orders import context, open_orders


@pytest.fixture
def orders(emulator, monkeypatch, tmp_path):
    place = open_orders(emulator, monkeypatch)
    place.add({"code": "a"})
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE orders (code TEXT NOT NULL PRIMARY KEY)"))
        conn.execute(text("INSERT INTO orders VALUES ('b')"))
    engine.dispose()
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}))
    return place


def run(operator, **parameters):
    return operator(task_id="t", **parameters).execute(context())


@pytest.mark.parametrize("empty", ["None", "", None])
def test_operators_for_records_and_api_take_it_for_nothing(orders, empty):
    found = run(
        BitableListRecordsOperator,
        table="MyDB:orders",
        base=empty,
        filter=empty,
        sort=empty,
        view=empty,
        field_names=empty,
        limit=empty,
        output_path=empty,
        time_zone=empty,
    )
    assert found["total"] == 1
    path = f"/open-apis/bitable/v1/apps/{orders.base}/tables"
    assert run(LarkApiOperator, path=path, query=empty, json=empty, result_path=empty)["items"]


@pytest.mark.parametrize("empty", ["None", "", None])
def test_transfers_take_it_for_nothing(orders, empty):
    both = {"table": "MyDB:orders", "base": empty, "sql_conn_id": "shop_db", "time_zone": empty, "fields": empty}
    done = run(SqlToBitableOperator, source_table="orders", source_schema=empty, sql=empty, parameters=empty, **both)
    assert done["created"] == 1
    place = {"target_table": "orders", "target_schema": empty, "record_id_column": empty, "view": empty}
    assert run(BitableToSqlOperator, mode="replace", filter=empty, **place, **both)["created"] == 2


@pytest.mark.parametrize("empty", ["None", "", None])
def test_result_of_a_query_takes_it_for_nothing(orders, empty):
    orders.emulator.state.add_chat("Sales")
    own = (
        "parameters",
        "title",
        "x",
        "y",
        "series",
        "rows_shown",
        "file_name",
        "time_zone",
        "link_url",
        "note",
        "font",
    )
    rest = dict.fromkeys((*own, "receive_id_type", "mentions", "resend_if_unknown"), empty)
    told = run(SqlToLarkMessageOperator, sql_conn_id="shop_db", sql="SELECT 1", receive_id="Sales", **rest)
    assert (told["rows"], told["shown"]) == (1, 1)


@pytest.mark.parametrize("empty", ["None", "", None])
def test_attachments_and_sensors_take_it_for_nothing(orders, tmp_path, empty):
    (record_id,) = [each["record_id"] for each in orders.emulator.person.records(orders.base, orders.table_id)]
    orders.emulator.person.add_field(orders.base, orders.table_id, {"field_name": "Files", "type": 17})
    (tmp_path / "a.txt").write_bytes(b"1")
    both = {"table": "MyDB:orders", "base": empty, "field": "Files", "storage_conn_id": empty}
    run(BitableUploadAttachmentsOperator, files={record_id: str(tmp_path / "a.txt")}, **both)
    rest = {"view": empty, "filter": empty, "record_ids": empty or (), "time_zone": empty}
    assert run(BitableDownloadAttachmentsOperator, path=str(tmp_path / "out"), **rest, **both)["transferred"] == 1
    assert run(BitableRecordSensor, table="MyDB:orders", base=empty, filter=empty, field_names=empty)["total"] == 1
    mapping = {"lark": {"base": "MyDB", "table": "orders"}, "sql": {"table": "orders"}}
    run(BitableSyncSetupOperator, mapping=mapping, sql_conn_id="shop_db", mapping_name=empty)
    sensor = SyncQueueBacklogSensor(task_id="t", sql_conn_id="shop_db", table_name=empty, pending_below=1)
    assert sensor.poke({}).is_done


def test_delete_by_a_filter_takes_ids_left_empty_for_nothing(orders):
    assert (
        run(BitableDeleteRecordsOperator, table="MyDB:orders", record_ids="None", filter={"code": "a"})["deleted"] == 1
    )
