"""Results of queries into chats, against the emulator over HTTP and real databases."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import httpx
import openpyxl
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.operators.messages.sent_once import KEY
from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator
from tests.skin.message_tasks import Killed, Reaper, StateStore, context

SENDS = "POST /open-apis/im/v1/messages"
SALES = "SELECT name AS 地区, amount AS 销售额 FROM sales ORDER BY id"


@pytest.fixture
def open_shop(open_sales):
    return open_sales


@pytest.fixture
def shop(sales):
    return sales


def made(sql=SALES, *, receive_id="Team", **parameters):
    return SqlToLarkMessageOperator(
        task_id="report", sql_conn_id="shop_db", sql=sql, receive_id=receive_id, **parameters
    )


def run(sql=SALES, given=None, **parameters):
    return made(sql, **parameters).execute(context(StateStore()) if given is None else given)


def failure(sql=SALES, *, kind=AirflowFailException, **parameters):
    with pytest.raises(AirflowException) as caught:
        run(sql, **parameters)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def find(card, tag):
    return [each for each in card["body"]["elements"] if each["tag"] == tag]


def words(card):
    return json.dumps(card, ensure_ascii=False)


# --- as a card


def test_rows_arrive_as_a_table_on_each_database(open_shop, engine):
    shop = open_shop(engine)
    told = run(title="日报", locale="en_us")
    (table,) = find(shop.card, "table")
    assert [column["display_name"] for column in table["columns"]] == ["地区", "销售额"]
    assert table["rows"] == [{"c0": "华东", "c1": 12.5}, {"c0": "华南", "c1": 7.25}, {"c0": "其他"}]
    assert shop.card["header"]["title"]["content"] == "日报"
    assert (told["rows"], told["columns"], told["shown"], told["warnings"]) == (3, 2, 3, [])
    assert (told["message_id"], told["chat_id"]) == (shop.messages[0].message_id, shop.team.chat_id)


ODD = {
    "sqlite": "SELECT 1 AS n, 2 AS n, X'00ff' AS blob_, '2026-11-01 08:00' AS \"a.b\", -5.5 AS x, 'a''b:c %s' AS t",
    "postgresql": "SELECT 1 AS n, 2 AS n, '\\x00ff'::bytea AS blob_, timestamptz '2026-11-01 08:00+00' AS \"a.b\", "
    "-5.50::numeric AS x, 'a''b:c %s' AS t",
    "mysql": "SELECT 1 AS n, 2 AS n, X'00ff' AS blob_, TIMESTAMP '2026-11-01 08:00:00' AS `a.b`, "
    "CAST(-5.5 AS DECIMAL(9, 2)) AS x, 'a''b:c %s' AS t",
}


def test_odd_columns_are_shown_on_each_database(open_shop, engine):
    shop, kind = open_shop(engine), engine.dialect.name
    run(f"-- 日报: 100 %\n{ODD[kind]};\n", time_zone="Asia/Shanghai")
    (table,) = find(shop.card, "table")
    moment = {"sqlite": "2026-11-01 08:00", "postgresql": "2026-11-01 16:00:00+08:00", "mysql": "2026-11-01 08:00:00"}
    assert [column["display_name"] for column in table["columns"]] == ["n", "n", "blob_", "a.b", "x", "t"]
    cells = {"c0": 1, "c1": 2, "c2": "2 bytes", "c3": moment[kind], "c4": -5.5, "c5": "a'b:c %s"}
    assert table["rows"] == [cells]


def test_parameters_and_a_sql_file_are_taken(shop, tmp_path):
    (tmp_path / "sales.sql").write_text("SELECT name FROM sales WHERE id >= :least AND name <> '{{ params.not }}'")
    with DAG("d", template_searchpath=[str(tmp_path)], params={"not": "其他"}):
        task = made("sales.sql", parameters='{"least": 1}', title="{{ run_id }}", x="{{ x }}")
    task.resolve_template_files()
    task.render_template_fields({"params": {"not": "其他"}, "run_id": "manual__1", "x": ""})
    task.execute(context())
    assert find(shop.card, "table")[0]["rows"] == [{"c0": "华南"}]
    assert shop.card["header"]["title"]["content"] == "manual__1"


NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) SELECT {} FROM n"


def test_card_that_would_be_too_large_shows_fewer_rows_and_says_so(shop):
    columns = ", ".join(f"'{'错' * 200}' AS c{at}" for at in range(20))
    everybody = [shop.team.ann.open_id, *(shop.team.state.add_user(f"P{at}").open_id for at in range(30))]
    told = run(NUMBERS.format(50, columns), locale="en_us", mentions=everybody)
    (table,) = find(shop.card, "table")
    assert 0 < told["shown"] == len(table["rows"]) < 50
    assert f"The first {told['shown']} of 50 rows; a file can hold all." in words(shop.card)
    assert told["warnings"] == [
        f"the card shows the first {told['shown']} of 50 rows; use form 'csv' or 'excel' to send all"
    ]
    assert len(shop.messages[0].mentions) == 31


def test_sixty_columns_are_shown_up_to_the_fiftieth(shop):
    run("SELECT " + ", ".join(f"{at} AS c{at}" for at in range(60)), locale="en_us")
    assert len(find(shop.card, "table")[0]["columns"]) == 50
    assert "The first 50 of 60 columns." in words(shop.card)


def test_all_rows_are_counted_and_some_shown(shop):
    told = run(NUMBERS.format(5000, "n"), rows_shown="7", link_url="https://bi.example.com/x", show_sql=True)
    assert (told["rows"], told["shown"]) == (5000, 7)
    assert "https://bi.example.com/x" in words(shop.card)
    assert "WITH RECURSIVE" in words(shop.card)


def test_text_in_cells_mentions_nobody(shop):
    run("SELECT '<at id=all></at>' AS \"<at id=all></at>\"", note="<at id=all></at>", title="<at id=all></at>")
    assert shop.messages[0].mentions == ()


# --- charts


def test_chart_stands_above_the_table_or_alone(shop):
    told = run(chart="bar", x="地区", y="销售额", locale="en_us")
    assert [each["tag"] for each in shop.card["body"]["elements"]] == ["chart", "table", "div"]
    spec = find(shop.card, "chart")[0]["chart_spec"]
    assert (spec["type"], spec["data"]["values"]) == ("bar", [{"x": "华东", "y": 12.5}, {"x": "华南", "y": 7.25}])
    # NULL is a gap, and said to be one
    assert "Not shown in the chart because they are not numbers: 1." in words(shop.card)
    assert told["warnings"] == ["values not shown in the chart because they are not finite numbers: 1"]
    run(chart="pie", x="地区", y="销售额", rows_shown=0)
    assert [each["tag"] for each in shop.card["body"]["elements"]] == ["chart", "div"]


def test_numbers_that_are_none_are_gaps_on_a_database_that_has_them(open_shop, ledger_database):
    shop = open_shop(ledger_database("postgresql"))
    try:
        values = "('a', 'NaN'::float8), ('b', 'Infinity'), ('c', 1), ('d', NULL)"
        told = run(f"SELECT * FROM (VALUES {values}) AS v (k, n)", chart="line", x="k", y=["n"])
        third = run("SELECT 'x' AS k, 10 / 3::numeric AS n", chart="bar", x="k", y="n", rows_shown=0)
    finally:
        shop.run("DROP TABLE sales")
    assert told["warnings"] == ["values not shown in the chart because they are not finite numbers: 3"]
    assert find(json.loads(shop.messages[0].content), "chart")[0]["chart_spec"]["data"]["values"] == [
        {"x": "c", "y": 1}
    ]
    # an average has more digits than any number of a client
    assert third["warnings"] == []


def test_picture_of_a_chart_arrives_in_a_card(shop):
    run(
        "SELECT 'east' AS k, 1 AS a, 2 AS b",
        form="image",
        chart="line",
        x="k",
        y='["a", "b"]',
        mentions=["ann@example.com"],
    )
    (image,) = find(shop.card, "img")
    with LarkClient(shop.emulator.app_id, shop.emulator.app_secret, shop.emulator.url) as client:
        assert client.resources.download_image(image_key=image["img_key"]).startswith(b"\x89PNG")
    assert shop.messages[0].mentions == (shop.team.ann.open_id,)


@pytest.mark.parametrize(
    ("sql", "parameters", "told"),
    [
        pytest.param(SALES, {"y": "金额"}, "no column '金额'; known: '地区', '销售额'", id="no such column"),
        pytest.param(SALES, {"x": "销售额", "y": "地区"}, "'地区' contains a str, which is not a", id="text"),
        pytest.param(
            "SELECT 1 AS 地区, 2 AS 销售额, 3 AS 销售额", {}, "2 columns named '销售额': give them", id="doubled"
        ),
        pytest.param(
            "SELECT 1 AS 地区, -2 AS 销售额",
            {"chart": "pie"},
            "a negative number, which a pie chart cannot show",
            id="pie below 0",
        ),
        pytest.param(
            NUMBERS.format(2000, "n AS 地区, n AS 销售额"), {}, "2,000 points: aggregate in the query", id="long"
        ),
        pytest.param(SALES, {"y": None}, "chart 'bar': needs x and y", id="no y"),
        pytest.param(SALES, {"form": "csv"}, "chart: not supported with form", id="chart in a file"),
        pytest.param(SALES, {"chart": None}, "for example chart='bar'", id="columns without a chart"),
        pytest.param(SALES, {"chart": None, "x": None, "y": None, "form": "image"}, "needs a chart", id="no chart"),
        pytest.param(SALES, {"chart": None, "x": None, "y": None, "rows_shown": 0}, "would be empty", id="nothing"),
    ],
)
def test_chart_that_cannot_be_made_is_told_and_nothing_is_sent(shop, sql, parameters, told):
    assert told in failure(sql, **{"chart": "bar", "x": "地区", "y": "销售额", **parameters})
    assert shop.messages == []


# --- files


def test_file_of_all_rows_arrives_under_its_chinese_name_on_each_database(open_shop, engine):
    shop = open_shop(engine)
    told = run(form="csv", file_name="销售报表—11月 (终版)")
    assert json.loads(shop.messages[0].content)["file_name"] == told["file_name"] == "销售报表—11月 (终版).csv"
    rows = list(csv.reader(io.StringIO(shop.download().decode("utf-8-sig"), newline="")))
    # SQLite keeps no zeros behind the point
    shown = ["12.5", "7.25"] if engine.dialect.name == "sqlite" else ["12.50", "7.25"]
    assert rows == [["地区", "销售额"], ["华东", shown[0]], ["华南", shown[1]], ["其他", ""]]
    assert (told["rows"], told["shown"]) == (3, 3)


def test_excel_file_has_numbers_and_formulas_as_text(open_shop, ledger_database):
    shop = open_shop(ledger_database("postgresql"))
    try:
        moment = "timestamptz '2026-11-01 08:00+00'"
        sql = f"SELECT -5.00::numeric AS \"=A1\", '=HYPERLINK(\"http://x\")' AS t, {moment} AS w, DATE 'infinity' AS d"
        run(sql, form="excel", time_zone="Asia/Shanghai", file_name="r/1.XLSX")
    finally:
        shop.run("DROP TABLE sales")
    assert json.loads(shop.messages[0].content)["file_name"] == "r_1.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(shop.download())).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["=A1", "t", "w", "d"]
    moment = datetime.fromisoformat("2026-11-01 16:00")
    assert [cell.value for cell in sheet[2]] == [-5, '=HYPERLINK("http://x")', moment, "infinity"]
    assert sheet["A2"].number_format == "0.00"
    assert {cell.data_type for cell in (*sheet[1], sheet["B2"])} == {"s"}


def test_file_beyond_30_mb_fails_before_anything_is_sent(shop):
    rows = NUMBERS.format(1_200, "hex(zeroblob(15000)) AS t")
    told = failure(rows, form="csv")
    assert (
        "more than the 31,457,280 Lark allows: return fewer rows or columns, or compress it (compression='gzip')"
        in told
    )
    assert shop.emulator.counters().get(SENDS, 0) == 0
    assert run(rows, form="excel")["rows"] == 1_200


def test_file_mentions_nobody(shop):
    assert "mentions: not supported in a" in failure(form="csv", mentions=["ann@example.com"])
    assert shop.messages == []


# --- nothing there, and what is wrong

NOTHING = "SELECT name AS 地区, amount AS 销售额 FROM sales WHERE id < 0"


@pytest.mark.parametrize(
    "parameters",
    [{}, {"chart": "bar", "x": "地区", "y": "销售额"}, {"form": "image", "chart": "bar", "x": "地区", "y": "销售额"}],
    ids=["table", "chart", "picture"],
)
def test_no_rows_are_told_in_a_card(shop, parameters):
    told = run(NOTHING, locale="zh_cn", **parameters)
    assert "没有数据。" in words(shop.card)
    assert (told["rows"], [each["tag"] for each in shop.card["body"]["elements"]]) == (0, ["div"])


def test_no_rows_are_a_file_with_a_header(shop):
    run(NOTHING, form="csv")
    assert shop.download().decode("utf-8-sig") == '"地区","销售额"\r\n'


def test_no_rows_skip_or_fail_where_that_is_asked_for(shop):
    with pytest.raises(AirflowSkipException, match="returned no rows"):
        run(NOTHING, if_empty="skip")
    # data may come: the task's retries are to look again
    assert "returned no rows" in failure(NOTHING, kind=AirflowException, if_empty="fail")
    assert shop.messages == []


@pytest.mark.parametrize(
    ("sql", "parameters", "told"),
    [
        pytest.param("SELECT * FROM nowhere", {}, "rejected the query: no such table: nowhere", id="no table"),
        pytest.param("SELECT :least", {}, "it names :least: give the values as parameters", id="no value"),
        pytest.param("UPDATE sales SET id = 9 WHERE id = 0", {}, "does not return rows; use a SELECT", id="update"),
        pytest.param(" ", {}, "sql: is empty", id="no query"),
        pytest.param(SALES, {"parameters": "[1]"}, "parameters: expected a dictionary", id="list"),
        pytest.param(SALES, {"rows_shown": "2000"}, "rows_shown must be 0 to 1,000, got 2000", id="too many rows"),
        pytest.param(SALES, {"time_zone": "Mars"}, "'Mars' is not a time zone", id="zone"),
        pytest.param(SALES, {"receive_id": ""}, "receive_id: is empty", id="no receiver"),
        pytest.param(
            SALES, {"receive_id": "Tea"}, "not in a chat named 'Tea'; similar names: 'Team'", id="unknown chat"
        ),
    ],
)
def test_wrong_parameter_fails_for_good_and_sends_nothing(shop, sql, parameters, told):
    assert told in failure(sql, **parameters)
    assert shop.messages == []
    with shop.engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT min(id) FROM sales").scalar() == 0


@pytest.mark.parametrize(
    "parameters", [{"form": "pdf"}, {"compression": "rar"}, {"chart": "radar"}, {"if_empty": "wait"}]
)
def test_unknown_choice_fails_when_the_dag_is_read(parameters):
    with pytest.raises(ValueError, match=r"expected ('card', 'image'|'line', 'bar'|'send', 'skip'|'gzip' or 'zip')"):
        made(**parameters)


# --- once


def task_context(store, *, max_tries=0):
    given = context(store, task_id="report")
    given["ti"].max_tries = max_tries
    return given


def test_killed_at_any_boundary_sends_once_although_the_rows_change(shop, monkeypatch):
    reaper, killed = Reaper(), 0
    monkeypatch.setattr(httpx.Client, "request", reaper.around(httpx.Client.request))
    for kill_at in range(1, 100):
        store = StateStore()
        store.get, store.set = reaper.around(store.get), reaper.around(store.set)
        given = task_context(store) | {"run_id": f"manual__{kill_at}"}
        before = len(shop.messages)
        reaper.arm(kill_at)
        try:
            run(given=given, form="csv")
        except Killed:
            killed += 1
        else:
            break
        reaper.arm(None)
        shop.run("INSERT INTO sales VALUES (:id, 'new', 1)", id=100 + kill_at)
        told = run(given=given, form="csv")
        assert [each.message_id for each in shop.messages[before:]] == [told["message_id"]], kill_at
        assert told["rows"] >= 3
    # the upload, the message, and three looks into the store
    assert killed >= 2 * (1 + 1 + 3)


def test_second_try_sends_nothing_more_and_tells_the_same(shop):
    store = StateStore()
    first = run(given=task_context(store))
    shop.run("INSERT INTO sales VALUES (9, 'new', 1)")
    assert run(given=task_context(store)) == first
    assert run(given=task_context(store), if_empty="skip", sql=SALES) == first
    assert len(shop.messages) == 1


def test_cleared_task_and_changed_task_send_anew(shop):
    store = StateStore()
    for given in ({}, {"title": "other"}):
        run(given=task_context(store), **given)
    # Airflow raises it when a task is cleared
    run(given=task_context(store, max_tries=1))
    assert len(shop.messages) == 3


def test_try_that_was_cut_off_over_an_hour_ago_is_not_repeated_blindly(shop):
    store = StateStore()
    run(given=task_context(store))
    # as it stands between the call and its answer
    store.set(KEY, {**store.get(KEY), "began": CallingHook.clock.now() - 3600, "sent": {}})
    assert "The message may or may not have been sent" in failure(given=task_context(store), kind=AirflowException)
    assert len(shop.messages) == 1


def test_several_receivers_get_it_each_once(shop):
    told = run(receive_id=["Team", "ann@example.com"])
    assert [each["receive_id"] for each in told["messages"]] == ["Team", "ann@example.com"]
    assert len(shop.messages) == 2


# --- around it


def test_hook_of_another_database_is_asked_for_its_own_connection(shop, monkeypatch):
    import sqlite3

    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.sdk.definitions.connection import Connection

    class OtherHook(DbApiHook):
        """A hook as another provider has one, on a database that is real."""

        conn_name_attr, conn_type = "other_conn_id", "other"

        def get_conn(self):
            return sqlite3.connect(shop.engine.url.database)

    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "other"}))
    monkeypatch.setattr(Connection, "get_hook", lambda self: OtherHook(other_conn_id=self.conn_id))
    told = run("SELECT id, name, name FROM sales WHERE id < :least", parameters={"least": 2})
    assert (told["rows"], find(shop.card, "table")[0]["rows"][1]) == (2, {"c0": 1, "c1": "华南", "c2": "华南"})
    assert "does not return rows" in failure("UPDATE sales SET id = 8 WHERE id = 0")
    assert run("SELECT min(id) FROM sales")["rows"] == 1
    assert find(shop.card, "table")[0]["rows"] == [{"c0": 0}]
