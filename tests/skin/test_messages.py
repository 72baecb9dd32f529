"""What a person reads whose task fails: the operators against the emulator and a SQLite database."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import create_engine, text

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.operators.api import LarkApiOperator
from airflow_provider_lark.operators.bitable import BitableCreateRecordsOperator, BitableUpdateRecordsOperator
from airflow_provider_lark.operators.sync import BitableSyncSetupOperator
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from tests.skin.orders import context, open_orders

DDL = """
CREATE TABLE orders (code TEXT NOT NULL PRIMARY KEY, qty INTEGER NOT NULL, status TEXT);
INSERT INTO orders VALUES ('a', 1, 'open');
"""


@pytest.fixture
def shop(emulator, monkeypatch, tmp_path):
    """A table of orders on both sides."""
    path = tmp_path / "shop.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        for statement in DDL.strip().split(";\n"):
            conn.execute(text(statement))
    engine.dispose()
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return open_orders(emulator, monkeypatch)


def message_of(operator, **parameters):
    with pytest.raises(AirflowFailException) as caught:
        operator(task_id="t", **parameters).execute(context())
    return str(caught.value)


@pytest.mark.parametrize("path", ["bitable/v1/apps/{base}/tabels", "bitabel/v1/apps/{base}/tables"])
def test_mistyped_api_path_names_the_api_that_is_meant(shop, path):
    message = message_of(LarkApiOperator, path=f"/open-apis/{path.format(base=shop.base)}")
    assert "check the spelling of the path" in message
    assert "did you mean GET /open-apis/bitable/v1/apps/:app_token/tables?" in message


def test_mistyped_api_path_of_a_read_in_pages_names_the_api_that_is_meant(shop):
    message = message_of(LarkApiOperator, path="/open-apis/im/v1/mesages", method="POST", paginate=True)
    assert "did you mean POST /open-apis/im/v1/messages?" in message


def test_api_path_like_no_other_proposes_nothing(shop):
    assert "did you mean" not in message_of(LarkApiOperator, path="/open-apis/okr/v1/periods")


def test_body_that_the_caller_wrote_is_not_to_be_reported_to_us(shop):
    path = f"/open-apis/bitable/v1/apps/{shop.base}/tables"
    message = message_of(LarkApiOperator, path=path, method="POST", json={})
    assert "check query and json against Lark's documentation" in message
    assert "report it" not in message


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC code FROM orders", 'sql: the database rejected the query: near "SELEC": syntax error'),
        ("SELECT cod FROM orders", "sql: the database rejected the query: no such column: cod"),
        ("SELECT code FROM orders WHERE qty > :least", "it names :least: give the values as parameters"),
    ],
)
def test_bad_sql_is_told_by_the_databases_words(shop, sql, words):
    message = message_of(SqlToBitableOperator, table="MyDB:orders", sql_conn_id="shop_db", sql=sql)
    assert words in message


def test_parameter_that_is_not_given_is_named(shop):
    message = message_of(
        SqlToBitableOperator,
        table="MyDB:orders",
        sql_conn_id="shop_db",
        sql="SELECT code FROM orders WHERE qty > :least AND status = :status",
        parameters={"status": "open"},
    )
    assert "it names :least: give the values as parameters" in message


@pytest.mark.parametrize("place", [{"target_table": "oders"}, {"target_table": "orders", "target_schema": "nope"}])
def test_missing_target_table_says_how_to_come_by_one(shop, place):
    message = message_of(BitableToSqlOperator, table="MyDB:orders", sql_conn_id="shop_db", **place)
    assert "create it, or set create_table=True" in message


@pytest.mark.parametrize(
    ("operator", "records"),
    [
        (BitableCreateRecordsOperator, lambda _: [{"code": "bad"}]),
        (BitableUpdateRecordsOperator, lambda id_: [{"record_id": id_, "fields": {"code": "bad"}}]),
    ],
)
def test_one_refused_record_is_not_to_be_searched_for(shop, operator, records):
    (id_,) = shop.add({"code": "a"})
    shop.emulator.faults.add("/records/batch_", record="bad", code=1254060, status=200, times=None)
    message = message_of(operator, table="MyDB:orders", records=records(id_))
    assert "smaller batches" not in message
    assert "change the value or the field's type" in message


def test_refused_row_of_a_transfer_is_named_and_not_to_be_searched_for(shop):
    shop.emulator.faults.add("/records/batch_", record="bad", code=1254060, status=200, times=None)
    sql = "SELECT 'good' AS code UNION ALL SELECT 'bad' UNION ALL SELECT 'fair'"
    message = message_of(SqlToBitableOperator, table="MyDB:orders", sql_conn_id="shop_db", sql=sql)
    assert "RowRefused: row 2: " in message
    assert "smaller batches" not in message


def rename(shop, field, name):
    shop.emulator.person.rename_field(shop.base, shop.table_id, field, name)


@pytest.mark.parametrize(
    ("operator", "parameters"),
    [
        (BitableToSqlOperator, {"target_table": "orders", "fields": ["code", "qty"]}),
        (BitableToSqlOperator, {"target_table": "orders", "fields": {"code": "code", "qty": "qty"}}),
        (BitableToSqlOperator, {"target_table": "new", "fields": ["code", "qty"], "create_table": True}),
        (SqlToBitableOperator, {"source_table": "orders"}),
    ],
)
def test_renamed_field_is_missing_in_the_bitable_table_for_a_transfer(shop, operator, parameters):
    rename(shop, "qty", "数量")
    message = message_of(operator, table="MyDB:orders", sql_conn_id="shop_db", **parameters)
    assert f"Bitable table {shop.table_id}: field 'qty' does not exist; the fields are: code, 数量" in message
    assert "table 'orders'" not in message


def test_column_without_a_field_asks_whether_one_was_renamed(shop):
    rename(shop, "qty", "数量")
    message = message_of(
        BitableToSqlOperator, table="MyDB:orders", sql_conn_id="shop_db", target_table="orders", key_fields=["code"]
    )
    assert "column qty is NOT NULL" in message
    assert "fields without a column: 数量, tags, due, paid, made; check whether one was renamed in Lark" in message


def test_renamed_field_is_missing_in_the_bitable_table_for_a_sync(shop):
    rename(shop, "qty", "数量")
    mapping = {"lark": {"base": "MyDB", "table": "orders"}, "sql": {"table": "orders"}, "fields": ["code", "qty"]}
    message = message_of(BitableSyncSetupOperator, mapping=mapping, sql_conn_id="shop_db")
    assert "Bitable table: field 'qty' does not exist; the fields are: code, 数量" in message


def test_renamed_key_field_of_a_sync_by_equal_names_shows_the_fields_that_are_left(shop):
    rename(shop, "code", "代码")
    mapping = {"lark": {"base": "MyDB", "table": "orders"}, "sql": {"table": "orders"}}
    message = message_of(BitableSyncSetupOperator, mapping=mapping, sql_conn_id="shop_db")
    assert "key column 'code' is not mapped" in message
    assert "unmapped fields of the Bitable table: 代码, tags" in message


TRANSFER = {"task_id": "t", "table": "MyDB:orders", "sql_conn_id": "shop_db"}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"mode": "replace", "key_fields": ["code"]}, "key_fields: only supported in mode 'upsert', not 'replace'"),
        ({"key_fields": "code"}, "key_fields: only supported in mode 'upsert', not 'append'"),
        ({"mode": "upsert"}, "mode 'upsert' needs key_fields"),
        ({"mode": "merge"}, "mode is 'merge'; expected 'append', 'replace' or 'upsert'"),
        ({"users": "mail"}, "users is 'mail'; expected 'id' or 'email'"),
        ({"on_row_error": "ignore"}, "on_row_error is 'ignore'; expected 'fail' or 'skip'"),
    ],
)
def test_impossible_parameters_of_a_transfer_are_refused_when_the_file_is_read(parameters, words):
    with pytest.raises(ConfigError) as caught:
        SqlToBitableOperator(**TRANSFER, source_table="orders", **parameters)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [{"mode": "{{ params.mode }}", "key_fields": ["code"]}, {"mode": "upsert", "key_fields": "{{ keys }}"}],
)
def test_templated_parameters_of_a_transfer_are_left_to_the_run(parameters):
    SqlToBitableOperator(**TRANSFER, source_table="orders", **parameters)


def test_mode_that_a_template_gives_is_checked_by_the_run(shop):
    operator = SqlToBitableOperator(**TRANSFER, source_table="orders", mode="{{ mode }}")
    operator.render_template_fields({"mode": "merge"})
    with pytest.raises(AirflowFailException, match="mode is 'merge'"):
        operator.execute(context())


@pytest.fixture
def anywhere(open_shop, engine):
    """A shop on each kind of database."""
    return open_shop(engine)


@pytest.mark.parametrize("sql", ["SELEC code FROM areas", "SELECT cod FROM areas", "SELECT * FROM nowhere"])
def test_bad_sql_is_told_by_the_words_of_every_database_and_without_the_statement(anywhere, sql):
    message = message_of(SqlToBitableOperator, table="MyDB:areas", sql_conn_id="shop_db", sql=sql)
    words = message.partition("ConfigError: sql: the database rejected the query: ")[2]
    assert len(words) > 10
    assert "\n" not in message
    assert "sqlalche.me" not in message


@pytest.mark.parametrize("place", [{"target_table": "aeras"}, {"target_table": "areas", "target_schema": "nope"}])
def test_missing_target_table_of_every_database_says_how_to_come_by_one(anywhere, place):
    message = message_of(BitableToSqlOperator, table="MyDB:areas", sql_conn_id="shop_db", **place)
    assert message.startswith("SchemaMismatch: table ")
    assert "create it, or set create_table=True" in message


@pytest.mark.parametrize("schema", ["nope", None])
def test_missing_table_of_a_sync_is_told_for_every_database(anywhere, schema):
    sql = {"table": "areas" if schema else "aeras", "conn_id": "shop_db", **({"schema": schema} if schema else {})}
    message = message_of(BitableSyncSetupOperator, mapping={"lark": {"base": "MyDB", "table": "areas"}, "sql": sql})
    assert message.startswith("SchemaMismatch: table ")
