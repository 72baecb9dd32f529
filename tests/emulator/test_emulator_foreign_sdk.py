"""The official Python SDK as a foreign client: what it understands without our help, the emulator says rightly."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airflow_provider_lark.emulator import Emulator, ManualClock

# found, not imported: the import takes seconds, and only the process that runs this file needs it
pytestmark = pytest.mark.skipif(importlib.util.find_spec("lark_oapi") is None, reason="lark-oapi is in the dev extra")

AREAS = (
    "bases_and_tables",
    "fields_and_views",
    "records",
    "files",
    "people_wiki_and_messages",
    "messages_and_groups",
    "files_of_messages",
    "subscriptions",
    "approvals",
    "tokens_and_logins",
)
ENCRYPT_KEY, VERIFICATION_TOKEN = "encrypt-key", "verification-token"


@pytest.fixture(scope="module")
def official() -> Any:
    return pytest.importorskip("tests.emulator.foreign.official")


@pytest.fixture
def sdk(official: Any, emu: Any) -> Any:
    return official.Sdk(emu)


@pytest.mark.parametrize("area", AREAS)
def test_sdk_understands(official: Any, sdk: Any, area: str) -> None:
    getattr(official, area)(sdk)

    assert all(each.status == 200 or each.code in {1254606, 230011} for each in sdk.emu.log)


def test_sdk_speaks_more_than_seventy_calls(official: Any) -> None:
    assert tuple(each.__name__ for each in official.AREAS) == AREAS
    called: set[str] = set()
    for area in official.AREAS:
        with Emulator(clock=ManualClock()) as emu:
            area(official.Sdk(emu))
            called |= set(emu.counters())

    assert len(called) >= 81, sorted(called)


def test_sdk_clears_a_cell_by_raw_json_only(official: Any, sdk: Any) -> None:
    place = official.make_table(sdk)
    records = "bitable.v1.app_table_record"
    one = {**place, "record_id": ""}
    one["record_id"] = sdk.call(records, "create", {"fields": {"Name": "a", "Qty": 1}}, **place).data.record.record_id

    # the SDK's models drop None
    sdk.call(records, "update", {"fields": {"Qty": None}}, **one)
    assert sdk.call(records, "get", **one).data.record.fields["Qty"] == "1"
    path = "/open-apis/bitable/v1/apps/{app_token}/tables/{table_id}/records/{record_id}".format(**one)
    assert sdk.raw("PUT", path, {"fields": {"Qty": None}}).success()
    assert "Qty" not in sdk.call(records, "get", **one).data.record.fields


def test_sdk_reports_a_refusal_with_code_and_log_id(official: Any, sdk: Any) -> None:
    place = official.make_table(sdk)

    answer = sdk.answer("bitable.v1.app_table_record", "create", {"fields": {"Nope": 1}}, **place)

    assert answer.code == 1254045
    assert answer.get_log_id() == json.loads(answer.raw.content)["error"]["log_id"]


@pytest.fixture
def receiver(official: Any) -> Iterator[Any]:
    """The SDK's event dispatcher behind a small server; ``events`` is what its handlers were given."""
    lark = official.lark_oapi
    events: list[Any] = []
    dispatcher = (
        lark.EventDispatcherHandler.builder(ENCRYPT_KEY, VERIFICATION_TOKEN)
        .register_p2_drive_file_bitable_record_changed_v1(events.append)
        .register_p2_drive_file_bitable_field_changed_v1(events.append)
        .build()
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = lark.RawRequest()
            request.uri, request.headers = self.path, dict(self.headers)
            request.body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = dispatcher.do(request)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.events, server.url = events, f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def subscribed(official: Any, sdk: Any, receiver: Any, **secrets: str) -> dict[str, str]:
    place: dict[str, str] = official.make_table(sdk)
    # the challenge is encrypted too: the dispatcher must find it and answer it
    sdk.emu.state.set_event_url(sdk.app_id, receiver.url, **secrets)
    sdk.call("drive.v1.file", "subscribe", file_token=place["app_token"], file_type="bitable")
    return place


def test_sdk_dispatcher_verifies_decrypts_and_understands_events(official: Any, sdk: Any, receiver: Any) -> None:
    place = subscribed(official, sdk, receiver, encrypt_key=ENCRYPT_KEY, verification_token=VERIFICATION_TOKEN)
    place_of = (place["app_token"], place["table_id"])
    record_id = sdk.emu.person.add_record(*place_of, {"Name": "文", "Qty": 1})
    sdk.emu.person.edit_record(*place_of, record_id, {"Qty": 2})
    sdk.emu.person.delete_record(*place_of, record_id)
    field_id = sdk.emu.person.add_field(*place_of, {"field_name": "New", "type": 1})

    sdk.emu.events.settle()

    added, edited, deleted, field = receiver.events
    name_id = sdk.emu.person.fields(*place_of)["Name"]
    assert [each.event.action_list[0].action for each in (added, edited, deleted, field)] == [
        "record_added",
        "record_edited",
        "record_deleted",
        "field_added",
    ]
    values = {each.field_id: each.field_value for each in added.event.action_list[0].after_value}
    assert values[name_id] == "文"
    assert (added.event.file_token, added.event.table_id) == place_of
    assert added.event.action_list[0].record_id == record_id
    assert field.event.action_list[0].field_id == field_id
    assert (added.header.app_id, added.header.tenant_key) == (sdk.app_id, sdk.emu.state.tenant_key)
    assert {each.state for each in sdk.emu.events.log()} == {"delivered"}


def test_sdk_dispatcher_refuses_what_another_key_signed(official: Any, sdk: Any, receiver: Any, caplog: Any) -> None:
    place = subscribed(official, sdk, receiver, encrypt_key=ENCRYPT_KEY, verification_token=VERIFICATION_TOKEN)
    endpoint = sdk.emu.state.apps[sdk.app_id].endpoint
    object.__setattr__(endpoint, "encrypt_key", "another key")

    sdk.emu.person.add_record(place["app_token"], place["table_id"], {"Name": "a"})
    sdk.emu.events.settle()

    assert receiver.events == []
    (delivery,) = sdk.emu.events.log()
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    assert "500" in delivery.last_error
