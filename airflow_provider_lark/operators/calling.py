"""What every operator that calls Lark shares: how its calls go, and how they end when Airflow kills the task.

It ends between two calls to Lark, all noted and all given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.hooks.parameters import CALL_FIELDS, refuse_open_password

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.calls.settings import CallRetry


class CallingOperator(BaseOperator):
    """Calls Lark, and stops before its next call when its task is killed.

    Airflow calls :meth:`on_kill` from the handler of SIGTERM and kills the process some seconds later.

    :param timeout_seconds: how long one call may take, up to 600; default: as the connection says.
    :param proxy: address of a proxy, ``http://proxy.example:3128``; default: as the connection says. One with a
        password comes from a template, such as ``{{ conn.my_proxy.get_uri() }}``.
    :param call_retry: what is sent again within a try of the task, how often and when: a :class:`.RetryPolicy`, or some
        of its members by name, the others as the connection says: ``{"max_attempts": 2}``.
    """

    template_fields: Sequence[str] = CALL_FIELDS

    def __init__(
        self,
        *,
        timeout_seconds: float | str | None = None,
        proxy: str | None = None,
        call_retry: CallRetry = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_open_password(proxy)
        self.timeout_seconds = timeout_seconds
        self.proxy = proxy
        self.call_retry = call_retry

    @property
    def call_settings(self) -> dict[str, Any]:
        """What a hook of this task is made with."""
        return {name: getattr(self, name) for name in CALL_FIELDS}

    @cached_property
    def stop_flag(self) -> StopFlag:
        """What clients of this task look at."""
        return StopFlag()

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be written; see :class:`.DryRunOperator`."""
        return False

    def on_kill(self) -> None:
        """Let the work end at the next boundary."""
        self.stop_flag.set()
