"""The result of a query as one message: a card with its first rows or a chart, a picture of a chart, or a file.

Two steps, so that no transaction waits for Lark: :func:`read_result` reads every row and keeps what the message needs,
:func:`write_message` uploads what has to be, and gives the content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.api.services.messaging.content import Content
from airflow_provider_lark.core.cards.chart import Chart, chart_of_points
from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.cards.display import Img
from airflow_provider_lark.core.cards.languages import Locale
from airflow_provider_lark.core.cards.points import ChartKind, Points
from airflow_provider_lark.core.cards.ready.result import ResultFacts, result_card, shown_rows
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier
from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.transfer.to_message.chart_image import draw_chart
from airflow_provider_lark.core.transfer.to_message.csv_file import csv_form
from airflow_provider_lark.core.transfer.to_message.excel_file import write_excel
from airflow_provider_lark.core.transfer.to_message.file_kinds import ResultForm, is_file, name_file
from airflow_provider_lark.core.transfer.to_message.file_values import Rows, WrittenRows, distinct_columns, rows_in_zone
from airflow_provider_lark.core.transfer.to_message.html_file import html_form
from airflow_provider_lark.core.transfer.to_message.json_file import json_form, json_lines_form
from airflow_provider_lark.core.transfer.to_message.packing import Packing
from airflow_provider_lark.core.transfer.to_message.text_file import TextFormat, write_text_file

ROWS_MAX = 1000
"""Rows that a card may be asked to show; far fewer fit."""


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """What a chart shows, by the names of the query's columns; see :class:`.Points`."""

    kind: ChartKind
    x: str
    y: Sequence[str]
    series: str | None = None


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """How rows become a message.

    :param title: of the card, the picture, the sheet; and the file's name where *file_name* is none.
    :param packing: of a file of text.
    :param rows_shown: most rows of the card's table, up to 1000; 0: no table.
    :param chart: above the table, or what the picture shows.
    :param file_name: as the chat shows it; the endings are put to it where they are not there.
    :param zone: in which moments are shown; None: as the database gives them.
    :param font: of the picture, a name or the path of a file.
    :param link_url: where all rows are; of a card a button.
    :param note: a sentence for whoever reads the card.
    :param sql: the query, to unfold in the card; None: it is not shown.
    :param locale: the card's only language; None: each reader sees their own.
    :param in_words: the rows stand in a message of somebody's own, and not in this card.
    :raises ConfigError: they make no message.
    """

    title: str
    form: ResultForm = "card"
    packing: Packing | None = None
    rows_shown: int = 50
    chart: ChartChoice | None = None
    file_name: str | None = None
    zone: tzinfo | None = None
    font: str | None = None
    link_url: str | None = None
    note: str | None = None
    sql: str | None = None
    locale: Locale | None = None
    in_words: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.rows_shown <= ROWS_MAX:
            raise ConfigError(f"rows_shown must be 0 to {ROWS_MAX:,}, got {self.rows_shown}; use a file for all rows")
        if self.form == "image" and self.chart is None:
            raise ConfigError("form 'image' needs a chart: set chart, x and y")
        if self.form == "card" and self.chart is None and self.rows_shown == 0 and not self.in_words:
            raise ConfigError(
                "rows_shown is 0 and there is no chart, so the card would be empty; set chart, or rows_shown to 1 or "
                "more"
            )


@dataclass(slots=True)
class Result:
    """What was read of a query.

    :param rows: how many rows it has in all.
    :param first: as many of them as a card may show.
    :param path: of the file that holds all.
    :param shown: how many the message shows; of a file all.
    :param warnings: what the message does not show, in words without any cell's content.
    """

    names: tuple[str, ...]
    rows: int = 0
    first: list[Sequence[Any]] = field(default_factory=list)
    points: Points | None = None
    path: Path | None = None
    shown: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def file_name(self) -> str:
        """The file's name as the chat shows it; empty where there is none."""
        return self.path.name if self.path else ""


def read_result(names: Sequence[str], parts: Iterable[Rows], options: MessageOptions, folder: Path) -> Result:
    """Read all rows of a query, part by part: memory does not grow with their number.

    :param parts: the rows, each with a value for each of *names*.
    :param folder: where a file is written.
    :raises BadRequest: the columns make no such chart.
    :raises ConfigError: what writes such a file is not installed.
    :raises TooLarge: no message holds the file, or the chart.
    """
    result = Result(tuple(names))
    if is_file(options.form):
        _fill_file(result, parts, options, folder)
        return result
    keep = options.rows_shown if options.form == "card" else 0
    choice = options.chart
    if choice is not None:
        result.points = Points(choice.kind, result.names, x=choice.x, y=choice.y, series=choice.series)
    for part in rows_in_zone(parts, options.zone):
        result.rows += len(part)
        result.first += part[: keep - len(result.first)]
        if result.points is not None:
            result.points.add(part)
    return result


