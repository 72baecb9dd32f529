"""The token store with a short timeout: a database that hangs must not prevent the message."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_lark.core.clock import SYSTEM_CLOCK
from airflow_provider_lark.core.errors import OutcomeUnknown, Unreachable
from airflow_provider_lark.notifications.within import run_within

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_provider_lark.core.accounts.account_store import Accounts
    from airflow_provider_lark.core.api.calls.budget.store import Decide, RateStore
    from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey
    from airflow_provider_lark.core.api.wire.secret import Secret

T = TypeVar("T")

STORE_SECONDS = 2.5
"""How long the database is waited for, all questions together; a healthy one answers within milliseconds."""


class QuickAccounts:
    """*accounts* for as long as they answer; after :data:`STORE_SECONDS` they count as down, and Lark is asked."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._left_seconds = STORE_SECONDS

    @property
    def engine(self) -> Engine:
        """The database, with its tables."""
        return self._ask(lambda: self._accounts.engine)

    def rate_store(self, host: str, app_id: str) -> RateStore:
        """Return where the app's rate limits are shared, for as long as it answers."""
        return _QuickRates(self._accounts.rate_store(host, app_id), self._ask)

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return what is kept."""
        return self._ask(partial(self._accounts.load, key))

    def save(self, key: TokenKey, token: StoredToken) -> None:
        """Keep *token*."""
        self._ask(partial(self._accounts.save, key, token))

    def drop(self, key: TokenKey, text: Secret) -> None:
        """Forget the token if it still is *text*."""
        self._ask(partial(self._accounts.drop, key, text))

    def claim(self, key: TokenKey, *, seconds: float) -> bool:
        """Take the right to renew."""
        return self._ask(partial(self._accounts.claim, key, seconds=seconds))

    def release(self, key: TokenKey) -> None:
        """Give the right back."""
        self._ask(partial(self._accounts.release, key))

    def _ask(self, function: Callable[[], T]) -> T:
        # the threads' own time: what takes too long is left, whatever else waits on
        began = SYSTEM_CLOCK.monotonic()
        try:
            return ask_database(function, self._left_seconds)
        finally:
            self._left_seconds -= SYSTEM_CLOCK.monotonic() - began


class _QuickRates:
    """*store* as *ask* asks it."""

    def __init__(self, store: RateStore, ask: Callable[[Callable[[], Any]], Any]) -> None:
        self._store, self._ask = store, ask

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        """Read entries, and write what *decide* makes of them."""
        found: T = self._ask(partial(self._store.visit, names, decide))
        return found


def ask_database(function: Callable[[], T], seconds: float) -> T:
    """Return what *function* returns, within *seconds*.

    :raises Unreachable: it took longer.
    """
    if seconds > 0:
        # what the database itself raises is none of these
        with suppress(OutcomeUnknown):
            return run_within(seconds, function)
    raise Unreachable("the database of store_conn_id does not respond; check its address, locks and load")
