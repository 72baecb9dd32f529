"""Signing in: users who let the app act for them, and the ticket of a store app: ``client.auth``."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlencode

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import data_of, pick
from airflow_provider_lark.core.api.wire.flow import Flow, HttpRequest
from airflow_provider_lark.core.api.wire.limits import OAUTH_SCOPES_MAX
from airflow_provider_lark.core.api.wire.results import UserGrant, UserInfo
from airflow_provider_lark.core.api.wire.routes import OAUTH_TOKEN, USER_INFO
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError

_ACCOUNTS = {
    "https://open.feishu.cn": "https://accounts.feishu.cn",
    "https://open.larksuite.com": "https://accounts.larksuite.com",
}
_AUTHORIZE_PATH = "/open-apis/authen/v1/authorize"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Auth(Namespace[D]):
    """The authorisation API.

    A user authorises once: send the browser to :meth:`authorize_url`; Lark sends it back to your *redirect_uri* with
    a code, which :meth:`exchange_code` turns into a token. From then on ``LarkClient(…, user=open_id)`` acts as this
    user, and renews the token by itself.
    """

    def authorize_url(
        self, *, redirect_uri: str, scopes: Sequence[str] = (), state: str, code_verifier: str | None = None
    ) -> str:
        """Return the address where a user lets the app act for them.

        :param redirect_uri: where Lark sends the browser; it has to be among those of the developer console.
        :param scopes: with ``offline_access`` the token can be renewed, without it ends after two hours.
        :param state: comes back with the code; compare it, or anybody can hand you a code.
        :param code_verifier: a random text that only you have (PKCE); :meth:`exchange_code` wants it again.
        :raises ConfigError: too many scopes, or a verifier that is too short.
        """
        verifier = None if code_verifier is None else Secret(code_verifier)
        del code_verifier
        if len(scopes) > OAUTH_SCOPES_MAX:
            raise ConfigError(f"scopes: at most {OAUTH_SCOPES_MAX} are allowed per authorisation, got {len(scopes)}")
        members = {
            "client_id": self.session.settings.app.app_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            **({"scope": " ".join(scopes)} if scopes else {}),
        }
        if verifier is not None:
            members |= {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
        host = self.session.settings.app.host
        return f"{_ACCOUNTS.get(host, host)}{_AUTHORIZE_PATH}?{urlencode(members)}"

    @ApiCall
    def exchange_code(self, *, code: str, redirect_uri: str, code_verifier: str | None = None) -> Flow[UserGrant]:
        """Turn the code of an authorisation into a token, keep it, and return who granted what.

        Never repeated once it was sent: Lark takes a code once, within 5 minutes.

        :param redirect_uri: the one of the authorisation.
        :raises NotAuthorized: the code is used up, too old, or of another authorisation.
        :raises LarkError: also when the token store cannot take the token: authorise again then.
        """
        members = {"code": Secret(code), "code_verifier": Secret(code_verifier or "")}
        del code, code_verifier
        session, credentials = self.session, self.session.credentials
        request = credentials.oauth_request(
            grant_type="authorization_code",
            redirect_uri=redirect_uri,
            **{name: secret.reveal() for name, secret in members.items() if secret.reveal()},
        )
        subject = f"authorisation of App ID {session.settings.app.app_id}"
        body = yield from session.ask(OAUTH_TOKEN, request, subject=subject)
        grant = yield from credentials.take_grant(body)
        lookup = HttpRequest(USER_INFO.method, USER_INFO.path({}), endpoint=USER_INFO.endpoint)
        info = _read_user((yield from session.ask(USER_INFO, lookup, subject=subject, bearer=grant.text)))
        yield from credentials.keep_grant(info.open_id, grant)
        return UserGrant(info.open_id, info.name, grant.scopes, grant.expires_at, grant.refresh_expires_at)

    @ApiCall
    def user_info(self) -> Flow[UserInfo]:
        """Return who the user of this client is.

        :raises ConfigError: the client was made without a user.
        """
        user = self.session.settings.app.user
        if user is None:
            raise ConfigError(
                "this client acts as the app, not as a user: create the client with `user`, the open_id of a user"
            )
        return _read_user((yield from self.session.call(USER_INFO, subject=f"user {user}")))

    @ApiCall
    def keep_app_ticket(self, ticket: str) -> Flow[None]:
        """Keep the ticket of a store app, from the event ``app_ticket`` that Lark pushes about once an hour.

        :raises LarkError: the token store cannot take it: let the event fail, and Lark pushes it again.
        """
        secret = Secret(ticket.strip())
        del ticket
        if not secret.reveal():
            raise ConfigError("the app ticket is empty: pass event.app_ticket of the app_ticket event")
        yield from self.session.credentials.keep_ticket(secret)

    @ApiCall
    def resend_app_ticket(self) -> Flow[None]:
        """Ask Lark to push the app ticket now.

        :raises NotAuthorized: the app is no store app.
        """
        yield from self.session.credentials.resend_ticket(self.session.ask)


def _challenge(verifier: Secret) -> str:
    if not _VERIFIER.fullmatch(verifier.reveal()):
        raise ConfigError(
            "code_verifier must be 43 to 128 characters: letters, digits and any of - . _ ~; use "
            "secrets.token_urlsafe(48)"
        )
    return base64.urlsafe_b64encode(sha256(verifier.reveal().encode()).digest()).rstrip(b"=").decode()


def _read_user(body: dict[str, object]) -> UserInfo:
    data = data_of(body)
    texts = {name: str(data.get(name) or "") for name in ("name", "en_name", "email", "enterprise_email", "tenant_key")}
    return UserInfo(
        open_id=pick(data, "open_id", str, endpoint=USER_INFO.endpoint),
        union_id=data.get("union_id"),
        user_id=data.get("user_id"),
        **texts,
    )
