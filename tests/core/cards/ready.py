"""Facts for the tests of ready cards, and what a reader sees of a card."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_provider_lark.core.cards.chart import chart_of_rows
from airflow_provider_lark.core.cards.ready.backlog import BacklogFacts, Waiting, backlog_card
from airflow_provider_lark.core.cards.ready.consistency import ConsistencyFacts, consistency_card
from airflow_provider_lark.core.cards.ready.deadline import DeadlineFacts, deadline_card
from airflow_provider_lark.core.cards.ready.quality import CheckResult, QualityFacts, quality_card
from airflow_provider_lark.core.cards.ready.result import ResultFacts, result_card
from airflow_provider_lark.core.cards.ready.run import (
    FailedTask,
    RunFacts,
    run_failed_card,
    run_succeeded_card,
    run_troubled_card,
)
from airflow_provider_lark.core.cards.ready.sync import SyncFacts, Written, sync_card
from airflow_provider_lark.core.cards.ready.task import (
    TaskFacts,
    task_failed_card,
    task_retrying_card,
    task_succeeded_card,
)

START = datetime(2026, 11, 1, 8, tzinfo=UTC)
TRACEBACK = """Traceback (most recent call last):
  File "/opt/dags/orders.py", line 12, in load
    rows[7]
    ~~~~^^^
  File "/opt/lib/rows.py", line 3, in __getitem__
    raise KeyError(key)
KeyError: 'no column "金额"'
it was renamed"""
LINKS = {
    "log_url": "https://airflow.example.com/log?run=a b",
    "grid_url": "https://airflow.example.com/dags/orders",
    "runbook_url": "https://wiki.example.com/orders",
}
ORIGIN: dict[str, Any] = {
    "dag_id": "orders_etl",
    "task_id": "load",
    "run_id": "scheduled__2026-11-01T00:00:00+00:00",
    "owner": "lin@example.com",
    "mentions": ("ou_1", "ou_2"),
    "note": "Call the warehouse.",
    **LINKS,
}
TASK = TaskFacts(
    **ORIGIN,
    map_index=3,
    try_number=2,
    tries=4,
    started_at=START,
    ended_at=START + timedelta(seconds=312),
    exception=TRACEBACK,
    reason="the task process was lost",
    next_retry_at=START + timedelta(hours=1),
)
RUN = RunFacts(
    **ORIGIN,
    run_type="scheduled",
    started_at=START,
    duration_seconds=7_260,
    exception=TRACEBACK,
    failures=(
        FailedTask(task_id="download", failed=40, total=284, map_indexes=tuple(range(40, 0, -1))),
        FailedTask(task_id="load"),
    ),
)
CHECKS = (
    CheckResult(name="null_check", column="id", passed=True, expected="= 0", found=0),
    CheckResult(name="min", column="amount", passed=False, expected="> 0", found=Decimal("-5.00")),
    CheckResult(name="row_count", passed=False, expected="COUNT(*) > 10"),
)
NAMES = ("城市", "sales")
ROWS = [("华东", Decimal("12.50")), ("华南", Decimal("7.25"))]
EVERY = {
    "task failed": (task_failed_card, TASK),
    "task retrying": (task_retrying_card, TASK),
    "task succeeded": (task_succeeded_card, TaskFacts(**ORIGIN, red_seconds=3_700, duration_seconds=0.25)),
    "run failed": (run_failed_card, RUN),
    "run troubled": (run_troubled_card, dataclasses.replace(RUN, failures=RUN.failures[1:], retrying=RUN.failures[:1])),
    "run retrying": (run_troubled_card, dataclasses.replace(RUN, failures=(), retrying=RUN.failures)),
    "run succeeded": (run_succeeded_card, RunFacts(**ORIGIN, red_seconds=90_061)),
    "deadline": (deadline_card, DeadlineFacts(**ORIGIN, deadline_at=START, rule="2 h after queued", state="running")),
    "quality": (quality_card, QualityFacts(**ORIGIN, table="shop.orders", checks=CHECKS, partition="day = today")),
    "result": (
        result_card,
        ResultFacts(
            **ORIGIN,
            title="Sales",
            names=NAMES,
            rows=ROWS,
            total=50,
            sql="SELECT 1",
            link_url="https://x.cn",
            chart=chart_of_rows("bar", NAMES, ROWS, x="城市", y="sales"),
        ),
    ),
    "sync": (
        sync_card,
        SyncFacts(
            **ORIGIN,
            mapping="orders",
            operation="incremental",
            status="partial",
            seconds=1.5,
            rows_lark=3,
            rows_sql=4,
            to_lark=Written(created=1, updated=2),
            to_sql=Written(deleted=1),
            conflicts=1,
            failed=30,
            held=1,
            near_misses=1,
            api_calls=7,
            problems=("[7]: too long", "[8]: no such option"),
            warnings=("3 rows wait",),
            table_url="https://x.feishu.cn/base/x",
        ),
    ),
    "consistency": (
        consistency_card,
        ConsistencyFacts(
            **ORIGIN,
            mapping="orders",
            in_step=False,
            rows_lark=10,
            rows_sql=11,
            equal=8,
            different=9,
            only_sql=1,
            pending=2,
            seconds=2.0,
            samples={"different": [f"[{n}]" for n in range(9)], "only_sql": ["[99]"]},
            table_url="https://x.feishu.cn/base/x",
        ),
    ),
    "backlog": (
        backlog_card,
        BacklogFacts(
            **ORIGIN,
            mappings=(
                Waiting(mapping="users", pending=3),
                Waiting(mapping="orders", pending=1_200, oldest_seconds=7_500, failed=2, held=1),
            ),
            limit="older than 1 h",
        ),
    ),
}
"""Each ready card with all its facts."""

BARE = {
    "task failed": (task_failed_card, TaskFacts()),
    "task retrying": (task_retrying_card, TaskFacts()),
    "task succeeded": (task_succeeded_card, TaskFacts()),
    "run failed": (run_failed_card, RunFacts()),
    "run troubled": (run_troubled_card, RunFacts()),
    "run succeeded": (run_succeeded_card, RunFacts()),
    "deadline": (deadline_card, DeadlineFacts()),
    "quality": (quality_card, QualityFacts(table="orders", checks=())),
    "result": (result_card, ResultFacts(title="Sales", names=(), rows=[])),
    "sync": (sync_card, SyncFacts(mapping="orders")),
    "consistency": (consistency_card, ConsistencyFacts(mapping="orders", in_step=True)),
    "backlog": (backlog_card, BacklogFacts(mappings=())),
}
"""Each with as little as it takes."""


def texts(value: Any) -> list[str]:
    """Return every text that a reader sees: contents, and cells of tables."""
    if isinstance(value, dict):
        own = [value["content"]] if isinstance(value.get("content"), str) else []
        rows = value.get("rows", ()) if value.get("tag") == "table" else ()
        cells = [str(cell) for row in rows for cell in row.values()]
        return [*own, *cells, *(text for key, each in value.items() if key != "rows" for text in texts(each))]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else []


def find(value: Any, tag: str) -> list[dict[str, Any]]:
    """Return the parts of *value* with that tag."""
    if isinstance(value, dict):
        own = [value] if value.get("tag") == tag else []
        return [*own, *(part for each in value.values() for part in find(each, tag))]
    return [part for each in value for part in find(each, tag)] if isinstance(value, list) else []


def links(card: dict[str, Any]) -> dict[str, str]:
    """Return text and address of the card's buttons."""
    return {each["text"]["content"]: each["behaviors"][0]["default_url"] for each in find(card, "button")}
