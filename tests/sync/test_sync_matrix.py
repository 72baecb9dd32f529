"""Whole tables read by base/v3: fewer calls, and whatever it shows otherwise than v1 counts for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.api.calls.matrix_memory import KEPT_SECONDS, MatrixMemory
from airflow_provider_lark.core.api.wire.routes import Route
from airflow_provider_lark.core.sync import doctor
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from airflow_provider_lark.core.sync.report import CheckReport
from tests.clocks import JumpingClock
from tests.sync.world import PAIRS, World, wrote

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

V3 = "GET /open-apis/base/v3/bases/:app_token/tables/:table_id/records"
V1 = "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/search"
#: three pages of the small tenant that most tests are of
ROWS = 50


class Meanwhile:
    """Does something once a page of base/v3 has come."""

    def __init__(self) -> None:
        self.work: Callable[[], Any] | None = None

    def called(self, route: Route, code: str) -> None:
        work = self.work
        if work is not None and route.endpoint == V3:
            self.work = None
            work()

    def waited(self, route: Route, seconds: float) -> None:
        """Nobody looks."""


@pytest.fixture(scope="module")
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def meanwhile() -> Meanwhile:
    return Meanwhile()


@pytest.fixture
def memory() -> MatrixMemory:
    """Of a Lark whose pages are small, so that a test needs few rows."""
    return MatrixMemory((20, 10), v1_size=8)


@pytest.fixture
def swift(world: World, memory: MatrixMemory, meanwhile: Meanwhile) -> Iterator[World]:
    """The world of a connection that asks for base/v3."""
    world.emu.switches.update({"v3_page_max": 20})
    with client_of(world, base_v3=memory, observer=meanwhile) as client:
        yield replace(world, client=client)


def client_of(world: World, **options: Any) -> LarkClient:
    emu = world.emu
    return LarkClient(emu.app_id, emu.app_secret, emu.url, clock=world.clock, **options)


@pytest.fixture
def settled(swift: World) -> World:
    """Both sides are in step, and the echoes of the first load are taken in."""
    swift.ready(ROWS)
    swift.engine().incremental()
    return swift


def calls_of(world: World, work: Callable[[], Any]) -> tuple[Any, int, int]:
    """Return what *work* returns, and how many pages it read by base/v3 and by v1."""
    before = dict(world.emu.counters())
    result = work()
    after = world.emu.counters()
    v3, v1 = (after.get(name, 0) - before.get(name, 0) for name in (V3, V1))
    return result, v3, v1


def refusal(world: World) -> str:
    memory = world.client.matrices
    assert memory is not None
    return memory.refusal(world.app_token, world.table_id, now_seconds=world.clock.monotonic())


def test_check_of_ten_thousand_rows_takes_six_calls_in_place_of_twenty_one(world: World) -> None:
    world.ready(10_000)
    world.engine().incremental()
    plain = world.engine().check()
    assert (plain.equal, plain.in_step, plain.api_calls["total"]) == (10_000, True, 21)
    with client_of(world, base_v3=True) as client:
        # the token
        client.bitable.list_tables(app_token=world.app_token)
        report, v3, v1 = calls_of(world, replace(world, client=client).engine().check)
    assert (report.equal, report.in_step, report.fallbacks) == (10_000, True, 0)
    assert (v3, v1, report.api_calls["total"]) == (5, 0, 6)


def test_full_reads_by_base_v3_after_one_look_and_before_the_pulls(settled: World) -> None:
    report, v3, v1 = calls_of(settled, settled.engine().full)
    assert (v3, v1, wrote(report), report.fallbacks) == (3, 3, (0, 0), 0)
    assert report.rows_lark >= ROWS


def test_without_the_setting_v1_reads(settled: World, world: World) -> None:
    report, v3, v1 = calls_of(settled, world.engine().check)
    assert (v3, v1, report.in_step) == (0, 1, True)


def test_small_table_is_read_by_v1_in_as_many_calls(swift: World) -> None:
    swift.ready(3)
    _, v3, v1 = calls_of(swift, swift.engine().check)
    assert (v3, v1) == (0, 1)


def test_what_people_changed_is_taken_from_v1(settled: World) -> None:
    settled.edit(1, Name="[a](b) \\*")
    settled.edit(2, Qty=7)
    settled.edit(3, Done=True, Qty=None)
    report, v3, _ = calls_of(settled, settled.engine().full)
    assert (v3, report.to_sql.updated, report.fallbacks) == (3, 3, 0)
    settled.assert_in_step()


def test_text_that_base_v3_shows_otherwise_is_v1s_each_time(settled: World) -> None:
    link = [{"type": "text", "text": "see "}, {"type": "url", "text": "shop", "link": "https://b.example"}]
    settled.edit(1, Name=link)
    for updated in (1, 0):
        report, v3, _ = calls_of(settled, settled.engine().full)
        assert (v3, report.to_sql.updated, wrote(report)[1], report.fallbacks) == (3, updated, 0, 0)
    assert settled.rows()[1]["name"] == "see shop"
    report, v3, _ = calls_of(settled, settled.engine().check)
    assert (v3, report.in_step, report.equal) == (3, True, ROWS)


def test_table_that_base_v3_shows_otherwise_throughout_is_left_to_v1(world: World) -> None:
    memory = MatrixMemory((200, 100), v1_size=20)
    link = {"type": "url", "link": "https://b.example"}
    rows = [{"Name": [{**link, "text": f"n{number}"}], "Code": number} for number in range(1, 121)]
    world.emu.person.add_records(world.app_token, world.table_id, rows)
    world.engine().full()
    with client_of(world, base_v3=memory) as client:
        swift = replace(world, client=client)
        report, v3, _ = calls_of(swift, swift.engine().check)
        assert (v3, report.in_step, report.equal, report.fallbacks) == (1, True, 120, 1)
        assert "otherwise than v1" in refusal(swift)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lark": {"filter": {"Qty": {"isGreater": -1}}}}, "filter"),
        ({"users": "email"}, "e-mail"),
    ],
    ids=["filter", "e-mail addresses"],
)
def test_mapping_that_base_v3_cannot_serve_is_read_by_v1(swift: World, changes: dict[str, Any], reason: str) -> None:
    whole = {"app_token": swift.app_token, "table_id": swift.table_id}
    by = swift.emu.person.add_field(swift.app_token, swift.table_id, {"field_name": "By", "type": 1003})
    assert by
    changes = {name: {**whole, **each} if name == "lark" else each for name, each in changes.items()}
    pairs = [{"field": field, "column": column} for field, column in PAIRS.items()]
    by_column = {"field": "By", "column": "lark_id", "direction": "to_sql"}
    swift.ready(ROWS, fields=[*pairs, by_column], **changes)
    swift.engine().incremental()
    report, v3, v1 = calls_of(swift, swift.engine().check)
    assert (v3, v1, report.in_step, report.fallbacks) == (0, 1, True, 1)
    assert reason in refusal(swift)


def test_sql_changes_that_no_trigger_saw_are_found(settled: World) -> None:
    settled.engine().uninstall(keep_state=True)
    settled.update(5, name="other")
    report, v3, _ = calls_of(settled, settled.engine().full)
    assert (v3, report.to_lark.updated) == (3, 1)
    settled.assert_in_step()


def test_check_finds_the_same_drift_as_v1(settled: World, world: World) -> None:
    settled.edit(1, Name="lark's")
    settled.add(Name="new", Code=9_000)
    settled.remove(2)
    report, v3, _ = calls_of(settled, settled.engine().check)
    assert v3 == 3
    plain = world.engine().check()
    assert told(report) == told(plain)
    assert (report.different, report.only_lark, report.only_sql) == (1, 1, 1)


def told(report: CheckReport) -> dict[str, Any]:
    """What a check says of the rows."""
    names = ("rows_lark", "rows_sql", "equal", "different", "only_lark", "only_sql", "pending", "samples", "in_step")
    return {name: getattr(report, name) for name in names}


def test_repair_counts_by_v1_before_it_believes_base_v3(settled: World) -> None:
    settled.remove(2)
    report, v3, v1 = calls_of(settled, lambda: settled.engine().check(CheckOptions(repair="policy")))
    assert (v3, v1, report.only_sql, report.fallbacks) == (3, 1, 1, 0)


def test_deleted_records_are_found_by_their_keys(settled: World) -> None:
    settled.remove(3)
    report, v3, v1 = calls_of(settled, settled.engine().incremental)
    assert (v3, v1, report.to_sql.deleted) == (3, 1, 1)
    settled.assert_in_step()


#: readings of a tenant, with whether it is remembered that base/v3 does not serve
TENANTS = [
    pytest.param({"v3_records": "missing"}, True, id="missing"),
    pytest.param({"v3_records": "forbidden"}, True, id="forbidden"),
    pytest.param({"v3_records": "failing"}, True, id="failing"),
    pytest.param({"v3_page_max": 8}, True, id="smaller pages"),
    pytest.param({"v3_rev": "absent"}, True, id="no revision"),
    pytest.param({"v3_rev": "zero"}, True, id="revision 0"),
    pytest.param({"v3_types": "new"}, True, id="unknown types"),
    pytest.param({"v3_rows": "objects"}, True, id="rows that are objects"),
]


@pytest.mark.parametrize(("switches", "lasting"), TENANTS)
def test_tenant_that_does_otherwise_is_read_by_v1(settled: World, switches: dict[str, Any], lasting: bool) -> None:
    settled.emu.switches.update(switches)
    settled.edit(1, Name="edited")
    report, v3, v1 = calls_of(settled, settled.engine().check)
    assert (report.different, report.equal, report.fallbacks) == (1, ROWS - 1, 1)
    assert (1 <= v3 <= 3, v1, bool(refusal(settled))) == (True, 1, lasting)
    again, v3, v1 = calls_of(settled, settled.engine().full)
    assert (v3, again.to_sql.updated) == (0, 1)
    settled.assert_in_step()


def test_refusal_is_forgotten_after_some_hours(settled: World) -> None:
    settled.emu.switches.update({"v3_records": "missing"})
    settled.engine().check()
    settled.emu.switches.update({"v3_records": "served"})
    assert calls_of(settled, settled.engine().check)[1] == 0
    settled.clock.sleep(KEPT_SECONDS + 1)
    assert calls_of(settled, settled.engine().check)[1] == 3


def test_half_a_page_is_asked_for_where_a_whole_one_is_too_large(settled: World) -> None:
    settled.emu.switches.update({"v3_page_max": 10})
    # 50 records: one call that is refused, and five
    assert calls_of(settled, settled.engine().check)[1:] == (6, 0)
    assert calls_of(settled, settled.engine().check)[1:] == (5, 0)


@pytest.mark.parametrize("fault", [{"status": 502}, {"action": "drop_before"}], ids=["bad gateway", "no answer"])
def test_failure_in_passing_is_not_remembered(settled: World, fault: dict[str, Any]) -> None:
    settled.emu.faults.add("base/v3/.*/records", times=2, **fault)
    report, _, v1 = calls_of(settled, settled.engine().check)
    assert (report.equal, report.fallbacks, v1, refusal(settled)) == (ROWS, 1, 1, "")
    assert calls_of(settled, settled.engine().check)[1:] == (3, 0)


@pytest.mark.parametrize("change", ["delete", "insert", "edit"])
def test_change_between_two_pages_is_seen_by_the_revision(settled: World, meanwhile: Meanwhile, change: str) -> None:
    # F7: those behind a deleted record of page 1 move up, and one of them would be passed over
    work = {
        "delete": lambda: settled.remove(1),
        "insert": lambda: settled.add(Name="late", Code=9_001),
        "edit": lambda: settled.edit(1, Name="late"),
    }
    meanwhile.work = work[change]
    report, v3, v1 = calls_of(settled, settled.engine().full)
    assert (v3, v1, report.fallbacks, refusal(settled)) == (2, 2, 1, "")
    assert (report.to_sql.deleted, report.to_sql.created) == (change == "delete", change == "insert")
    settled.assert_in_step()


def test_first_full_of_a_table_that_nobody_knows_is_read_by_v1(swift: World) -> None:
    rows = [{"Name": f"n{n}", "Code": n} for n in range(1, ROWS + 1)]
    swift.emu.person.add_records(swift.app_token, swift.table_id, rows)
    report, v3, _ = calls_of(swift, swift.engine().full)
    assert (v3, report.to_sql.created) == (0, ROWS)


def test_table_of_which_people_changed_a_great_part_is_read_by_v1_this_time(world: World) -> None:
    memory = MatrixMemory((200, 100), v1_size=20)
    with client_of(world, base_v3=memory) as client:
        swift = replace(world, client=client)
        swift.ready(150)
        swift.engine().incremental()
        for record in swift.records()[:110]:
            swift.emu.person.edit_record(swift.app_token, swift.table_id, record["id"], {"Qty": -1})
        report, v3, _ = calls_of(swift, swift.engine().full)
        assert (v3, report.to_sql.updated, report.fallbacks, memory.fallbacks) == (1, 110, 1, 1)
        assert refusal(swift) == ""
        swift.assert_in_step()


@pytest.mark.parametrize(
    ("switches", "status", "told"),
    [
        ({"v3_page_max": 2000}, "ok", "up to 2,000 records"),
        ({"v3_page_max": 1000, "v3_rev": "absent"}, "warning", "up to 1,000 records, without a revision"),
        ({"v3_page_max": 500}, "warning", "read as usual"),
        ({"v3_records": "failing"}, "warning", "code 5000"),
    ],
    ids=["large", "no revision", "small", "not served"],
)
def test_doctor_tells_whether_lark_has_larger_pages(
    swift: World, switches: dict[str, Any], status: str, told: str
) -> None:
    swift.emu.switches.update(switches)
    found = doctor.examine_mapping(swift.client, swift.sql, swift.mapping(), clock=swift.clock)
    (finding,) = [each for each in found if each.check == "larger pages"]
    assert finding.status == status
    assert told in finding.detail
