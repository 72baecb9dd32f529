"""The parameters of operators that write reports to files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.hooks.parameters import read_count, read_names
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow_provider_lark.core.sync.report import CheckReport

REPORT_FIELDS = ("report", "report_rows", "report_hidden", "report_value_characters")


class ReportingOperator(CallingOperator):
    """Writes what it finds to files that people and programs read.

    :param report: path of a file, ``.html`` or ``.json``, or a list of paths; ``{mapping}`` in it stands for the
        mapping's name. An older one is replaced. Default: none.
    :param report_rows: so many of the rows that differ are listed in it.
    :param report_values: whether they are listed with their values.
    :param report_hidden: columns whose values are not listed even so.
    :param report_value_characters: a longer value is cut.
    """

    template_fields: Sequence[str] = (*CallingOperator.template_fields, *REPORT_FIELDS)

    def __init__(
        self,
        *,
        report: str | Sequence[str] | None = None,
        report_rows: int | str = 1000,
        report_values: bool = True,
        report_hidden: Sequence[str] | str | None = None,
        report_value_characters: int | str = 200,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.report = report
        self.report_rows = report_rows
        self.report_values = report_values
        self.report_hidden = report_hidden
        self.report_value_characters = report_value_characters

    def _report_paths(self) -> list[str]:
        """Return where reports are written.

        :raises ConfigError: no report can be written there.
        """
        from airflow_provider_lark.core.sync.consistency.files import require_paths

        paths = [str(each) for each in read_names(self.report, "report")]
        require_paths(paths)
        return paths

    def _report_options(self) -> dict[str, Any]:
        """Return what is kept for the reports."""
        from airflow_provider_lark.core.sync.consistency.options import ROWS_MAX

        if not self._report_paths():
            return {}
        return {
            "rows": min(read_count(self.report_rows, "report_rows") or 0, ROWS_MAX),
            "shows_values": self.report_values,
            "hidden": frozenset(str(each) for each in read_names(self.report_hidden, "report_hidden")),
            "value_characters": read_count(self.report_value_characters, "report_value_characters") or 0,
        }

    def _write_reports(self, report: CheckReport, now: float) -> list[str]:
        """Write the files, and return where they are."""
        from airflow_provider_lark.core.sync.consistency.files import write_reports

        written = write_reports(self._report_paths(), [report], now=now)
        for path in written:
            self.log.info("report: %s", path)
        return written
