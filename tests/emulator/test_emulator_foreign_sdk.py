"""The official SDK as a foreign client: what it understands without our help, the emulator says rightly."""

from __future__ import annotations

import json
from typing import Any

import pytest

lark = pytest.importorskip("lark_oapi", reason="the official SDK is in the dev extra")
v1 = pytest.importorskip("lark_oapi.api.bitable.v1")


@pytest.fixture
def sdk(caller: Any) -> Any:
    emu = caller.emu
    client = lark.Client.builder().app_id(emu.app_id).app_secret(emu.app_secret).domain(emu.url)
    return client.log_level(lark.LogLevel.ERROR).build()


@pytest.fixture
def place(caller: Any) -> dict[str, str]:
    return {"app_token": caller.app_token, "table_id": caller.table_id}


def build(builder: Any, place: dict[str, str], **settings: Any) -> Any:
    for name, value in {**place, **settings}.items():
        builder = getattr(builder, name)(value)
    return builder.build()


def create(sdk: Any, place: dict[str, str], *rows: dict[str, Any]) -> list[Any]:
    records = [v1.AppTableRecord.builder().fields(each).build() for each in rows]
    body = v1.BatchCreateAppTableRecordRequestBody.builder().records(records).build()
    request = build(v1.BatchCreateAppTableRecordRequest.builder(), place, request_body=body)
    answer = sdk.bitable.v1.app_table_record.batch_create(request)
    assert answer.success(), (answer.code, answer.msg)
    records = answer.data.records
    assert isinstance(records, list)
    return records


def test_sdk_gets_its_own_token_and_lists_fields(sdk: Any, place: dict[str, str], caller: Any) -> None:
    answer = sdk.bitable.v1.app_table_field.list(build(v1.ListAppTableFieldRequest.builder(), place, page_size=100))

    assert answer.success(), (answer.code, answer.msg)
    assert [each.field_name for each in answer.data.items][:2] == ["Name", "Qty"]
    assert answer.data.items[0].is_primary is True
    assert answer.data.has_more is False
    assert answer.get_log_id()
    assert any("tenant_access_token" in each.template for each in caller.emu.log)


def test_sdk_creates_and_searches_with_filter_and_sort(sdk: Any, place: dict[str, str]) -> None:
    create(sdk, place, *[{"Name": name, "Qty": qty} for name, qty in (("a", 1), ("b", 3), ("c", 2))])
    condition = v1.Condition.builder().field_name("Qty").operator("isGreater").value(["1"]).build()
    wanted = v1.FilterInfo.builder().conjunction("and").conditions([condition]).build()
    newest = v1.Sort.builder().field_name("Qty").desc(True).build()
    body = v1.SearchAppTableRecordRequestBody.builder().filter(wanted).sort([newest]).automatic_fields(True).build()

    request = build(v1.SearchAppTableRecordRequest.builder(), place, page_size=100, request_body=body)
    answer = sdk.bitable.v1.app_table_record.search(request)

    assert answer.success(), (answer.code, answer.msg)
    assert [each.fields["Name"][0]["text"] for each in answer.data.items] == ["b", "c"]
    assert answer.data.total == 2
    assert isinstance(answer.data.items[0].last_modified_time, int)


def test_sdk_updates_clears_by_raw_json_and_deletes(sdk: Any, place: dict[str, str], caller: Any) -> None:
    record_id = create(sdk, place, {"Name": "a", "Qty": 1})[0].record_id
    change = v1.AppTableRecord.builder().fields({"Name": "b"}).build()
    update = build(v1.UpdateAppTableRecordRequest.builder(), place, record_id=record_id, request_body=change)
    assert sdk.bitable.v1.app_table_record.update(update).success()

    # the SDK's models drop None, so that a cell is cleared by a raw request only
    raw = lark.BaseRequest.builder().http_method(lark.HttpMethod.PUT).uri(f"{caller.records}/{record_id}")
    raw = raw.token_types({lark.AccessTokenType.TENANT}).body({"fields": {"Qty": None}}).build()
    assert sdk.request(raw).success()

    fields = caller.search()["items"][0]["fields"]
    assert fields["Name"] == [{"text": "b", "type": "text"}]
    assert "Qty" not in fields

    delete = build(v1.DeleteAppTableRecordRequest.builder(), place, record_id=record_id)
    answer = sdk.bitable.v1.app_table_record.delete(delete)
    assert (answer.data.deleted, answer.data.record_id) == (True, record_id)
    assert caller.search()["total"] == 0


def test_sdk_reports_a_refusal_with_code_and_log_id(sdk: Any, place: dict[str, str]) -> None:
    record = v1.AppTableRecord.builder().fields({"Nope": 1}).build()
    request = build(v1.CreateAppTableRecordRequest.builder(), place, request_body=record)

    answer = sdk.bitable.v1.app_table_record.create(request)

    assert answer.code == 1254045
    assert answer.get_log_id() == json.loads(answer.raw.content)["error"]["log_id"]
