"""Calls of the official SDK, by its own typed requests and bodies; importing it takes seconds."""

from __future__ import annotations

import inspect
import io
import itertools
import json
import typing
from typing import Any

import lark_oapi

_NUMBERS = itertools.count(1)


class Sdk:
    """The SDK against an emulator; each :meth:`call` must succeed."""

    def __init__(self, emu: Any) -> None:
        self.emu = emu
        # the SDK keeps tokens by app for the whole process, whatever the host
        self.app_id, self.app_secret = f"cli_sdk_{next(_NUMBERS)}", "sdk-secret"
        emu.state.add_app(self.app_id, self.app_secret)
        self.client = self.builder().build()

    def builder(self) -> Any:
        """A client to be built, pointed at the emulator."""
        builder = lark_oapi.Client.builder().app_id(self.app_id).app_secret(self.app_secret).domain(self.emu.url)
        return builder.log_level(lark_oapi.LogLevel.ERROR)

    def call(self, resource: str, action: str, body: dict[str, Any] | None = None, **settings: Any) -> Any:
        """The typed answer of ``client.<resource>.<action>``; *body* becomes the SDK's own body model."""
        answer = self.answer(resource, action, body, **settings)
        assert answer.success(), (resource, action, answer.code, answer.msg)
        return answer

    def answer(self, resource: str, action: str, body: Any = None, **settings: Any) -> Any:
        target: Any = self.client
        for name in resource.split("."):
            target = getattr(target, name)
        method = getattr(target, action)
        builder = inspect.signature(method).parameters["request"].annotation.builder()
        if body is not None:
            model = inspect.signature(builder.request_body).parameters["request_body"].annotation
            builder = builder.request_body(model(body))
        option = settings.pop("option", None)
        for name, value in settings.items():
            builder = getattr(builder, name)(value)
        return method(builder.build(), *([option] if option is not None else []))

    def raw(self, method: str, uri: str, body: Any = None) -> Any:
        """An answer of the SDK's untyped request."""
        builder = lark_oapi.BaseRequest.builder().http_method(lark_oapi.HttpMethod[method]).uri(uri)
        builder = builder.token_types({lark_oapi.AccessTokenType.TENANT})
        return self.client.request((builder if body is None else builder.body(body)).build())


def make_table(sdk: Sdk) -> dict[str, str]:
    app = sdk.call("bitable.v1.app", "create", {"name": "Shop", "time_zone": "UTC"}).data.app
    fields = [
        {"field_name": "Name", "type": 1},
        {"field_name": "Qty", "type": 2},
        {"field_name": "Kind", "type": 3, "property": {"options": [{"name": "x"}, {"name": "y"}]}},
        {"field_name": "Files", "type": 17},
    ]
    place = {"app_token": app.app_token}
    table = {"table": {"name": "goods", "default_view_name": "All", "fields": fields}}
    made = sdk.call("bitable.v1.app_table", "create", table, **place).data
    assert len(made.field_id_list) == 4
    return {**place, "table_id": made.table_id}


def bases_and_tables(sdk: Sdk) -> None:
    place = make_table(sdk)
    app = {"app_token": place["app_token"]}
    got = sdk.call("bitable.v1.app", "get", **app).data.app
    assert (got.name, got.is_advanced, got.time_zone) == ("Shop", False, "UTC")
    assert sdk.call("bitable.v1.app", "update", {"name": "Store"}, **app).data.app.name == "Store"
    copied = sdk.call("bitable.v1.app", "copy", {"name": "Copy", "without_content": True}, **app).data.app
    assert copied.app_token != app["app_token"]
    tables = "bitable.v1.app_table"
    more = sdk.call(tables, "batch_create", {"tables": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}, **app).data
    assert sdk.call(tables, "patch", {"name": "A"}, table_id=more.table_ids[0], **app).data.name == "A"
    sdk.call(tables, "delete", table_id=more.table_ids[0], **app)
    sdk.call(tables, "batch_delete", {"table_ids": more.table_ids[1:]}, **app)
    listed = sdk.call(tables, "list", page_size=100, **app).data
    assert (listed.has_more, listed.total, listed.items[-1].name) == (False, 2, "goods")


