"""What a client was made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_provider_lark.core.api.calls.budget.store import RateStore
from airflow_provider_lark.core.api.calls.call_log import CallObserver
from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.api.tokens.app import App
from airflow_provider_lark.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session is made of.

    :param new_token: makes a client_token, a UUID of version 4.
    :param jitter: makes a random number in [0, 1).
    :param rate_share: the part of Lark's quota to use; None: do not pace.
    :param rate_store: where other processes of the app tell what they use of it; None: they are not known of.
    :param on_secret: told every token before it is used.
    :param stop: once it is set, no further call begins.
    :param observer: told of every request.
    """

    app: App
    clock: Clock
    new_token: Callable[[], str]
    jitter: Callable[[], float]
    policy: RetryPolicy
    rate_share: float | None
    rate_store: RateStore | None = None
    on_secret: Callable[[str], None] | None = None
    stop: StopFlag = field(default_factory=StopFlag)
    observer: CallObserver | None = None
