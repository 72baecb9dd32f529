"""Names that are no ASCII, everywhere at once: base, tables, columns, fields, options, keys, files, DAG and task."""

from __future__ import annotations

import json

import pytest
import yaml
from airflow.sdk import DAG, Asset
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_lark.operators.bitable import (
    BitableListRecordsOperator,
    BitableUpsertRecordsOperator,
)
from airflow_provider_lark.operators.sync import (
    BitableConsistencyCheckOperator,
    BitableFullSyncOperator,
    BitableIncrementalSyncOperator,
    BitableSyncSetupOperator,
)
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from tests.skin.orders import context

FIELDS = [
    {"field_name": "编号（主键）", "type": 1},
    {"field_name": "名称", "type": 1},
    {"field_name": "状态😀", "type": 3, "property": {"options": [{"name": "进行中"}]}},
]
LARK = "客户 库/Ⅱ"
TABLE = "审批单·2026é"


@pytest.fixture
def place(open_shop, engine, monkeypatch, tmp_path):
    shop = open_shop(engine)
    shop.table_id = shop.emulator.state.create_table(shop.app_token, TABLE, FIELDS).table_id
    lark = {"conn_type": "lark", "login": shop.emulator.app_id, "password": shop.emulator.app_secret}
    lark |= {"host": shop.emulator.url, "extra": {"bases": {LARK: shop.app_token}}}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    shop.execute("CREATE TABLE 审批单 (编号 VARCHAR(20) NOT NULL PRIMARY KEY, 名称 VARCHAR(80), 状态 VARCHAR(20))")
    shop.execute("INSERT INTO 审批单 VALUES ('号-1', '甲😁', '进行中')")
    mapping = {
        "name": "审批 同步",
        "lark": {"base": LARK, "table": TABLE},
        "sql": {"conn_id": "shop_db", "table": "审批单"},
        "fields": {"编号（主键）": "编号", "名称": "名称", "状态😀": "状态"},
    }
    (tmp_path / "映射 文件.yaml").write_text(
        yaml.safe_dump({"mappings": [mapping]}, allow_unicode=True), encoding="utf-8"
    )
    return shop


def names(place):
    cells = [each["fields"] for each in place.emulator.person.records(place.app_token, place.table_id)]
    return sorted(
        tuple("".join(part["text"] for part in each[name]) for name in ("编号（主键）", "名称")) for each in cells
    )


def test_sync_works_whatever_things_are_called(place, tmp_path):
    asset = Asset("lark://客户 库%2FⅡ/审批单·2026é")
    dag = DAG("同步审批", schedule=None)
    dag.fileloc = str(tmp_path / "流程.py")

    def run(operator):
        task = operator(task_id=f"任务_{operator.__name__}", mapping="映射 文件.yaml", dag=dag, outlets=[asset])
        events = OutletEventAccessors()
        report = task.execute({"run_id": "手动", "outlet_events": events})
        assert (report["mapping"], report["status"]) == ("审批 同步", "ok")
        assert events[asset].extra["status"] == "ok"
        assert task.table_place.url.endswith(f"?table={place.table_id}")
        return report

    run(BitableSyncSetupOperator)
    assert run(BitableFullSyncOperator)["to_lark"]["created"] == 1
    place.execute("UPDATE 审批单 SET 名称 = '乙' WHERE 编号 = '号-1'")
    place.emulator.person.add_record(
        place.app_token, place.table_id, {"编号（主键）": "号-2", "名称": "丙", "状态😀": "进行中"}
    )
    report = run(BitableIncrementalSyncOperator)
    assert (report["to_lark"]["updated"], report["to_sql"]["created"]) == (1, 1)
    assert names(place) == [("号-1", "乙"), ("号-2", "丙")]
    assert run(BitableConsistencyCheckOperator)["in_step"]


def test_transfers_and_record_operators_work_whatever_things_are_called(place):
    table = f"{LARK}:{TABLE}"
    fields = {"编号（主键）": "编号", "名称": "名称", "状态😀": "状态"}
    both = {
        "table": table,
        "sql_conn_id": "shop_db",
        "fields": fields,
        "key_fields": ["编号（主键）"],
        "mode": "upsert",
    }
    done = SqlToBitableOperator(task_id="装载", source_table="审批单", **both).execute(context("手动"))
    assert (done["created"], names(place)) == (1, [("号-1", "甲😁")])
    upsert = BitableUpsertRecordsOperator(
        task_id="更新", table=table, records=[{"编号（主键）": "号-1", "名称": "丁"}], key_fields=["编号（主键）"]
    )
    assert upsert.execute(context("手动"))["updated"] == 1
    found = BitableListRecordsOperator(task_id="读取", table=table, filter={"状态😀": "进行中"}, sort=["-名称"])
    assert [each["fields"]["名称"] for each in found.execute(context("手动"))["records"]] == ["丁"]
    back = BitableToSqlOperator(task_id="导出", target_table="导出 表", create_table=True, **both)
    assert back.execute(context("手动"))["created"] == 1
    quoted = place.engine.dialect.identifier_preparer.quote("导出 表")
    assert place.execute(f"SELECT 名称 FROM {quoted}") == [("丁",)]
