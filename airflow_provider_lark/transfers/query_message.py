"""What the operators share that make one message of a query's rows: the query, its form, words around the rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.hooks.errors import told
from airflow_provider_lark.hooks.parameters import (
    need_text,
    read_count,
    read_json,
    read_list,
    read_text,
    read_values,
    read_zone,
    refuse_choice,
)
from airflow_provider_lark.operators.calling import CallingOperator
from airflow_provider_lark.operators.lineage import query_datasets

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_provider_lark.core.transfer.to_message.message import ChartChoice, MessageOptions, Result
    from airflow_provider_lark.core.transfer.to_message.result_words import Words

T = TypeVar("T")

_ROWS_SHOWN = 50
_WORDS: Final[Sequence[Literal["text", "markdown", "card"]]] = ("text", "markdown", "card")
_OF_THE_CARD = ("chart", "link_url", "note", "show_sql", "locale")


@dataclass(frozen=True)
class Fitted(Generic[T]):
    """A message that fits, and how many of the first rows stand in it.

    :param said: its text, or its card without whom it mentions.
    """

    said: Any
    message: T
    shown: int


class QueryMessageOperator(CallingOperator):
    """Runs a query on any SQL connection of Airflow and makes one message of what it returns.

    All rows are read, part by part, and counted. What does not fit fails before anything is sent, but of a card's
    table, and of rows within words: they are as many as fit.

    :param sql_conn_id: connection of the database.
    :param sql: a SELECT, or the path of a ``.sql`` file; with *parameters*, ``:name`` stands for a value.
    :param parameters: values for *sql*.
    :param title: of the card; default: the task's id. Above *markdown* only where it is given.
    :param chart: ``line``, ``bar`` or ``pie``, above the card's table.
    :param x: the column along the axis, or of the slices.
    :param y: the column of numbers; a list of them makes a series of each.
    :param series: the column whose values tell the series apart.
    :param rows_shown: most rows in a card or within words, up to 1000; 0: only the chart.
    :param if_empty: when there are no rows, ``send`` a message that says so, ``skip`` the task, or ``fail``, which its
        retries may mend.
    :param time_zone: in which moments are shown; default: as the database gives them, with their zone.
    :param text: a text of your own in place of the card: a template, or the path of a file of one (``.j2``,
        ``.jinja``, ``.md``). Rendered after the query, with ``rows`` (dictionaries), ``columns``, ``count``, ``shown``
        and ``table``. What stands in a cell is shown as it is, and mentions nobody.
    :param markdown: the same as Markdown, sent as a card.
    :param card: the same as a card's JSON, whose texts are templates; or the path of a ``.json`` file.
    :param link_url: where all rows are: a button of the card.
    :param note: a note shown on the card.
    :param show_sql: let the card unfold the query.
    :param locale: language of the card; default: English and Chinese, and each reader sees their own.
    """

    own: ClassVar[Sequence[str]] = (
        *("sql_conn_id", "sql", "parameters", "title", "x", "y", "series", "rows_shown", "time_zone"),
        *("link_url", "note"),
    )
    late_templates: ClassVar[Sequence[str]] = _WORDS
    """Templates that Airflow does not render: the rows are not there yet."""

    template_fields: Sequence[str] = own
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "parameters": "json"}
    ui_color = "#d9f2e6"

    def __init__(
        self,
        *,
        sql_conn_id: str,
        sql: str,
        parameters: Mapping[str, Any] | str | None = None,
        title: str | None = None,
        chart: Literal["line", "bar", "pie"] | None = None,
        x: str | None = None,
        y: Sequence[str] | str | None = None,
        series: str | None = None,
        rows_shown: int | str = _ROWS_SHOWN,
        if_empty: Literal["send", "skip", "fail"] = "send",
        time_zone: str | None = None,
        text: str | None = None,
        markdown: str | None = None,
        card: Mapping[str, Any] | str | None = None,
        link_url: str | None = None,
        note: str | None = None,
        show_sql: bool = False,
        locale: Literal["en_us", "zh_cn"] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql_conn_id = sql_conn_id
        self.sql = sql
        self.parameters = parameters
        self.title = title
        self.chart = chart
        self.x = x
        self.y = y
        self.series = series
        self.rows_shown = rows_shown
        self.if_empty = if_empty
        self.time_zone = time_zone
        self.text = text
        self.markdown = markdown
        self.card = card
        self.link_url = link_url
        self.note = note
        self.show_sql = show_sql
        self.locale = locale
        if chart is not None:
            refuse_choice("chart", chart, ("line", "bar", "pie"))
        refuse_choice("if_empty", if_empty, ("send", "skip", "fail"))
        self._check_words()
        self._engine: Engine | None = None

    def _check_words(self) -> None:
        """Check, when the DAG's file is read, that there is one kind of words, and nothing that they leave no room."""
        kinds = [name for name in _WORDS if getattr(self, name) not in (None, "")]
        if not kinds:
            return
        (kind, *others) = kinds
        if others:
            raise ConfigError(f"the message has {' and '.join(kinds)}: give only one of {', '.join(_WORDS)}")
        given = getattr(self, kind)
        if not isinstance(given, str) and not (kind == "card" and isinstance(given, Mapping)):
            raise ConfigError(
                f"{kind}: expected a template string, found {type(given).__name__}; to use another task's result, "
                "write {{ ti.xcom_pull('…') }} in the template"
            )
        if surplus := [name for name in _OF_THE_CARD if getattr(self, name)]:
            raise ConfigError(
                f"{surplus[0]}: has no effect with {kind}, which replaces the default card; put it into the {kind} "
                "template"
            )
        if self.title and kind != "markdown":
            raise ConfigError(f"title: not supported with {kind}; put the title into the {kind} itself")

    @property
    def _kind(self) -> Literal["text", "markdown", "card"] | None:
        return next((name for name in _WORDS if getattr(self, name) not in (None, "")), None)

    def _options(self, **more: Any) -> MessageOptions:
        from airflow_provider_lark.core.transfer.to_message.message import MessageOptions

        shown = read_count(self.rows_shown, "rows_shown")
        return MessageOptions(
            title=read_text(self.title) or self.task_id,
            rows_shown=_ROWS_SHOWN if shown is None else shown,
            chart=self._chart(),
            zone=read_zone(self.time_zone),
            link_url=read_text(self.link_url),
            note=read_text(self.note),
            sql=self.sql if self.show_sql else None,
            locale=self.locale,
            in_words=self._kind is not None,
            **more,
        )

    def _chart(self) -> ChartChoice | None:
        from airflow_provider_lark.core.transfer.to_message.message import ChartChoice

        x, y, series = read_text(self.x), read_list(self.y, "y"), read_text(self.series)
        if self.chart is None:
            if x or y or series:
                raise ConfigError("x, y and series need a chart; set chart, for example chart='bar'")
            return None
        if not x or not y:
            raise ConfigError(f"chart {self.chart!r}: needs x and y, the names of the query's columns to plot")
        return ChartChoice(self.chart, x, [str(each) for each in y], series)

    @contextmanager
    def _queried(self, options: MessageOptions) -> Iterator[Result]:
        """Run the query, and keep the file that its rows went into for as long as this is open."""
        from airflow_provider_lark.core.transfer.to_message.message import read_result
        from airflow_provider_lark.hooks.query import opened_query

        sql = need_text(self.sql, "sql")
        with TemporaryDirectory(prefix="lark_") as folder:
            with opened_query(self.sql_conn_id, sql, read_values(self.parameters, "parameters")) as query:
                self._engine = query.engine
                result = read_result(query.names, query.parts, options, Path(folder))
            self.log.info("the query returned %d rows and %d columns", result.rows, len(result.names))
            yield result

    def _refuse_empty(self, result: Result) -> None:
        if result.rows:
            return
        if self.if_empty == "skip":
            raise AirflowSkipException("the query returned no rows, so no message is sent (if_empty='skip')")
        if self.if_empty == "fail":
            raise told(AirflowException("the query returned no rows, so no message was sent (if_empty='fail')"))

    def _words(self) -> Words | None:
        """Return the words around the rows, if there are any; a file that is not there is told before the query."""
        from airflow_provider_lark.core.cards.template_file import CardTemplate
        from airflow_provider_lark.core.transfer.to_message.result_words import Words
        from airflow_provider_lark.hooks.card_files import find_template, is_card_file, is_words_file, load_card_file

        kind = self._kind
        if kind is None:
            return None
        given = getattr(self, kind)
        env = self.get_template_env()
        if kind != "card":
            return Words(kind, find_template(given.strip(), env, what=kind) if is_words_file(given) else given)
        if is_card_file(given):
            return Words(kind, load_card_file(given, env))
        made = read_json(given, "card")
        if not isinstance(made, dict):
            raise ConfigError(f"card: expected a dictionary of card JSON, found {type(made).__name__}")
        return Words(kind, CardTemplate("card", made))

    def _fit(
        self,
        words: Words,
        result: Result,
        context: Mapping[str, Any],
        make: Callable[[Any], T],
        measure: Callable[[T], int],
        *,
        most_bytes: int,
    ) -> Fitted[T]:
        """Return the message with as many of the first rows as fit.

        :param make: takes the text or the card's JSON.
        :raises TooLarge: it does not fit without rows either.
        """
        from airflow_provider_lark.core.cards.ready.fitting import largest

        env = self.get_template_env()

        def fitted(shown: int) -> Fitted[T]:
            said = words.render(result, shown, env, context)
            return Fitted(said, make(said), shown)

        found = largest(fitted, len(result.first), lambda each: measure(each.message) <= most_bytes)
        if found is None:
            raise TooLarge(
                f"the {words.kind} has {measure(fitted(0).message):,} bytes even without rows, more than the "
                f"{most_bytes:,} allowed; shorten its template"
            )
        result.shown = found.shown
        if found.shown < len(result.first):
            counts = f"{found.shown:,} of {result.rows:,}"
            result.warnings.append(
                f"the {words.kind} only has room for the first {counts} rows (`shown` in its template)"
            )
        return found

    def _tell(self, result: Result) -> dict[str, Any]:
        for text in result.warnings:
            self.log.warning("%s", text)
        counts = {"rows": result.rows, "columns": len(result.names), "shown": result.shown}
        return {**counts, "file_name": result.file_name, "warnings": result.warnings}

    @abstractmethod
    def _places(self) -> list[tuple[str, str]]:
        """Return namespace and name of the chats that got it, where they are known."""

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the tables that the query reads, where OpenLineage's parser finds them, and the chat."""
        try:
            from airflow.providers.common.compat.openlineage.facet import Dataset
            from airflow.providers.openlineage.extractors import OperatorLineage
        except ImportError:
            return None
        tables = query_datasets(self._engine, self.sql) if self._engine is not None else []
        inputs = [Dataset(namespace=namespace, name=name) for namespace, name in tables]
        outputs = [Dataset(namespace=namespace, name=name) for namespace, name in self._places()]
        return OperatorLineage(inputs=inputs, outputs=outputs)
