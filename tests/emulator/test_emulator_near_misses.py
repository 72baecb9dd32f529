"""Writes and answers that are nearly right, and records that are nearly gone: scripted, as a client meets them."""

from __future__ import annotations

from typing import Any

import pytest

RATING = {"field_name": "Stars", "type": 2, "ui_type": "Rating", "property": {"formatter": "0", "min": 1, "max": 5}}
ALL = {
    "Name": " a\r\nb ",
    "Qty": 1.23456,
    "Stars": 9,
    "Tags": ["x", "y", "z"],
    "Kind": "k",
}


def shown(caller: Any, record_id: str) -> dict[str, Any]:
    answer = caller.call("POST", f"{caller.records}/batch_get", {"record_ids": [record_id]})
    fields: dict[str, Any] = answer["data"]["records"][0]["fields"]
    return {name: value[0]["text"] if name == "Name" else value for name, value in fields.items() if name != "Changed"}


@pytest.fixture
def stars(caller: Any) -> Any:
    caller.emu.person.add_field(caller.app_token, caller.table_id, RATING)
    return caller


@pytest.mark.parametrize(
    ("fault", "field", "stored"),
    [
        pytest.param({"action": "leave_out"}, "Qty", None, id="leaves a cell out"),
        pytest.param({"action": "trim"}, "Name", "a\r\nb", id="trims"),
        pytest.param({"action": "crlf_to_lf"}, "Name", " a\nb ", id="turns line ends"),
        pytest.param({"action": "round", "digits": 2}, "Qty", 1.23, id="rounds"),
        pytest.param({"action": "clamp"}, "Stars", 5, id="clamps"),
        pytest.param({"action": "drop_option"}, "Tags", ["x", "y"], id="drops the last option"),
        pytest.param({"action": "drop_option", "option": "x"}, "Tags", ["y", "z"], id="drops an option"),
        pytest.param({"action": "drop_option"}, "Kind", None, id="drops the only option"),
    ],
)
@pytest.mark.parametrize("by_id", [False, True], ids=["by name", "by id"])
@pytest.mark.parametrize("told", [False, True], ids=["echoed", "told"])
def test_write_succeeds_and_stores_something_else(
    stars: Any, fault: dict[str, Any], field: str, stored: Any, by_id: bool, told: bool
) -> None:
    name = stars.emu.person.fields(stars.app_token, stars.table_id)[field] if by_id else field
    stars.emu.faults.add("records", field=name, times=None, told=told, **fault)
    expected = {**ALL, field: stored}
    wanted = {name: value for name, value in expected.items() if value is not None}
    left_out = fault["action"] == "leave_out"
    echo = {name: value for name, value in expected.items() if not left_out or name != field} if told else ALL

    one = stars.call("POST", stars.records, {"fields": ALL})["data"]["record"]
    many = stars.call("POST", f"{stars.records}/batch_create", {"records": [{"fields": ALL}]})["data"]["records"][0]
    blank = stars.create({})[0]
    single = stars.call("PUT", f"{stars.records}/{blank}", {"fields": ALL})["data"]["record"]
    other = stars.create({})[0]
    body = {"records": [{"record_id": other, "fields": ALL}]}
    batch = stars.call("POST", f"{stars.records}/batch_update", body)["data"]["records"][0]

    assert [each["fields"] for each in (one, many, single, batch)] == [echo] * 4
    ids = [one["record_id"], many["record_id"], blank, other]
    assert [shown(stars, each) for each in ids] == [wanted] * 4


def test_several_near_misses_strike_one_request_and_only_their_record(caller: Any) -> None:
    caller.emu.faults.add("batch_create", action="trim", field="Name", record=" a ")
    caller.emu.faults.add("batch_create", action="round", field="Qty")

    caller.create({"Name": " a ", "Qty": 1.5}, {"Name": " b ", "Qty": 2.4})

    assert [(each["Name"][0]["text"], each["Qty"]) for each in _fields(caller)] == [("a", 2), (" b ", 2)]
    assert caller.emu.log[-1].fault == "trim+round"
    caller.create({"Name": " a ", "Qty": 1.5})
    assert _fields(caller)[-1]["Qty"] == 1.5


def test_near_miss_of_no_field_is_refused(caller: Any) -> None:
    with pytest.raises(ValueError, match="needs field"):
        caller.emu.faults.add("batch_create", action="trim")


