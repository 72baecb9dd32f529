"""Getting a token: from this process, from the store, or from Lark, by one worker at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from airflow_provider_lark.core.api.tokens.app import TokenState
from airflow_provider_lark.core.api.tokens.token_cache import POLL_SECONDS, CacheMiss, TokenCache
from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey
from airflow_provider_lark.core.api.tokens.tolerant_store import StoreFailure, TolerantStore
from airflow_provider_lark.core.api.wire.flow import Flow, Wait
from airflow_provider_lark.core.api.wire.limits import TOKEN_MARGIN_SECONDS
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError, OutcomeUnknown, RetriableError, ServerBusy

_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.05, 1.0
# waits between two looks into the store, doubling


@dataclass(frozen=True, slots=True)
class RenewalTimes:
    """How long one worker may renew, and how long others wait for it.

    :param claim_seconds: longer than a request can take; a worker that died holds up the others so long.
    :param wait_seconds: after that the token is asked for without the right to.
    """

    claim_seconds: float
    wait_seconds: float


ASK_TWICE = RenewalTimes(claim_seconds=30.0, wait_seconds=5.0)
"""For tokens that may be asked for at any time: a second request costs a call."""

ASK_ONCE = RenewalTimes(claim_seconds=90.0, wait_seconds=100.0)
"""For a user's: a refresh token that is sent twice ends the user's authorisation."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom calls are made.

    :param issue: asks Lark for a token; is given what was kept.
    :param secret_mark: tells with which App Secret; a stored token of another is not used.
    """

    key: TokenKey
    issue: Callable[[StoredToken | None], Flow[StoredToken]]
    renewal: RenewalTimes = ASK_TWICE
    secret_mark: str = ""

    @property
    def is_chained(self) -> bool:
        """Whether each token is got with the one before, so not without the store."""
        return self.renewal is ASK_ONCE


class TokenSource:
    """Gives the tokens of one client's app."""

    def __init__(self, store: TolerantStore, state: TokenState, clock: Clock) -> None:
        self._store = store
        self._state = state
        self._clock = clock

    def token(self, identity: Identity) -> Flow[Secret]:
        """Return a valid token.

        :raises LarkError: Lark gives none; no :class:`.OutcomeUnknown`, because nothing but a token was asked for.
        """
        token = yield from self._take(identity)
        # one from the cache may be of a client that tells nobody
        yield from self._store.tell(token)
        return token

    def _take(self, identity: Identity) -> Flow[Secret]:
        cache = self._state.cache(identity.key)
        while True:
            claim = cache.claim(self._clock.monotonic())
            if isinstance(claim, Secret):
                return claim
            if claim is CacheMiss.FETCH:
                return (yield from self._fill(cache, identity))
            yield Wait(POLL_SECONDS)

    def _fill(self, cache: TokenCache, identity: Identity) -> Flow[Secret]:
        try:
            token = yield from self._renew(identity, can_wait=cache.peek(self._clock.monotonic()) is None)
            self.remember(identity.key, token)
            return token.text
        except RetriableError as error:
            # it is renewed some minutes before its end, so that a failure then harms nobody
            valid = cache.peek(self._clock.monotonic())
            if valid is not None:
                return valid
            if isinstance(error, OutcomeUnknown):
                raise ServerBusy(error.message, endpoint=error.endpoint) from error
            raise
        finally:
            # also when the call is cancelled: others must not wait for a token that nobody fetches
            cache.give_up()

    def remember(self, key: TokenKey, token: StoredToken) -> None:
        """Use *token* in this process from now on."""
        self._state.cache(key).store(
            token.text, asked_at=self._clock.monotonic(), expire_seconds=token.expires_at - self._clock.now()
        )

    def drop(self, identity: Identity, token: Secret) -> Flow[None]:
        """Forget *token*, which Lark refused, here and in the store."""
        self._state.cache(identity.key).drop(token)
        yield from self._store.drop(identity.key, token)

    def _renew(self, identity: Identity, *, can_wait: bool) -> Flow[StoredToken]:
        key, renewal = identity.key, identity.renewal
        waited, pause, is_mine = 0.0, _FIRST_LOOK_SECONDS, False
        while True:
            found = yield from self._store.load(key)
            if isinstance(found, StoreFailure):
                return (yield from self._do_without(identity, found))
            if self._is_usable(found, identity):
                break
            # a look after the claim: another worker may have renewed it between the first look and that
            if is_mine or waited > renewal.wait_seconds:
                return (yield from self._issue(identity, found, is_mine=is_mine))
            claim = yield from self._store.claim(key, seconds=renewal.claim_seconds)
            if isinstance(claim, StoreFailure):
                return (yield from self._do_without(identity, claim))
            is_mine = claim
            if not is_mine:
                if not can_wait:
                    raise ServerBusy(f"another worker is renewing the {key}")
                yield Wait(pause)
                waited, pause = waited + pause, min(pause * 2, _LONGEST_LOOK_SECONDS)
        if is_mine:
            yield from self._store.release(key)
        return found

    def _is_usable(self, found: StoredToken | None, identity: Identity) -> TypeGuard[StoredToken]:
        return (
            found is not None
            and found.secret_mark == identity.secret_mark
            and found.expires_at - self._clock.now() > TOKEN_MARGIN_SECONDS
        )

    def _issue(self, identity: Identity, found: StoredToken | None, *, is_mine: bool) -> Flow[StoredToken]:
        if identity.is_chained and not is_mine:
            raise ServerBusy(
                f"another worker has been renewing the {identity.key} for too long; check for a stuck worker"
            )
        try:
            token = yield from identity.issue(found)
        except LarkError:
            if is_mine:
                yield from self._store.release(identity.key)
            raise
        yield from self._store.save(identity.key, token)
        return token

    def _do_without(self, identity: Identity, failure: StoreFailure) -> Flow[StoredToken]:
        if identity.is_chained:
            raise failure.error
        token = yield from identity.issue(None)
        yield from self._store.announce(token)
        return token
