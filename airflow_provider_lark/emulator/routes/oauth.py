"""Login of people: consent, user tokens, their renewal, who it is (lark-api §1.3)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.router import Route
from airflow_provider_lark.emulator.state.accounts import App
from airflow_provider_lark.emulator.state.grants import Challenge, Code, Granted
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.directory import User
from airflow_provider_lark.emulator.wire import Flat, Raw, Request

MAX_SCOPES: Final = 50


def _app(state: State, client_id: object) -> App:
    app = state.apps.get(client_id) if isinstance(client_id, str) else None
    if app is None:
        raise ApiError(20048, "the client_id does not exist")
    if not app.is_enabled:
        raise ApiError(20069, "the app is disabled")
    if app.kind == "store" and state.tenant_key not in app.tenants:
        raise ApiError(20009, "the tenant has not installed the app")
    return app


def _user(state: State, app: App, open_id: str) -> User:
    user = state.directory.find_person(open_id, "open_id")
    if user is None:
        raise ApiError(20008, "no person has this open_id: see the switch login_as")
    if state.directory.is_resigned(user):
        raise ApiError(20066, "the person left")
    if not app.serves(open_id):
        raise ApiError(20010, "the app is not available to the person")
    return user


def _scopes(app: App, given: str) -> tuple[str, ...]:
    scopes = tuple(given.split())
    if len(set(scopes)) < len(scopes):
        raise ApiError(20067, "a scope is requested twice")
    if len(scopes) > MAX_SCOPES:
        raise ApiError(20068, f"a request may have at most {MAX_SCOPES} scopes")
    # offline_access is no API's scope and needs no grant to the app
    foreign = [] if app.scopes is None else sorted(set(scopes) - app.scopes - {"offline_access"})
    if foreign:
        raise ApiError(20068, f"the app has no scope {foreign[0]}")
    return scopes


def _challenge(query: dict[str, str]) -> Challenge | None:
    text, method = query.get("code_challenge", ""), query.get("code_challenge_method", "plain")
    if method not in {"S256", "plain"}:
        raise ApiError(20063, "code_challenge_method must be S256 or plain")
    return Challenge(text, method) if text else None


def authorize(state: State, request: Request) -> Raw:
    """The login page, answered at once by the emulated person: a redirect with ``code`` and ``state``."""
    query = request.query
    missing = [name for name in ("client_id", "redirect_uri") if not query.get(name)]
    if missing or query.get("response_type") != "code":
        raise ApiError(20001, f"missing or wrong: {[*missing, 'response_type'][0]}")
    app = _app(state, query["client_id"])
    redirect_uri = query["redirect_uri"]
    if app.redirect_uris is not None and redirect_uri not in app.redirect_uris:
        raise ApiError(20071, "the app's settings do not list this redirect_uri")
    user = _user(state, app, state.switches.login_as or state.person.open_id)
    scopes, challenge = _scopes(app, query.get("scope", "")), _challenge(query)
    if state.switches.login_denied:
        told = {"error": "access_denied"}
    else:
        told = {"code": state.grants.consent(app.app_id, user.open_id, scopes, redirect_uri, challenge)}
    if "state" in query:
        told["state"] = query["state"]
    return Raw(b"", {"Location": f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(told)}"}, 302)


def _text(body: dict[str, Any], name: str) -> str:
    given = body.get(name)
    if not isinstance(given, str) or not given:
        raise ApiError(20001, f"{name} is missing")
    return given


def _client(state: State, request: Request, body: dict[str, Any]) -> App:
    if "authorization" in request.headers:
        raise ApiError(20070, "client_id and client_secret in the body are enough")
    app = _app(state, _text(body, "client_id"))
    if app.app_secret != _text(body, "client_secret"):
        raise ApiError(20002, "wrong client_secret")
    return app


def _fewer(held: tuple[str, ...], given: object) -> tuple[str, ...]:
    """The scopes asked for, out of those that the person granted."""
    if not given:
        return held
    scopes = tuple(given.split()) if isinstance(given, str) else ("",)
    if not set(scopes) <= set(held):
        raise ApiError(20068, "scope contains more than the person granted")
    return scopes


def oauth_token(state: State, request: Request) -> Flat:
    """A user token for a code or for a refresh token."""
    try:
        body = request.json()
    except ApiError as exc:
        raise ApiError(20063, "the body must be a JSON object") from exc
    grant_type = _text(body, "grant_type")
    if grant_type not in {"authorization_code", "refresh_token"}:
        raise ApiError(20036, "grant_type must be authorization_code or refresh_token")
    app = _client(state, request, body)
    if grant_type == "refresh_token":
        return _flat(_renew(state, app, body))
    code = state.grants.find_code(app.app_id, _text(body, "code"))
    if body.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        raise ApiError(20071, "redirect_uri differs from that of the login")
    _check_verifier(code, body.get("code_verifier"))
    return _flat(state.grants.hand_out(code, _fewer(code.scopes, body.get("scope"))))


def _check_verifier(code: Code, verifier: object) -> None:
    if code.challenge is None and verifier is None:
        return
    if code.challenge is None or not isinstance(verifier, str) or not code.challenge.fits(verifier):
        raise ApiError(20049, "code_verifier does not match the code_challenge of the login")


def _renew(state: State, app: App, body: dict[str, Any]) -> Granted:
    text = _text(body, "refresh_token")
    if not state.switches.refresh_enabled:
        raise ApiError(20074, "refresh tokens are disabled in the app's settings")
    refresh = state.grants.find_refresh(app.app_id, text)
    _user(state, app, refresh.open_id)
    return state.grants.hand_out(refresh, _fewer(refresh.scopes, body.get("scope")))


def _flat(granted: Granted) -> Flat:
    members: dict[str, Any] = {
        "access_token": granted.access_token,
        "expires_in": granted.expires_in,
        "scope": " ".join(granted.scopes),
        "token_type": "Bearer",
    }
    if granted.refresh_token is not None:
        members["refresh_token"] = granted.refresh_token
        members["refresh_token_expires_in"] = granted.refresh_expires_in
    return Flat(members)


def _older(granted: Granted) -> dict[str, Any]:
    return {
        "access_token": granted.access_token,
        "expires_in": granted.expires_in,
        "refresh_token": granted.refresh_token,
        "refresh_expires_in": granted.refresh_expires_in,
        "token_type": "Bearer",
        "scope": " ".join(granted.scopes),
    }


def oidc_token(state: State, request: Request) -> dict[str, Any]:
    """The older exchange of a code, with the app token as the client's proof."""
    body = request.json()
    if _text(body, "grant_type") != "authorization_code":
        raise ApiError(20036, "grant_type must be authorization_code")
    code = state.grants.find_code(request.caller.app_id, _text(body, "code"))
    _check_verifier(code, None)
    return _older(state.grants.hand_out(code, code.scopes, form="u-", always_refresh=True))