def fields_and_views(sdk: Sdk) -> None:
    place = make_table(sdk)
    fields = "bitable.v1.app_table_field"
    option = {"field_name": "Tags", "type": 4, "property": {"options": [{"name": "p", "color": 3}]}}
    made = sdk.call(fields, "create", option, **place).data.field
    assert (made.ui_type, made.property.options[0].color) == ("MultiSelect", 3)
    kept = {"id": made.property.options[0].id, "name": "q"}
    changed = {**option, "field_name": "Marks", "property": {"options": [kept]}}
    assert sdk.call(fields, "update", changed, field_id=made.field_id, **place).data.field.field_name == "Marks"
    assert sdk.answer(fields, "update", changed, field_id=made.field_id, **place).code == 1254606
    items = sdk.call(fields, "list", page_size=100, **place).data.items
    assert [each.field_name for each in items] == ["Name", "Qty", "Kind", "Files", "Marks"]
    assert [each.is_primary for each in items] == [True, False, False, False, False]
    assert sdk.call(fields, "delete", field_id=made.field_id, **place).data.deleted is True
    views = "bitable.v1.app_table_view"
    view = sdk.call(views, "create", {"view_name": "Board", "view_type": "kanban"}, **place).data.view
    one = {**place, "view_id": view.view_id}
    assert sdk.call(views, "get", **one).data.view.view_type == "kanban"
    hidden = {"view_name": "Cards", "property": {"hidden_fields": [items[1].field_id]}}
    assert sdk.call(views, "patch", hidden, **one).data.view.view_name == "Cards"
    assert [each.view_name for each in sdk.call(views, "list", page_size=20, **place).data.items] == ["All", "Cards"]
    sdk.call(views, "delete", **one)


def records(sdk: Sdk) -> None:
    place = make_table(sdk)
    target = "bitable.v1.app_table_record"
    token = "2c2a7ef6-6a1b-4d1c-9b36-3f3d5a0c6a01"
    first = [
        sdk.call(target, "create", {"fields": {"Name": "a", "Qty": 1}}, client_token=token, **place).data.record
        for _ in range(2)
    ]
    assert first[0].record_id == first[1].record_id
    rows = [{"fields": {"Name": name, "Qty": qty, "Kind": "x"}} for name, qty in (("b", 3), ("c", 2))]
    more = sdk.call(target, "batch_create", {"records": rows}, **place).data.records
    ids = [first[0].record_id, *[each.record_id for each in more]]
    one = {**place, "record_id": ids[0]}
    assert sdk.call(target, "update", {"fields": {"Name": "A"}}, **one).data.record.fields == {"Name": "A"}
    changes = [{"record_id": each, "fields": {"Kind": "y"}} for each in ids[1:]]
    assert len(sdk.call(target, "batch_update", {"records": changes}, **place).data.records) == 2
    condition = {"field_name": "Qty", "operator": "isGreater", "value": ["1"]}
    asked = {
        "filter": {"conjunction": "and", "conditions": [condition]},
        "sort": [{"field_name": "Qty", "desc": True}],
        "automatic_fields": True,
    }
    found = sdk.call(target, "search", asked, page_size=100, **place).data
    assert [each.fields["Name"][0]["text"] for each in found.items] == ["b", "c"]
    assert (found.total, found.has_more) == (2, False)
    assert isinstance(found.items[0].last_modified_time, int)
    wanted = {"record_ids": [ids[0], "recnone"], "automatic_fields": True}
    got = sdk.call(target, "batch_get", wanted, **place).data
    assert ([each.record_id for each in got.records], got.absent_record_ids) == ([ids[0]], ["recnone"])
    old = sdk.call(target, "list", filter='CurrentValue.[Kind]="y"', page_size=100, **place).data
    assert [each.fields["Qty"] for each in old.items] == ["3", "2"]
    assert sdk.call(target, "get", **one).data.record.fields["Name"] == "A"
    assert sdk.call(target, "delete", **one).data.deleted is True
    gone = sdk.call(target, "batch_delete", {"records": ids[1:]}, **place).data.records
    assert [each.deleted for each in gone] == [True, True]


