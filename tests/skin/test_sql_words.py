"""Words of one's own around the rows of a query: what they know, what they escape, what fits, what is told."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator
from tests.databases import open_sqlite
from tests.skin.message_tasks import StateStore, context
from tests.skin.task_process import run_task

ROWS = "SELECT id, name, amount FROM sales ORDER BY id"
AT_ALL = '<at id=all></at><at user_id="all"></at>'
EVIL = f"{AT_ALL} [pay](https://evil.example) **b** | <b>x</b>\n# head"
EVIL_SQL = "SELECT '" + EVIL + "' AS t, '" + AT_ALL + "' AS \"" + AT_ALL.replace('"', '""') + '"'


def made(sql=ROWS, **parameters):
    return SqlToLarkMessageOperator(
        task_id="report", sql_conn_id="shop_db", sql=sql, **({"receive_id": "Team"} | parameters)
    )


def run(sql=ROWS, given=None, **parameters):
    return made(sql, **parameters).execute(context(StateStore()) if given is None else given)


def failure(sql=ROWS, **parameters):
    with pytest.raises(AirflowException) as caught:
        run(sql, **parameters)
    assert type(caught.value) is AirflowFailException, caught.value
    return str(caught.value)


def text_of(sales):
    return json.loads(sales.messages[-1].content)["text"]


def markdown_of(sales):
    return "\n".join(each["content"] for each in sales.card["body"]["elements"])


# --- what stands in a template


def test_template_knows_rows_columns_and_counts_on_each_database(open_sales, engine):
    sales = open_sales(engine)
    words = (
        "{{ columns | join(',') }}; {{ shown }} of {{ count }}; {% for row in rows %}{{ row.name }}={{ row.amount }} "
        "{% endfor %}{{ '%.1f' | format(rows | selectattr('amount') | sum(attribute='amount')) }} {{ run_id }}"
    )
    told = run(text=words)
    zeros = "12.5" if engine.dialect.name == "sqlite" else "12.50"
    assert text_of(sales) == f"id,name,amount; 3 of 3; 华东={zeros} 华南=7.25 其他= 19.8 manual__1"
    assert (told["rows"], told["shown"], told["warnings"]) == (3, 3, [])
    assert told["message_id"] == sales.messages[0].message_id


def test_table_is_markdown_and_lines_in_a_text(sales):
    run(markdown="**Sales**\n{{ table }}", title="日报")
    lines = [
        "**Sales**",
        "| id | name | amount |",
        "| ---: | --- | ---: |",
        "| 0 | 华东 | 12.5 |",
        "| 1 | 华南 | 7.25 |",
    ]
    assert markdown_of(sales).split("\n") == [*lines, "| 2 | 其他 |  |"]
    assert sales.card["header"]["title"]["content"] == "日报"
    run(text="Sales\n{{ table }}", rows_shown=1)
    assert text_of(sales) == "Sales\nid | name | amount\n0 | 华东 | 12.5"


def test_every_kind_of_value_has_its_words(open_sales, ledger_database):
    sales = open_sales(ledger_database("postgresql"))
    sql = (
        "SELECT -5.00::numeric AS d, NULL AS n, true AS b, '\\x00ff'::bytea AS y,"
        " timestamptz '2026-11-01 08:00+00' AS w, ARRAY[1, 2] AS a,"
        " '-Infinity'::float8 AS f, '{\"k\": 1}'::jsonb AS j, 1 AS x, 2 AS x"
    )
    try:
        run(sql, text="{% for c in columns %}{{ c }}={{ rows[0][c] }};{% endfor %}", time_zone="Asia/Shanghai")
    finally:
        sales.run("DROP TABLE sales")
    shown = 'd=-5.00;n=;b=true;y=2 bytes;w=2026-11-01 16:00:00+08:00;a=[1, 2];f=-Infinity;j={"k": 1};x=1;x_2=2;'
    assert text_of(sales) == shown


def test_rows_become_a_table_or_a_chart_of_a_card(sales):
    card = {
        "schema": "2.0",
        "body": {
            "elements": [
                {
                    "tag": "table",
                    "columns": [{"name": "id"}, {"name": "name"}, {"name": "amount"}],
                    "rows": "{{ rows }}",
                },
                {"tag": "chart", "chart_spec": {"type": "bar", "data": {"values": "{{ rows[:2] }}"}, "xField": "id"}},
                {"tag": "div", "text": {"tag": "plain_text", "content": "{{ count }} rows"}},
            ]
        },
    }
    run(card=card)
    table, chart, div = sales.card["body"]["elements"]
    assert table["rows"][0] == {"id": 0, "name": "华东", "amount": 12.5}
    assert len(chart["chart_spec"]["data"]["values"]) == 2
    assert div["text"]["content"] == "3 rows"


def test_words_come_from_files_beside_the_dag(sales, tmp_path):
    (tmp_path / "report.md").write_text("\ufeff**{{ count }}** {{ params.of }}", encoding="utf-8")
    (tmp_path / "report.json").write_text(
        '{"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{ count }}"}]}}'
    )
    with DAG("d", template_searchpath=[str(tmp_path)], params={"of": "orders"}):
        task = made(markdown="report.md")
        other = SqlToLarkMessageOperator(
            task_id="other", sql_conn_id="shop_db", sql=ROWS, receive_id="Team", card="report.json"
        )
    task.execute(context(StateStore()) | {"params": {"of": "orders"}})
    assert markdown_of(sales) == "**3** orders"
    other.execute(context(StateStore(), task_id="other"))
    assert markdown_of(sales) == "3"
    run(markdown=str(tmp_path / "report.md"), given=context(StateStore()) | {"params": {"of": "x"}})
    assert markdown_of(sales) == "**3** x"


def test_airflow_does_not_render_them_before_the_rows_are_there(sales):
    task = made(text="{{ rows[0].name }} {{ ds }}", title="")
    task.render_template_fields({"ds": "2026-11-01"})
    task.execute(context(StateStore()) | {"ds": "2026-11-01"})
    assert text_of(sales) == "华东 2026-11-01"


# --- what a cell cannot do


@pytest.mark.parametrize(
    "words",
    [
        "{{ rows[0].t }}",
        "{{ rows }}",
        "{{ rows | tojson }}",
        "{{ rows[0].values() | list }}",
        "{{ columns | join }} {{ columns[1] }}",
        "{{ table }}",
        "{{ rows[0].t ~ 'x' }}",
        "{{ rows | map(attribute='t') | join }}",
        "{% for key, value in rows[0].items() %}{{ key }} {{ value | upper | lower }}{% endfor %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(rows[0].t) }}",
        "{% set t %}{{ rows[0].t }}{% endset %}{{ t }}",
        "{{ '%s' | format(rows[0].t) }}",
        "{{ rows[0].t | e }}{{ rows[0].t | forceescape }}",
        "{{ rows[0].t | code_block }}",
        "{{ rows[0].t | shorten(60) }}",
        "{{ rows[0].t | replace('pay', 'x') }}",
        "{{ table ~ rows[0].t }}",
    ],
)
@pytest.mark.parametrize("kind", ["text", "markdown", "card"])
def test_cell_mentions_nobody_and_makes_no_link(sales, kind, words):
    card = {
        "schema": "2.0",
        "body": {
            "elements": [
                {"tag": "markdown", "content": f"x {words}"},
                {"tag": "div", "text": {"tag": "lark_md", "content": f"x {words}"}},
                {"tag": "div", "text": {"tag": "plain_text", "content": f"x {words}"}},
            ]
        },
    }
    run(EVIL_SQL, **{kind: card if kind == "card" else words})
    assert sales.messages[0].mentions == ()
    if kind != "card":
        said = text_of(sales) if kind == "text" else markdown_of(sales)
        assert "<at " not in said
        assert "](http" not in said.replace("```", "") or "code_block" in words


def test_markdown_shows_exactly_what_a_cell_says(sales):
    run("SELECT '*a* _b_ `c` 1 < 2 & #x\n- y' AS t", markdown="**{{ rows[0].t }}**")
    shown = "&#42;a&#42; &#95;b&#95; &#96;c&#96; 1 &#60; 2 &#38; #x\n&#45; y"
    assert markdown_of(sales) == f"**{shown}**"


def test_template_itself_mentions_and_trusts_what_it_marks(sales):
    ann = sales.team.ann.open_id
    run("SELECT '**b**' AS t", markdown=f"<at id={ann}></at> {{{{ rows[0].t | safe }}}}")
    assert sales.messages[0].mentions == (ann,)
    assert "**b**" in markdown_of(sales)
    run(text="x", mentions=["ann@example.com"])
    assert sales.messages[1].mentions == (ann,)


def test_sandbox_holds_as_in_airflows_own_templates(sales):
    told = failure(text="{{ ''.__class__.__base__.__subclasses__() }}")
    assert "the template cannot be rendered" in told
    assert sales.messages == []


# --- what fits


NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) SELECT {} FROM n"


@pytest.mark.parametrize("kind", ["markdown", "text"])
def test_too_many_rows_are_fewer_and_the_template_can_say_so(sales, kind):
    sql = NUMBERS.format(1000, f"n, '{'错' * 99}' AS t")
    told = run(sql, **{kind: "{{ shown }}/{{ count }}\n{{ table }}"}, rows_shown=1000)
    said = text_of(sales) if kind == "text" else markdown_of(sales)
    assert said.startswith(f"{told['shown']}/1000\n")
    assert 50 < told["shown"] < 1000
    assert told["warnings"] == [
        f"the {kind} only has room for the first {told['shown']} of 1,000 rows (`shown` in its template)"
    ]


def test_words_too_long_by_themselves_are_told(sales):
    told = failure(markdown="x" * 40_000 + "{{ table }}")
    assert "the markdown has 40," in told
    assert "bytes even without rows, more than the 30,000 allowed; shorten its template" in told
    assert sales.messages == []


def test_rows_beyond_those_asked_for_are_counted_only(sales):
    told = run(NUMBERS.format(5000, "n"), text="{{ rows | length }} of {{ count }}", rows_shown=0)
    assert (text_of(sales), told["shown"], told["warnings"]) == ("0 of 5000", 0, [])


def test_no_rows_are_said_in_the_words(sales):
    run("SELECT id FROM sales WHERE id < 0", markdown="{% if not rows %}none{% endif %}")
    assert markdown_of(sales) == "none"


# --- what is told


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param({"text": "{{ results_df }}"}, "text: the template cannot be rendered: 'results_df' is", id="name"),
        pytest.param({"text": "{{ rows[0].nmae }}"}, "has no attribute 'nmae'", id="column"),
        pytest.param({"markdown": "{% if %}"}, "markdown: the template cannot be rendered: Expected", id="syntax"),
        pytest.param({"text": " "}, "the message is empty; give it some text", id="blank"),
        pytest.param({"markdown": "nowhere.md"}, "nowhere.md: ", id="file"),
        pytest.param({"markdown": "/nowhere/a.j2"}, "the markdown's template cannot be read: No such", id="absolute"),
        pytest.param({"card": "[1]"}, "expected a dictionary of card JSON, found list", id="list"),
        pytest.param({"card": "{'a'}"}, "card: text is not valid JSON", id="no JSON"),
        pytest.param(
            {"card": {"body": {"elements": [{"tag": "div", "text": "{{ x }}"}]}}},
            "card: body.elements[0].text: the template cannot be rendered: 'x' is undefined",
            id="name in a card",
        ),
        pytest.param(
            {"card": {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}}, "body.elements[0]", id="wrong card"
        ),
    ],
)
def test_template_that_cannot_be_right_fails_for_good_and_sends_nothing(sales, parameters, told):
    assert told in failure(**parameters)
    assert sales.messages == []


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param({"text": "a", "markdown": "b"}, "has text and markdown: give only one of", id="two"),
        pytest.param({"text": "a", "form": "csv"}, "text: not supported with form 'csv'", id="file"),
        pytest.param({"text": "a", "chart": "bar"}, "chart: has no effect with text", id="chart"),
        pytest.param({"card": {}, "note": "x"}, "note: has no effect with card", id="note"),
        pytest.param({"text": "a", "title": "x"}, "title: not supported with text", id="title"),
        pytest.param({"markdown": ["a"]}, "markdown: expected a template string, found list", id="list"),
        pytest.param({"text": {"a": 1}}, "text: expected a template string, found dict", id="dict"),
    ],
)
def test_parameters_at_odds_fail_when_the_dag_is_read(parameters, told):
    with pytest.raises(ValueError, match=told):
        made(**parameters)


def test_output_of_another_task_is_refused_with_the_way_round():
    with DAG("d", schedule=None), pytest.raises(ValueError, match=r"to use another task's result, write \{\{ ti"):
        SqlToLarkMessageOperator(
            task_id="other", sql_conn_id="shop_db", sql=ROWS, receive_id="Team", markdown=made().output
        )


# --- once


def test_second_try_sends_nothing_more_and_other_words_do(sales):
    store = StateStore()
    first = run(given=context(store), text="{{ count }}")
    sales.run("INSERT INTO sales VALUES (9, 'new', 1)")
    assert run(given=context(store), text="{{ count }}") == first
    run(given=context(store), text="{{ count }} rows")
    assert [json.loads(each.content)["text"] for each in sales.messages] == ["3", "4 rows"]


SOURCE = dedent("""
    from airflow.sdk import DAG
    from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator

    with DAG("made_in_a_test", schedule=None, params={"who": "{{ 7 * 6 }}"}, render_template_as_native_obj=NATIVE):
        SqlToLarkMessageOperator.partial(
            task_id="report", sql_conn_id="shop_db", receive_id="Team", text="{{ rows[0].id }} {{ params.who }}"
        ).expand(sql=["SELECT '007' AS id"])
""")


@pytest.mark.parametrize("native", [False, True])
def test_mapped_task_renders_words_once_in_airflow_itself(tmp_path, monkeypatch, emulator, native):
    open_sqlite(tmp_path / "shop.db").dispose()
    emulator.state.add_chat("Team")
    connections = {
        "lark_default": {
            "conn_type": "lark",
            "login": emulator.app_id,
            "password": emulator.app_secret,
            "host": emulator.url,
        },
        "shop_db": {"conn_type": "sqlite", "host": str(tmp_path / "shop.db")},
    }
    done = run_task(monkeypatch, tmp_path, SOURCE.replace("NATIVE", str(native)), "report", connections, map_index=0)
    assert done.state == "success", done.log
    # what a value looks like is not rendered once more
    assert json.loads(emulator.messages[0].content)["text"] == "007 {{ 7 * 6 }}"
