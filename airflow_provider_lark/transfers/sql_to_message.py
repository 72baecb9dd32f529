"""The result of a query to people and chats: as a card, a picture of a chart, or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import told
from airflow_provider_lark.hooks.parameters import (
    need_text,
    read_count,
    read_list,
    read_text,
    read_values,
    read_zone,
    refuse_choice,
)
from airflow_provider_lark.operators.lineage import query_datasets
from airflow_provider_lark.operators.message_base import MentioningOperator, Opened
from airflow_provider_lark.operators.message_delivering import ReceiversOperator

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from airflow_provider_lark.core.transfer.to_message import ChartChoice, MessageOptions, Result

_ROWS_SHOWN = 50
_OWN = (
    *("sql_conn_id", "sql", "parameters", "title", "x", "y", "series", "rows_shown", "file_name", "time_zone"),
    *("link_url", "note", "font"),
)


class SqlToLarkMessageOperator(MentioningOperator, ReceiversOperator):
    """Runs a query on any SQL connection of Airflow and sends what it returns as one message.

    Once over all tries of the task, also where the rows are others by then; a task that is cleared sends anew. All rows
    are read, part by part, and counted. What does not fit fails before anything is sent, but of a card's table: that
    shows as many rows as fit.

    Returns what :class:`.LarkSendMessageOperator` does, and ``rows``, ``columns``, ``shown`` (rows in the message),
    ``file_name`` and ``warnings``.

    :param sql_conn_id: connection of the database.
    :param sql: a SELECT, or the path of a ``.sql`` file; with *parameters*, ``:name`` stands for a value.
    :param parameters: values for *sql*.
    :param form: ``card``: the first rows as a table; ``csv`` or ``excel``: a file of all rows, up to 30 MB; ``image``:
        a picture of a chart, in a card. Excel and pictures need the extras ``excel`` and ``charts``.
    :param title: of the card, the picture, the file; default: the task's id.
    :param chart: ``line``, ``bar`` or ``pie``: what the picture shows, or the card above its table.
    :param x: the column along the axis, or of the slices.
    :param y: the column of numbers; a list of them makes a series of each.
    :param series: the column whose values tell the series apart.
    :param rows_shown: most rows in a card, up to 1000; 0: only the chart.
    :param if_empty: when there are no rows, ``send`` a message that says so, ``skip`` the task, or ``fail``, which its
        retries may mend.
    :param file_name: as the chat shows it; default: *title*.
    :param time_zone: in which moments are shown; default: as the database gives them, with their zone.
    :param link_url: where all rows are: a button of the card.
    :param note: a sentence for whoever reads the card.
    :param show_sql: let the card unfold the query.
    :param font: the font of the picture to take first: a name, or a file's path.
    :param locale: the card's only language; default: English and Chinese, each reader sees their own.
    """

    template_fields: Sequence[str] = (*(*_OWN, *ReceiversOperator.template_fields, "mentions"),)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "parameters": "json"}
    ui_color = "#d9f2e6"

    def __init__(
        self,
        *,
        sql_conn_id: str,
        sql: str,
        parameters: Mapping[str, Any] | str | None = None,
        form: Literal["card", "csv", "excel", "image"] = "card",
        title: str | None = None,
        chart: Literal["line", "bar", "pie"] | None = None,
        x: str | None = None,
        y: Sequence[str] | str | None = None,
        series: str | None = None,
        rows_shown: int | str = _ROWS_SHOWN,
        if_empty: Literal["send", "skip", "fail"] = "send",
        file_name: str | None = None,
        time_zone: str | None = None,
        link_url: str | None = None,
        note: str | None = None,
        show_sql: bool = False,
        font: str | None = None,
        locale: Literal["en_us", "zh_cn"] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql_conn_id = sql_conn_id
        self.sql = sql
        self.parameters = parameters
        self.form = form
        self.title = title
        self.chart = chart
        self.x = x
        self.y = y
        self.series = series
        self.rows_shown = rows_shown
        self.if_empty = if_empty
        self.file_name = file_name
        self.time_zone = time_zone
        self.link_url = link_url
        self.note = note
        self.show_sql = show_sql
        self.font = font
        self.locale = locale
        refuse_choice("form", form, ("card", "csv", "excel", "image"))
        if chart is not None:
            refuse_choice("chart", chart, ("line", "bar", "pie"))
        refuse_choice("if_empty", if_empty, ("send", "skip", "fail"))
        self._engine: Engine | None = None

    def _run(self, opened: Opened) -> dict[str, Any]:
        from airflow_provider_lark.core.transfer.to_message import write_message

        receivers, options = self._receivers(), self._options()
        memory = self._recall(opened.context, receivers, self._identity(opened.context))
        if memory.facts and not memory.pending(receivers):
            # an earlier try did it all, and was cut off then
            return {**self._delivered(receivers, memory.sent), **memory.facts}
        people = self._people(opened)
        with TemporaryDirectory(prefix="lark_") as folder:
            result = self._read(options, Path(folder))
            if not result.rows and not memory.is_begun:
                self._refuse_empty()
            content = write_message(opened.client, result, options, people)
        memory.facts = self._tell(result)
        return {**self._deliver(opened, content, memory, receivers), **memory.facts}

    def _options(self) -> MessageOptions:
        from airflow_provider_lark.core.transfer.to_message import MessageOptions

        shown = read_count(self.rows_shown, "rows_shown")
        return MessageOptions(
            title=read_text(self.title) or self.task_id,
            form=self.form,
            rows_shown=_ROWS_SHOWN if shown is None else shown,
            chart=self._chart(),
            file_name=read_text(self.file_name),
            zone=read_zone(self.time_zone),
            font=read_text(self.font),
            link_url=read_text(self.link_url),
            note=read_text(self.note),
            sql=self.sql if self.show_sql else None,
            locale=self.locale,
        )

    def _chart(self) -> ChartChoice | None:
        from airflow_provider_lark.core.transfer.to_message import ChartChoice

        x, y, series = read_text(self.x), read_list(self.y, "y"), read_text(self.series)
        if self.chart is None:
            if x or y or series:
                raise ConfigError("x, y and series are columns of a chart: say which one, as chart='bar'")
            return None
        if not x or not y:
            raise ConfigError(f"chart {self.chart!r} needs x and y: the names of the query's columns that it shows")
        if self.form in ("csv", "excel"):
            raise ConfigError(f"form {self.form!r} is a file without a chart: take form 'card' or 'image' for it")
        return ChartChoice(self.chart, x, [str(each) for each in y], series)

    def _identity(self, context: Context) -> list[str]:
        """Return what tells this message from others of the task: what was asked for, not what the query returned."""
        # it grows when a task is cleared, and stays as it is over the tries
        cleared = getattr(context["ti"], "max_tries", 0)
        own = {name: getattr(self, name) for name in (*_OWN, "form", "chart", "mentions")}
        return ["sql", str(cleared), *(f"{name}={value!r}" for name, value in own.items())]

    def _read(self, options: MessageOptions, folder: Path) -> Result:
        from airflow_provider_lark.core.transfer.to_message import read_result
        from airflow_provider_lark.hooks.query import opened_query

        sql = need_text(self.sql, "sql")
        with opened_query(self.sql_conn_id, sql, read_values(self.parameters, "parameters")) as query:
            self._engine = query.engine
            result = read_result(query.names, query.parts, options, folder)
        self.log.info("the query returns %d rows of %d columns", result.rows, len(result.names))
        return result

    def _refuse_empty(self) -> None:
        if self.if_empty == "skip":
            raise AirflowSkipException("the query returns no rows, so nothing is sent")
        if self.if_empty == "fail":
            raise told(AirflowException("the query returns no rows, and nothing was sent (if_empty='fail')"))

    def _tell(self, result: Result) -> dict[str, Any]:
        for text in result.warnings:
            self.log.warning("%s", text)
        counts = {"rows": result.rows, "columns": len(result.names), "shown": result.shown}
        return {**counts, "file_name": result.file_name, "warnings": result.warnings}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the tables that the query reads, where OpenLineage's parser finds them, and the chat."""
        try:
            from airflow.providers.common.compat.openlineage.facet import Dataset
            from airflow.providers.openlineage.extractors import OperatorLineage
        except ImportError:
            return None
        tables = query_datasets(self._engine, self.sql) if self._engine is not None else []
        inputs = [Dataset(namespace=namespace, name=name) for namespace, name in tables]
        place = f"lark://{self.lark_host.partition('://')[2]}"
        outputs = [Dataset(namespace=place, name=self.sent_chat_id)] if self.sent_chat_id else []
        return OperatorLineage(inputs=inputs, outputs=outputs)
