"""What a client was made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.api.secret import Secret
from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session is made of.

    :param new_token: makes a client_token, a UUID of version 4.
    :param jitter: makes a random number in [0, 1).
    :param rate_share: the part of Lark's quota to use; None: do not pace.
    :param tenant_key: of a store app: in which tenant it acts.
    :param user: the open_id of whom it acts for.
    :param on_secret: told every token before it is used.
    :param stop: once it is set, no further call begins.
    """

    app_id: str
    app_secret: Secret
    host: str
    clock: Clock
    new_token: Callable[[], str]
    jitter: Callable[[], float]
    policy: RetryPolicy
    rate_share: float | None
    tenant_key: str | None = None
    user: str | None = None
    on_secret: Callable[[str], None] | None = None
    stop: StopFlag = field(default_factory=StopFlag)
