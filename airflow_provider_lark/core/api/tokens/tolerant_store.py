"""A token store that may fail: an outage is logged once, and breaks no call that can do without the store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from airflow_provider_lark.core.api.tokens.app import TokenState
from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey, TokenStore
from airflow_provider_lark.core.api.wire.flow import Flow, blocking
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError, LarkError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """The store could not do what it was asked to."""

    error: LarkError


class TolerantStore:
    """The store of one client, or the memory of its process where it has none.

    :param state: what the clients of the app share: the memory, and what could not be stored yet.
    :param on_secret: told every token before it is used.
    """

    def __init__(
        self, store: TokenStore | None, state: TokenState, *, on_secret: Callable[[str], None] | None = None
    ) -> None:
        self._on_secret = on_secret
        self._told: set[Secret] = set()
        self._store = store or state.memory
        self._state = state
        self.is_shared = store is not None

    def load(self, key: TokenKey) -> Flow[StoredToken | StoreFailure | None]:
        """Return what is kept."""
        unsaved = self._state.unsaved.get(key)
        if unsaved is not None:
            yield from self.save(key, unsaved)
            return unsaved
        found = yield from self._attempt(lambda: self._store.load(key))
        if isinstance(found, StoredToken):
            yield from self.announce(found)
        return found

    def save(self, key: TokenKey, token: StoredToken) -> Flow[StoreFailure | None]:
        """Keep *token*; one with a refresh token stays in this process until the store has taken it."""
        yield from self.announce(token)
        failure = yield from self._attempt(lambda: self._store.save(key, token))
        if failure is None:
            self._take_back()
            self._state.unsaved.pop(key, None)
        elif token.refresh is not None:
            self._state.unsaved[key] = token
        return failure

    def announce(self, token: StoredToken) -> Flow[None]:
        """Tell who wants to know that there is a new secret."""
        for secret in (token.text, token.refresh):
            if secret is not None and secret.reveal():
                yield from self.tell(secret)

    def tell(self, secret: Secret) -> Flow[None]:
        """Tell of *secret*, once."""
        if self._on_secret is not None and secret not in self._told:
            yield from blocking(partial(_reveal_to, self._on_secret, secret))
            self._told.add(secret)

    def drop(self, key: TokenKey, text: Secret) -> Flow[StoreFailure | None]:
        """Forget a token that Lark refused."""
        unsaved = self._state.unsaved.get(key)
        if unsaved is not None and unsaved.text == text:
            self._state.unsaved[key] = replace(unsaved, text=Secret(""), expires_at=0.0)
        return (yield from self._attempt(lambda: self._store.drop(key, text)))

    def claim(self, key: TokenKey, *, seconds: float) -> Flow[bool | StoreFailure]:
        """Take the right to renew; within one process :mod:`.token_cache` gives it."""
        if not self.is_shared:
            return True
        return (yield from self._attempt(lambda: self._store.claim(key, seconds=seconds)))

    def release(self, key: TokenKey) -> Flow[StoreFailure | None]:
        """Give the right to renew back."""
        return (yield from self._attempt(lambda: self._store.release(key)))

    def _attempt(self, function: Callable[[], T]) -> Flow[T | StoreFailure]:
        if not self.is_shared:
            return function()
        result = yield from blocking(partial(_guarded, function))
        if isinstance(result, StoreFailure):
            self._tell(result.error.message)
        return result

    def _tell(self, failure: str) -> None:
        if failure != self._state.told_failure:
            self._state.told_failure = failure
            log.warning("continuing without the token store: %s", failure)

    def _take_back(self) -> None:
        # a look that succeeds proves little: a store that can be read only would be told again at each renewal
        if self._state.told_failure is not None:
            self._state.told_failure = None
            log.info("the token store is available again")


def _reveal_to(listener: Callable[[str], None], secret: Secret) -> None:
    listener(secret.reveal())


def _guarded(function: Callable[[], T]) -> T | StoreFailure:
    try:
        return function()
    except LarkError as error:
        return StoreFailure(error)
    except Exception as exc:  # noqa: BLE001 - anybody may write a store, and no call may fail for it
        # without the cause: a driver's text may quote what it was to store
        return StoreFailure(ConfigError(f"the token store failed with {type(exc).__name__}; check its database"))
