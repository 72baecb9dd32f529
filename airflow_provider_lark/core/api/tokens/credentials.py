"""As whom a client calls: a self-built app, a store app in one tenant, or a user; and how Lark gives each its token.

=====================  ===========================================================================
self-built app         App ID and App Secret → tenant token
store app              … and the app ticket, which Lark pushes → app token → one tenant's token
user                   the refresh token of the authorisation, or of the last renewal → user token
=====================  ===========================================================================

Nothing is retried here: the call that needs the token is, and two loops would multiply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from airflow_provider_lark.core.api.codes import STALE_TOKEN_CODES
from airflow_provider_lark.core.api.tokens.app import App, TokenState
from airflow_provider_lark.core.api.tokens.token_answer import read_seconds, take_secret, take_token
from airflow_provider_lark.core.api.tokens.token_source import ASK_ONCE, Identity, TokenSource
from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey, TokenKind, TokenStore
from airflow_provider_lark.core.api.tokens.tolerant_store import StoreFailure, TolerantStore
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.flow import Flow, HttpRequest
from airflow_provider_lark.core.api.wire.limits import APP_TICKET_SECONDS
from airflow_provider_lark.core.api.wire.routes import (
    OAUTH_TOKEN,
    RESEND_TICKET,
    STORE_APP_TOKEN,
    STORE_TENANT_TOKEN,
    TENANT_TOKEN,
    Route,
)
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import NotAuthorized, ServerBusy

_NO_TICKET_CODES = frozenset({10012})
_STALE_APP_CODES = STALE_TOKEN_CODES | {10013}
_RESEND_PAUSE_SECONDS = 60.0
_AUTHORISE = "send the user to client.auth.authorize_url(…), then pass the code to client.auth.exchange_code(…)"


class Ask(Protocol):
    """Sends one request without a token of its own and returns the answer."""

    def __call__(self, route: Route, request: HttpRequest, *, subject: str) -> Flow[JsonObject]:
        """Send *request*."""
        ...


class Credentials:
    """Gives a session the tokens for its calls.

    :param ask: sends one request, once.
    :param on_secret: told every token before it is used.
    """

    def __init__(
        self,
        app: App,
        state: TokenState,
        store: TokenStore | None,
        ask: Ask,
        *,
        clock: Clock,
        on_secret: Callable[[str], None] | None = None,
    ) -> None:
        self._app = app
        self._state = state
        self._ask = ask
        self._clock = clock
        self._store = TolerantStore(store, state, on_secret=on_secret)
        self._source = TokenSource(self._store, state, clock)
        self._mark = app.app_secret.mark()
        self._caller = self._choose()

    def token(self) -> Flow[Secret]:
        """Return the token of the client's calls."""
        return (yield from self._source.token(self._caller))

    def drop(self, token: Secret) -> Flow[None]:
        """Forget *token*, which Lark refused."""
        yield from self._source.drop(self._caller, token)

    def keep_grant(self, open_id: str, grant: StoredToken) -> Flow[None]:
        """Keep what a user granted.

        :raises LarkError: the token store cannot take it.
        """
        key = self._key("user", open_id)
        yield from self._keep(key, grant)
        self._source.remember(key, grant)

    def keep_ticket(self, ticket: Secret) -> Flow[None]:
        """Keep the app ticket that Lark pushed.

        :raises LarkError: the token store cannot take it.
        """
        expires_at = self._clock.now() + APP_TICKET_SECONDS
        yield from self._keep(self._key("app_ticket"), StoredToken(ticket, expires_at))

    def resend_ticket(self, ask: Ask) -> Flow[None]:
        """Ask Lark to push the app ticket again."""
        self._state.ticket_asked_at = self._clock.monotonic()
        yield from ask(RESEND_TICKET, self._own(RESEND_TICKET), subject=self._subject)

    def take_grant(self, body: JsonObject) -> Flow[StoredToken]:
        """Take a user's token out of the answer to :meth:`oauth_request`.

        :raises UnexpectedAnswer: it has none.
        """
        grant = self._read_grant(body)
        yield from self._store.announce(grant)
        return grant

    def oauth_request(self, **members: str) -> HttpRequest:
        """Return the request that gets a user's token for *members*."""
        app = self._app
        return _post(OAUTH_TOKEN, client_id=app.app_id, client_secret=app.app_secret.reveal(), **members)

    def _choose(self) -> Identity:
        app = self._app
        if app.user is not None:
            return Identity(self._key("user", app.user), self._refresh, ASK_ONCE)
        if app.tenant_key is not None:
            return Identity(self._key("tenant", app.tenant_key), self._issue_in_tenant, secret_mark=self._mark)
        return Identity(self._key("tenant"), self._issue_self_built, secret_mark=self._mark)

    def _issue_self_built(self, _: StoredToken | None) -> Flow[StoredToken]:
        body = yield from self._ask(TENANT_TOKEN, self._own(TENANT_TOKEN), subject=self._subject)
        return self._read(body, "tenant_access_token", TENANT_TOKEN)

    def _issue_in_tenant(self, _: StoredToken | None) -> Flow[StoredToken]:
        app = Identity(self._key("app"), self._issue_store_app, secret_mark=self._mark)
        app_token = yield from self._source.token(app)
        try:
            return (yield from self._exchange_app_token(app_token))
        except NotAuthorized as error:
            if error.code not in _STALE_APP_CODES:
                raise
            yield from self._source.drop(app, app_token)
        app_token = yield from self._source.token(app)
        return (yield from self._exchange_app_token(app_token))

    def _exchange_app_token(self, app_token: Secret) -> Flow[StoredToken]:
        tenant_key = self._app.tenant_key or ""
        request = _post(STORE_TENANT_TOKEN, app_access_token=app_token.reveal(), tenant_key=tenant_key)
        body = yield from self._ask(STORE_TENANT_TOKEN, request, subject=f"tenant {tenant_key}, {self._subject}")
        return self._read(body, "tenant_access_token", STORE_TENANT_TOKEN)

    def _issue_store_app(self, _: StoredToken | None) -> Flow[StoredToken]:
        key = self._key("app_ticket")
        ticket = yield from self._store.load(key)
        if isinstance(ticket, StoreFailure):
            raise ticket.error
        if ticket is not None and ticket.expires_at > self._clock.now():
            request = self._own(STORE_APP_TOKEN, app_ticket=ticket.text.reveal())
            try:
                body = yield from self._ask(STORE_APP_TOKEN, request, subject=self._subject)
                return self._read(body, "app_access_token", STORE_APP_TOKEN)
            except NotAuthorized as error:
                if error.code not in _NO_TICKET_CODES:
                    raise
                yield from self._store.drop(key, ticket.text)
        # outside the except block: that Lark refuses an old ticket is no cause, it is how one learns of its end
        now = self._clock.monotonic()
        if now - self._state.ticket_asked_at >= _RESEND_PAUSE_SECONDS:
            yield from self.resend_ticket(self._ask)
        raise ServerBusy(
            f"{self._subject}: no valid app ticket. A new one was requested from Lark: receive the app_ticket event, "
            "pass it to client.auth.keep_app_ticket, and let all workers share one token store"
        )

    def _refresh(self, found: StoredToken | None) -> Flow[StoredToken]:
        user = self._app.user
        if found is None:
            raise NotAuthorized(f"{self._subject}: the user {user} has not authorised the app; {_AUTHORISE}")
        if found.refresh is None:
            raise NotAuthorized(
                f"{self._subject}: the token of user {user} has expired and cannot be renewed because the scope "
                f"offline_access was not granted; {_AUTHORISE}"
            )
        if found.refresh_expires_at is not None and found.refresh_expires_at <= self._clock.now():
            raise NotAuthorized(f"{self._subject}: the authorisation of user {user} has expired; {_AUTHORISE}")
        request = self.oauth_request(grant_type="refresh_token", refresh_token=found.refresh.reveal())
        body = yield from self._ask(OAUTH_TOKEN, request, subject=f"user {user}, {self._subject}")
        return self._read_grant(body)

    def _read_grant(self, body: JsonObject) -> StoredToken:
        refresh = take_secret(body, "refresh_token")
        text = take_token(body, "access_token", endpoint=OAUTH_TOKEN.endpoint)
        now = self._clock.now()
        seconds = read_seconds(body, "expires_in", endpoint=OAUTH_TOKEN.endpoint)
        refresh_expires_at = None
        if refresh is not None and "refresh_token_expires_in" in body:
            refresh_expires_at = now + read_seconds(body, "refresh_token_expires_in", endpoint=OAUTH_TOKEN.endpoint)
        scopes = tuple(str(body.get("scope") or "").split())
        return StoredToken(text, now + seconds, refresh, refresh_expires_at, scopes)

    def _keep(self, key: TokenKey, token: StoredToken) -> Flow[None]:
        failure = yield from self._store.save(key, token)
        if failure is not None:
            raise failure.error

    def _read(self, body: JsonObject, name: str, route: Route) -> StoredToken:
        token = take_token(body, name, endpoint=route.endpoint)
        seconds = read_seconds(body, "expire", endpoint=route.endpoint)
        return StoredToken(token, self._clock.now() + seconds, secret_mark=self._mark)

    def _own(self, route: Route, **members: str) -> HttpRequest:
        app = self._app
        return _post(route, app_id=app.app_id, app_secret=app.app_secret.reveal(), **members)

    def _key(self, kind: TokenKind, subject: str = "") -> TokenKey:
        return TokenKey(self._app.host, self._app.app_id, kind, subject)

    @property
    def _subject(self) -> str:
        return f"App ID {self._app.app_id} at {self._app.host}"


def _post(route: Route, **members: str) -> HttpRequest:
    return HttpRequest(route.method, route.path({}), json=members, endpoint=route.endpoint)
