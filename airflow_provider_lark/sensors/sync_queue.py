"""A sensor on the backlog of the sync: waits until little, or much, stands in ``sync_queue``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airflow_provider_lark.hooks.errors import airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.hooks.backlog import BacklogCondition


class SyncQueueBacklogSensor(BaseSensorOperator):
    """Waits until the backlog of the sync meets every given limit, and returns the backlog.

    ``pending_below=1`` waits for an empty queue; ``pending_above`` and ``oldest_above_seconds`` wait for trouble.

    :param sql_conn_id: connection of the database that holds ``sync_queue``.
    :param table_name: the mapping's SQL table, with its schema where the mapping gives one; None counts all tables.
    :param pending_below: fewer entries wait than this.
    :param pending_above: more entries wait than this.
    :param oldest_below_seconds: the oldest waiting entry is younger than this; an empty queue counts as young.
    :param oldest_above_seconds: the oldest waiting entry is older than this.
    :param deferrable: wait in the triggerer and free the worker; by default as ``[operators] default_deferrable`` says.
    :param max_failures: deferred, the failing polls in a row after which the task fails. Unused with *silent_fail*.
    """

    template_fields: Sequence[str] = (
        "sql_conn_id",
        "table_name",
        "pending_below",
        "pending_above",
        "oldest_below_seconds",
        "oldest_above_seconds",
    )
    ui_color = "#e1f0ff"

    def __init__(
        self,
        *,
        sql_conn_id: str,
        table_name: str | None = None,
        pending_below: int | str | None = None,
        pending_above: int | str | None = None,
        oldest_below_seconds: float | str | None = None,
        oldest_above_seconds: float | str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_failures: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql_conn_id = sql_conn_id
        self.table_name = table_name
        self.pending_below = pending_below
        self.pending_above = pending_above
        self.oldest_below_seconds = oldest_below_seconds
        self.oldest_above_seconds = oldest_above_seconds
        self.deferrable = deferrable
        self.max_failures = max_failures

    def execute(self, context: Context) -> Any:
        """Look once; when the condition does not hold, wait on the worker or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        if (first := self._first_look(context)) is not None and first.is_done:
            return first.xcom_value
        return self._wait_in_triggerer()

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the backlog that the trigger saw.

        :raises AirflowFailException: the sensor's parameters or connection are wrong.
        :raises AirflowException: the backlog could not be read, time and again.
        """
        if event is None or event.get("status") != "success":
            told = event or {}
            kind = AirflowFailException if told.get("permanent") else AirflowException
            raise kind(str(told.get("message") or "the trigger ended without an answer"))
        self._log(event["backlog"])
        backlog: dict[str, Any] = event["backlog"]
        return backlog

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the backlog once."""
        from airflow_provider_lark.hooks.backlog import read_backlog

        with airflow_errors():
            condition = self._condition()
            backlog = read_backlog(self.sql_conn_id, self.table_name or None)
        seen = asdict(backlog)
        self._log(seen)
        return PokeReturnValue(is_done=condition.is_met(backlog), xcom_value=seen)

    def _wait_in_triggerer(self) -> NoReturn:
        from airflow_provider_lark.triggers.sync_queue import SyncQueueBacklogTrigger

        self.defer(
            trigger=SyncQueueBacklogTrigger(
                sql_conn_id=self.sql_conn_id,
                table_name=self.table_name or None,
                condition=self._condition().limits,
                poll_interval_seconds=self.poke_interval,
                exponential_backoff=bool(self.exponential_backoff),
                max_wait_seconds=self.max_wait.total_seconds() if self.max_wait else None,
                max_failures=None if self.silent_fail else self.max_failures,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout),
        )

    def _first_look(self, context: Context) -> PokeReturnValue | None:
        # soft_fail, never_fail and silent_fail mean here what they mean in the base class's loop
        try:
            return self.poke(context)
        except AirflowFailException as exc:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(f"skipped: {exc}") from exc
            raise
        except Exception as exc:
            if self.silent_fail:
                self.log.warning("the first look at the backlog failed: %s", type(exc).__name__)
                return None
            if self.never_fail:
                raise AirflowSkipException(f"skipped: {exc}") from exc
            raise

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
        self.log.info(
            "backlog of %s: %s waiting, the oldest for %s s, %s failed",
            self.table_name or "all tables",
            backlog["pending"],
            backlog["oldest_seconds"],
            backlog["failed"],
        )
