"""Logins of people: consent, user tokens, renewal, what user tokens open (lark-api §1.3)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

AUTHEN = "/open-apis/authen"
BACK = "http://127.0.0.1/back?keep=1"
VERIFIER = "v" * 43
S256 = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = "bitable:app offline_access"


@dataclass
class Login:
    """A web app that sends people to Lark and gets their tokens."""

    caller: Any
    client_id: str = "cli_emulator"

    def visit(self, **changes: str) -> Any:
        asked = {"client_id": self.client_id, "response_type": "code", "redirect_uri": BACK, "scope": SCOPES}
        query = {name: value for name, value in {**asked, "state": "s 1", **changes}.items() if value != "-"}
        return self.caller.http.get(f"{AUTHEN}/v1/authorize", params=query)

    def landed(self, **changes: str) -> dict[str, str]:
        answer = self.visit(**changes)
        assert answer.status_code == 302, answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def token(self, **body: str) -> Any:
        known = {"client_id": self.client_id, "client_secret": "emulator-secret"}
        given = {name: value for name, value in {**known, **body}.items() if value != "-"}
        return self.caller.http.post(f"{AUTHEN}/v2/oauth/token", content=json.dumps(given))

    def exchange(self, code: str, /, **body: str) -> Any:
        return self.token(**{"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **body})

    def renew(self, text: str, /, **body: str) -> Any:
        return self.token(**{"grant_type": "refresh_token", "refresh_token": text, **body})

    def granted(self, **changes: str) -> dict[str, Any]:
        answer = self.exchange(self.landed(**changes)["code"]).json()
        assert answer["code"] == 0, answer
        told: dict[str, Any] = answer
        self.caller.headers = {"Authorization": f"Bearer {told['access_token']}"}
        return told


@pytest.fixture
def login(caller: Any) -> Login:
    return Login(caller)


def refused(answer: Any) -> tuple[int, int]:
    told = answer.json()
    assert set(told) == {"code", "error", "error_description"}
    return answer.status_code, told["code"]


def test_login_redirects_at_once_and_its_code_becomes_a_token(login: Login) -> None:
    landed = login.landed()
    assert (landed["keep"], landed["state"]) == ("1", "s 1")

    told = login.exchange(landed["code"]).json()

    assert (told["code"], told["expires_in"], told["refresh_token_expires_in"]) == (0, 7200, 604800)
    assert (told["scope"], told["token_type"]) == (SCOPES, "Bearer")


def test_refusal_at_the_login_comes_back_without_code(login: Login) -> None:
    login.caller.emu.switches.login_denied = True

    assert login.landed() == {"keep": "1", "error": "access_denied", "state": "s 1"}


def test_login_is_the_person_of_the_switch(login: Login) -> None:
    ann = login.caller.emu.state.add_user("Ann", "ann@example.com")
    login.caller.emu.switches.login_as = ann.open_id
    login.granted(scope="contact:user.email:readonly")

    told = login.caller.call("GET", f"{AUTHEN}/v1/user_info")["data"]

    assert (told["open_id"], told["name"], told["email"]) == (ann.open_id, "Ann", "ann@example.com")
    assert "mobile" not in told, "its scope was not granted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"client_id": "-"}, 20001, id="no client"),
        pytest.param({"response_type": "token"}, 20001, id="wrong response_type"),
        pytest.param({"client_id": "cli_nobody"}, 20048, id="unknown app"),
        pytest.param({"scope": "a a"}, 20067, id="scope twice"),
        pytest.param({"scope": " ".join(f"s{n}" for n in range(51))}, 20068, id="51 scopes"),
        pytest.param({"code_challenge": "x", "code_challenge_method": "S1"}, 20063, id="unknown challenge method"),
    ],
)
def test_wrong_login_is_refused_before_anyone_consents(login: Login, changes: dict[str, str], code: int) -> None:
    assert refused(login.visit(**changes)) == (400, code)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        pytest.param({"enabled": False}, 20069, id="app off"),
        pytest.param({"redirect_uris": ["http://127.0.0.1/other"]}, 20071, id="redirect_uri not listed"),
        pytest.param({"available_to": []}, 20010, id="not available"),
        pytest.param({"scopes": ["im:message"]}, 20068, id="scope the app has not"),
    ],
)
def test_settings_of_the_app_decide_about_logins(login: Login, settings: dict[str, Any], code: int) -> None:
    login.caller.emu.state.set_app("cli_emulator", **settings)

    assert refused(login.visit()) == (400, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"code": "-"}, 20001, id="no code"),
        pytest.param({"code": "unknown"}, 20003, id="unknown code"),
        pytest.param({"client_secret": "x"}, 20002, id="wrong secret"),
        pytest.param({"client_id": "cli_nobody"}, 20048, id="unknown app"),
        pytest.param({"grant_type": "password"}, 20036, id="unknown grant"),
        pytest.param({"redirect_uri": "http://127.0.0.1/x"}, 20071, id="other redirect_uri"),
        pytest.param({"code_verifier": VERIFIER}, 20049, id="verifier without challenge"),
        pytest.param({"scope": "im:message"}, 20068, id="more than granted"),
    ],
)
def test_wrong_exchange_is_refused(login: Login, body: dict[str, str], code: int) -> None:
    assert refused(login.exchange(login.landed()["code"], **body)) == (400, code)


def test_code_is_used_once_by_its_app_within_five_minutes(login: Login, clock: Any) -> None:
    login.caller.emu.state.add_app("cli_other", "emulator-secret")
    code, late = login.landed()["code"], login.landed()["code"]

    assert refused(Login(login.caller, "cli_other").exchange(code)) == (400, 20024)
    assert login.exchange(code).json()["code"] == 0
    assert refused(login.exchange(code)) == (400, 20065)
    clock.advance(300)
    assert refused(login.exchange(late)) == (400, 20004)


@pytest.mark.parametrize(
    ("challenge", "method"), [pytest.param(S256, "S256", id="S256"), pytest.param(VERIFIER, "plain", id="plain")]
)
def test_pkce_asks_for_the_verifier_of_the_challenge(login: Login, challenge: str, method: str) -> None:
    asked = {"code_challenge": challenge, "code_challenge_method": method}

    assert login.exchange(login.landed(**asked)["code"], code_verifier=VERIFIER).json()["code"] == 0
    assert refused(login.exchange(login.landed(**asked)["code"], code_verifier="w" * 43)) == (400, 20049)
    assert refused(login.exchange(login.landed(**asked)["code"])) == (400, 20049)


def test_refresh_token_rotates_and_serves_once(login: Login, clock: Any) -> None:
    first = login.granted()
    clock.advance(7200)
    assert login.caller.code("GET", login.caller.table + "/fields") == 99991677

    second = login.renew(first["refresh_token"]).json()

    assert second["refresh_token"] != first["refresh_token"]
    login.caller.headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert login.caller.code("GET", login.caller.table + "/fields") == 0
    assert refused(login.renew(first["refresh_token"])) == (400, 20073)
    assert login.renew(second["refresh_token"]).json()["code"] == 0


def test_no_refresh_token_without_offline_access(login: Login) -> None:
    assert "refresh_token" not in login.granted(scope="bitable:app")


def test_refresh_token_ends_with_its_week_and_with_the_consent(login: Login, clock: Any) -> None:
    person = login.caller.emu.state.person.open_id
    revoked = login.granted()["refresh_token"]
    login.caller.emu.state.revoke_consent("cli_emulator", person)
    assert refused(login.renew(revoked)) == (400, 20064)
    assert login.caller.code("GET", login.caller.table + "/fields") == 99991677

    old = login.granted()["refresh_token"]
    clock.advance(604_800)
    assert refused(login.renew(old)) == (400, 20037)


def test_renewal_ends_a_year_after_the_consent(login: Login, clock: Any) -> None:
    told = login.granted()
    for _ in range(52):  # 52 * 600,000 s = 361 days
        clock.advance(600_000)
        told = login.renew(told["refresh_token"]).json()

    assert told["refresh_token_expires_in"] == 365 * 86_400 - 52 * 600_000
    clock.advance(600_000)
    assert refused(login.renew(told["refresh_token"])) == (400, 20037)


def test_refused_exchange_leaves_the_code_for_the_right_one(login: Login) -> None:
    code = login.landed()["code"]

    assert refused(login.exchange(code, client_secret="x")) == (400, 20002)
    assert refused(login.exchange(code, redirect_uri="http://127.0.0.1/x")) == (400, 20071)
    assert login.exchange(code).json()["code"] == 0


def test_refresh_is_refused_when_switched_off_or_unknown_or_resigned(login: Login) -> None:
    text = login.granted()["refresh_token"]
    login.caller.emu.switches.refresh_enabled = False
    assert refused(login.renew(text)) == (400, 20074)
    login.caller.emu.switches.refresh_enabled = True
    assert refused(login.renew("ur-unknown")) == (400, 20026)
    login.caller.emu.state.resign(login.caller.emu.state.person.open_id)
    assert refused(login.renew(text)) == (400, 20066)


def test_renewal_may_ask_for_less(login: Login) -> None:
    text = login.granted()["refresh_token"]

    assert login.renew(text, scope="bitable:app").json()["scope"] == "bitable:app"


def test_malformed_and_doubly_proved_requests_are_refused(login: Login) -> None:
    broken = login.caller.http.post(f"{AUTHEN}/v2/oauth/token", content=b"{")
    double = login.caller.http.post(f"{AUTHEN}/v2/oauth/token", json={"grant_type": "refresh_token"}, auth=("a", "b"))

    assert [refused(each)[1] for each in (broken, double)] == [20063, 20070]


def test_scripted_server_trouble_has_its_status(login: Login) -> None:
    login.caller.emu.faults.add("oauth/token", code=20072)
    login.caller.emu.faults.add("oauth/token", code=20050)

    assert refused(login.exchange("x")) == (503, 20072)
    assert refused(login.exchange("x")) == (500, 20050)


def test_older_endpoints_prove_the_app_by_its_token(login: Login) -> None:
    code = login.landed(scope="bitable:app")["code"]
    told = login.caller.call(
        "POST", f"{AUTHEN}/v1/oidc/access_token", {"grant_type": "authorization_code", "code": code}
    )["data"]
    assert (told["access_token"][:2], told["expires_in"], told["scope"]) == ("u-", 7200, "bitable:app")

    body = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    renewed = login.caller.call("POST", f"{AUTHEN}/v1/oidc/refresh_access_token", body)["data"]
    again = login.caller.code("POST", f"{AUTHEN}/v1/oidc/refresh_access_token", body)

    assert (renewed["access_token"] != told["access_token"], again) == (True, 20073)


def test_user_token_edits_as_the_person(login: Login) -> None:
    login.granted()

    record_id = login.caller.create({"Name": "a"})[0]

    found = login.caller.search({"automatic_fields": True})["items"][0]
    assert (found["record_id"], found["created_by"]["id"]) == (record_id, login.caller.emu.state.person.open_id)


def test_user_token_opens_what_the_person_granted_and_may_open(login: Login) -> None:
    login.granted(scope="im:message")
    answer = login.caller.raw("GET", login.caller.table + "/fields")
    assert (answer.status_code, answer.json()["code"]) == (400, 99991679)
    subjects = [each["subject"] for each in answer.json()["error"]["permission_violations"]]
    assert "bitable:app" in subjects

    login.granted()
    base = login.caller.emu.state.bases[login.caller.app_token]
    base.members = {"cli_emulator"}
    assert login.caller.code("GET", login.caller.table + "/fields") == 91403
    login.caller.emu.state.grant(login.caller.app_token, login.caller.emu.state.person.open_id)
    assert login.caller.code("GET", login.caller.table + "/fields") == 0


def test_user_token_is_no_tenant_token(login: Login) -> None:
    login.granted(scope="contact:user.id:readonly")

    assert login.caller.code("POST", "/open-apis/contact/v3/users/batch_get_id", {"emails": []}) == 99991668
    login.caller.login()
    assert login.caller.code("GET", f"{AUTHEN}/v1/user_info") == 99991663
    login.caller.emu.switches.wrong_kind_is_99991676 = True
    assert login.caller.code("GET", f"{AUTHEN}/v1/user_info") == 99991676


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"client_id": ["cli_emulator"]}, id="list"),
        pytest.param({"code": {"a": 1}}, id="object"),
        pytest.param({"code_verifier": "\ud800" * 43}, id="lone surrogates"),
        pytest.param({"scope": 5}, id="number"),
    ],
)
def test_members_of_the_wrong_kind_are_refused(login: Login, body: dict[str, Any]) -> None:
    code = login.landed(code_challenge=S256, code_challenge_method="S256")["code"]

    status, told = refused(login.exchange(code, **{"code_verifier": VERIFIER, **body}))

    assert (status, 20000 < told < 20100) == (400, True)


def test_settings_of_an_app_are_checked(caller: Any) -> None:
    with pytest.raises(ValueError, match="unknown settings \\['colour'\\]"):
        caller.emu.state.set_app(caller.emu.app_id, colour="red")
    with pytest.raises(ValueError, match="self_built or store"):
        caller.emu.state.add_app("cli_x", "secret", kind="other")