def files(sdk: Sdk) -> None:
    place = make_table(sdk)
    medias, content = "drive.v1.media", b"content \x00 of a file"
    parent = {"parent_type": "bitable_file", "parent_node": place["app_token"]}
    given = {"file_name": "文.txt", **parent, "size": len(content), "file": io.BytesIO(content)}
    token = sdk.call(medias, "upload_all", given).data.file_token
    plan = sdk.call(medias, "upload_prepare", {"file_name": "b.bin", **parent, "size": 3}).data
    part = {"upload_id": plan.upload_id, "seq": 0, "size": 3, "file": io.BytesIO(b"abc")}
    sdk.call(medias, "upload_part", part)
    done = sdk.call(medias, "upload_finish", {"upload_id": plan.upload_id, "block_num": plan.block_num}).data
    cell = [{"file_token": token}, {"file_token": done.file_token}]
    record = sdk.call("bitable.v1.app_table_record", "create", {"fields": {"Files": cell}}, **place).data.record
    got = sdk.call("bitable.v1.app_table_record", "get", record_id=record.record_id, **place).data.record
    assert [each["size"] for each in got.fields["Files"]] == [len(content), 3]
    answer = sdk.call(medias, "download", file_token=token)
    assert (answer.file.read(), answer.file_name) == (content, "文.txt")
    links = sdk.call(medias, "batch_get_tmp_download_url", file_tokens=[token, done.file_token]).data
    assert len(links.tmp_download_urls) == 2


def people_wiki_and_messages(sdk: Sdk) -> None:
    place = make_table(sdk)
    alice = sdk.emu.state.add_user("Alice", "alice@x.example", "+8613800000000")
    asked = {"emails": ["alice@x.example", "none@x.example"], "mobiles": ["+8613800000000"]}
    found = sdk.call("contact.v3.user", "batch_get_id", asked, user_id_type="open_id").data.user_list
    assert [each.user_id for each in found] == [alice.open_id, None, alice.open_id]
    user = sdk.call("contact.v3.user", "get", user_id=alice.open_id, user_id_type="open_id").data.user
    assert (user.name, user.email) == ("Alice", "alice@x.example")
    node = sdk.emu.state.add_wiki_shortcut(sdk.emu.state.add_wiki_node(place["app_token"], title="Goods"))
    got = sdk.call("wiki.v2.space", "get_node", token=node).data.node
    assert (got.obj_token, got.obj_type, got.node_type) == (place["app_token"], "bitable", "shortcut")
    text = {"receive_id": alice.open_id, "msg_type": "text", "content": '{"text":"hi"}', "uuid": "once"}
    sent = [sdk.call("im.v1.message", "create", text, receive_id_type="open_id").data for _ in range(2)]
    assert sent[0].message_id == sent[1].message_id
    assert sdk.emu.messages[-1].text == "hi"
    bot = sdk.raw("GET", "/open-apis/bot/v3/info")
    assert bot.success()


