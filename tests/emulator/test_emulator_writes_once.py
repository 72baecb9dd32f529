"""client_token, the write lock of a table, and replicas that lag (lark-api §2.3, §2.8)."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import httpx
import pytest

from airflow_provider_lark.emulator import Emulator

TOKEN = str(UUID(int=0x1234_5678_9ABC_4DEF_8123_4567_89AB_CDEF))
OTHER = str(UUID(int=0x1234_5678_9ABC_4DEF_8123_4567_89AB_CDE0))
NOT_V4 = "12345678-9abc-5def-8123-456789abcdef"
ROW = {"records": [{"fields": {"Name": "a"}}]}


def test_equal_request_with_equal_token_gets_the_first_answer(caller: Any) -> None:
    path = f"{caller.records}/batch_create"
    first = caller.call("POST", path, ROW, client_token=TOKEN)
    again = caller.call("POST", path, ROW, client_token=TOKEN)

    assert again == first
    assert caller.search()["total"] == 1
    assert caller.code("POST", path, ROW, client_token=OTHER) == 0
    assert caller.search()["total"] == 2


def test_token_of_another_request_is_a_conflict(caller: Any) -> None:
    caller.create({"Name": "a"}, client_token=TOKEN)

    answer = caller.raw(
        "POST", f"{caller.records}/batch_create", {"records": [{"fields": {"Name": "b"}}]}, client_token=TOKEN
    )

    assert (answer.status_code, answer.json()["code"]) == (400, 1255006)


def test_token_may_be_used_again_after_its_window(caller: Any, clock: Any) -> None:
    caller.create({"Name": "a"}, client_token=TOKEN)
    clock.advance(caller.emu.switches.client_token_window_seconds)
    caller.login()

    assert caller.code("POST", f"{caller.records}/batch_create", ROW, client_token=TOKEN) == 0
    assert caller.search()["total"] == 2


def test_token_of_a_refused_request_stays_free(caller: Any) -> None:
    bad = {"records": [{"fields": {"Nope": "a"}}]}

    assert caller.code("POST", f"{caller.records}/batch_create", bad, client_token=TOKEN) == 1254045
    assert caller.code("POST", f"{caller.records}/batch_create", ROW, client_token=TOKEN) == 0


@pytest.mark.parametrize(
    ("token", "strict", "code"),
    [
        pytest.param("not-a-uuid", False, 1254037, id="no UUID"),
        pytest.param(NOT_V4, True, 1254037, id="UUIDv5, strict"),
        pytest.param(NOT_V4, False, 0, id="UUIDv5, lax"),
    ],
)
def test_malformed_token_is_refused(caller: Any, token: str, strict: bool, code: int) -> None:
    caller.emu.switches.uuid_strict = strict

    assert caller.code("POST", f"{caller.records}/batch_create", ROW, client_token=token) == code


def test_write_after_a_cut_connection_repeats_safely_with_its_token(caller: Any) -> None:
    caller.emu.faults.add("batch_create", action="drop_after")
    with pytest.raises(httpx.RemoteProtocolError):
        caller.create({"Name": "a"}, client_token=TOKEN)

    (record_id,) = caller.create({"Name": "a"}, client_token=TOKEN)

    assert [each["record_id"] for each in caller.search()["items"]] == [record_id]


def test_held_table_refuses_writes_but_not_reads_or_other_tables(caller: Any) -> None:
    other = caller.emu.state.create_table(caller.app_token, "other", [{"field_name": "Name", "type": 1}])
    elsewhere = caller.records.replace(caller.table_id, other.table_id)

    with caller.emu.hold_table(caller.app_token, caller.table_id):
        answer = caller.raw("POST", f"{caller.records}/batch_create", ROW)
        assert (answer.status_code, answer.json()["code"]) == (200, 1254291)
        assert caller.code("POST", f"{caller.table}/fields", {"field_name": "New", "type": 1}) == 1254291
        assert caller.code("POST", f"{caller.records}/search", {}) == 0
        assert caller.code("POST", f"{elsewhere}/batch_create", ROW) == 0
    assert caller.code("POST", f"{caller.records}/batch_create", ROW) == 0


class HeldClock:
    """A clock whose sleep lasts until it is let go."""

    def __init__(self) -> None:
        self.asleep = threading.Event()
        self.go = threading.Event()

    def now(self) -> float:
        return 1_767_225_600.0

    def sleep(self, seconds: float) -> None:
        self.asleep.set()
        self.go.wait(60)


def test_concurrent_writes_conflict_and_an_equal_token_is_still_running() -> None:
    clock = HeldClock()
    with Emulator(clock=clock) as emu, httpx.Client(base_url=emu.url) as http:
        base = emu.state.create_base("b").app_token
        table = emu.state.create_table(base, "t", [{"field_name": "Name", "type": 1}]).table_id
        known = {"app_id": emu.app_id, "app_secret": emu.app_secret}
        token = http.post("/open-apis/auth/v3/tenant_access_token/internal", json=known).json()
        http.headers["Authorization"] = f"Bearer {token['tenant_access_token']}"
        path = f"/open-apis/bitable/v1/apps/{base}/tables/{table}/records/batch_create"
        emu.switches.write_seconds = 1
        codes: list[int] = []

        def write(**params: str) -> None:
            codes.append(http.post(path, json=ROW, params=params).json()["code"])

        slow = threading.Thread(target=write, kwargs={"client_token": TOKEN})
        slow.start()
        assert clock.asleep.wait(60)
        write()
        write(client_token=TOKEN)
        clock.go.set()
        slow.join(60)

        assert codes == [1254291, 1254608, 0]
        assert len(emu.person.records(base, table)) == 1


def test_lagging_replica_shows_a_person_s_edit_late(caller: Any, clock: Any) -> None:
    (record_id,) = caller.create({"Name": "old"})
    caller.emu.switches.replica_lag_seconds = 3
    person, place = caller.emu.person, (caller.app_token, caller.table_id)
    person.edit_record(*place, record_id, {"Name": "new"})
    added = person.add_record(*place, {"Name": "added"})

    assert caller.names(caller.search()) == ["old"]
    assert caller.code("PUT", f"{caller.records}/{added}", {"fields": {}}) == 1254043
    clock.advance(3)
    assert caller.names(caller.search()) == ["new", "added"]


def test_lagging_replica_shows_a_checked_write_at_once(caller: Any) -> None:
    caller.emu.switches.replica_lag_seconds = 3

    caller.create({"Name": "checked"})
    caller.create({"Name": "unchecked"}, ignore_consistency_check="true")

    assert caller.names(caller.search()) == ["checked"]


def test_lagging_replica_still_shows_the_deleted(caller: Any, clock: Any) -> None:
    (record_id,) = caller.create({"Name": "a"})
    caller.emu.switches.replica_lag_seconds = 3
    caller.emu.person.delete_record(caller.app_token, caller.table_id, record_id)

    assert caller.search()["total"] == 1
    clock.advance(3)
    assert caller.search()["total"] == 0


def test_new_table_is_unknown_while_replicas_lag(caller: Any, clock: Any) -> None:
    caller.emu.switches.replica_lag_seconds = 3
    made = caller.call("POST", f"/open-apis/bitable/v1/apps/{caller.app_token}/tables", {"table": {"name": "new"}})
    path = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables/{made['data']['table_id']}/fields"

    assert caller.code("GET", path) == 1254041
    clock.advance(3)
    assert caller.code("GET", path) == 0


@pytest.mark.parametrize(
    ("touches", "moved"), [pytest.param(True, True, id="does"), pytest.param(False, False, id="not")]
)
def test_update_without_change_moves_the_modified_time_by_switch(
    caller: Any, clock: Any, touches: bool, moved: bool
) -> None:
    (record_id,) = caller.create({"Name": "a"})
    before = caller.search()["items"][0]["fields"]["Changed"]
    caller.emu.switches.noop_update_touches = touches
    clock.advance(1)

    caller.call("PUT", f"{caller.records}/{record_id}", {"fields": {"Name": "a"}})

    assert (caller.search()["items"][0]["fields"]["Changed"] > before) is moved
