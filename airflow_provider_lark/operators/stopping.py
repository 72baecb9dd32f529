"""What becomes of a task that Airflow kills: it ends between two calls to Lark, all noted and all given back."""

from __future__ import annotations

from functools import cached_property

from airflow.sdk import BaseOperator

from airflow_provider_lark.core.api.stop import StopFlag


class StoppableOperator(BaseOperator):
    """Stops before its next call to Lark when its task is killed.

    Airflow calls :meth:`on_kill` from the handler of SIGTERM and kills the process some seconds later.
    """

    @cached_property
    def stop_flag(self) -> StopFlag:
        """What clients of this task look at."""
        return StopFlag()

    def on_kill(self) -> None:
        """Let the work end at the next boundary."""
        self.stop_flag.set()
