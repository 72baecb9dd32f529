"""The plan of a run: what it would do on either side, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airflow_provider_lark.core.dry_run import KEYS_SHOWN, tell
from airflow_provider_lark.core.sync.plan.actions import Action, ActionSide, Kind, Refusals, cut_keys
from airflow_provider_lark.core.sync.plan.stored import PlanWriter, StoredPlan
from airflow_provider_lark.core.sync.report import PROBLEMS_KEPT, SyncReport


class Plan:
    """What a run would do; nothing has been done. Close it, or use it in ``with``: it lives in a temporary file.

    :ivar report: what the run would report, with the calls that finding out took.
    :ivar table_name: the ledger's name of the table that the run would sync.
    :ivar stored: what a later run needs of it; see :meth:`.SyncEngine.apply`.
    """

    def __init__(self, stored: StoredPlan, report: SyncReport, table_name: str) -> None:
        self._database = stored.checks.database
        self.stored = stored
        self.report = report
        self.table_name = table_name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self._database.close()

    @property
    def counts(self) -> dict[tuple[ActionSide, Kind], int]:
        """How many actions there are, by side and kind; none for a plan that does nothing."""
        return self._database.counts()

    def __bool__(self) -> bool:
        return bool(self.counts)

    def actions(
        self, side: ActionSide | None = None, kind: Kind | None = None, *, limit: int | None = None
    ) -> Iterator[Action]:
        """Yield the actions with their values, in the order in which they were found; memory does not grow."""
        return self._database.actions(side, kind, limit)

    @property
    def refusals(self) -> list[Refusals]:
        """Why rows cannot be synced, each cause once; what concerns most rows first, and at most 20."""
        return self._database.refusals(PROBLEMS_KEPT)

    def save(self, path: str | Path) -> None:
        """Write the plan to a file that only its owner may read, for :func:`.read_plans`: keys, and no values."""
        with PlanWriter(path) as target:
            target.add(self.stored)

    def to_dict(self) -> dict[str, Any]:
        """Return what a task may return and log: the report as the run would give it, and under ``would``, by side and
        kind, how many actions there are and the first keys. No values.
        """
        waiting = {}
        for (side, kind), count in self.counts.items():
            keys = cut_keys(self.actions(side, kind, limit=KEYS_SHOWN))
            waiting[f"{side}.{kind}"] = {"count": count, "keys": keys, "more": count - len(keys)}
        return tell(self.report.to_dict(), waiting)
