"""The result of data-quality checks, as the operators of common-sql make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.cards.card import HeaderTemplate
from airflow_provider_lark.core.cards.cells import write_text
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.display import note
from airflow_provider_lark.core.cards.languages import Locale, Text, combine, joined, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import Frame, buttons, fact_rows, frame_card, name, people, remark
from airflow_provider_lark.core.cards.table import Table, TableColumn
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier

_ROWS_MAX = 200
_CELL_BYTES = 200
_CONDITIONS = {"equal_to": "=", "greater_than": ">", "geq_to": "≥", "less_than": "<", "leq_to": "≤"}


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A check.

    :param column: which it looked at; None for the table.
    :param expected: in words or signs, such as ``= 0``.
    :param found: what the database answered.
    """

    name: str
    passed: bool
    column: str | None = None
    expected: str | None = None
    found: object = None


@dataclass(frozen=True, kw_only=True)
class QualityFacts(Origin):
    """What a task checked.

    :param table: of which database it was, as people know it.
    :param partition: which rows, such as the WHERE clause of the checks.
    """

    table: str
    checks: tuple[CheckResult, ...]
    partition: str | None = None


def read_column_checks(column_mapping: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[CheckResult, ...]:
    """Return the checks of a ``SQLColumnCheckOperator`` after it ran, from its ``column_mapping``.

    One without a result was not reached, and counts as failed.
    """
    return tuple(
        CheckResult(
            name=name,
            column=column,
            passed=bool(check.get("success", False)),
            expected=_condition(check),
            found=check.get("result"),
        )
        for column, checks in column_mapping.items()
        for name, check in checks.items()
    )


def read_table_checks(checks: Mapping[str, Mapping[str, Any]]) -> tuple[CheckResult, ...]:
    """Return the checks of a ``SQLTableCheckOperator`` after it ran, from its ``checks``."""
    return tuple(
        CheckResult(
            name=name,
            passed=bool(check.get("success", False)),
            expected=check.get("check_statement"),
            found=check.get("result"),
        )
        for name, check in checks.items()
    )


def _condition(check: Mapping[str, Any]) -> str:
    parts = [f"{sign} {check[key]}" for key, sign in _CONDITIONS.items() if key in check]
    tolerance = check.get("tolerance")
    return ", ".join(parts) + (f" ±{float(tolerance):.4g}" if tolerance else "")


def quality_card(facts: QualityFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return the checks as a table, the failed ones first: red when one failed, else green."""
    checks = sorted(facts.checks, key=lambda check: check.passed)
    most = min(len(checks), _ROWS_MAX)
    return fit(facts, lambda known, rows: _card(known, checks, rows, locale), most=most, carrier=carrier)


def _card(facts: QualityFacts, checks: list[CheckResult], rows: int, locale: Locale | None) -> Json:
    failed, total = sum(not check.passed for check in checks), len(checks)
    table, noun = facts.table, "check" if total == 1 else "checks"
    if not total:
        what: Text = localize(en_us=f"{table}: no checks ran", zh_cn=f"{table}：没有执行检查")
    elif failed:
        what = localize(
            en_us=f"{table}: {failed} of {total} {noun} failed", zh_cn=f"{table}：{total} 项检查中 {failed} 项未通过"
        )
    else:
        what = localize(en_us=f"{table}: {total} {noun} passed", zh_cn=f"{table}：{total} 项检查全部通过")
    context = [
        (words.DAG, name(facts.dag_id)),
        (words.TASK, name(facts.task_id)),
        (words.RUN, name(facts.run_id)),
        (words.OWNER, name(facts.owner)),
        (localize(en_us="Rows", zh_cn="范围"), name(facts.partition)),
    ]
    hidden = note(combine(str, words.and_more(total - rows))) if total > rows else None
    elements = [
        *fact_rows(context),
        _table(checks[:rows], locale),
        hidden,
        people(facts) if failed else None,
        remark(facts),
        buttons(facts),
    ]
    color: HeaderTemplate = "red" if failed or not total else "green"
    return frame_card(Frame(what, color, what, facts.name or None), elements, locale)


def _table(checks: Iterable[CheckResult], locale: Locale | None) -> Element | None:
    rows = [_row(check, locale) for check in checks]
    if not rows:
        return None
    columns = [
        TableColumn("state", localize(en_us="Result", zh_cn="结果"), "options"),
        TableColumn("check", localize(en_us="Check", zh_cn="检查项")),
        TableColumn("column", localize(en_us="Column", zh_cn="字段")),
        TableColumn("expected", localize(en_us="Expected", zh_cn="期望")),
        TableColumn("found", localize(en_us="Found", zh_cn="实际")),
    ]
    used = [column for column in columns if any(column.name in row for row in rows)]
    return Table(used, rows, page_size=10)


def _row(check: CheckResult, locale: Locale | None) -> dict[str, Any]:
    passed = localize(en_us="passed", zh_cn="通过") if check.passed else localize(en_us="failed", zh_cn="未通过")
    texts = {"check": check.name, "column": check.column, "expected": check.expected, "found": check.found}
    written = {key: write_text(text, max_bytes=_CELL_BYTES) for key, text in texts.items() if text is not None}
    state = {"text": joined(passed, locale), "color": "green" if check.passed else "red"}
    return {"state": [state], **{key: text for key, text in written.items() if text}}