def write_message(client: LarkClient, result: Result, options: MessageOptions, people: Sequence[str] = ()) -> Content:
    """Return the message; what it consists of has been uploaded.

    :param people: who is mentioned, by id; in a card only.
    :raises ConfigError: no font has a character of the picture; or a message of a file was to mention people.
    :raises TooLarge: the chart does not fit into a card.
    """
    if result.path is not None:
        if people:
            raise ConfigError(
                "mentions: not supported in a file message; send a separate text message with the mentions"
            )
        with result.path.open("rb") as file:
            return content.file(client.resources.upload_file(name=result.file_name, content=file))
    picture = None
    if options.form == "image" and result.points is not None and result.points.values:
        drawn = draw_chart(result.points, title=options.title, font=options.font)
        picture = Img(client.resources.upload_image(content=drawn), alt=options.title)
    # whoever is mentioned takes room, too
    empty: Json = {"schema": "2.0", "body": {"elements": []}}
    taken = MESSAGE.measure(content.card(empty, mentions=people).value) - MESSAGE.measure(empty) if people else 0
    return content.card(write_card(result, options, MESSAGE.less(taken), picture=picture), mentions=people)


def write_card(result: Result, options: MessageOptions, carrier: Carrier, *, picture: Img | None = None) -> Json:
    """Return the card, with as many of the first rows as *carrier* takes.

    :param picture: in place of a chart that the reader's client draws.
    :raises TooLarge: the chart does not fit.
    """
    card = result_card(_facts(result, options, picture), locale=options.locale, carrier=carrier)
    if (size := carrier.measure(card)) > carrier.ready_bytes:
        points = len(result.points.values) if result.points else 0
        other = ", or use form 'image'" if carrier.calls_back else ""
        raise TooLarge(
            f"the card has {size:,} bytes, more than the {carrier.ready_bytes:,} available, because its chart has "
            f"{counted(points, 'point')}: aggregate in the query (GROUP BY){other}"
        )
    result.shown = shown_rows(card)
    _warn(result, options, carrier)
    return card


def _facts(result: Result, options: MessageOptions, picture: Img | None) -> ResultFacts:
    points = result.points
    chart: Chart | Img | None = picture
    if chart is None and points is not None and points.values:
        chart = chart_of_points(points)
    return ResultFacts(
        title=options.title,
        names=result.names,
        rows=result.first,
        total=result.rows,
        chart=chart,
        left_out=points.left_out if points is not None else 0,
        with_table=options.form == "card" and options.rows_shown > 0,
        sql=options.sql,
        link_url=options.link_url,
        note=options.note,
    )


def _warn(result: Result, options: MessageOptions, carrier: Carrier) -> None:
    if options.form == "card" and options.rows_shown and result.shown < result.rows:
        other = (
            "use form 'csv' or 'excel' to send all" if carrier.calls_back else "an app can send all of them as a file"
        )
        result.warnings.append(f"the card shows the first {result.shown:,} of {result.rows:,} rows; {other}")
    if result.points is not None and result.points.left_out:
        result.warnings.append(
            f"values not shown in the chart because they are not finite numbers: {result.points.left_out:,}"
        )


def _fill_file(result: Result, parts: Iterable[Rows], options: MessageOptions, folder: Path) -> None:
    name, inner = name_file(options.file_name or options.title, options.form, options.packing)
    result.path = folder / name
    written = _write_file(result.path, inner, result.names, parts, options)
    result.rows = result.shown = written.rows
    if written.cut:
        result.warnings.append(
            f"texts truncated to the size of an Excel cell: {written.cut:,}; use CSV to keep them complete"
        )
    renamed = [name for name in distinct_columns(result.names) if name not in result.names]
    if renamed and options.form in ("json", "jsonl"):
        result.warnings.append(
            f"columns with the same name were numbered in JSON ({', '.join(renamed[:10])}); give them different names "
            "with AS"
        )


def _write_file(
    path: Path, inner_name: str, names: Sequence[str], parts: Iterable[Rows], options: MessageOptions
) -> WrittenRows:
    if options.form == "excel":
        # a cell has no zone; where all moments are in one, it need not say so
        shown = rows_in_zone(parts, options.zone, drop_zone=True)
        return write_excel(path, names, shown, title=options.title)
    shown = rows_in_zone(parts, options.zone)
    return write_text_file(path, _text_form(names, options), shown, packing=options.packing, inner_name=inner_name)


def _text_form(names: Sequence[str], options: MessageOptions) -> TextFormat:
    match options.form:
        case "json":
            return json_form(names)
        case "jsonl":
            return json_lines_form(names)
        case "html":
            return html_form(names, title=options.title)
        case _:
            return csv_form(names)
