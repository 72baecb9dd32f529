"""Ready cards: valid with all facts and with none, in each language, on each carrier, whatever the texts hold."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.ready.backlog import BacklogFacts, Waiting, backlog_card
from airflow_provider_lark.core.cards.ready.consistency import consistency_card, read_check_report
from airflow_provider_lark.core.cards.ready.parts import error_line
from airflow_provider_lark.core.cards.ready.quality import (
    QualityFacts,
    quality_card,
    read_column_checks,
    read_table_checks,
)
from airflow_provider_lark.core.cards.ready.result import ResultFacts, result_card, shown_rows
from airflow_provider_lark.core.cards.ready.run import FailedTask, RunFacts, run_failed_card
from airflow_provider_lark.core.cards.ready.sync import read_sync_report, sync_card
from airflow_provider_lark.core.cards.ready.task import (
    TaskFacts,
    task_failed_card,
    task_retrying_card,
    task_succeeded_card,
)
from airflow_provider_lark.core.cards.ready.words import span
from airflow_provider_lark.core.cards.writing import MESSAGE, WEBHOOK, write_card
from tests.core.cards.ready import BARE, EVERY, LINKS, RUN, TASK, TRACEBACK, find, links, texts

LOCALES = [None, "en_us", "zh_cn"]
ALL = [pytest.param(*pair, id=name) for name, pair in EVERY.items()]
LITTLE = [pytest.param(*pair, id=name) for name, pair in BARE.items()]


@pytest.mark.parametrize("carrier", [MESSAGE, WEBHOOK], ids=["message", "bot"])
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("make", "facts"), [*ALL, *LITTLE])
def test_ready_card_passes_the_check(make: Any, facts: Any, locale: Any, carrier: Any) -> None:
    card = make(facts, locale=locale, carrier=carrier)
    check_card(card, carrier=carrier)
    assert carrier.measure(card) <= carrier.ready_bytes
    assert make(facts, locale=locale, carrier=carrier) == card


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("make", "facts"), LITTLE)
def test_ready_card_with_few_facts_has_nothing_empty(make: Any, facts: Any, locale: Any) -> None:
    card = make(facts, locale=locale)
    assert [text for text in texts(card) if not text.strip() or "None" in text] == []
    assert find(card, "button") == find(card, "collapsible_panel") == []
    assert [each for each in find(card, "column") if not each["elements"]] == []
    assert card["header"]["title"]["content"].strip()


@pytest.mark.parametrize(("make", "facts"), ALL)
def test_ready_card_in_one_language_speaks_that_only(make: Any, facts: Any) -> None:
    english, chinese, both = (make(facts, locale=locale) for locale in ("en_us", "zh_cn", None))
    labels = ["DAG", "Run", "Log", "Open in Airflow", "Runbook"]
    assert set(labels[2:]) <= set(texts(english))
    assert {"日志", "在 Airflow 中打开", "处理手册"} <= set(texts(chinese))
    assert not {"日志", "负责人"} & set(texts(english))
    assert "i18n_content" not in write_card(english) + write_card(chinese)
    assert both["config"]["locales"] == ["en_us", "zh_cn"]
    button = next(each for each in find(both, "button") if each["text"]["content"] == "Log")
    assert button["text"]["i18n_content"] == {"en_us": "Log", "zh_cn": "日志"}


@pytest.mark.parametrize(("make", "facts"), ALL)
def test_ready_card_leads_to_log_run_and_runbook(make: Any, facts: Any) -> None:
    found = links(make(facts, locale="en_us"))
    assert found["Log"] == "https://airflow.example.com/log?run=a%20b"
    assert (found["Open in Airflow"], found["Runbook"]) == (LINKS["grid_url"], LINKS["runbook_url"])


def test_task_failed_card_says_what_where_and_why() -> None:
    card = task_failed_card(TASK, locale="en_us")
    said = texts(card)
    assert card["header"]["template"] == "red"
    assert card["header"]["title"]["content"] == "orders_etl.load[3] failed"
    assert card["header"]["subtitle"]["content"] == TASK.run_id
    assert card["config"]["summary"]["content"] == "orders_etl.load[3] failed: KeyError: 'no column \"金额\"'"
    assert card["body"]["elements"][0]["text"]["content"] == "KeyError: 'no column \"金额\"'"
    for expected in ("try 2 of 4", "orders_etl", "load[3]", "lin@example.com", "5 min 12 s", "Call the warehouse."):
        assert expected in said
    assert "<at id=ou_1></at> <at id=ou_2></at>" in said
    (panel,) = find(card, "collapsible_panel")
    assert panel["expanded"] is False
    assert panel["elements"][0]["content"] == f"```python\n{TRACEBACK}\n```"


def plain(content: str, **more: Any) -> dict[str, Any]:
    return {"tag": "div", "text": {"tag": "plain_text", "content": content, **more}}


def column(label: str, shown: str) -> dict[str, Any]:
    elements = [plain(label, text_size="notation", text_color="grey"), plain(shown)]
    return {"tag": "column", "width": "weighted", "weight": 1, "vertical_spacing": "2px", "elements": elements}


def test_task_succeeded_card_is_exactly_this() -> None:
    facts = TaskFacts(dag_id="orders", task_id="load", duration_seconds=61, log_url="https://x.cn/log")
    rows = [[column("DAG", "orders"), column("任务", "load")], [column("用时", "1 分 1 秒")]]
    button = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": "日志"},
        "type": "primary",
        "behaviors": [{"type": "open_url", "default_url": "https://x.cn/log"}],
    }
    buttons = [{"tag": "column", "width": "auto", "elements": [button]}]
    sets = [{"tag": "column_set", "horizontal_spacing": "12px", "flex_mode": "none", "columns": row} for row in rows]
    assert task_succeeded_card(facts, locale="zh_cn") == {
        "schema": "2.0",
        "config": {"update_multi": True, "summary": {"content": "orders.load 成功"}},
        "header": {"title": {"tag": "plain_text", "content": "orders.load 成功"}, "template": "green"},
        "body": {
            "vertical_spacing": "12px",
            "elements": [
                *sets,
                {"tag": "column_set", "horizontal_spacing": "8px", "flex_mode": "flow", "columns": buttons},
            ],
        },
    }


def test_task_cards_tell_their_state_by_colour() -> None:
    cards = [task_failed_card(TASK), task_retrying_card(TASK), task_succeeded_card(TASK)]
    assert [card["header"]["template"] for card in cards] == ["red", "orange", "green"]


def test_task_retrying_card_of_a_lost_process_names_the_reason() -> None:
    """As in 5.03: no exception, three tries left."""
    facts = TaskFacts(dag_id="d", task_id="t", try_number=1, tries=4, reason="the task process was lost")
    said = texts(task_retrying_card(facts, locale="en_us"))
    assert said.count("the task process was lost") == 1
    assert {"d.t failed, will retry", "try 1 of 4"} <= set(said)


def test_task_succeeded_card_after_failures_says_how_long_it_was_red() -> None:
    card = task_succeeded_card(TaskFacts(dag_id="d", task_id="t", red_seconds=3_725), locale="zh_cn")
    assert {"d.t 已恢复", "故障持续", "1 小时 2 分"} <= set(texts(card))


@pytest.mark.parametrize(("make", "facts"), ALL)
def test_ready_card_with_links_to_localhost_has_no_dead_button(make: Any, facts: Any) -> None:
    """As in 5.09."""
    local = dict.fromkeys(LINKS, "http://localhost:8080/dags/x")
    card = make(dataclasses.replace(facts, **local), locale="en_us")
    assert not {"Log", "Open in Airflow", "Runbook"} & set(links(card))
    assert "localhost" not in write_card(card)
    check_card(card)


def test_run_failed_card_rolls_up_mapped_failures() -> None:
    """As in 5.10: 40 of 284."""
    card = run_failed_card(dataclasses.replace(RUN, failures=RUN.failures[:1]), locale="en_us")
    assert card["body"]["elements"][0]["text"]["content"] == "download: 40 of 284 failed"
    assert "• download: 40 of 284 failed ([1], [2], [3], and 37 more)" in texts(card)


def test_run_failed_card_names_the_tasks_and_not_all_of_hundreds() -> None:
    many = tuple(FailedTask(task_id=f"task_{n}") for n in range(300))
    said = "\n".join(texts(run_failed_card(dataclasses.replace(RUN, failures=many), locale="en_us")))
    assert "300 tasks failed" in said
    assert "• task_9\n• and 290 more" in said
    assert run_failed_card(RUN)["header"]["template"] == "red"


# --- too big, and hostile


@pytest.mark.parametrize("carrier", [MESSAGE, WEBHOOK], ids=["message", "bot"])
@pytest.mark.parametrize(
    "exception",
    [
        pytest.param("ValueError: " + "错" * 40_000, id="one line of 120 kB, as in 5.12"),
        pytest.param(TRACEBACK.split("\n")[0] + "\n" + '  "x\\y"\n' * 30_000 + "the last line", id="many lines"),
        pytest.param("first\n" + "\x00\x1b[31m" * 9_000 + "\nlast", id="control characters"),
    ],
)
def test_task_failed_card_of_a_huge_exception_fits_and_keeps_both_ends(exception: str, carrier: Any) -> None:
    for make, facts in ((task_failed_card, TASK), (run_failed_card, RUN)):
        card = make(dataclasses.replace(facts, exception=exception), carrier=carrier)
        check_card(card, carrier=carrier)
        (panel,) = find(card, "collapsible_panel")
        code = panel["elements"][0]["content"].split("\n")
        assert code[1][:5] == exception[:5]
        assert code[-2][-3:] == exception[-3:]
        assert " characters omitted …] / [… 省略 " in panel["elements"][0]["content"] or len(exception) < 60_000
        assert carrier.ready_bytes - 400 < carrier.measure(card) <= carrier.ready_bytes or "\x00" in exception


def test_task_failed_card_of_ten_megabytes_is_made_in_a_moment() -> None:
    facts = dataclasses.replace(TASK, exception="first\n" + "x" * 10_000_000 + "\nlast")
    begin = time.process_time()
    card = task_failed_card(facts)
    assert time.process_time() - begin < 3
    check_card(card)


HOSTILE = st.sampled_from(
    [
        "<at id=all></at>",
        "*_~`[]()#|\\$:<>&" * 40,
        "```\n```",
        "错" * 500,
        "",
        " \n ",
        "\0\ud83d",
        "a" * 3_000,
        "http://x\n",
    ]
) | st.text(max_size=40)


def fill(kind: Any, draw: Any) -> Any:
    """Return *kind* as facts with hostile texts, far larger than any installation has them."""
    told: dict[str, Any] = {}
    for each in dataclasses.fields(kind):
        if each.name == "mentions":
            told[each.name] = tuple(f"ou_{n}" for n in range(draw(st.integers(0, 40))))
        elif each.name.endswith("_url"):
            told[each.name] = draw(st.none() | HOSTILE | st.just("https://x.cn/" + "路" * 400))
        elif str(each.type) in {"str", "str | None"} and each.name != "status":
            told[each.name] = draw(HOSTILE)
        elif str(each.type) == "tuple[str, ...]":
            told[each.name] = tuple(draw(st.lists(HOSTILE, max_size=30)))
    return told


@pytest.mark.parametrize("name", sorted(EVERY))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_ready_card_of_hostile_facts_fits_and_mentions_nobody_else(name: str, data: Any) -> None:
    make, facts = EVERY[name]
    told = fill(type(facts), data.draw)
    if name == "result":
        width = len(told["names"])
        told["rows"] = [[data.draw(HOSTILE) for _ in range(width)] for _ in range(data.draw(st.integers(0, 3)))]
    hostile = dataclasses.replace(facts, **told)
    carrier = data.draw(st.sampled_from([MESSAGE, WEBHOOK]))
    card = make(hostile, locale=data.draw(st.sampled_from(LOCALES)), carrier=carrier)
    check_card(card, carrier=carrier)
    assert carrier.measure(card) <= carrier.ready_bytes
    marked = [each["content"] for each in find(card, "markdown")]
    for text in marked:
        assert "<at id=all" not in text
        assert text.count("<at ") in {0, min(len(hostile.mentions), 20), min(len(hostile.mentions), 5)}


# --- results, checks, reports


def test_result_card_of_many_wide_rows_shows_as_many_as_fit() -> None:
    """As in 5.13: 50 rows of 20 columns of 200 Chinese characters."""
    names = tuple(f"column {n}" for n in range(20))
    rows = [["中" * 200] * 20 for _ in range(50)]
    card = result_card(ResultFacts(title="Sales", names=names, rows=rows, total=50), locale="en_us")
    check_card(card)
    shown = shown_rows(card)
    assert 0 < shown < 50
    assert f"The first {shown} of 50 rows; a file can hold all." in texts(card)
    assert MESSAGE.measure(card) <= MESSAGE.ready_bytes


def test_result_card_of_rows_too_wide_for_one_narrows_the_cells() -> None:
    names = tuple(f"c{n}" for n in range(80))
    card = result_card(ResultFacts(title="Wide", names=names, rows=[["中" * 300] * 80] * 3), locale="en_us")
    check_card(card)
    assert shown_rows(card) > 0
    assert any("The first 50 of 80 columns." in text for text in texts(card))


def test_result_card_counts_all_rows_and_names_none_that_are_missing() -> None:
    card = result_card(ResultFacts(title="Sales", names=("a",), rows=[(1,), (2,)]), locale="en_us")
    assert card["header"]["subtitle"]["content"] == "2 rows"
    assert not [text for text in texts(card) if "first" in text]
    check_card(result_card(ResultFacts(title="Sales", names=(), rows=[()])))
    empty = result_card(ResultFacts(title="Sales", names=("a",), rows=[]), locale="zh_cn")
    assert {"0 行", "没有数据。"} <= set(texts(empty))
    assert find(empty, "table") == []


def test_quality_card_reads_what_the_operators_of_common_sql_leave() -> None:
    columns = {
        "amount": {
            "min": {"geq_to": 0, "tolerance": 0.1, "result": -5, "success": False},
            "null_check": {"equal_to": 0, "result": 0, "success": True},
        }
    }
    tables = {
        "row_count": {"check_statement": "COUNT(*) > 10", "result": "0", "success": False},
        "late": {"check_statement": "MAX(day) = today"},
    }
    checks = (*read_column_checks(columns), *read_table_checks(tables))
    card = quality_card(QualityFacts(table="orders", checks=checks), locale="en_us")
    check_card(card)
    assert card["header"]["template"] == "red"
    assert card["header"]["title"]["content"] == "orders: 3 of 4 checks failed"
    (table,) = find(card, "table")
    state = [{"text": "failed", "color": "red"}]
    assert table["rows"][:2] == [
        {"state": state, "check": "min", "column": "amount", "expected": "≥ 0 ±0.1", "found": "-5"},
        {"state": state, "check": "row_count", "expected": "COUNT(*) > 10", "found": "0"},
    ]
    assert table["rows"][3]["check"] == "null_check"


def test_quality_card_in_which_all_passed_is_green_and_mentions_nobody() -> None:
    checks = read_table_checks({"a": {"success": True}})
    card = quality_card(QualityFacts(table="orders", checks=checks, mentions=("ou_1",)), locale="en_us")
    assert card["header"]["template"] == "green"
    assert "<at" not in write_card(card)
    assert find(card, "table")[0]["columns"][-1]["name"] == "check"


def test_sync_card_reads_the_report_of_the_operators() -> None:
    from airflow_provider_lark.core.sync.report import SyncReport, Writes

    report = SyncReport("orders", "incremental", seconds=2.0, to_lark=Writes(created=3), to_sql=Writes(0, 2, 1))
    report.api_calls["total"] = 4
    card = sync_card(read_sync_report(json.loads(json.dumps(report.to_dict())), dag_id="d"), locale="en_us")
    assert card["header"]["template"] == "green"
    assert card["config"]["summary"]["content"] == "orders in step: Lark 3 new · SQL 2 changed, 1 deleted"
    assert {"3 new", "2 changed, 1 deleted", "2 s, 4 calls"} <= set(texts(card))
    report.add_failure("[7]", "too long")
    report.status = "partial"
    worse = sync_card(read_sync_report(report.to_dict()), locale="en_us")
    assert worse["header"]["template"] == "orange"
    assert "• [7]: too long" in texts(worse)


def test_consistency_card_reads_the_report_of_the_operator() -> None:
    from airflow_provider_lark.core.sync.report import CheckReport

    report = CheckReport("orders", "check", rows_lark=5, rows_sql=5, equal=5)
    card = consistency_card(read_check_report(report.to_dict()), locale="en_us")
    assert (card["header"]["template"], card["header"]["title"]["content"]) == ("green", "orders: both sides agree")
    worse = CheckReport("orders", "check", different=7, in_step=False, samples={"different": ["[1]", "[2]"]})
    said = texts(consistency_card(read_check_report(worse.to_dict()), locale="en_us"))
    assert "• [1]\n• [2]\n• and 5 more" in said


def test_backlog_card_of_several_mappings_draws_them_the_fullest_first() -> None:
    make, facts = EVERY["backlog"]
    card = make(facts, locale="en_us")
    assert card["header"]["title"]["content"] == "1,203 changes waiting to be synced"
    assert [row["mapping"] for row in find(card, "table")[0]["rows"]] == ["orders", "users"]
    values = find(card, "chart")[0]["chart_spec"]["data"]["values"]
    assert values == [{"x": "orders", "y": 1200}, {"x": "users", "y": 3}]
    many = BacklogFacts(mappings=tuple(Waiting(mapping=f"m{n}" * 50, pending=n) for n in range(300)))
    check_card(backlog_card(many))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(TRACEBACK, "KeyError: 'no column \"金额\"'", id="traceback with a message of two lines"),
        pytest.param("ValueError: bad\nmore", "ValueError: bad", id="message"),
        pytest.param('  File "a.py", line 1\n    x (\n     ^', 'File "a.py", line 1', id="nothing after the frames"),
        pytest.param("\n \n", "", id="blank"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_error_line_is_the_one_that_says_what_went_wrong(text: Any, line: str) -> None:
    assert error_line(text) == line


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 ms"), (0.25, "250 ms"), (59.7, "1 min"), (312, "5 min 12 s"), (90_061, "1 d 1 h"), (86_400, "1 d")],
)
def test_span_tells_the_two_largest_units(seconds: float, said: str) -> None:
    assert span(seconds).choose("en_us") == said


def test_task_facts_that_end_before_they_start_took_no_time() -> None:
    facts = TaskFacts(started_at=datetime(2026, 1, 2), ended_at=datetime(2026, 1, 1))  # noqa: DTZ001 - so some processes give it
    assert facts.took_seconds == 0
    assert RunFacts(started_at=None).took_seconds is None
