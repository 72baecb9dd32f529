"""A sensor on the backlog of the sync: waits until ``sync_queue`` holds few, or many, entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue

from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import read_text
from airflow_provider_lark.sensors.polling import PollingSensor

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.hooks.backlog import BacklogCondition
    from airflow_provider_lark.triggers.sync_queue import SyncQueueBacklogTrigger


class SyncQueueBacklogSensor(PollingSensor):
    """Waits until the backlog of the sync meets every given limit, and returns the backlog.

    ``pending_below=1`` waits for an empty queue; ``pending_above`` and ``oldest_above_seconds`` wait for trouble.

    :param sql_conn_id: connection of the database that holds ``sync_queue``.
    :param table_name: the mapping's SQL table, with its schema where the mapping gives one; None counts all tables.
    :param pending_below: fewer entries wait than this.
    :param pending_above: more entries wait than this.
    :param oldest_below_seconds: the oldest waiting entry is younger than this; an empty queue counts as young.
    :param oldest_above_seconds: the oldest waiting entry is older than this.
    """

    template_fields: Sequence[str] = (
        "sql_conn_id",
        "table_name",
        "pending_below",
        "pending_above",
        "oldest_below_seconds",
        "oldest_above_seconds",
    )

    def __init__(
        self,
        *,
        sql_conn_id: str,
        table_name: str | None = None,
        pending_below: int | str | None = None,
        pending_above: int | str | None = None,
        oldest_below_seconds: float | str | None = None,
        oldest_above_seconds: float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql_conn_id = sql_conn_id
        self.table_name = table_name
        self.pending_below = pending_below
        self.pending_above = pending_above
        self.oldest_below_seconds = oldest_below_seconds
        self.oldest_above_seconds = oldest_above_seconds

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the backlog once."""
        from airflow_provider_lark.hooks.backlog import read_backlog

        with airflow_errors():
            condition = self._condition()
            backlog = read_backlog(self.sql_conn_id, read_text(self.table_name))
        seen = asdict(backlog)
        self._log(seen)
        return PokeReturnValue(is_done=condition.is_met(backlog), xcom_value=seen)

    def _trigger(self, polling: dict[str, Any]) -> SyncQueueBacklogTrigger:
        from airflow_provider_lark.triggers.sync_queue import SyncQueueBacklogTrigger

        return SyncQueueBacklogTrigger(
            sql_conn_id=self.sql_conn_id,
            table_name=read_text(self.table_name),
            condition=self._condition().limits,
            **polling,
        )

    def _finish(self, event: dict[str, Any]) -> dict[str, Any]:
        backlog: dict[str, Any] = event["backlog"]
        self._log(backlog)
        return backlog

    def _condition(self) -> BacklogCondition:
        from airflow_provider_lark.hooks.backlog import BacklogCondition

        with airflow_errors():
            return BacklogCondition.read(
                pending_below=self.pending_below,
                pending_above=self.pending_above,
                oldest_below_seconds=self.oldest_below_seconds,
                oldest_above_seconds=self.oldest_above_seconds,
            )

    def _log(self, backlog: dict[str, Any]) -> None:
        oldest = backlog["oldest_seconds"]
        waiting = f"{backlog['pending']} pending" + (f", oldest {oldest:.0f} s" if oldest is not None else "")
        self.log.info("backlog of %s: %s, %d failed", self.table_name or "all tables", waiting, backlog["failed"])
