"""The facts of every ready card, as a reader would believe them: for the pictures of the documentation too."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_provider_lark.core.cards.chart import chart_of_rows
from airflow_provider_lark.core.cards.ready import backlog, consistency, deadline, quality, result, run, sync, task

START = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
TRACEBACK = """Traceback (most recent call last):
  File "/opt/airflow/dags/orders.py", line 48, in load
    rows = [convert(row) for row in read(path)]
  File "/opt/airflow/dags/convert.py", line 12, in convert
    return Order(amount=row["金额"], city=row["city"])
KeyError: '金额'
"""
ORIGIN: dict[str, Any] = {
    "dag_id": "orders_daily",
    "task_id": "load_orders",
    "run_id": "scheduled__2026-11-26T01:30:00+00:00",
    "owner": "林小满",
    "log_url": "https://airflow.example.com/dags/orders_daily/runs/1/tasks/load_orders",
    "grid_url": "https://airflow.example.com/dags/orders_daily",
    "runbook_url": "https://wiki.example.com/orders",
}
TASK = task.TaskFacts(
    **ORIGIN, try_number=3, tries=3, started_at=START, ended_at=START + timedelta(seconds=312), exception=TRACEBACK
)
SALES = [
    ("华东", Decimal("1284.50")),
    ("华南", Decimal("967.25")),
    ("华北", Decimal("731.00")),
    ("西南", Decimal("402.75")),
]
NAMES = ("地区", "销售额（万元）")


def ready_cards() -> dict[str, tuple[Any, Any]]:
    """Each ready card by its file's name, with facts that a reader believes."""
    checks = (
        quality.CheckResult(name="row_count", passed=True, expected="COUNT(*) > 1000", found=1204),
        quality.CheckResult(name="null_check", column="order_id", passed=True, expected="= 0", found=0),
        quality.CheckResult(name="min", column="amount", passed=False, expected="> 0", found=Decimal("-5.00")),
        quality.CheckResult(name="unique_check", column="order_id", passed=True, expected="= 0", found=0),
    )
    table_url = "https://example.feishu.cn/base/bascnOrders"
    report: dict[str, Any] = {**ORIGIN, "mapping": "orders", "table_url": table_url}
    failures = (
        run.FailedTask(task_id="download", failed=3, total=284, map_indexes=(17, 90, 201)),
        run.FailedTask(task_id="load_orders"),
    )
    waiting = (
        backlog.Waiting(mapping="orders", pending=1_204, oldest_seconds=7_500, failed=2, held=1),
        backlog.Waiting(mapping="customers", pending=318, oldest_seconds=900),
        backlog.Waiting(mapping="城市", pending=46, oldest_seconds=120),
    )
    retry = dataclasses.replace(TASK, try_number=1, next_retry_at=START + timedelta(minutes=10))
    good = dataclasses.replace(TASK, exception=None, try_number=2, red_seconds=3_700)
    ran: dict[str, Any] = {**ORIGIN, "started_at": START, "duration_seconds": 7_260, "run_type": "scheduled"}
    return {
        "task-failed": (task.task_failed_card, TASK),
        "task-retrying": (task.task_retrying_card, retry),
        "task-succeeded": (task.task_succeeded_card, good),
        "run-failed": (run.run_failed_card, run.RunFacts(**ran, failures=failures)),
        "run-succeeded": (run.run_succeeded_card, run.RunFacts(**ran, red_seconds=90_061)),
        "deadline-missed": (
            deadline.deadline_card,
            deadline.DeadlineFacts(**ORIGIN, deadline_at=START, rule="2 h after it was queued", state="running"),
        ),
        "data-quality": (
            quality.quality_card,
            quality.QualityFacts(**ORIGIN, table="shop.orders", checks=checks, partition="day = '2026-11-25'"),
        ),
        "sql-result": (
            result.result_card,
            result.ResultFacts(
                **ORIGIN, title="各地区销售额", names=NAMES, rows=SALES, total=31,
                sql="SELECT region, SUM(amount)\nFROM shop.orders\nGROUP BY region", link_url=table_url,
                chart=chart_of_rows("bar", NAMES, SALES, x=NAMES[0], y=NAMES[1]),
            ),
        ),
        "sync-report": (
            sync.sync_card,
            sync.SyncFacts(
                **report, operation="incremental", status="partial", seconds=4.2, rows_lark=1_204, rows_sql=1_206,
                to_lark=sync.Written(created=12, updated=40), to_sql=sync.Written(updated=7, deleted=1), conflicts=1,
                failed=2, api_calls=9,
                problems=("[A-17]: 备注 holds 12,000 characters, Lark takes 10,000", "[A-20]: no such option '加急'"),
            ),
        ),
        "consistency-report": (
            consistency.consistency_card,
            consistency.ConsistencyFacts(
                **report, in_step=False, rows_lark=1_204, rows_sql=1_206, equal=1_199, different=4, only_sql=3,
                pending=2, seconds=2.4,
                samples={"different": ["A-17", "A-18", "A-20", "B-2"], "only_sql": ["C-1", "C-2", "C-3"]},
            ),
        ),
        "backlog-alert": (
            backlog.backlog_card,
            backlog.BacklogFacts(**ORIGIN, mappings=waiting, limit="older than 1 h"),
        ),
    }  # fmt: skip
