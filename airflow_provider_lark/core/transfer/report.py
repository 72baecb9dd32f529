"""The report of a transfer: counts, calls and problems, as plain data."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from airflow_provider_lark.core.dry_run import Foreseen, fit, foretell, tell
from airflow_provider_lark.core.errors import ConfigError, RowError
from airflow_provider_lark.core.hints import counted

log = logging.getLogger(__name__)

PROBLEMS_KEPT = 20

OnRowError = Literal["fail", "skip"]


@dataclass(slots=True)
class TransferReport:
    """The outcome of one transfer.

    :param source: what was read: a SQL table, ``a query``, or a Bitable table.
    :param target: what was written.
    :param app_token: the base of the Bitable table, whose id is *table_id*.
    :param status: ``partial``: some rows were skipped, the others landed.
    :param read: rows or records read.
    :param unchanged: rows whose record, or records whose row, already held the same.
    :param skipped: rows that the other side cannot hold.
    :param near_misses: rows of which Lark's answer shows something else than was sent: it trims, rounds, clamps.
    :param api_calls: requests sent to Lark by kind, and ``total``; retries count.
    :param problems: at most 20 texts, each naming row, field and what was expected; no cell content.
    :param warnings: what did not fail but wants a person's eye.
    :param would: of a dry run, which counts what it would do: the same by side and kind, with the first keys.
    """

    operation: str
    mode: str
    source: str = ""
    target: str = ""
    app_token: str = ""
    table_id: str = ""
    status: Literal["ok", "partial"] = "ok"
    read: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: int = 0
    near_misses: int = 0
    seconds: float = 0.0
    api_calls: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    would: Foreseen | None = None

    def skip(self, problem: RowError, on_row_error: OnRowError) -> None:
        """Note a row that is left out.

        :raises RowError: *on_row_error* is ``fail``.
        """
        if on_row_error == "fail":
            raise problem
        self.skipped += 1
        self.status = "partial"
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(str(problem))

    def finish(self, *, seconds: float, api_calls: dict[str, int]) -> None:
        """Note what the transfer cost."""
        self.seconds = round(seconds, 3)
        self.api_calls = {**api_calls, "total": sum(api_calls.values())}
        log.info("%s", self.summary())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe plain data."""
        told = asdict(self)
        del told["would"]
        return fit(told) if self.would is None else tell(told, self.would.to_dict())

    def summary(self) -> str:
        """Return the counts in one line, for a log."""
        written, others = ("created", "updated", "deleted"), ("unchanged", "skipped", "near_misses")
        names = ("read", *written, *others) if self.would is None else ("read", *others)
        told = [f"{name.replace('_', ' ')} {count}" for name in names if (count := getattr(self, name))]
        if self.would is not None:
            told.append(foretell({name: getattr(self, name) for name in written}))
        calls = counted(self.api_calls.get("total", 0), "call")
        dry = "" if self.would is None else "dry run: "
        return f"{dry}{self.mode} {self.source} into {self.target}: {', '.join(told) or 'nothing'}; {calls}"


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Check an option that takes one of a few words.

    :raises ConfigError: it is none of them.
    """
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; expected {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}")
