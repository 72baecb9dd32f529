"""The transfers, executed against the emulator over HTTP and real databases."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator

ROWS = [("1101", "北京"), ("3101", "上海"), ("4401", "广州")]


def context(run_id="manual__1"):
    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1)
    return {"run_id": run_id, "ti": ti, "outlet_events": OutletEventAccessors()}


def run(operator, *, run_id="manual__1", **parameters):
    return operator(task_id="t", sql_conn_id="shop_db", **parameters).execute(context(run_id))


def fill(shop):
    for code, name in ROWS:
        shop.execute("INSERT INTO areas VALUES (:code, :name)", code=code, name=name)


def test_rows_go_into_a_table_and_back_on_each_database(open_shop, engine):
    shop = open_shop(engine)
    fill(shop)
    there = run(SqlToBitableOperator, source_table="areas", table="MyDB:copy", create_table=True)
    assert (there["created"], there["status"], there["app_token"]) == (3, "ok", shop.app_token)
    back = run(BitableToSqlOperator, table="MyDB:copy", target_table="areas_copy", create_table=True)
    assert (back["created"], back["table_id"]) == (3, there["table_id"])
    assert shop.execute("SELECT code, name FROM areas_copy ORDER BY code") == ROWS


def test_report_is_compact_json_and_holds_no_cells(shop):
    fill(shop)
    report = run(SqlToBitableOperator, sql="SELECT * FROM areas", table="MyDB:areas")
    assert json.loads(json.dumps(report)) == report
    assert "北京" not in json.dumps(report, ensure_ascii=False)
    assert report["api_calls"]["total"] >= 4


def test_log_tells_the_counts_once(shop, caplog, capsys):
    fill(shop)
    with caplog.at_level("INFO"):
        run(SqlToBitableOperator, source_table="areas", table="MyDB:areas")
    (told,) = [text for text in caplog.messages if "created 3" in text]
    assert told.startswith("append table 'areas' into table")
    assert "created 3, updated" not in capsys.readouterr().out


def test_second_try_of_the_same_task_creates_nothing_twice(shop):
    fill(shop)
    for run_id, records in (("manual__1", 3), ("manual__1", 3), ("manual__2", 6)):
        run(SqlToBitableOperator, sql="SELECT * FROM areas ORDER BY code", table="MyDB:areas", run_id=run_id)
        assert len(shop.emulator.person.records(shop.app_token, shop.table_id)) == records


def test_parameters_may_come_as_text_from_templates(shop):
    fill(shop)
    report = run(
        SqlToBitableOperator,
        sql="SELECT code AS c, name FROM areas WHERE code > :least",
        parameters='{"least": "2000"}',
        table="areas",
        base="MyDB",
        mode="upsert",
        key_fields='["code"]',
        fields='{"code": "c", "name": "name"}',
        batch_size="1",
        allow_empty="false",
    )
    assert (report["created"], report["api_calls"]["create"]) == (2, 2)


def test_table_may_be_given_by_its_address(shop):
    fill(shop)
    url = f"https://tenant.feishu.cn/base/{shop.app_token}?table={shop.table_id}"
    operator = SqlToBitableOperator(task_id="t", sql_conn_id="shop_db", source_table="areas", table=url)
    operator.execute(context())
    assert len(shop.lark_names()) == 3
    (link,) = operator.operator_extra_links
    assert link.get_link(operator, ti_key=None) == url


def test_problem_rows_are_reported_or_fail_the_task(shop):
    shop.emulator.person.add_records(shop.app_token, shop.table_id, [{"code": "1"}, {"code": "x"}])
    shop.execute("CREATE TABLE numbers (lark_record_id VARCHAR(64) PRIMARY KEY, code INTEGER)")
    with pytest.raises(AirflowFailException, match="ValueMismatch: record rec"):
        run(BitableToSqlOperator, table="MyDB:areas", target_table="numbers")
    report = run(BitableToSqlOperator, table="MyDB:areas", target_table="numbers", on_row_error="skip")
    assert (report["created"], report["skipped"], report["status"]) == (1, 1, "partial")
    assert shop.execute("SELECT code FROM numbers") == [(1,)]


def test_replace_by_nothing_fails_and_says_what_to_do(shop):
    shop.execute("CREATE TABLE t (lark_record_id VARCHAR(64) PRIMARY KEY, code TEXT)")
    shop.execute("INSERT INTO t VALUES ('rec1', 'kept')")
    with pytest.raises(AirflowFailException, match=r"SafetyStop: .*allow_empty=True"):
        run(BitableToSqlOperator, table="MyDB:areas", target_table="t", mode="replace")
    assert shop.execute("SELECT code FROM t") == [("kept",)]
    assert run(BitableToSqlOperator, table="MyDB:areas", target_table="t", mode="replace", allow_empty=True)["deleted"]


@pytest.mark.parametrize(
    ("operator", "parameters", "words"),
    [
        (SqlToBitableOperator, {"sql": "SELECT 1", "source_table": "t"}, r"either sql \(a query\) or source_table"),
        (SqlToBitableOperator, {"sql": "SELECT 1", "parameters": "[1]"}, "parameters: expected a dictionary"),
        (SqlToBitableOperator, {"sql": "SELECT 1", "batch_size": "many"}, "batch_size: expected a whole number"),
        (BitableToSqlOperator, {"target_table": ""}, "target_table: is empty"),
        (BitableToSqlOperator, {"target_table": "t", "key_fields": '{"a": "b"}'}, "key_fields: expected a list"),
        (BitableToSqlOperator, {"target_table": "t", "allow_empty": "maybe"}, "allow_empty: expected true or false"),
    ],
)
def test_impossible_parameters_fail_at_once(shop, operator, parameters, words):
    with pytest.raises(AirflowFailException, match=words):
        run(operator, table="MyDB:areas", **parameters)


def test_templates_are_rendered(shop):
    with DAG("d"):
        load = SqlToBitableOperator(
            task_id="t",
            sql_conn_id="{{ db }}",
            sql="SELECT {{ n }}",
            table="MyDB:{{ name }}",
            parameters={"a": "{{ n }}"},
        )
        dump = BitableToSqlOperator(
            task_id="u", sql_conn_id="{{ db }}", table="x:y", target_table="{{ name }}", filter={"code": "{{ n }}"}
        )
    values = {"db": "shop_db", "n": "5", "name": "areas"}
    load.render_template_fields(values)
    dump.render_template_fields(values)
    assert (load.sql, load.table, load.parameters, load.sql_conn_id) == (
        "SELECT 5",
        "MyDB:areas",
        {"a": "5"},
        "shop_db",
    )
    assert (dump.target_table, dump.filter) == ("areas", {"code": "5"})


def test_lineage_names_the_table_of_each_side(open_shop, engine):
    shop = open_shop(engine)
    fill(shop)
    there = SqlToBitableOperator(task_id="t", sql_conn_id="shop_db", source_table="areas", table="MyDB:areas")
    there.execute(context())
    url = engine.url
    expected = {
        "sqlite": None,
        "postgresql": (f"postgres://{url.host}:{url.port}", f"{url.database}.public.areas"),
        "mysql": (f"mysql://{url.host}:{url.port}", f"{url.database}.areas"),
    }[engine.dialect.name]
    assert there.sql_dataset == expected
    facets = there.get_openlineage_facets_on_complete(None)
    if facets is None:
        # the provider of OpenLineage is not installed
        return
    assert [each.name for each in facets.outputs] == [f"{shop.app_token}.{shop.table_id}"]
    assert [(each.namespace, each.name) for each in facets.inputs] == ([expected] if expected else [])


def test_lineage_of_a_query_to_a_chat_names_its_tables_and_the_chat(open_shop, engine):
    shop, url = open_shop(engine), engine.url
    chat_id = shop.emulator.state.add_chat("Team")
    task = SqlToLarkMessageOperator(
        task_id="t",
        sql_conn_id="shop_db",
        sql="SELECT a.name FROM areas a JOIN areas b ON a.code = b.code",
        receive_id="Team",
    )
    task.execute(context())
    facets = task.get_openlineage_facets_on_complete(None)
    if facets is None:
        # the provider of OpenLineage is not installed
        return
    expected = {
        "sqlite": [],
        "postgresql": [(f"postgres://{url.host}:{url.port}", f"{url.database}.public.areas")],
        "mysql": [(f"mysql://{url.host}:{url.port}", f"{url.database}.areas")],
    }[engine.dialect.name]
    assert [(each.namespace, each.name) for each in facets.inputs] == expected
    assert [(each.namespace.startswith("lark://127.0.0.1"), each.name) for each in facets.outputs] == [(True, chat_id)]


def test_transfer_waits_for_a_lock_as_long_as_it_is_told(open_shop, engine):
    shop = open_shop(engine)
    fill(shop)
    there = {"table": "MyDB:copy", "sql": "SELECT code, '新' AS name FROM areas", "create_table": True}
    run(SqlToBitableOperator, **there)
    with engine.connect() as other:
        other.exec_driver_sql("UPDATE areas SET name = 'x'")
        with pytest.raises(AirflowException, match=r"DatabaseBusy.*locked by another program for 0\.5 s"):
            run(
                BitableToSqlOperator,
                table="MyDB:copy",
                target_table="areas",
                mode="upsert",
                key_fields=["code"],
                record_id_column="",
                lock_wait_seconds="0.5",
            )
        other.rollback()
    with pytest.raises(AirflowFailException, match="lock_wait_seconds: expected a number of seconds greater than 0"):
        run(SqlToBitableOperator, lock_wait_seconds="0", **there)
