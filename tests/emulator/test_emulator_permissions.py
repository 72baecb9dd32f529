"""Scopes of every Bitable route, advanced permissions, and who may read the wiki (lark-api §2.2, §2.4, §7.3, §8.2)."""

from __future__ import annotations

from typing import Any

import pytest

APP = "/open-apis/bitable/v1/apps/{app}"
TABLE = APP + "/tables/{table}"
MEDIAS = "/open-apis/drive/v1/medias"

# method, path, body, the granular scope, whether bitable:app:readonly opens it
ROUTES: list[tuple[str, str, Any, str, bool]] = [
    ("POST", "/open-apis/bitable/v1/apps", {"name": "New"}, "base:app:create", False),
    ("GET", APP, None, "base:app:read", True),
    ("PUT", APP, {"name": "Renamed"}, "base:app:update", False),
    ("POST", APP + "/copy", {"name": "Copy"}, "base:app:copy", False),
    ("GET", APP + "/tables", None, "base:table:read", True),
    ("POST", APP + "/tables", {"table": {"name": "New"}}, "base:table:create", False),
    ("POST", APP + "/tables/batch_create", {"tables": [{"name": "New"}]}, "base:table:create", False),
    ("POST", APP + "/tables/batch_delete", {"table_ids": ["tblnone"]}, "base:table:delete", False),
    ("PATCH", TABLE, {"name": "Renamed"}, "base:table:update", False),
    ("DELETE", TABLE, None, "base:table:delete", False),
    ("GET", TABLE + "/fields", None, "base:field:read", True),
    ("POST", TABLE + "/fields", {"field_name": "New", "type": 1}, "base:field:create", False),
    ("PUT", TABLE + "/fields/{field}", {"field_name": "Renamed", "type": 1}, "base:field:update", False),
    ("DELETE", TABLE + "/fields/{field}", None, "base:field:delete", False),
    ("GET", TABLE + "/views", None, "base:view:read", True),
    ("POST", TABLE + "/views", {"view_name": "New", "view_type": "grid"}, "base:view:write_only", False),
    ("GET", TABLE + "/views/{view}", None, "base:view:read", True),
    ("PATCH", TABLE + "/views/{view}", {"view_name": "Renamed"}, "base:view:write_only", False),
    ("DELETE", TABLE + "/views/{view}", None, "base:view:write_only", False),
    ("POST", TABLE + "/records/search", {}, "base:record:retrieve", True),
    ("POST", TABLE + "/records/batch_get", {"record_ids": ["recnone"]}, "base:record:read", True),
    ("POST", TABLE + "/records", {"fields": {}}, "base:record:create", False),
    ("POST", TABLE + "/records/batch_create", {"records": [{"fields": {}}]}, "base:record:create", False),
    ("PUT", TABLE + "/records/{record}", {"fields": {}}, "base:record:update", False),
    (
        "POST",
        TABLE + "/records/batch_update",
        {"records": [{"record_id": "{record}", "fields": {}}]},
        "base:record:update",
        False,
    ),
    ("DELETE", TABLE + "/records/{record}", None, "base:record:delete", False),
    ("POST", TABLE + "/records/batch_delete", {"records": ["recnone"]}, "base:record:delete", False),
    ("GET", TABLE + "/records", None, "bitable:app:readonly", True),
    ("GET", TABLE + "/records/{record}", None, "bitable:app:readonly", True),
    ("POST", MEDIAS + "/upload_all", None, "docs:document.media:upload", False),
    ("POST", MEDIAS + "/upload_prepare", {"file_name": "a"}, "docs:document.media:upload", False),
    ("POST", MEDIAS + "/upload_part", None, "docs:document.media:upload", False),
    ("POST", MEDIAS + "/upload_finish", {"upload_id": "x"}, "docs:document.media:upload", False),
    ("GET", MEDIAS + "/boxnone/download", None, "docs:document.media:download", False),
    ("GET", MEDIAS + "/batch_get_tmp_download_url", None, "docs:document.media:download", False),
    ("GET", "/open-apis/wiki/v2/spaces/get_node", None, "wiki:node:read", False),
    ("GET", "/open-apis/contact/v3/users/ou_none", None, "contact:user.email:readonly", False),
    ("POST", "/open-apis/contact/v3/users/batch_get_id", {"emails": []}, "contact:user.id:readonly", False),
]
DENIED = 99991672


@pytest.mark.parametrize(
    ("method", "path", "body", "scope", "readonly"),
    [pytest.param(*each, id=f"{each[0]} {each[1].removeprefix('/open-apis')}") for each in ROUTES],
)
def test_route_opens_with_any_one_of_its_scopes(
    caller: Any, method: str, path: str, body: Any, scope: str, readonly: bool
) -> None:
    emu = caller.emu
    table = emu.state.table(caller.app_token, caller.table_id)
    record_id = emu.person.add_record(caller.app_token, caller.table_id, {"Name": "a"})
    names = {"app": caller.app_token, "table": caller.table_id, "record": record_id}
    path = path.format(**names, field=table.fields[0].field_id, view=table.views[0].view_id)

    def refused_with(*scopes: str) -> Any:
        emu.state.apps[emu.app_id].scopes = frozenset(scopes)
        answer = caller.call(method, path, body)
        return answer if answer["code"] == DENIED else None

    refused = refused_with("im:message")
    assert scope in [each["subject"] for each in refused["error"]["permission_violations"]]
    assert (refused_with("bitable:app:readonly") is None) is readonly
    assert refused_with("im:message", scope) is None
    if "bitable" in path or "medias" in path:
        assert refused_with("bitable:app") is None


