"""Tokens, scopes, documents, unknown routes and parameters (lark-api §1.2, §1.4, §10)."""

from __future__ import annotations

from typing import Any

import pytest

TENANT = "/open-apis/auth/v3/tenant_access_token/internal"


def token(caller: Any, **body: Any) -> Any:
    return caller.http.post(TENANT, json=body)


def test_token_is_the_same_while_half_an_hour_remains(caller: Any, clock: Any) -> None:
    known = {"app_id": caller.emu.app_id, "app_secret": caller.emu.app_secret}
    first = token(caller, **known).json()
    assert first == {"code": 0, "msg": "ok", "tenant_access_token": first["tenant_access_token"], "expire": 7200}

    clock.advance(5400)
    again = token(caller, **known).json()
    assert (again["tenant_access_token"], again["expire"]) == (first["tenant_access_token"], 1800)

    clock.advance(1)
    fresh = token(caller, **known).json()
    assert fresh["tenant_access_token"] != first["tenant_access_token"]
    assert fresh["expire"] == 7200
    # both hold until the older one ends
    assert caller.code("GET", "/open-apis/bot/v3/info") == 0
    clock.advance(1800)
    assert caller.code("GET", "/open-apis/bot/v3/info") == 99991663


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"app_id": "cli_unknown", "app_secret": "x"}, 10014, id="unknown app"),
        pytest.param({"app_id": "nonsense", "app_secret": "x"}, 10003, id="malformed app_id"),
        pytest.param({}, 10003, id="nothing"),
        pytest.param({"app_id": "cli_emulator", "app_secret": "wrong"}, 10014, id="wrong secret"),
    ],
)
def test_bad_credentials_are_refused_with_http_200(caller: Any, body: dict[str, str], code: int) -> None:
    answer = token(caller, **body)

    assert (answer.status_code, answer.json()["code"]) == (200, code)


def test_wrong_secret_follows_its_switches(caller: Any) -> None:
    caller.emu.switches.update({"wrong_secret_status": 400, "wrong_secret_code": 10015})

    answer = token(caller, app_id=caller.emu.app_id, app_secret="wrong")

    assert (answer.status_code, answer.json()["code"]) == (400, 10015)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param({}, 99991661, id="no header"),
        pytest.param({"Authorization": "Bearer x"}, 99991671, id="malformed"),
        pytest.param({"Authorization": "Bearer t-unknown"}, 99991663, id="unknown tenant token"),
        pytest.param({"Authorization": "Bearer u-unknown"}, 99991668, id="unknown user token"),
    ],
)
def test_bad_token_is_refused_with_http_400_and_a_log_id(caller: Any, header: dict[str, str], code: int) -> None:
    caller.headers = header

    answer = caller.raw("GET", "/open-apis/bot/v3/info")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.headers["X-Tt-Logid"] == answer.json()["error"]["log_id"]
    assert answer.headers["X-Request-Id"]


def test_missing_scope_names_the_scopes_that_would_do(caller: Any) -> None:
    caller.emu.state.add_app("cli_poor", "secret", scopes=["contact:user.id:readonly"])
    given = token(caller, app_id="cli_poor", app_secret="secret").json()["tenant_access_token"]
    caller.headers = {"Authorization": f"Bearer {given}"}

    answer = caller.raw("POST", f"{caller.records}/search", {})

    assert (answer.status_code, answer.json()["code"]) == (400, 99991672)
    violations = answer.json()["error"]["permission_violations"]
    assert {"type": "action_scope_required", "subject": "bitable:app"} in violations


def test_document_without_the_app_is_91403_until_it_is_added(caller: Any) -> None:
    caller.emu.state.revoke(caller.app_token, caller.emu.app_id)
    answer = caller.raw("POST", f"{caller.records}/search", {})
    assert (answer.status_code, answer.json()["code"]) == (403, 91403)

    caller.emu.state.grant(caller.app_token, caller.emu.app_id)
    assert caller.code("POST", f"{caller.records}/search", {}) == 0


