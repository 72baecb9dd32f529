"""The result of a query: its first rows as a table, with or without a chart or a picture of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from airflow_provider_lark.core.cards.chart import Chart
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.display import Img, note
from airflow_provider_lark.core.cards.languages import Locale, Text, combine, localize
from airflow_provider_lark.core.cards.limits import TABLE_COLUMNS_MAX
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import Frame, buttons, clean_lines, frame_card, panel, people, remark
from airflow_provider_lark.core.cards.table import CELL_BYTES, table_of_rows
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier
from airflow_provider_lark.core.hints import counted

_SQL_BYTES = 3_000
# a single row that does not fit is shown with shorter cells rather than not at all
_NARROW_CELL_BYTES = 40


@dataclass(frozen=True, kw_only=True)
class ResultFacts(Origin):
    """The rows of a query.

    :param title: what it is about.
    :param names: its columns, at most 50 of which are shown.
    :param rows: those that were read; as many as fit are shown.
    :param total: how many the query has in all; None when that is not known, and *rows* are all.
    :param chart: of ``chart_of_rows``, or a picture, above the table.
    :param left_out: how many values the chart does not show, because they are no numbers.
    :param with_table: whether the rows are shown beside a chart.
    :param sql: the query, to unfold.
    :param link_url: where all rows are.
    """

    title: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    total: int | None = None
    chart: Chart | Img | None = None
    left_out: int = 0
    with_table: bool = True
    sql: str | None = None
    link_url: str | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return max(len(self.rows), self.total or 0)


def result_card(facts: ResultFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return the rows as a table, as many as fit, and how many there are."""
    most = len(facts.rows) if facts.with_table and facts.names else 0
    # who has no app behind it sends no files
    make = partial(_card, locale=locale, has_files=carrier.calls_back)
    card = fit(facts, partial(make, cell_bytes=CELL_BYTES), most=most, carrier=carrier)
    if most and shown_rows(card) == 0:
        card = fit(facts, partial(make, cell_bytes=_NARROW_CELL_BYTES), most=most, carrier=carrier)
    return card


def shown_rows(card: Json) -> int:
    """Return how many rows the table of a result's card shows."""
    return sum(len(each["rows"]) for each in card["body"]["elements"] if each["tag"] == "table")


def _card(facts: ResultFacts, shown: int, *, cell_bytes: int, locale: Locale | None, has_files: bool) -> Json:
    names = facts.names[:TABLE_COLUMNS_MAX]
    rows = [row[:TABLE_COLUMNS_MAX] for row in facts.rows[:shown]]
    table = table_of_rows(names, rows, cell_bytes=cell_bytes) if shown else None
    count = localize(en_us=f"{counted(facts.count, 'row')}", zh_cn=f"{facts.count:,} 行")
    extra = [(localize(en_us="All rows", zh_cn="查看全部"), facts.link_url)]
    elements: list[Element | None] = [
        facts.chart,
        table,
        _remainder(facts, shown, has_files=has_files),
        people(facts),
        panel(words.QUERY, clean_lines(facts.sql), _SQL_BYTES, locale, "sql"),
        remark(facts),
        buttons(facts, extra),
    ]
    summary = combine(lambda rows: f"{facts.title}: {rows}", count)
    return frame_card(Frame(facts.title, "blue", summary, count), elements, locale)


def _remainder(facts: ResultFacts, shown: int, *, has_files: bool) -> Element | None:
    said: list[Text] = []
    if facts.count == 0:
        said.append(localize(en_us="No rows.", zh_cn="没有数据。"))
    elif facts.with_table and shown < facts.count:
        english = f"The first {shown:,} of {facts.count:,} rows{'; a file can hold all' if has_files else ''}."
        chinese = f"仅显示前 {shown:,} 行，共 {facts.count:,} 行{'；完整数据请以文件发送' if has_files else ''}。"
        said.append(localize(en_us=english, zh_cn=chinese))
    if facts.with_table and len(facts.names) > TABLE_COLUMNS_MAX:
        count = len(facts.names)
        english = f"The first {TABLE_COLUMNS_MAX} of {count} columns."
        said.append(localize(en_us=english, zh_cn=f"仅显示前 {TABLE_COLUMNS_MAX} 列，共 {count} 列。"))
    if facts.left_out:
        english = f"Not shown in the chart because they are not numbers: {facts.left_out:,}."
        said.append(localize(en_us=english, zh_cn=f"图表未显示 {facts.left_out:,} 个非数值。"))
    return note(combine(lambda *texts: " ".join(texts), *said)) if said else None