def messages_and_groups(sdk: Sdk) -> None:
    alice = sdk.emu.state.add_user("Alice", "alice@x.example")
    members = {"name": "Alarms", "user_id_list": [alice.open_id]}
    team = sdk.call("im.v1.chat", "create", members, user_id_type="open_id", uuid="once").data.chat_id
    chats, messages = "im.v1.chat", "im.v1.message"
    assert [each.name for each in sdk.call(chats, "list", page_size=10).data.items] == ["Alarms"]
    assert sdk.call(chats, "search", query="Alar").data.items[0].chat_id == team
    assert sdk.call(chats, "get", chat_id=team).data.user_count == "1"
    bob = sdk.emu.state.add_user("Bob")
    sdk.call("im.v1.chat_members", "create", {"id_list": [bob.open_id]}, chat_id=team, member_id_type="open_id")
    listed = sdk.call("im.v1.chat_members", "get", chat_id=team, member_id_type="open_id").data
    assert ([each.name for each in listed.items], listed.member_total) == (["Alice", "Bob"], 2)
    assert sdk.call("im.v1.chat_members", "is_in_chat", chat_id=team).data.is_in_chat is True

    def send(msg_type: str, content: dict[str, Any]) -> Any:
        body = {"receive_id": team, "msg_type": msg_type, "content": json.dumps(content)}
        return sdk.call(messages, "create", body, receive_id_type="chat_id").data

    text = send("text", {"text": f'<at user_id="{alice.open_id}"></at> hi'})
    assert (text.mentions[0].name, json.loads(text.body.content)["text"]) == ("Alice", "@_user_1 hi")
    one = {"message_id": text.message_id}
    reply = {"msg_type": "text", "content": '{"text":"re"}', "reply_in_thread": True}
    thread = sdk.call(messages, "reply", reply, **one).data
    assert (thread.root_id, thread.thread_id[:4]) == (text.message_id, "omt_")
    edited = {"msg_type": "text", "content": '{"text":"new"}'}
    assert json.loads(sdk.call(messages, "update", edited, **one).data.body.content)["text"] == "new"
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "a"}]}}
    shown = send("interactive", card)
    sdk.call(messages, "patch", {"content": json.dumps(card)}, message_id=shown.message_id)
    asked = {"container_id_type": "chat", "container_id": team, "page_size": 1, "sort_type": "ByCreateTimeDesc"}
    page = sdk.call(messages, "list", **asked).data
    assert (page.has_more, page.items[0].message_id) == (True, shown.message_id)
    rest = sdk.call(messages, "list", **asked, page_token=page.page_token).data
    assert (rest.has_more, rest.items[0].message_id, rest.items[0].updated) == (False, text.message_id, True)
    sdk.emu.state.read_message(text.message_id, alice.open_id)
    readers = sdk.call(messages, "read_users", **one, user_id_type="open_id").data.items
    assert [each.user_id for each in readers] == [alice.open_id]
    alarmed = {"user_id_list": [alice.open_id, "ou_x"]}
    told = sdk.call(messages, "urgent_app", alarmed, **one, user_id_type="open_id").data
    assert told.invalid_user_id_list == ["ou_x"]
    passed_on = {"receive_id": alice.open_id}
    assert sdk.call(messages, "forward", passed_on, **one, receive_id_type="open_id").data.msg_type == "text"
    merged = {"receive_id": alice.open_id, "message_id_list": [text.message_id]}
    whole = sdk.call(messages, "merge_forward", merged, receive_id_type="open_id").data.message
    inside = sdk.call(messages, "get", message_id=whole.message_id).data.items
    assert inside[1].upper_message_id == whole.message_id
    reaction = {"reaction_type": {"emoji_type": "DONE"}}
    made = sdk.call("im.v1.message_reaction", "create", reaction, **one).data
    assert sdk.call("im.v1.message_reaction", "list", **one).data.items[0].reaction_id == made.reaction_id
    sdk.call("im.v1.message_reaction", "delete", **one, reaction_id=made.reaction_id)
    sdk.call(messages, "delete", **one)
    assert sdk.answer(messages, "reply", reply, **one).code == 230011


def files_of_messages(sdk: Sdk) -> None:
    team = sdk.emu.state.add_chat("Team")
    png = io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(16))
    image = sdk.call("im.v1.image", "create", {"image_type": "message", "image": png}).data.image_key
    assert sdk.call("im.v1.image", "get", image_key=image).file.read().startswith(b"\x89PNG")
    up = {"file_type": "stream", "file_name": "报表.csv", "file": io.BytesIO("名\n".encode())}
    key = sdk.call("im.v1.file", "create", up).data.file_key
    got = sdk.call("im.v1.file", "get", file_key=key)
    assert (got.file.read().decode(), got.file_name) == ("名\n", "报表.csv")
    body = {"receive_id": team, "msg_type": "file", "content": json.dumps({"file_key": key})}
    sent = sdk.call("im.v1.message", "create", body, receive_id_type="chat_id").data
    inside = {"message_id": sent.message_id, "file_key": key, "type": "file"}
    assert sdk.call("im.v1.message_resource", "get", **inside).file.read().decode() == "名\n"
    ann = sdk.emu.state.add_user("Ann")
    batch = {"msg_type": "text", "content": {"text": "all"}, "open_ids": [ann.open_id]}
    answer = sdk.raw("POST", "/open-apis/message/v4/batch_send/", batch)
    assert json.loads(answer.raw.content)["data"]["message_id"].startswith("bm-")


