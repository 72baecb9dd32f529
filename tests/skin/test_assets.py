"""Assets of tables whose names are no ASCII: Airflow drops a DAG, without an import error, over an URI with more."""

from __future__ import annotations

import pytest
from airflow.sdk import Asset
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_lark.hooks.assets import convert_asset_to_openlineage
from airflow_provider_lark.operators.sync import BitableFullSyncOperator


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        ("lark://MyDB/审批", "lark://MyDB/%E5%AE%A1%E6%89%B9"),
        ("lark://MyDB/%E5%AE%A1%E6%89%B9", "lark://MyDB/%E5%AE%A1%E6%89%B9"),
        ("lark://客户 库/审 批", "lark://%E5%AE%A2%E6%88%B7%20%E5%BA%93/%E5%AE%A1%20%E6%89%B9"),
        ("lark://MyDB/50% off", "lark://MyDB/50%25%20off"),
        ("lark://MyDB/50%25%20off", "lark://MyDB/50%25%20off"),
        ("lark://MyDB/orders%231", "lark://MyDB/orders%231"),
        ("lark://open.feishu.cn/bascnA/tblB", "lark://open.feishu.cn/bascnA/tblB"),
        ("lark://127.0.0.1:8787/bascnA/tblB", "lark://127.0.0.1:8787/bascnA/tblB"),
    ],
)
def test_uri_is_ascii_and_stays_as_it_is_the_second_time(given, uri):
    assert Asset(given).uri == Asset(Asset(given).uri).uri == uri
    uri.encode("ascii")


def test_dataset_of_lineage_is_called_as_people_call_it():
    dataset = convert_asset_to_openlineage(Asset("lark://客户库/审批"), None)
    assert (dataset.namespace, dataset.name) == ("lark://客户库", "审批")


def test_event_of_a_table_with_a_chinese_name_has_the_counts(shop):
    shop.emulator.person.rename_table(shop.app_token, shop.table_id, "地 区#1")
    asset = Asset("lark://MyDB/地 区%231")
    mapping = {"lark": {"base": "MyDB", "table": "地 区#1"}, "sql": {"conn_id": "shop_db", "table": "areas"}}
    events = OutletEventAccessors()
    task = BitableFullSyncOperator(task_id="t", mapping=mapping, outlets=[asset])
    task.execute({"run_id": "manual__1", "outlet_events": events})
    assert events[asset].extra["status"] == "ok"
