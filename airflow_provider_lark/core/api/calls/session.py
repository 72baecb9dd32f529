"""One call from beginning to end: pace, token, send, read, retry.  Knows no socket; the clock is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Protocol, TypeVar

from airflow_provider_lark.core.api.calls.app_state import AppState
from airflow_provider_lark.core.api.calls.call_log import CallLog
from airflow_provider_lark.core.api.calls.guards import Guards
from airflow_provider_lark.core.api.calls.locks import (
    FIRST_LOOK_SECONDS,
    LOCKS,
    LONGEST_LOOK_SECONDS,
    LONGEST_WAIT_SECONDS,
)
from airflow_provider_lark.core.api.calls.memory import ChatNameCache, SentMessages
from airflow_provider_lark.core.api.calls.pacing import Pacer
from airflow_provider_lark.core.api.calls.ratelimit import Lane
from airflow_provider_lark.core.api.calls.resend import (
    FRESH_SECONDS,
    decide_retry,
    hides_doubt,
    in_doubt_because,
    log_retry,
)
from airflow_provider_lark.core.api.calls.settings import Settings
from airflow_provider_lark.core.api.codes import STALE_TOKEN_CODES
from airflow_provider_lark.core.api.retry import current
from airflow_provider_lark.core.api.tokens.credentials import Credentials
from airflow_provider_lark.core.api.tokens.token_store import TokenStore
from airflow_provider_lark.core.api.wire.answers import JsonObject, demand, read_answer, read_file
from airflow_provider_lark.core.api.wire.flow import Flow, HttpRequest, HttpResponse, Multipart, Wait, send
from airflow_provider_lark.core.api.wire.query import QueryValue, write_query
from airflow_provider_lark.core.api.wire.routes import Effect, Route
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import (
    LarkError,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerFailed,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_GONE = HttpResponse(200, {}, b'{"code":0}')


class AnswerReader(Protocol[T_co]):
    """Makes of an answer what the caller wants, or raises."""

    def __call__(self, response: HttpResponse, *, request: HttpRequest, subject: str, is_write: bool) -> T_co:
        """Read *response*."""
        ...


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    """A call as it goes through the session.

    :param app_token: the base, where there is one: what was just created in it may not be found yet.
    :param lane: what has a pace of its own, such as the chat that is written to.
    :param is_own: sent with the client's own token, else with *bearer* or none.
    """

    route: Route
    request: HttpRequest
    subject: str
    effect: Effect
    read: AnswerReader[T]
    app_token: str = ""
    lane: Lane | None = None
    is_own: bool = True
    bearer: Secret | None = None


class Session:
    """Makes calls for one app; the namespaces go through it."""

    def __init__(self, settings: Settings, state: AppState, token_store: TokenStore | None = None) -> None:
        self.settings = settings
        self.calls = CallLog(settings.observer)
        self.server_offset_ms: int | None = None
        self._state = state
        self.credentials = Credentials(
            settings.app, state.tokens, token_store, self.ask_once, clock=settings.clock, on_secret=settings.on_secret
        )
        self._pacer = Pacer(settings, state.limiter, state.budget, self.calls)
        self._created_at: dict[str, float] = {}
        self._is_open = True
        self.guards = Guards()
        state.budget.join()

    def call(
        self,
        route: Route,
        ids: Mapping[str, str] | None = None,
        *,
        path: str | None = None,
        query: Mapping[str, QueryValue] | None = None,
        json: Any = None,
        multipart: Multipart | None = None,
        client_token: str | None = None,
        effect: Effect | None = None,
        subject: str | None = None,
        lane: Lane | None = None,
    ) -> Flow[JsonObject]:
        """Call *route* and return the answer's JSON object.

        :param ids: what stands in the path.
        :param path: the path itself, for a route that is known by nothing else.
        :param query: members that are None are left out.
        :param client_token: makes a create repeatable: Lark carries equal requests under one token out once.
        :param effect: what a second sending does, where that is not the route's.
        :param subject: on what the call works, for errors; default: the ids.
        :param lane: what has a pace of its own beside the route's.
        """
        ids = ids or {}
        token = {} if client_token is None else {"client_token": client_token}
        request = HttpRequest(
            method=route.method,
            path=path or route.path(ids),
            query=write_query({**(query or {}), **token}, endpoint=route.endpoint),
            json=json,
            endpoint=route.endpoint,
            multipart=multipart,
        )
        effect = effect or ("replayable" if client_token is not None else route.effect)
        call = _Call(route, request, subject or describe(ids), effect, read_answer, ids.get("app_token", ""), lane)
        return (yield from self._persist(call))

    def fetch(
        self,
        route: Route,
        ids: Mapping[str, str],
        *,
        query: Mapping[str, QueryValue],
        headers: Mapping[str, str],
        subject: str,
    ) -> Flow[HttpResponse]:
        """Call *route* and return the answer as it came: a file, or a part of one."""
        request = HttpRequest(
            method=route.method,
            path=route.path(ids),
            query=write_query(query, endpoint=route.endpoint),
            endpoint=route.endpoint,
            headers=headers,
        )
        return (yield from self._persist(_Call(route, request, subject, route.effect, read_file)))

    def ask(
        self, route: Route, request: HttpRequest, *, subject: str, bearer: Secret | None = None
    ) -> Flow[JsonObject]:
        """Send *request* with *bearer* or without a token, and again as any call.

        It takes the request whole: a body in a variable would show in a traceback with locals.
        """
        call = _Call(route, request, subject, route.effect, read_answer, is_own=False, bearer=bearer)
        return (yield from self._persist(call))

    def ask_once(self, route: Route, request: HttpRequest, *, subject: str) -> Flow[JsonObject]:
        """Send *request* without a token, once."""
        return (yield from self._exchange(_Call(route, request, subject, route.effect, read_answer), None))

    @property
    def wiki_bases(self) -> dict[str, str]:
        """The app_token behind each wiki node that was looked up in this process."""
        return self._state.wiki_bases

    @property
    def chat_names(self) -> ChatNameCache:
        """The names of chats that this process knows."""
        return self._state.chat_names

    @property
    def sent(self) -> SentMessages:
        """The messages that this process sent last."""
        return self._state.sent

    def note_creation(self, app_token: str) -> None:
        """Remember that something was just created in a base: for some seconds Lark may not find it."""
        self._created_at[app_token] = self.settings.clock.monotonic()

    def close(self) -> Flow[None]:
        """Give back what others can use; never fails."""
        store, was_open, self._is_open = self.settings.rate_store, self._is_open, False
        if was_open:
            yield from self._state.budget.leave(store, self.settings.clock)

    def _persist(self, call: _Call[T]) -> Flow[T]:
        route, effect = call.route, call.effect
        clock, policy = self.settings.clock, current(self.settings.policy)
        began = clock.monotonic()
        # between two calls and not between two attempts: what the first one did may be unknown until the second
        self.settings.stop.check()
        attempt, wait_seconds, in_doubt, unanswered = 0, 0.0, False, False
        while True:
            attempt += 1
            try:
                if wait_seconds:
                    yield Wait(wait_seconds)
                return (yield from self._attempt(call))
            except LarkError as error:
                in_doubt |= effect != "read" and isinstance(error, OutcomeUnknown)
                unanswered |= isinstance(error, OutcomeUnknown) and not isinstance(error, ServerFailed)
                if in_doubt and route.method == "DELETE" and isinstance(error, NotFound):
                    # it is gone, and most likely because of us
                    return call.read(_GONE, request=call.request, subject=call.subject, is_write=True)
                decision = decide_retry(
                    effect,
                    error,
                    attempt=attempt,
                    elapsed_seconds=clock.monotonic() - began,
                    jitter=self.settings.jitter(),
                    policy=policy,
                    endpoint=route.endpoint,
                    is_fresh=clock.monotonic() - self._created_at.get(call.app_token, -FRESH_SECONDS) < FRESH_SECONDS,
                )
                if decision.wait_seconds is None:
                    if attempt > 1:
                        error.add_note(f"gave up after attempt {attempt}: {decision.reason}")
                    if in_doubt and hides_doubt(error, effect, unanswered=unanswered):
                        raise in_doubt_because(error) from error
                    raise
                wait_seconds = decision.wait_seconds
                self.calls.add_wait(route, wait_seconds, error)
                log_retry(route.endpoint, error, attempt, wait_seconds)

    def _attempt(self, call: _Call[T]) -> Flow[T]:
        with self._pacer.places() as taken:
            yield from self._pacer.wait(call.route, call.lane, taken, subject=call.subject)
            if not call.is_own:
                return (yield from self._exchange(call, call.bearer))
            token = yield from self.credentials.token()
            try:
                return (yield from self._exchange(call, token))
            except NotAuthorized as error:
                if error.code not in STALE_TOKEN_CODES:
                    raise
                yield from self.credentials.drop(token)
        # outside the except block, or a second refusal would be shown as caused by the first
        with self._pacer.places() as taken:
            yield from self._pacer.wait(call.route, call.lane, taken, subject=call.subject)
            token = yield from self.credentials.token()
            return (yield from self._exchange(call, token))

    def _exchange(self, call: _Call[T], token: Secret | None) -> Flow[T]:
        if not call.app_token or call.effect == "read":
            return (yield from self._send(call, token))
        base = f"{self.settings.app.host} {call.app_token}"
        waited, pause = 0.0, FIRST_LOOK_SECONDS
        while (lock := LOCKS.acquire(base)) is None and waited < LONGEST_WAIT_SECONDS:
            yield Wait(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_LOOK_SECONDS)
        try:
            return (yield from self._send(call, token))
        finally:
            # also when the call is cancelled
            if lock is not None:
                LOCKS.release(base, lock)

    def _send(self, call: _Call[T], token: Secret | None) -> Flow[T]:
        route, request = call.route, call.request
        yield from self.guards.ask(request.path, call.effect)
        try:
            response = yield from send(request, token)
            self._note_server_time(response)
            answer = call.read(response, request=request, subject=call.subject, is_write=call.effect != "read")
            if isinstance(answer, dict) and route.gives:
                told = answer if route.is_flat else answer.get("data")
                demand(told, route.gives, subject=call.subject, endpoint=route.endpoint)
        except LarkError as error:
            self.calls.add(route, error)
            if isinstance(error, RateLimited):
                self._pacer.slow_down(route, call.lane, error)
            raise
        self.calls.add(route)
        return answer

    def _note_server_time(self, response: HttpResponse) -> None:
        try:
            server = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        if server.tzinfo is None:
            server = server.replace(tzinfo=UTC)
        # the header names the whole second that has begun
        self.server_offset_ms = round((server.timestamp() + 0.5 - self.settings.clock.now()) * 1000)


def describe(ids: Mapping[str, str]) -> str:
    """Say on what a call works: ``record rec… of table tbl… of base …``."""
    names = {"record_id": "record", "table_id": "table", "app_token": "base"}
    return " of ".join(f"{noun} {ids[name]}" for name, noun in names.items() if name in ids) or "Lark"
