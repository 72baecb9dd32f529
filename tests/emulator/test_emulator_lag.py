"""Lagging replicas, write locks, and days in zones with summer time (lark-api §2.8, §4.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

LAG = 5.0


def made(caller: Any, path: str, body: dict[str, Any]) -> Any:
    answer = caller.call("POST", path, body)
    assert answer["code"] == 0, answer
    return answer["data"]


@pytest.fixture
def lagging(caller: Any) -> Any:
    caller.emu.switches.replica_lag_seconds = LAG
    return caller


def test_new_base_table_field_and_view_are_not_found_for_a_moment(lagging: Any, clock: Any) -> None:
    app_token = made(lagging, "/open-apis/bitable/v1/apps", {"name": "New"})["app"]["app_token"]
    base = f"/open-apis/bitable/v1/apps/{lagging.app_token}"
    table_id = made(lagging, f"{base}/tables", {"table": {"name": "New"}})["table_id"]
    field_id = made(lagging, f"{lagging.table}/fields", {"field_name": "New", "type": 1})["field"]["field_id"]
    view = {"view_name": "New", "view_type": "grid"}
    view_id = made(lagging, f"{lagging.table}/views", view)["view"]["view_id"]
    reads = [
        ("GET", f"/open-apis/bitable/v1/apps/{app_token}", None, 1254040),
        ("GET", f"{base}/tables/{table_id}/fields", None, 1254041),
        ("GET", f"{lagging.table}/views/{view_id}", None, 1254042),
        ("PUT", f"{lagging.table}/fields/{field_id}", {"field_name": "Other", "type": 1}, 1254044),
    ]

    assert [lagging.code(*each[:3]) for each in reads] == [each[3] for each in reads]
    clock.advance(LAG)
    assert [lagging.code(*each[:3]) for each in reads] == [0, 0, 0, 0]


def test_unchecked_writes_are_seen_late_and_others_at_once(lagging: Any, clock: Any) -> None:
    lagging.create({"Name": "checked"})
    late = lagging.create({"Name": "late"}, ignore_consistency_check="true")[0]

    assert lagging.names(lagging.search()) == ["checked"]
    got = lagging.call("POST", f"{lagging.records}/batch_get", {"record_ids": [late]})["data"]
    assert (got["records"], got["absent_record_ids"]) == ([], [late])
    assert lagging.code("GET", f"{lagging.records}/{late}") == 1254043
    assert lagging.code("PUT", f"{lagging.records}/{late}", {"fields": {}}) == 1254043
    clock.advance(LAG)
    assert lagging.names(lagging.search()) == ["checked", "late"]


def test_unchecked_update_and_delete_show_the_old_version_meanwhile(lagging: Any, clock: Any) -> None:
    first, second = lagging.create({"Name": "a"}, {"Name": "b"})
    lagging.call("PUT", f"{lagging.records}/{first}", {"fields": {"Name": "A"}}, ignore_consistency_check="true")
    lagging.call("DELETE", f"{lagging.records}/{second}", ignore_consistency_check="true")

    assert lagging.names(lagging.search()) == ["a", "b"]
    assert lagging.names(lagging.search({"filter": name_is("b")})) == ["b"]
    clock.advance(LAG)
    assert lagging.names(lagging.search()) == ["A"]


def name_is(text: str) -> dict[str, Any]:
    return {"conjunction": "and", "conditions": [{"field_name": "Name", "operator": "is", "value": [text]}]}


def test_every_write_of_a_held_table_conflicts_and_reads_do_not(caller: Any) -> None:
    record_id = caller.create({"Name": "a"})[0]
    table = caller.emu.state.table(caller.app_token, caller.table_id)
    field, view = f"{caller.table}/fields/{table.fields[1].field_id}", f"{caller.table}/views/{table.views[0].view_id}"
    record = {"record_id": record_id, "fields": {}}
    writes: list[tuple[str, str, Any]] = [
        ("POST", caller.records, {"fields": {}}),
        ("POST", f"{caller.records}/batch_create", {"records": [{"fields": {}}]}),
        ("PUT", f"{caller.records}/{record_id}", {"fields": {}}),
        ("POST", f"{caller.records}/batch_update", {"records": [record]}),
        ("DELETE", f"{caller.records}/{record_id}", None),
        ("POST", f"{caller.records}/batch_delete", {"records": [record_id]}),
        ("POST", f"{caller.table}/fields", {"field_name": "New", "type": 1}),
        ("PUT", field, {"field_name": "New", "type": 2}),
        ("DELETE", field, None),
        ("POST", f"{caller.table}/views", {"view_name": "New", "view_type": "grid"}),
        ("PATCH", view, {"view_name": "New"}),
        ("DELETE", view, None),
        ("PATCH", caller.table, {"name": "New"}),
        ("DELETE", caller.table, None),
    ]

    with caller.emu.hold_table(caller.app_token, caller.table_id):
        answers = [caller.raw(*each) for each in writes]
        assert caller.search()["total"] == 1
        assert caller.code("GET", caller.records) == 0

    assert {(each.json()["code"], each.status_code) for each in answers} == {(1254291, 200)}


def test_another_table_may_be_written_unless_the_whole_base_is_locked(caller: Any) -> None:
    other = caller.emu.state.create_table(caller.app_token, "other", [])
    path = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables/{other.table_id}/records"

    with caller.emu.hold_table(caller.app_token, caller.table_id):
        assert caller.code("POST", path, {"fields": {}}) == 0
    caller.emu.switches.lock_whole_base = True
    with caller.emu.hold_table(caller.app_token, caller.table_id):
        assert caller.code("POST", path, {"fields": {}}) == 1254291


# zones whose days are not all 24 hours long, each with a day on which its clocks change
CHANGES = [
    pytest.param("America/New_York", "2026-03-08", 23, id="New York, hour lost"),
    pytest.param("America/New_York", "2026-11-01", 25, id="New York, hour twice"),
    pytest.param("Europe/Berlin", "2026-03-29", 23, id="Berlin, hour lost"),
    pytest.param("America/Sao_Paulo", "2018-11-04", 23, id="Sao Paulo, no midnight"),
    pytest.param("America/Havana", "2026-11-01", 25, id="Havana, midnight twice"),
    pytest.param("Australia/Lord_Howe", "2026-04-05", 24.5, id="Lord Howe, half an hour"),
    pytest.param("Asia/Shanghai", "2026-01-01", 24, id="Shanghai, plain"),
]


@pytest.fixture
def zoned(caller: Any, request: Any) -> Any:
    zone_name, day, hours = request.param
    caller.emu.state.bases[caller.app_token].time_zone = zone_name
    # the first instant of the day, found by walking, not by the arithmetic of the emulator
    zone, wanted = ZoneInfo(zone_name), datetime.fromisoformat(day).date()
    instant = datetime.fromisoformat(day + "T00:00:00+00:00") - timedelta(hours=20)
    while instant.astimezone(zone).date() < wanted:
        instant += timedelta(minutes=30)
    caller.start_ms = int(instant.timestamp() * 1000)
    caller.end_ms = caller.start_ms + int(hours * 3_600_000)
    assert datetime.fromtimestamp(caller.end_ms / 1000, zone).date() == wanted + timedelta(days=1)
    assert datetime.fromtimestamp((caller.end_ms - 1) / 1000, zone).date() == wanted
    moments = {
        "before": caller.start_ms - 1,
        "first": caller.start_ms,
        "second": caller.start_ms + 1,
        "last": caller.end_ms - 1,
        "after": caller.end_ms,
    }
    caller.create(*[{"Name": name, "Day": moment} for name, moment in moments.items()])
    return caller


def on_day(caller: Any, operator: str, ms: int) -> list[str]:
    condition = {"field_name": "Day", "operator": operator, "value": ["ExactDate", str(ms)]}
    found: list[str] = caller.names(caller.search({"filter": {"conjunction": "and", "conditions": [condition]}}))
    return found


@pytest.mark.parametrize("zoned", [each.values for each in CHANGES], indirect=True, ids=[each.id for each in CHANGES])
def test_dates_are_cut_to_days_of_the_bases_zone_under_both_readings(zoned: Any) -> None:
    for moment in (zoned.start_ms, (zoned.start_ms + zoned.end_ms) // 2, zoned.end_ms - 1):
        zoned.emu.switches.greater_excludes_day = False
        assert on_day(zoned, "is", moment) == ["first", "second", "last"]
        assert on_day(zoned, "isLess", moment) == ["before"]
        assert on_day(zoned, "isGreater", moment) == ["second", "last", "after"]
        zoned.emu.switches.greater_excludes_day = True
        assert on_day(zoned, "isGreater", moment) == ["after"]
        assert on_day(zoned, "isLess", moment) == ["before"]