def test_user_ids_need_a_scope_of_their_own(caller: Any) -> None:
    app = caller.emu.state.apps[caller.emu.app_id]
    app.scopes = frozenset({"bitable:app"})

    assert caller.code("POST", f"{caller.records}/search", {}, user_id_type="union_id") == 0
    assert caller.code("POST", f"{caller.records}/search", {}, user_id_type="user_id") == DENIED
    app.scopes |= {"contact:user.employee_id:readonly"}
    assert caller.code("POST", f"{caller.records}/search", {}, user_id_type="user_id") == 0


def test_advanced_permissions_read_nothing_with_success_and_refuse_writes(caller: Any) -> None:
    record_id = caller.create({"Name": "a"})[0]
    caller.emu.state.set_advanced(caller.app_token, without_rights=[caller.emu.app_id])

    assert caller.search() == {"items": [], "has_more": False, "total": 0}
    assert caller.call("GET", caller.records)["data"]["items"] == []
    got = caller.call("POST", f"{caller.records}/batch_get", {"record_ids": [record_id]})["data"]
    assert got == {"records": [], "forbidden_record_ids": [record_id], "absent_record_ids": []}
    for method, path, body in (
        ("GET", f"{caller.records}/{record_id}", None),
        ("POST", caller.records, {"fields": {}}),
        ("PUT", f"{caller.records}/{record_id}", {"fields": {}}),
        ("DELETE", f"{caller.records}/{record_id}", None),
        ("POST", f"{caller.table}/fields", {"field_name": "New", "type": 1}),
        ("PATCH", caller.table, {"name": "New"}),
    ):
        answer = caller.raw(method, path, body)
        assert (answer.json()["code"], answer.status_code) == (1254302, 403), (method, path)


def test_advanced_permissions_leave_the_manager_everything(caller: Any) -> None:
    record_id = caller.create({"Name": "a"})[0]
    caller.emu.state.set_advanced(caller.app_token, without_rights=["cli_other"])

    assert caller.search()["total"] == 1
    assert caller.code("PUT", f"{caller.records}/{record_id}", {"fields": {"Qty": 1}}) == 0
    app = f"/open-apis/bitable/v1/apps/{caller.app_token}"
    assert caller.call("GET", app)["data"]["app"]["is_advanced"] is True


def test_advanced_permissions_switched_off_give_the_rights_back(caller: Any) -> None:
    caller.create({"Name": "a"})
    caller.emu.state.set_advanced(caller.app_token, without_rights=[caller.emu.app_id])
    caller.emu.state.add_app("cli_manager", "secret")
    caller.emu.state.bases[caller.app_token].is_advanced = False

    assert caller.search()["total"] == 1


def node_of(caller: Any, token: str, **params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = caller.call("GET", "/open-apis/wiki/v2/spaces/get_node", token=token, **params)
    return answer


def test_wiki_shortcut_leads_to_the_document_of_its_origin(caller: Any) -> None:
    origin = caller.emu.state.add_wiki_node(caller.app_token, title="Goods")
    shortcut = caller.emu.state.add_wiki_shortcut(origin, title="Goods here")

    node = node_of(caller, caller.emu.state.add_wiki_shortcut(shortcut))["data"]["node"]
    by_document = node_of(caller, caller.app_token, obj_type="bitable")["data"]["node"]

    assert (node["node_type"], node["origin_node_token"], node["title"]) == ("shortcut", origin, "Goods here")
    assert (node["obj_token"], node["obj_type"]) == (caller.app_token, "bitable")
    assert (by_document["node_type"], by_document["node_token"]) == ("origin", origin)


def test_wiki_refuses_with_its_own_codes(caller: Any) -> None:
    private = caller.emu.state.add_wiki_node("doccn", obj_type="docx", members=["cli_other"])

    def code(token: str, **params: Any) -> tuple[int, int]:
        answer = caller.raw("GET", "/open-apis/wiki/v2/spaces/get_node", token=token, **params)
        return answer.json()["code"], answer.status_code

    assert code("") == (131002, 400)
    assert code("wikx", obj_type="folder") == (131002, 400)
    assert code("wikx") == (131005, 400)
    assert code(private, obj_type="bitable") == (131005, 400)
    assert code(private) == (131006, 400)


def test_wiki_node_token_is_no_app_token(caller: Any) -> None:
    token = caller.emu.state.add_wiki_node(caller.app_token)
    assert caller.code("GET", f"/open-apis/bitable/v1/apps/{token}") == 91402
