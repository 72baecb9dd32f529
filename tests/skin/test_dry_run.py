"""``dry_run`` of the operators: counts and keys, no values, nothing written, nothing told to others."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import DAG, AssetAlias
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.operators.bitable_attachments import (
    BitableDownloadAttachmentsOperator,
    BitableUploadAttachmentsOperator,
)
from airflow_provider_lark.operators.bitable_records import (
    BitableCreateRecordsOperator,
    BitableDeleteRecordsOperator,
    BitableUpdateRecordsOperator,
    BitableUpsertRecordsOperator,
)
from airflow_provider_lark.operators.sync import BitableSyncSetupOperator
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from tests.skin.orders import context
from tests.skin.test_attachments import Letters, write
from tests.skin.test_attachments import run as move

pytestmark = pytest.mark.usefixtures("time_flies")

ROWS = [{"code": f"A{number}", "qty": number} for number in range(1, 31)]


@pytest.fixture
def letters(shop):
    return Letters(shop)


def run(operator, *, ctx=None, **parameters):
    parameters = {"task_id": "t", "table": "MyDB:orders"} | parameters
    return operator(**parameters).execute(ctx or context())


@pytest.fixture
def made(orders):
    return run(BitableCreateRecordsOperator, records=ROWS)["record_ids"]


def records(orders):
    return orders.emulator.person.records(orders.base, orders.table_id)


@pytest.mark.parametrize("kind", ["create", "update", "upsert", "delete", "delete by filter"])
def test_dry_run_of_record_operators_foresees_the_run_and_writes_nothing(orders, made, kind):
    operator, parameters, would = {
        "create": (BitableCreateRecordsOperator, {"records": ROWS}, {"lark.create": 30}),
        "update": (
            BitableUpdateRecordsOperator,
            {"records": [{"record_id": id_, "fields": {"qty": 7}} for id_ in made[:12]]},
            {"lark.update": 12},
        ),
        "upsert": (
            BitableUpsertRecordsOperator,
            {"records": [{**row, "qty": 3} for row in ROWS[:5]] + [{"code": "B1"}], "key_fields": ["code"]},
            {"lark.update": 4, "lark.create": 1},
        ),
        "delete": (BitableDeleteRecordsOperator, {"record_ids": [*made[:2], "recGone"]}, {"lark.delete": 2}),
        "delete by filter": (BitableDeleteRecordsOperator, {"filter": {"qty": 4}}, {"lark.delete": 1}),
    }[kind]
    before = records(orders)
    told = run(operator, **parameters, dry_run="{{ run_id == 'manual__1' }}")
    assert records(orders) == before
    assert told["dry_run"] is True
    assert {name: entry["count"] for name, entry in told["would"].items()} == would
    assert "record_ids" not in told
    done = run(operator, **parameters)
    assert {name: done[name] for name in done if name != "record_ids"} == {
        name: told[name] for name in told if name not in ("dry_run", "would")
    }


def test_dry_run_of_an_update_of_a_record_that_is_gone_fails_as_the_run_would(orders, made):
    patches = [{"record_id": "recGone", "fields": {"qty": 7}}]
    for dry in (True, False):
        with pytest.raises(AirflowFailException, match="RecordNotFound"):
            run(BitableUpdateRecordsOperator, records=patches, dry_run=dry)


def test_dry_run_of_the_setup_names_what_it_would_make(shop):
    told = BitableSyncSetupOperator(task_id="t", mapping=shop.mapping, dry_run=True).execute(context())
    made = ["ledger", "field 'Last modified' in Lark", "triggers on areas"]
    assert told["would"] == {"setup.make": {"count": 3, "keys": made, "more": 0}}
    assert (told["dry_run"], [each["column"].split()[0] for each in told["fields"]]) == (True, ["code", "name"])
    again = BitableSyncSetupOperator(task_id="t", mapping=shop.mapping, dry_run=True).execute(context())
    assert again["would"] == told["would"]
    BitableSyncSetupOperator(task_id="t", mapping=shop.mapping).execute(context())
    assert BitableSyncSetupOperator(task_id="t", mapping=shop.mapping, dry_run=True).execute(context())["would"] == {}


def test_dry_run_of_files_moves_none(letters, tmp_path):
    source = write(tmp_path / "in", a_txt=b"hello", b_bin=b"1")
    record = letters.add("one")
    told = move(BitableUploadAttachmentsOperator, files={record: source}, dry_run=True)
    assert (told["transferred"], told["bytes"], told["would"]["lark.update"]["keys"]) == (2, 6, [record])
    assert ("files" in told, letters.files(record)) == (False, [])
    assert move(BitableUploadAttachmentsOperator, files={record: source})["transferred"] == 2
    assert move(BitableUploadAttachmentsOperator, files={record: source}, dry_run=True)["would"] == {}
    out = f"file://{tmp_path}/out"
    told = move(BitableDownloadAttachmentsOperator, path=out, dry_run=True)
    assert (told["transferred"], told["would"]["file.create"]["count"]) == (2, 2)
    assert not (tmp_path / "out").exists()
    assert move(BitableDownloadAttachmentsOperator, path=out)["transferred"] == 2
    assert move(BitableDownloadAttachmentsOperator, path=out, dry_run=True)["would"] == {}


def test_dry_run_tells_no_outlet_and_stays_small(orders, caplog):
    rows = [{"code": f"secret {number}", "qty": number} for number in range(20_000)]
    alias = AssetAlias("orders_changed")
    ctx = context()
    with caplog.at_level("DEBUG"):
        told = run(BitableCreateRecordsOperator, records=rows, outlets=[alias], ctx=ctx, dry_run=True)
    assert (told["created"], told["would"]["lark.create"]["count"]) == (20_000, 20_000)
    assert len(json.dumps(told)) < 64 * 1024
    assert "secret" not in json.dumps(told) + caplog.text
    assert records(orders) == []
    assert not ctx["outlet_events"][alias].asset_alias_events


def test_dry_run_of_both_transfers_foresees_them_on_each_database(open_shop, engine):
    shop = open_shop(engine)
    for code in range(40):
        shop.execute("INSERT INTO areas VALUES (:code, '机密')", code=f"{code:02}")
    steps = (
        (SqlToBitableOperator, {"source_table": "areas", "table": "MyDB:copy"}, {"lark.make": 1, "lark.create": 40}),
        (BitableToSqlOperator, {"table": "MyDB:copy", "target_table": "areas_copy"}, {"sql.make": 1, "sql.create": 40}),
    )
    for operator, parameters, would in steps:
        settings = {"task_id": "t", "sql_conn_id": "shop_db", "create_table": True, **parameters}
        told = operator(**settings, dry_run="{{ 1 == 1 }}").execute(context())
        assert {name: entry["count"] for name, entry in told["would"].items()} == would
        assert "机密" not in json.dumps(told, ensure_ascii=False)
        done = operator(**settings).execute(context())
        assert (done["created"], "dry_run" in done) == (told["created"], False)


def test_dry_run_may_be_a_default_of_the_dag():
    with DAG("d", default_args={"dry_run": True}):
        operators = (
            BitableCreateRecordsOperator(task_id="a", table="x:y", records=[]),
            SqlToBitableOperator(task_id="b", table="x:y", sql_conn_id="s", sql="SELECT 1"),
            BitableSyncSetupOperator(task_id="c", mapping={"x:y": "z"}),
        )
    assert all(operator.is_dry_run for operator in operators)
