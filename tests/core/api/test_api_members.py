"""What an answer has to hold: success without it is no success."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.errors import UnexpectedAnswer

AT = {"app_token": "basA", "table_id": "tblA"}
TOKEN = "5f8b8d4e-6c2b-4f8e-9b1a-1f2e3d4c5b6a"
FIELD = {"field_name": "A", "type": 1}


def _pages(namespace: str, method: str, /, **arguments: Any) -> Any:
    return lambda client: list(getattr(getattr(client, namespace), method)(**arguments))


def _call(namespace: str, method: str, /, **arguments: Any) -> Any:
    return lambda client: getattr(getattr(client, namespace), method)(**arguments)


HELLO = content.text("hi")
ENDPOINTS = {
    "get_app": _call("bitable", "get_app", app_token="basA"),
    "create_app": _call("bitable", "create_app", name="A"),
    "update_app": _call("bitable", "update_app", app_token="basA", name="A"),
    "list_tables": _call("bitable", "list_tables", app_token="basA"),
    "list_views": _call("bitable", "list_views", **AT),
    "list_fields": _call("bitable", "list_fields", **AT),
    "create_table": _call("bitable", "create_table", app_token="basA", name="A", fields=[FIELD]),
    "update_table": _call("bitable", "update_table", **AT, name="A"),
    "create_field": _call("bitable", "create_field", **AT, field=FIELD),
    "update_field": _call("bitable", "update_field", **AT, field_id="fldA", field=FIELD),
    "delete_field": _call("bitable", "delete_field", **AT, field_id="fldA"),
    "search_page": _call("bitable", "search_page", **AT),
    "search_pages": _pages("bitable", "search_pages", **AT),
    "batch_get": _call("bitable", "batch_get", **AT, record_ids=["r"]),
    "batch_create": _call("bitable", "batch_create", **AT, records=[{"A": 1}], client_token=TOKEN),
    "batch_update": _call("bitable", "batch_update", **AT, records=[("r", {"A": 1})]),
    "batch_delete": _call("bitable", "batch_delete", **AT, record_ids=["r"]),
    "create_record": _call("bitable", "create_record", **AT, fields={"A": 1}),
    "update_record": _call("bitable", "update_record", **AT, record_id="r", fields={"A": 1}),
    "delete_record": _call("bitable", "delete_record", **AT, record_id="r"),
    "bot": _call("bot", "info"),
    "contact": _call("contact", "batch_get_id", emails=["a@b.c"]),
    "message": _call("messaging", "send_text", receiver_id="oc_1", content="hi"),
    "send": _call("messaging", "send", receiver_id="oc_1", content=HELLO),
    "send to a name": _call("messaging", "send", receiver_id="Sales", content=HELLO),
    "reply": _call("messaging", "reply", message_id="om_1", content=HELLO),
    "edit": _call("messaging", "edit", message_id="om_1", content=HELLO),
    "get": _call("messaging", "get", message_id="om_1"),
    "history": _pages("messaging", "history_pages", chat_id="oc_1"),
    "readers": _call("messaging", "list_readers", message_id="om_1"),
    "forward": _call("messaging", "forward", message_id="om_1", receiver_id="oc_1"),
    "merge": _call("messaging", "merge_forward", message_ids=["om_1"], receiver_id="oc_1"),
    "batch": _call("messaging", "send_batch", open_ids=["ou_1"], content=HELLO),
    "react": _call("reactions", "add", message_id="om_1", emoji_type="OK"),
    "reactions": _call("reactions", "list", message_id="om_1"),
    "image": _call("resources", "upload_image", content=b"x"),
    "file": _call("resources", "upload_file", name="a", content=b"x"),
    "chats": _pages("chats", "list_pages"),
    "search": _pages("chats", "search_pages", query="a"),
    "chat": _call("chats", "get", chat_id="oc_1"),
    "create chat": _call("chats", "create", name="a"),
    "members": _pages("chats", "member_pages", chat_id="oc_1"),
    "wiki": _call("wiki", "get_node", token="wik"),
    "upload": _call("drive", "upload_media", app_token="basA", name="a", content=b"a"),
    "upload in blocks": _call("drive", "upload_media", app_token="basA", name="a", content=bytes(21 * 1024 * 1024)),
    "tmp_download_urls": _call("drive", "tmp_download_urls", file_tokens=["box"]),
    "is_subscribed": _call("drive", "is_subscribed", app_token="basA"),
    "call of a known path": lambda client: client.call("GET", "/open-apis/bitable/v1/apps/basA/tables"),
    "call_pages": lambda client: list(client.call_pages("GET", "/open-apis/contact/v3/users")),
}
BODIES = [
    pytest.param({"code": 0}, id="no data"),
    pytest.param({"code": 0, "data": None}, id="null"),
    pytest.param({"code": 0, "data": {}}, id="empty"),
    pytest.param({"code": 0, "data": []}, id="a list"),
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", ENDPOINTS)
def test_success_without_what_the_endpoint_gives_is_no_success(
    client: LarkClient, server: Any, name: str, body: Any
) -> None:
    server.do(body=body, times=9)
    with pytest.raises(UnexpectedAnswer):
        ENDPOINTS[name](client)


def test_second_page_without_data_is_not_the_last_one(client: LarkClient, server: Any) -> None:
    server.say({"items": [{"record_id": "r1", "fields": {}}], "has_more": True, "page_token": "p1", "total": 2})
    server.do(body={"code": 0})
    with pytest.raises(UnexpectedAnswer, match=r"table tblA of base basA: .* has no has_more"):
        list(client.bitable.search_pages(**AT))


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"fields": {}}, id="no id"),
        pytest.param({"record_id": "r"}, id="no fields"),
        pytest.param({"record_id": "r", "fields": None}, id="null fields"),
        pytest.param("r", id="no object"),
    ],
)
def test_record_that_is_none_is_not_read(client: LarkClient, server: Any, item: Any) -> None:
    server.say({"items": [item]})
    server.say({"records": [item]})
    with pytest.raises(UnexpectedAnswer, match="an item of items"):
        client.bitable.search_page(**AT)
    with pytest.raises(UnexpectedAnswer, match="an item of records"):
        client.bitable.batch_get(**AT, record_ids=["r"])


def test_true_is_no_number(client: LarkClient, server: Any) -> None:
    server.say({"items": [], "has_more": False, "total": True})
    with pytest.raises(UnexpectedAnswer, match="no total"):
        client.bitable.search_page(**AT)


def test_lists_that_lark_leaves_empty_may_be_null(client: LarkClient, server: Any) -> None:
    server.say({"items": None, "has_more": False, "total": 0})
    server.say({"user_list": None})
    assert client.bitable.search_page(**AT).items == []
    assert client.contact.batch_get_id(emails=["a@b.c"]) == {"a@b.c": None}
