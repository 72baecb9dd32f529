"""The types that users see: checked by mypy, and run so that the module cannot rot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, assert_type

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.address import TableRef, parse_table
from airflow_provider_lark.core.api.services.chats import Added, ChatInfo, ChatPage
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.api.services.messaging.wire import Delivery, Message, MessagePage, Reaction, SentMessage
from airflow_provider_lark.core.api.services.openapi import DataPage
from airflow_provider_lark.core.api.wire.results import (
    AppInfo,
    BatchGet,
    BotInfo,
    RecordPage,
    TableInfo,
    UserGrant,
    UserInfo,
    ViewInfo,
    WikiNode,
    WireField,
    WireRecord,
)


def _sync_types(client: LarkClient) -> None:
    assert_type(client.bitable.get_app(app_token="app"), AppInfo)
    assert_type(client.bitable.list_tables(app_token="app"), list[TableInfo])
    assert_type(client.bitable.create_table(app_token="app", name="t", fields=[]), str)
    assert_type(client.bitable.list_fields(app_token="app", table_id="tbl"), list[WireField])
    assert_type(client.bitable.search_page(app_token="app", table_id="tbl"), RecordPage)
    assert_type(client.bitable.search_pages(app_token="app", table_id="tbl"), Iterator[RecordPage])
    assert_type(client.bitable.batch_get(app_token="app", table_id="tbl", record_ids=["rec"]), BatchGet)
    assert_type(
        client.bitable.batch_create(app_token="app", table_id="tbl", records=[{}], client_token="x"), list[WireRecord]
    )
    client.bitable.batch_delete(app_token="app", table_id="tbl", record_ids=["rec"])
    assert_type(client.bitable.create_record(app_token="app", table_id="tbl", fields={}), WireRecord)
    assert_type(client.auth.authorize_url(redirect_uri="https://x", state="s"), str)
    assert_type(client.auth.exchange_code(code="c", redirect_uri="https://x"), UserGrant)
    assert_type(client.auth.user_info(), UserInfo)
    client.auth.keep_app_ticket("ticket")
    client.auth.resend_app_ticket()
    assert_type(client.bot.info(), BotInfo)
    assert_type(client.contact.batch_get_id(emails=["a@b.c"]), dict[str, str | None])
    assert_type(client.wiki.get_node(token="wik"), WikiNode)
    assert_type(client.calls.total, int)
    assert_type(client.bitable.locate(parse_table("MyDB:users")), TableRef)
    assert_type(client.bitable.list_views(app_token="app", table_id="tbl"), list[ViewInfo])
    assert_type(client.drive.upload_media(app_token="app", name="a", content=b""), str)
    assert_type(client.drive.download_media_pages(file_token="box"), Iterator[bytes])
    assert_type(client.drive.is_subscribed(app_token="app"), bool)
    assert_type(client.messaging.send_text(receiver_id="ou_1", content="x"), SentMessage)
    assert_type(client.messaging.send(receiver_id="Sales", content=content.text("x")), SentMessage)
    assert_type(client.messaging.send_to_each(receiver_ids=["a"], content=content.text("x")), list[Delivery])
    assert_type(client.messaging.get(message_id="om_1"), list[Message])
    assert_type(client.messaging.history_pages(chat_id="oc_1"), Iterator[MessagePage])
    assert_type(client.reactions.list(message_id="om_1"), list[Reaction])
    assert_type(client.resources.upload_image(content=b"x"), str)
    assert_type(client.resources.download_file(file_key="f"), bytes)
    assert_type(client.chats.get(chat_id="oc_1"), ChatInfo)
    assert_type(client.chats.list_pages(), Iterator[ChatPage])
    assert_type(client.chats.add_members(chat_id="oc_1", member_ids=["ou_1"]), Added)
    assert_type(client.call("GET", "/open-apis/x"), dict[str, Any])
    assert_type(client.call_pages("GET", "/open-apis/x"), Iterator[DataPage])
    client.bitable.get_app("app")  # type: ignore[call-arg]  # keywords only: mypy must refuse it
    client.bitable.search_page(app_token="app", table_id=1)  # type: ignore[arg-type]  # mypy must refuse it


async def _async_types(client: AsyncLarkClient) -> None:
    call = assert_type(client.bitable.get_app(app_token="app"), Coroutine[Any, Any, AppInfo])
    assert_type(await call, AppInfo)
    assert_type(await client.bitable.search_page(app_token="app", table_id="tbl"), RecordPage)
    assert_type(client.bitable.search_pages(app_token="app", table_id="tbl"), AsyncIterator[RecordPage])
    async for page in client.bitable.search_pages(app_token="app", table_id="tbl"):
        assert_type(page, RecordPage)
    assert_type(await client.bot.info(), BotInfo)
    assert_type(await client.bitable.locate(parse_table("MyDB:users")), TableRef)
    assert_type(client.drive.download_media_pages(file_token="box"), AsyncIterator[bytes])
    assert_type(await client.messaging.send_text(receiver_id="ou_1", content="x"), SentMessage)
    assert_type(client.messaging.history_pages(chat_id="oc_1"), AsyncIterator[MessagePage])
    assert_type(await client.chats.find(name="Sales"), str)
    assert_type(await client.call("GET", "/open-apis/x"), dict[str, Any])
    assert_type(client.call_pages("GET", "/open-apis/x"), AsyncIterator[DataPage])


def test_typing_of_both_clients_is_declared_for_mypy() -> None:
    assert callable(_sync_types)
    assert callable(_async_types)