def subscriptions(sdk: Sdk) -> None:
    place = make_table(sdk)
    one = {"file_token": place["app_token"], "file_type": "bitable"}
    sdk.call("drive.v1.file", "subscribe", **one)
    assert sdk.call("drive.v1.file", "get_subscribe", **one).data.is_subscribe is True
    sdk.call("drive.v1.file", "delete_subscribe", **one)
    assert sdk.call("drive.v1.file", "get_subscribe", **one).data.is_subscribe is False


def approvals(sdk: Sdk) -> None:
    ann = sdk.emu.state.add_user("Ann")
    texts = [{"locale": "zh-CN", "is_default": True, "texts": [{"key": "@i18n@release", "value": "Release"}]}]
    external = {"support_pc": True, "support_mobile": True, "action_callback_url": "http://127.0.0.1:9/"}
    body = {"approval_code": "mine", "approval_name": "@i18n@release", "external": external, "i18n_resources": texts}
    assert sdk.call("approval.v4.external_approval", "create", body).data.approval_code
    assert sdk.call("approval.v4.external_approval", "get", approval_code="mine").data.approval_code == "mine"
    links = {"pc_link": "https://a.example"}
    times = {"end_time": "0", "update_time": "1767225600000"}
    task = {"task_id": "t", "open_id": ann.open_id, "links": links, "status": "PENDING", **times}
    instance = {
        "approval_code": "mine",
        "instance_id": "i",
        "status": "PENDING",
        "open_id": ann.open_id,
        "links": links,
        "start_time": "1767225600000",
        **times,
        "task_list": [{**task, "create_time": "1767225600000"}],
        "i18n_resources": texts,
    }
    pushed = sdk.answer("approval.v4.external_instance", "create", instance)
    assert pushed.success(), (pushed.code, pushed.msg)
    asked = {"instance_id": "i", "update_time": "1", "tasks": [{"task_id": "t", "update_time": "1"}]}
    told = sdk.call("approval.v4.external_instance", "check", {"instances": [asked]}).data.diff_instances
    assert (told[0].update_time, told[0].tasks[0].update_time) == ("1767225600000", "1767225600000")
    listed = sdk.call("approval.v4.external_task", "list", {"instance_ids": ["i"]}).data
    assert (listed.data[0].status, listed.data[0].tasks[0].id) == ("PENDING", "t")


def tokens_and_logins(sdk: Sdk) -> None:
    emu = sdk.emu
    secret = {"app_id": sdk.app_id, "app_secret": sdk.app_secret}
    for resource in ("tenant_access_token", "app_access_token"):
        sdk.call(f"auth.v3.{resource}", "internal", secret)
    store = {"app_id": "cli_store", "app_secret": "store-secret"}
    emu.state.add_app(**store, kind="store")
    sdk.call("auth.v3.app_ticket", "resend", store)
    ticket = emu.state.apps["cli_store"].tickets[-1]
    issued = sdk.call("auth.v3.app_access_token", "create", {**store, "app_ticket": ticket})
    app_token = _flat(issued)["app_access_token"]
    tenant = {"app_access_token": app_token, "tenant_key": emu.state.tenant_key}
    assert _flat(sdk.call("auth.v3.tenant_access_token", "create", tenant))["tenant_access_token"].startswith("t-")
    alice = emu.state.add_user("Alice", "alice@x.example")
    code = emu.state.grants.consent(sdk.app_id, alice.open_id, ("offline_access",), "http://back.example", None)
    grant = {"grant_type": "authorization_code", "code": code}
    first = sdk.call("authen.v1.oidc_access_token", "create", grant).data
    again = {"grant_type": "refresh_token", "refresh_token": first.refresh_token}
    second = sdk.call("authen.v1.oidc_refresh_access_token", "create", again).data
    option = lark_oapi.RequestOption.builder().user_access_token(second.access_token).build()
    # a client that takes tokens from its caller asks for none of its own
    sdk.client = sdk.builder().enable_set_token(True).build()
    info = sdk.call("authen.v1.user_info", "get", option=option)
    assert (info.data.name, info.data.open_id) == ("Alice", alice.open_id)


def _flat(answer: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(answer.raw.content)
    return parsed


AREAS: tuple[typing.Callable[[Sdk], None], ...] = (
    bases_and_tables,
    fields_and_views,
    records,
    files,
    people_wiki_and_messages,
    messages_and_groups,
    files_of_messages,
    subscriptions,
    approvals,
    tokens_and_logins,
)