@pytest.mark.parametrize("told", [False, True])
def test_new_table_keeps_only_its_first_fields(caller: Any, told: bool) -> None:
    caller.emu.faults.add("POST .*/tables$", action="keep_fields", count=2, told=told)
    fields = [{"field_name": f"f{n}", "type": 1} for n in range(5)]

    path = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables"
    made = caller.call("POST", path, {"table": {"name": "wide", "fields": fields}})["data"]

    items = caller.call("GET", f"{path}/{made['table_id']}/fields")["data"]["items"]
    assert [each["field_name"] for each in items] == ["f0", "f1"]
    assert len(made["field_id_list"]) == (2 if told else 5)
    assert made["field_id_list"][:2] == [each["field_id"] for each in items]


@pytest.mark.parametrize(
    ("action", "rest"),
    [
        pytest.param("no_data", {}, id="without data"),
        pytest.param("null_data", {"data": None}, id="data is null"),
        pytest.param("empty_data", {"data": {}}, id="data is empty"),
    ],
)
def test_answer_of_the_second_page_has_no_data(caller: Any, action: str, rest: dict[str, Any]) -> None:
    caller.create({"Name": "a"}, {"Name": "b"})
    caller.emu.faults.add("search", action=action, skip=1)

    token = caller.search(page_size=1)["page_token"]
    answer = caller.raw("POST", f"{caller.records}/search", {}, page_size=1, page_token=token)

    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "success", **rest})
    assert caller.search(page_size=1, page_token=token)["items"]


@pytest.mark.parametrize(
    ("status", "code"), [pytest.param(500, 1255001), pytest.param(200, 1254002), pytest.param(400, 1254999)]
)
def test_poisoned_record_spoils_every_batch_and_page_that_it_is_in(caller: Any, status: int, code: int) -> None:
    good, bad = caller.create({"Name": "good"}, {"Name": "bad"})
    caller.emu.faults.add("records", record="bad", code=code, status=status, times=None)

    def ask(method: str, tail: str, body: Any = None, **params: Any) -> tuple[int, int]:
        answer = caller.raw(method, caller.records + tail, body, **params)
        return answer.status_code, answer.json()["code"]

    def rows(*ids: str) -> dict[str, Any]:
        return {"records": [{"record_id": each, "fields": {"Qty": 1}} for each in ids]}

    refused = [
        ask("POST", "/batch_create", {"records": [{"fields": {"Name": "bad"}}]}),
        ask("POST", "", {"fields": {"Name": "bad"}}),
        ask("POST", "/batch_update", rows(good, bad)),
        ask("PUT", f"/{bad}", {"fields": {"Qty": 1}}),
        ask("POST", "/batch_delete", {"records": [good, bad]}),
        ask("DELETE", f"/{bad}"),
        ask("POST", "/search", {}),
        ask("POST", "/batch_get", {"record_ids": [good, bad]}),
        ask("GET", ""),
        ask("GET", f"/{bad}"),
    ]

    assert refused == [(status, code)] * len(refused)
    assert ask("POST", "/batch_update", rows(good)) == (200, 0)
    assert ask("POST", "/search", {}, page_size=1) == (200, 0)
    assert len(caller.emu.person.records(caller.app_token, caller.table_id)) == 2
    assert "Qty" not in caller.emu.person.records(caller.app_token, caller.table_id)[1]["fields"]


def test_poison_by_record_id_ends_after_so_many_times(caller: Any) -> None:
    (bad,) = caller.create({"Name": "x"})
    caller.emu.faults.add("batch_update", record=bad, code=1255001, times=2)
    body = {"records": [{"record_id": bad, "fields": {"Name": "y"}}]}

    assert [caller.code("POST", f"{caller.records}/batch_update", body) for _ in range(3)] == [1255001, 1255001, 0]


def test_locked_base_refuses_every_write_until_the_time_is_over(caller: Any, clock: Any) -> None:
    other = caller.emu.state.create_table(caller.app_token, "other", [{"field_name": "Name", "type": 1}]).table_id
    tables = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables"
    caller.emu.lock_base(caller.app_token, 1.5)

    def writes() -> set[int]:
        return {
            caller.code("POST", f"{caller.records}", {"fields": {}}),
            caller.code("POST", f"{tables}/{other}/records/batch_create", {"records": [{"fields": {}}]}),
            caller.code("POST", f"{tables}/{other}/fields", {"field_name": f"n{clock.now()}", "type": 1}),
            caller.code("POST", tables, {"table": {"name": f"n{clock.now()}"}}),
            caller.code("PUT", tables.removesuffix("/tables"), {"name": "Shop"}),
        }

    assert writes() == {1254291}
    assert caller.search()["total"] == 0
    clock.advance(1.5)
    assert writes() == {0}
    with caller.emu.hold_base(caller.app_token):
        assert writes() == {1254291}


def _fields(caller: Any) -> list[dict[str, Any]]:
    return [each["fields"] for each in caller.emu.person.records(caller.app_token, caller.table_id)]
