"""Not seen, hidden, not yet there and gone: four absences that a client has to tell apart."""

from __future__ import annotations

from typing import Any

import pytest


def control(caller: Any, name: str, /, **given: Any) -> Any:
    answer = caller.http.post(f"/_emulator/{name}", json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def seen(caller: Any) -> list[str]:
    return [each["record_id"] for each in caller.search()["items"]]


def got(caller: Any, *record_ids: str) -> tuple[list[str], list[str], list[str]]:
    data = caller.call("POST", f"{caller.records}/batch_get", {"record_ids": list(record_ids)})["data"]
    found = [each["record_id"] for each in data["records"]]
    return found, data["forbidden_record_ids"], data["absent_record_ids"]


def test_hidden_record_is_in_no_read_until_it_is_shown_again(caller: Any) -> None:
    a, b, c = caller.create({"Name": "a"}, {"Name": "b"}, {"Name": "c"})
    caller.emu.person.delete_record(caller.app_token, caller.table_id, c)
    caller.emu.state.hide_records(caller.app_token, caller.table_id, [b])

    assert (seen(caller), caller.search()["total"]) == ([a], 1)
    wanted = {"conjunction": "and", "conditions": [{"field_name": "Name", "operator": "is", "value": ["b"]}]}
    assert caller.search({"filter": wanted})["total"] == 0
    assert caller.call("GET", caller.records)["data"]["total"] == 1
    assert caller.raw("GET", f"{caller.records}/{b}").json()["code"] == 1254302
    assert got(caller, a, b, c) == ([a], [b], [c])
    assert len(caller.emu.person.records(caller.app_token, caller.table_id)) == 2
    caller.emu.state.show_records(caller.app_token, caller.table_id, [b])
    assert seen(caller) == [a, b]
    assert caller.search({"filter": wanted})["total"] == 1


@pytest.mark.parametrize(("code", "status"), [(1254302, 403), (1254043, 200)])
def test_write_to_a_hidden_record_is_refused_whole(caller: Any, code: int, status: int) -> None:
    a, b = caller.create({"Name": "a"}, {"Name": "b"})
    caller.emu.switches.hidden_record_code = code
    caller.emu.state.hide_records(caller.app_token, caller.table_id, [b])

    answers = [
        caller.raw("POST", f"{caller.records}/batch_delete", {"records": [a, b]}),
        caller.raw("DELETE", f"{caller.records}/{b}"),
        caller.raw("PUT", f"{caller.records}/{b}", {"fields": {"Name": "x"}}),
        caller.raw("POST", f"{caller.records}/batch_update", {"records": [{"record_id": b, "fields": {}}]}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(status, code)] * 4
    caller.emu.state.show_records(caller.app_token, caller.table_id)
    assert seen(caller) == [a, b]


def test_hidden_record_may_look_absent(caller: Any) -> None:
    (a,) = caller.create({"Name": "a"})
    caller.emu.switches.names_hidden_records = False
    control(caller, "state/hide_records", app_token=caller.app_token, table_id=caller.table_id, record_ids=[a])

    assert got(caller, a) == ([], [], [a])
    control(caller, "state/show_records", app_token=caller.app_token, table_id=caller.table_id)
    assert got(caller, a) == ([a], [], [])


def test_record_is_hidden_from_one_app_only(caller: Any) -> None:
    (a,) = caller.create({"Name": "a"})
    caller.emu.state.hide_records(caller.app_token, caller.table_id, [a], members=["cli_other"])

    assert seen(caller) == [a]


def test_replica_misses_a_deletion_once(caller: Any) -> None:
    a, b = caller.create({"Name": "a"}, {"Name": "b"})
    caller.emu.person.delete_record(caller.app_token, caller.table_id, a)
    caller.emu.person.edit_record(caller.app_token, caller.table_id, b, {"Name": "c"})
    caller.emu.faults.add("batch_get", action="stale", record=a)

    assert got(caller, a, b) == ([a, b], [], [])
    assert got(caller, a, b) == ([b], [], [a])


def test_replica_misses_the_last_write_once(caller: Any) -> None:
    (a,) = caller.create({"Name": "a"})
    b, c = caller.create({"Name": "b"}, {"Name": "c"})
    control(caller, "faults", match="search", action="stale")

    assert seen(caller) == [a]
    assert seen(caller) == [a, b, c]
    caller.emu.person.edit_record(caller.app_token, caller.table_id, a, {"Name": "x"})
    caller.emu.faults.add("search", action="stale")
    assert caller.names(caller.search()) == ["a", "b", "c"]
    assert caller.names(caller.search()) == ["x", "b", "c"]


def test_base_is_locked_over_http(caller: Any, clock: Any) -> None:
    control(caller, "lock_base", app_token=caller.app_token, seconds=2)
    assert caller.code("POST", caller.records, {"fields": {}}) == 1254291
    clock.advance(2)
    assert caller.code("POST", caller.records, {"fields": {}}) == 0
