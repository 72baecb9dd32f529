"""Results of queries through a webhook bot, against the emulator over HTTP and real databases."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airflow_provider_lark.core.api.webhook.session import MESSAGE_MAX_BYTES
from airflow_provider_lark.transfers.sql_to_webhook import SqlToLarkWebhookOperator

ROWS = "SELECT name AS 地区, amount AS 销售额 FROM sales ORDER BY id"
NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) SELECT {} FROM n"


def run(sql=ROWS, **parameters):
    return SqlToLarkWebhookOperator(task_id="report", sql_conn_id="shop_db", sql=sql, **parameters).execute({})


def failure(sql=ROWS, *, kind=AirflowFailException, **parameters):
    with pytest.raises(AirflowException) as caught:
        run(sql, **parameters)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def find(card, tag):
    return [each for each in card["body"]["elements"] if each["tag"] == tag]


def test_rows_arrive_as_a_table_on_each_database(bot, open_sales, engine):
    shop = open_sales(engine)
    told = run(title="日报", locale="en_us", chart="bar", x="地区", y="销售额")
    (table,) = find(shop.card, "table")
    assert table["rows"] == [{"c0": "华东", "c1": 12.5}, {"c0": "华南", "c1": 7.25}, {"c0": "其他"}]
    assert [each["tag"] for each in shop.card["body"]["elements"]] == ["chart", "table", "div"]
    assert shop.card["header"]["title"]["content"] == "日报"
    assert told.pop("size_bytes") > 100
    warnings = ["values not shown in the chart because they are not finite numbers: 1"]
    assert told == {"msg_type": "interactive", "rows": 3, "columns": 2, "shown": 3, "warnings": warnings}


@pytest.mark.parametrize("people", [[], ["ou_" + "a" * 32] * 1 + [f"ou_{at:032}" for at in range(60)]])
@pytest.mark.parametrize("keyword", ["", "日报" * 50])
def test_card_that_would_be_too_large_shows_fewer_rows_and_says_so(bot, sales, monkeypatch, keyword, people):
    extra = {"avoid_peak_seconds": 0, "keyword": keyword}
    parts = {"conn_type": "lark_webhook", "password": bot.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps(parts))
    told = run(NUMBERS.format(500, f"n, '{'错' * 50}' AS t"), rows_shown=500, locale="en_us", mentions=people)
    (table,) = find(sales.card, "table")
    assert 20 < told["shown"] == len(table["rows"]) < 500
    assert told["size_bytes"] <= MESSAGE_MAX_BYTES
    # as many as fit: another row would not
    assert told["size_bytes"] > MESSAGE_MAX_BYTES - 2_000
    assert f"The first {told['shown']} of 500 rows." in json.dumps(sales.card)
    assert told["warnings"] == [
        f"the card shows the first {told['shown']} of 500 rows; an app can send all of them as a file"
    ]


def test_chart_that_does_not_fit_is_told_and_nothing_is_sent(bot, sales):
    told = failure(NUMBERS.format(2000, "n AS x, n AS y"), chart="line", x="x", y="y")
    assert "2,000 points: aggregate in the query (GROUP BY)" in told
    # a picture takes an app
    assert "form 'image'" not in told
    assert sales.messages == []


@pytest.mark.parametrize("form", ["csv", "excel", "image", "json", "jsonl", "html", "pdf"])
def test_file_or_picture_is_refused_when_the_dag_is_read(form):
    with pytest.raises(ValueError, match=rf"form '{form}': a webhook bot cannot send files or images"):
        SqlToLarkWebhookOperator(task_id="report", sql_conn_id="shop_db", sql=ROWS, form=form)


def test_no_rows_are_told_or_skip_or_fail(bot, sales):
    none = "SELECT id FROM sales WHERE id < 0"
    assert run(none)["rows"] == 0
    assert "没有数据。" in json.dumps(sales.card, ensure_ascii=False)
    with pytest.raises(AirflowSkipException, match="returned no rows"):
        run(none, if_empty="skip")
    assert "returned no rows" in failure(none, if_empty="fail", kind=AirflowException)
    assert len(sales.messages) == 1


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param({"mentions": ["ann@example.com"]}, "can only mention users by open_id", id="e-mail"),
        pytest.param({"lark_webhook_conn_id": "nope"}, "connection 'nope': does not exist", id="no connection"),
        pytest.param({"avoid_peak_seconds": "soon"}, "avoid_peak_seconds: expected a number", id="peak"),
        pytest.param({"rows_shown": 2000}, "rows_shown must be 0 to 1,000, got 2000", id="too many rows"),
        pytest.param({"y": "金额"}, "for example chart='bar'", id="columns without a chart"),
        pytest.param({"card": "nowhere.json"}, "nowhere.json: ", id="no such file"),
        pytest.param({"card": {"schema": "2.0", "body": {"elements": [{"tag": "x"}]}}}, "elements[0]", id="wrong card"),
    ],
)
def test_wrong_parameter_fails_for_good_and_sends_nothing(bot, sales, parameters, told):
    assert told in failure(**parameters)
    assert sales.emulator.log == []


def test_what_cannot_be_right_is_told_before_the_database_is_asked(bot, sales):
    for wrong in ({"mentions": ["ann@example.com"]}, {"lark_webhook_conn_id": "nope"}, {"card": "nowhere.json"}):
        assert "nowhere" not in failure("SELECT * FROM nowhere", **wrong).replace("nowhere.json", "")


def test_message_that_may_have_been_delivered_is_not_left_to_the_retries(bot, sales):
    sales.emulator.faults.add("hook", action="drop_after")
    assert "the message may have been delivered" in failure()
    sales.emulator.faults.add("hook", action="drop_after")
    assert "may have been delivered" in failure(resend_if_unknown=True, kind=AirflowException)


def test_words_of_ones_own_arrive_in_each_kind(bot, sales):
    words = "{{ count }} rows: {% for row in rows %}{{ row['地区'] }} {% endfor %}"
    run(text=words, mentions="all")
    assert json.loads(sales.messages[-1].content) == {"text": '<at user_id="all"></at> 3 rows: 华东 华南 其他 '}
    run(markdown="{{ table }}", title="日报")
    assert "| 华东 | 12.5 |" in sales.card["body"]["elements"][0]["content"]
    assert sales.card["header"]["title"]["content"] == "日报"
    run(card={"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": words}]}})
    assert sales.card["body"]["elements"][0]["content"] == "3 rows: 华东 华南 其他 "


def test_words_that_would_be_too_long_have_fewer_rows(bot, sales):
    told = run(
        NUMBERS.format(500, f"n, '{'错' * 50}' AS t"), rows_shown=500, markdown="{{ shown }}/{{ count }}\n{{ table }}"
    )
    assert MESSAGE_MAX_BYTES - 2_000 < told["size_bytes"] <= MESSAGE_MAX_BYTES
    text = sales.card["body"]["elements"][0]["content"]
    assert text.startswith(f"{told['shown']}/500\n")
    assert len(text.splitlines()) == told["shown"] + 3


def test_killed_task_sends_nothing(bot, sales):
    task = SqlToLarkWebhookOperator(task_id="report", sql_conn_id="shop_db", sql=ROWS)
    task.on_kill()
    with pytest.raises(AirflowException, match="stopped on request"):
        task.execute({})
    assert sales.messages == []