def oidc_refresh(state: State, request: Request) -> dict[str, Any]:
    """The older renewal."""
    body = request.json()
    if _text(body, "grant_type") != "refresh_token":
        raise ApiError(20036, "grant_type must be refresh_token")
    refresh = state.grants.find_refresh(request.caller.app_id, _text(body, "refresh_token"))
    _user(state, request.caller, refresh.open_id)
    return _older(state.grants.hand_out(refresh, refresh.scopes, form="u-", always_refresh=True))


def user_info(state: State, request: Request) -> dict[str, Any]:
    """Who the user token stands for; members without their scope are missing (§7.1)."""
    user = _user(state, request.caller, request.member_id)
    granted = request.token.scopes if request.token is not None else None
    shown = {
        "name": user.name,
        "en_name": user.en_name,
        "avatar_url": f"https://avatar.example/{user.user_id}.png",
        "open_id": user.open_id,
        "union_id": user.union_id,
        "tenant_key": state.tenant_key,
    }
    gated = {
        "user_id": ("contact:user.employee_id:readonly", user.user_id),
        "email": ("contact:user.email:readonly", user.email),
        "mobile": ("contact:user.phone:readonly", user.mobile),
    }
    shown.update({name: value for name, (scope, value) in gated.items() if granted is None or scope in granted})
    return shown


_AUTHEN: Final = "/open-apis/authen"
ROUTES: Final = (
    Route(
        "GET",
        f"{_AUTHEN}/v1/authorize",
        authorize,
        query=frozenset(
            {
                *("client_id", "response_type", "redirect_uri", "scope", "state", "prompt"),
                *("code_challenge", "code_challenge_method"),
            }
        ),
        needs_token=False,
        family="oauth",
        coverage="partly",
        note="on the same host, without a page: the emulated user consents at once, or refuses if a switch says so",
    ),
    Route(
        "POST",
        f"{_AUTHEN}/v2/oauth/token",
        oauth_token,
        members=frozenset(
            {
                *("grant_type", "client_id", "client_secret", "scope"),
                *("code", "redirect_uri", "code_verifier", "refresh_token"),
            }
        ),
        needs_token=False,
        family="oauth",
        note="codes and refresh tokens, PKCE; exactly the requested scopes are granted",
    ),
    Route(
        "POST",
        f"{_AUTHEN}/v1/oidc/access_token",
        oidc_token,
        members=frozenset({"grant_type", "code"}),
        tokens=frozenset({"app"}),
        note="a refresh token also without offline_access",
    ),
    Route(
        "POST",
        f"{_AUTHEN}/v1/oidc/refresh_access_token",
        oidc_refresh,
        members=frozenset({"grant_type", "refresh_token"}),
        tokens=frozenset({"app"}),
    ),
    Route(
        "GET",
        f"{_AUTHEN}/v1/user_info",
        user_info,
        tokens=frozenset({"user"}),
        coverage="partly",
        note="names, ids, e-mail, mobile and tenant",
    ),
)
