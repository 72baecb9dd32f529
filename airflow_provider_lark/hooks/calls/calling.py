"""What both hooks share: their calls go as the connection says, or the task."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Protocol

from airflow.sdk import BaseHook

from airflow_provider_lark.core.api.retry import RetryPolicy, make_policy
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.hooks.calls.settings import CallRetry, CallSettings, read_policy


class WaySettings(Protocol):
    """What a connection says of calls."""

    @property
    def timeout_seconds(self) -> float: ...  # noqa: D102
    @property
    def max_attempts(self) -> int | None: ...  # noqa: D102
    @property
    def max_elapsed_seconds(self) -> float | None: ...  # noqa: D102
    @property
    def proxy(self) -> Secret | None: ...  # noqa: D102
    @property
    def ca_bundle(self) -> str | None: ...  # noqa: D102


class CallingHook(BaseHook):
    """Makes clients.

    :param timeout_seconds: how long one call may take, up to 600; default: as the connection says.
    :param proxy: address of a proxy, with or without user and password; default: as the connection says.
    :param call_retry: what is sent again, how often and when: a :class:`.RetryPolicy`, or some of its members by name,
        the others as the connection says.
    :raises ConfigError: one of them is impossible.
    """

    clock: ClassVar[Clock] = SYSTEM_CLOCK
    """The time of hooks and of all that stands on them; a test gives the class another one, and nobody waits."""

    def __init__(
        self,
        *,
        timeout_seconds: float | str | None = None,
        proxy: str | None = None,
        call_retry: CallRetry = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.calls = CallSettings.read(timeout_seconds=timeout_seconds, proxy=proxy, call_retry=call_retry)

    @property
    @abstractmethod
    def settings(self) -> WaySettings:
        """What the connection says."""

    def retry_policy(self, usual: RetryPolicy | None = None) -> RetryPolicy:
        """Return how patient clients are: as the task says, else the connection, else *usual*."""
        said = self.settings
        kept = make_policy(usual, max_attempts=said.max_attempts, max_elapsed_seconds=said.max_elapsed_seconds)
        return read_policy(self.calls.retry, kept)

    def _way_options(self) -> dict[str, Any]:
        """Return the options of a client that say how its calls go."""
        said, given = self.settings, self.calls
        proxy = given.proxy or said.proxy
        return {
            "timeout_seconds": given.timeout_seconds or said.timeout_seconds,
            "proxy": None if proxy is None else proxy.reveal(),
            "verify": said.ca_bundle or True,
            "retry": self.retry_policy(),
            "clock": self.clock,
        }
