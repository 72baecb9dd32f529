"""What the sensors share: poll once on the worker, then wait there or in the triggerer."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airflow_provider_lark.hooks.errors import told

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.triggers.polling import PollingTrigger


class PollingSensor(BaseSensorOperator):
    """Waits for a condition, by default a look a minute.

    :param deferrable: wait in the triggerer and free the worker; by default as ``[operators] default_deferrable`` says.
    :param max_failures: deferred, the failing polls in a row after which the task fails. Unused with *silent_fail*.
    """

    ui_color = "#e1f0ff"

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_failures: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self.max_failures = max_failures

    def execute(self, context: Context) -> Any:
        """Look once; when the condition does not hold, wait on the worker or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        if (first := self._first_look(context)) is not None and first.is_done:
            return first.xcom_value
        polling = {
            "poll_interval_seconds": self.poke_interval,
            "exponential_backoff": bool(self.exponential_backoff),
            "max_wait_seconds": self.max_wait.total_seconds() if self.max_wait else None,
            "max_failures": None if self.silent_fail else self.max_failures,
        }
        return self.defer(
            trigger=self._trigger(polling), method_name="execute_complete", timeout=self._deferral_timeout()
        )

    def _deferral_timeout(self) -> timedelta:
        """Return after how long Airflow ends the waiting."""
        return timedelta(seconds=self.timeout)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the trigger saw.

        :raises AirflowFailException: the sensor's parameters or connection are wrong.
        :raises AirflowException: the condition could not be looked at, time and again.
        """
        if event is None or event.get("status") != "success":
            answer = event or {}
            kind = AirflowFailException if answer.get("permanent") else AirflowException
            raise told(kind(str(answer.get("message") or "the trigger ended without a result")))
        return self._finish(event)

    @abstractmethod
    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""

    @abstractmethod
    def _trigger(self, polling: dict[str, Any]) -> PollingTrigger:
        """Return the trigger that goes on looking, as *polling* says."""

    @abstractmethod
    def _finish(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the sensor's result from the trigger's success event."""

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
                self.log.warning("the first poke failed: %s", type(exc).__name__)
                return None
            if self.never_fail:
                raise AirflowSkipException(f"skipped: {exc}") from exc
            raise