def test_wiki_token_as_app_token_is_91402_and_resolves_to_the_base(caller: Any) -> None:
    node = caller.emu.state.add_wiki_node(caller.app_token, title="Goods")

    assert caller.code("GET", f"/open-apis/bitable/v1/apps/{node}") == 91402
    found = caller.call("GET", "/open-apis/wiki/v2/spaces/get_node", token=node)["data"]["node"]
    assert (found["obj_token"], found["obj_type"], found["title"]) == (caller.app_token, "bitable", "Goods")
    assert caller.code("GET", "/open-apis/wiki/v2/spaces/get_node", token="wikNothing") == 131005


def test_advanced_permissions_read_nothing_with_success_and_refuse_writes(caller: Any) -> None:
    caller.create({"Name": "a"})
    caller.emu.state.set_advanced(caller.app_token, without_rights=[caller.emu.app_id])

    assert caller.search() == {"items": [], "has_more": False, "total": 0}
    assert caller.code("POST", caller.records, {"fields": {}}) == 1254302


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/open-apis/nothing/v1", 404, 99991201, id="unknown path"),
        pytest.param("DELETE", "/open-apis/bot/v3/info", 405, 99991301, id="unknown method"),
        pytest.param("GET", "/open-apis/bitable/v1/apps/unknownToken", 400, 91402, id="unknown base"),
        pytest.param("GET", "/open-apis/bitable/v1/apps/bad-token", 200, 1254003, id="malformed base"),
        pytest.param("GET", "/open-apis/bitable/v1/apps/{base}/tables/tblX/fields", 200, 1254041, id="unknown table"),
        pytest.param("GET", "/open-apis/bitable/v1/apps/{base}/tables/x/fields", 200, 1254004, id="malformed table"),
    ],
)
def test_what_is_not_there_is_refused(caller: Any, method: str, path: str, status: int, code: int) -> None:
    answer = caller.raw(method, path.format(base=caller.app_token))

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_unknown_parameters_and_members_are_named(caller: Any) -> None:
    query = caller.call("POST", f"{caller.records}/search", {}, pagesize=3)
    member = caller.call("POST", f"{caller.records}/search", {"filters": {}})

    assert query["code"] == member["code"] == 99992402
    assert query["error"]["field_violations"][0]["field"] == "pagesize"
    assert member["error"]["field_violations"][0]["field"] == "filters"


def test_contact_lookup_leaves_the_id_out_for_strangers(caller: Any) -> None:
    ann = caller.emu.state.add_user("Ann", "ann@example.com", "+8613800000000")
    body = {"emails": ["ann@example.com", "none@example.com"], "mobiles": ["+8613800000000"]}

    people = caller.call("POST", "/open-apis/contact/v3/users/batch_get_id", body, user_id_type="open_id")

    assert people["data"]["user_list"] == [
        {"email": "ann@example.com", "user_id": ann.open_id},
        {"email": "none@example.com"},
        {"mobile": "+8613800000000", "user_id": ann.open_id},
    ]


def test_bot_info_stands_beside_the_code(caller: Any) -> None:
    answer = caller.call("GET", "/open-apis/bot/v3/info")

    assert answer["bot"]["app_name"] == "Emulated app"
    assert "data" not in answer


def test_date_header_shows_the_clock_of_the_emulator(caller: Any) -> None:
    assert caller.raw("GET", "/open-apis/bot/v3/info").headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"


def test_rate_limit_is_enforced_by_switch_and_ends(caller: Any, clock: Any) -> None:
    caller.emu.switches.rate_limits = True

    codes = [caller.code("POST", f"{caller.records}/search", {}) for _ in range(21)]
    assert codes == [0] * 20 + [99991400]
    clock.advance(1)
    assert caller.code("POST", f"{caller.records}/search", {}) == 0
