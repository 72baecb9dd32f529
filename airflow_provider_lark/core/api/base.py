"""What both clients have in common; the drivers differ."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NoReturn
from uuid import uuid4

from airflow_provider_lark.core.api.calls.app_state import AppState, app_state
from airflow_provider_lark.core.api.calls.budget.store import RateStore
from airflow_provider_lark.core.api.calls.call_log import CallLog, CallObserver
from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.api.calls.session import Session
from airflow_provider_lark.core.api.calls.settings import Settings
from airflow_provider_lark.core.api.http.host import FEISHU_HOST, normalize_host
from airflow_provider_lark.core.api.http.transport import Transport
from airflow_provider_lark.core.api.retry import RetryPolicy, make_policy
from airflow_provider_lark.core.api.services.openapi import OpenApi
from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.api.tokens.app import App
from airflow_provider_lark.core.api.tokens.token_store import TokenStore
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.core.errors import ConfigError

_CREDENTIALS_PAGE = "copy it from the app's credentials page in the developer console"
_WHERE = {
    "App ID": _CREDENTIALS_PAGE,
    "App Secret": _CREDENTIALS_PAGE,
    "tenant_key": "leave it out, or give the tenant_key of the tenant that installed the store app",
    "user": "leave it out, or give the open_id of a user who has authorised the app",
}


def _random_token() -> str:
    return str(uuid4())


class BaseClient(OpenApi):
    """A client of one Lark app.

    :param app_id: ``cli_…`` from the developer console.
    :param app_secret: its secret; shown nowhere.
    :param host: with scheme; Feishu by default, ``https://open.larksuite.com`` for Lark, or your own.
    :param timeout_seconds: for connecting (at most 10 s) and for each wait on the socket.
    :param proxy: a proxy's address; default: the environment's (``HTTPS_PROXY``…), except for this machine.
    :param verify: False, or the path of a CA bundle, for hosts whose certificate no public CA has signed.
    :param clock: the time; a client with its own shares neither token nor pace with others of the process.
    :param new_token: makes the client_token of a create for which the caller gives none; a UUID of version 4.
    :param jitter: makes the random number in [0, 1) that spreads retries.
    :param retry: what is sent again, how often and when; default: what is safe, 6 times within 180 seconds.
    :param max_attempts: how often one request is sent at most; wins over that of *retry*.
    :param max_elapsed_seconds: how long one request is retried at most; wins over that of *retry*.
    :param rate_share: the part of Lark's quota that this process may use; None: do not pace.
    :param rate_store: shares the quota with the other processes of the app; without one, each has all of it.
    :param token_store: keeps tokens for other processes too; without one each process asks Lark for its own.
    :param tenant_key: of a store (ISV) app: the tenant in which it acts; a self-built app has none.
    :param user: the open_id of a user who has authorised the app (see :class:`.Auth`): calls are made as this user.
    :param on_secret: told every token before it is used, so that it can be kept out of logs; it may block.
    :param stop: once it is set, no further call begins, and :class:`.Stopped` is raised instead.
    :param observer: told of every request, and of every wait for a rate limit.
    :param base_v3: let a sync read whole tables by base/v3, in pages of 2,000, and by v1 what that does not show; what
        is known of the tenant is the process's, or the given.
    :raises ConfigError: App ID, App Secret, host, proxy or CA bundle cannot be right.
    """

    def __init__(
        self,
        app_id: str,
        app_secret: str,
        host: str = FEISHU_HOST,
        *,
        timeout_seconds: float = 30.0,
        proxy: str | None = None,
        verify: bool | str = True,
        clock: Clock = SYSTEM_CLOCK,
        new_token: Callable[[], str] = _random_token,
        jitter: Callable[[], float] = random.random,
        retry: RetryPolicy | None = None,
        max_attempts: int | None = None,
        max_elapsed_seconds: float | None = None,
        rate_share: float | None = 1.0,
        rate_store: RateStore | None = None,
        token_store: TokenStore | None = None,
        tenant_key: str | None = None,
        user: str | None = None,
        on_secret: Callable[[str], None] | None = None,
        stop: StopFlag | None = None,
        observer: CallObserver | None = None,
        base_v3: bool | MatrixMemory = False,
    ) -> None:
        self._name = "unfinished"  # for the repr of a client that could not be made
        way = Secret(proxy) if proxy else None
        del proxy  # with its password, as the App Secret below: from here on no traceback with locals can show it
        secret = Secret(_given("App Secret", app_secret))
        del app_secret
        settings = Settings(
            app=App(
                app_id=_given("App ID", app_id),
                app_secret=secret,
                host=normalize_host(host),
                tenant_key=None if tenant_key is None else _given("tenant_key", tenant_key),
                user=None if user is None else _given("user", user),
            ),
            clock=clock,
            new_token=new_token,
            jitter=jitter,
            policy=make_policy(retry, max_attempts=max_attempts, max_elapsed_seconds=max_elapsed_seconds),
            rate_share=rate_share,
            rate_store=rate_store,
            on_secret=on_secret,
            stop=stop or StopFlag(),
            observer=observer,
        )
        app = settings.app
        shown = {name: getattr(app, name) for name in ("app_id", "host", "tenant_key", "user")}
        self._name = ", ".join(f"{name}={value!r}" for name, value in shown.items() if value is not None)
        is_own_time = clock is not SYSTEM_CLOCK
        state = AppState() if is_own_time else app_state(app)
        self._session = Session(settings, state, token_store)
        self._matrices = base_v3 if isinstance(base_v3, MatrixMemory) else state.matrices if base_v3 else None
        self._transport = Transport(app.host, timeout_seconds=timeout_seconds, proxy=way, verify=verify)
        self._clock = clock
        self._stop = stop
        self._open()

    def _open(self) -> None:
        raise NotImplementedError

    @property
    def calls(self) -> CallLog:
        """The requests sent by this client."""
        return self._session.calls

    def finishing(self) -> AbstractContextManager[None]:
        """Let the calls of a ``with`` be made although the client was told to stop: they save what was done before."""
        return self._session.settings.stop.finishing()

    def guarded(self, table_id: str, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Ask *check* before each write to a table is sent, each time that it is sent, as long as the block lasts.

        :param check: raises a :class:`.LarkError` where the write must not go; it may block.
        """
        return self._session.guards.added(table_id, check)

    @property
    def app_id(self) -> str:
        """The app as which this client calls."""
        return self._session.settings.app.app_id

    @property
    def known_as(self) -> frozenset[str]:
        """The open_id of the user for whom this client calls; empty where it is the app itself."""
        user = self._session.settings.app.user
        return frozenset() if user is None else frozenset({user})

    @property
    def server_offset_ms(self) -> int | None:
        """Lark's clock minus ours, to a second, from the newest answer; None before the first."""
        return self._session.server_offset_ms

    @property
    def matrices(self) -> MatrixMemory | None:
        """What this process knows of reading by base/v3; None: it is not to be used."""
        return self._matrices

    def websocket_options(self, url: Secret) -> dict[str, Any]:
        """Return the arguments of ``websockets.connect`` that say how a WebSocket goes: proxy and certificates.

        :raises ConfigError: the proxy speaks SOCKS, and ``python-socks`` is not installed.
        """
        return self._transport.websocket_options(url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a secret and open connections and cannot be pickled; create a new one instead")


def _given(name: str, value: str) -> str:
    # pasted values come with a line end
    text = (value or "").strip()
    if not text:
        raise ConfigError(f"{name} is empty: {_WHERE[name]}")
    return text
