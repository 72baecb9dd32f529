"""The engine under both readings of every point that Lark leaves open, as far as it can meet them at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.errors import NotFound, SchemaMismatch
from airflow_provider_lark.emulator import Emulator, Switches
from tests.clocks import JumpingClock
from tests.sync.world import wrote

lite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

#: what the engine meets, with the settings that are not the default
MET: dict[str, tuple[Any, ...]] = {
    "app_email": ("absent",),
    "splits_urls": (True,),
    "empty_option": ("error",),
    "repeated_options": ("merge",),
    "empty_links": ("empty",),
    "keeps_dead_links": (True,),
    "unsorted": ("newest_first",),
    "far_field_stays": (True,),
    "foreign_file_status": (200,),
    "foreign_file_code": (1254027,),
    "not_exist_status": (404,),
    "hidden_record_code": (1254043,),
    "token_on_single_update": (False,),
    "events_tell_auto_numbers": (True,),
    "max_field_name": (1000,),
    "greater_excludes_day": (True,),
    "date_range_operators": ("error",),
    "unknown_filter_field": ("empty",),
    "odd_texts_match": (False,),
    "contains_all": (True,),
    "conditions_beside_children": (False,),
    "shows_stages": (True,),
    "update_keeps_description": (True,),
    "uuid_strict": (False,),
    "client_token_window_seconds": (5.0,),
    "oversize_code": (99992402,),
    "oversize_page": ("99992402", "clamp"),
    "bad_page_token_code": (1254002,),
    "page_token_binds_page_size": (False,),
    "sort_ms_exact": (False,),
    "auth_status": (401, 200),
    "limited_status": (400,),
    "noop_update_touches": (False,),
    "computed_touches": (True,),
    "back_link_touches": (False,),
    "lock_whole_base": (True,),
    "wrong_kind_is_99991676": (True,),
}
#: not met by a sync: files, messages, logins, deliveries of events, wrong secrets; and measures instead of readings
ELSEWHERE = {
    # refused by mappings that name a view: tests/sync/test_sync_views.py
    "ignores_views",
    # a hidden record that looks absent is one that nobody could tell from a deleted one
    "names_hidden_records",
    *("serves_ranges", "names_ranges", "bare_file_refusals", "unsubscribed", "tells_callbacks"),
    *("serves_workflows", "workflows_need_conditions", "workflows_fire_on_api", "workflows_follow_renames"),
    *("workflows_are_blocks", "max_workflow_runs"),
    *("serves_record_history", "history_tells_operator"),
    # met where base/v3 is asked for: tests/sync/test_sync_matrix.py, tests/core/lark_side/test_matrix_scan.py
    *("v3_records", "v3_page_max", "v3_times", "v3_rev", "v3_types", "v3_links", "v3_rows"),
    *("login_denied", "login_as", "refresh_enabled", "wrong_secret_status", "wrong_secret_code"),
    *(
        "challenge_seconds",
        "ack_seconds",
        "event_copies",
        "event_delay_seconds",
        "events_out_of_order",
        "event_time_digits",
    ),
    *("ping_seconds", "reconnect_seconds", "reconnect_jitter_seconds", "reconnect_count"),
    *("fragment_bytes", "fragments_out_of_order"),
    *("approval_callback_seconds", "approval_callback_code", "approval_press_decides"),
    *("replica_lag_seconds", "write_seconds", "copy_seconds", "rate_limits"),
    # met by tests/sync/test_sync_batches.py, in tables that are large enough
    "batch_write_max",
    *("max_records", "max_changeset_bytes", "max_response_bytes", "strict_parameters"),
    *("hook_answer", "hook_bad_request_status", "hook_peak_seconds", "hook_signs_first", "max_hook_bytes"),
    *("edit_seconds", "recall_seconds", "message_size_counts", "unknown_message_code", "urgent_quota"),
    *("other_card_form_code", "unshared_card", "takes_wide_screen", "search_heeds_dashes"),
}
#: alone, so that a failure has a name: those that change what a cell shows or takes
ALONE = list(MET)[: list(MET).index("far_field_stays")]
SETTINGS = [
    *(pytest.param({name: value}, id=f"{name}={value}") for name in ALONE for value in MET[name]),
    pytest.param({}, id="the reading that the reference proposes"),
    pytest.param({name: values[0] for name, values in MET.items()}, id="every other reading at once"),
    pytest.param({name: values[-1] for name, values in MET.items()}, id="and the third ones"),
]

FIELDS: list[dict[str, Any]] = [
    {"field_name": "Name", "type": 1},
    {"field_name": "Code", "type": 2},
    {"field_name": "Kind", "type": 3},
    {"field_name": "Tags", "type": 4},
    {"field_name": "Day", "type": 5},
    {"field_name": "Done", "type": 7},
    {"field_name": "File", "type": 17},
    {"field_name": "No", "type": 1005},
    {"field_name": "Changed", "type": 1002},
    {"field_name": "By", "type": 1003},
    {"field_name": "Last", "type": 1004},
]
DDL = """
CREATE TABLE goods (
    code INTEGER NOT NULL PRIMARY KEY, name VARCHAR(200), kind VARCHAR(20), tags TEXT, day DATETIME,
    done BOOLEAN NOT NULL DEFAULT 0, file TEXT, serial VARCHAR(20), made_by TEXT, changed_by TEXT, far TEXT, both TEXT
)
"""
URL = "see https://a.example/x and http://b.example\r\nbye"


class Wide:
    """A table with a field of each kind that a switch is about, in both hands."""

    def __init__(self, emu: Emulator, sql: Engine, client: LarkClient, clock: JumpingClock) -> None:
        self.emu, self.sql, self.client, self.clock = emu, sql, client, clock
        self.app_token = emu.state.create_base("Shop").app_token
        self.far = emu.state.create_table(self.app_token, "far", [{"field_name": "Name", "type": 1}]).table_id
        self.table_id = emu.state.create_table(self.app_token, "goods", FIELDS).table_id
        for name, kind in (("Far", 18), ("Both", 21)):
            emu.person.add_field(
                self.app_token,
                self.table_id,
                {"field_name": name, "type": kind, "property": {"table_id": self.far, "multiple": True}},
            )
        self.run(DDL)

    def engine(self) -> SyncEngine:
        ways = {"No": "serial", "By": "made_by", "Last": "changed_by"}
        pairs = ("Name", "Code", "Kind", "Tags", "Day", "Done", "File", "Far", "Both")
        mapping = TableMapping.from_dict(
            {
                "lark": {"app_token": self.app_token, "table_id": self.table_id},
                "sql": {"table": "goods"},
                "users": "email",
                "fields": [
                    *({"field": name, "column": name.lower()} for name in pairs),
                    *({"field": name, "column": column, "direction": "to_sql"} for name, column in ways.items()),
                ],
            }
        )
        return SyncEngine(self.client, self.sql, mapping, clock=self.clock, lease_wait_seconds=0)

    def run(self, statement: str, **values: Any) -> None:
        with self.sql.begin() as conn:
            conn.execute(text(statement), values)

    def insert(self, code: int, **values: Any) -> None:
        names = ["code", *values]
        marks = ", ".join(f":{name}" for name in names)
        self.run(f"INSERT INTO goods ({', '.join(names)}) VALUES ({marks})", code=code, **values)

    def rows(self) -> dict[int, dict[str, Any]]:
        with self.sql.connect() as conn:
            return {row.code: dict(row._mapping) for row in conn.execute(text("SELECT * FROM goods"))}

    def records(self) -> dict[int, dict[str, Any]]:
        found = self.emu.person.records(self.app_token, self.table_id)
        return {int(each["fields"]["Code"]): {"id": each["record_id"], **each["fields"]} for each in found}

    def edit(self, code: int, **fields: Any) -> None:
        self.emu.person.edit_record(self.app_token, self.table_id, self.records()[code]["id"], fields)

    def add_far(self, name: str) -> str:
        return self.emu.person.add_record(self.app_token, self.far, {"Name": name})

    def calm(self) -> None:
        """Run until nothing is written: a run or two after the last edit, and never more."""
        for _ in range(3):
            self.run("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")
            report = self.engine().incremental()
            assert not report.failed, report.problems
            if wrote(report) == (0, 0):
                break
        full = self.engine().full()
        assert (wrote(full), full.failed) == ((0, 0), 0), full.problems

    def assert_equal(self) -> None:
        rows, records = self.rows(), self.records()
        assert set(rows) == set(records)
        for code, row in rows.items():
            record = records[code]
            shown = "".join(each["text"] for each in record.get("Name", []))
            assert (row["name"] or "", row["kind"] or "", bool(row["done"])) == (
                shown,
                record.get("Kind", ""),
                bool(record.get("Done")),
            )
            assert row["serial"] == record["No"]


@pytest.fixture(scope="module")
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def wide(engine: Engine, emulator: Emulator, clock: JumpingClock) -> Iterator[Wide]:
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url, clock=clock) as client:
        made = Wide(emulator, engine, client, clock)
        yield made
    emulator.faults.clear()
    emulator.switches.restore()


@lite_only
@pytest.mark.parametrize("switches", SETTINGS)
def test_both_sides_agree_under_either_reading(wide: Wide, switches: dict[str, Any]) -> None:
    wide.emu.switches.update(switches)
    ann = wide.emu.state.add_user("Ann", f"ann@{wide.table_id[-8:]}.example".lower())
    file = wide.emu.state.add_file(wide.app_token, "a.txt", content="a")
    far, lost = wide.add_far("far"), wide.add_far("lost")
    wide.insert(1, name=URL, kind="", tags='["new", "new", "old"]', day="2026-01-02 03:04:05", far=f'["{far}"]')
    wide.insert(2, name="", kind="a", tags='["old"]', done=True, both=f'["{lost}"]')
    wide.insert(3, name="three")
    wide.engine().full()
    wide.calm()
    wide.assert_equal()

    wide.emu.expire_tokens()
    wide.edit(1, Name=f"{URL}!", Kind=None, Tags=["old"], Far=[far, lost])
    wide.edit(3, File=[{"file_token": file}], Both=[far])
    wide.run("UPDATE goods SET kind = '', name = 'two http://c.example' WHERE code = 2")
    wide.emu.person.add_record(
        wide.app_token, wide.table_id, {"Code": 4, "Name": "by Ann", "Kind": "b"}, actor=ann.open_id
    )
    wide.insert(5, name="five", kind="b")
    wide.emu.faults.add("batch_(create|update)", code=99991400)
    wide.calm()
    wide.assert_equal()
    assert ann.email in wide.rows()[4]["made_by"]

    wide.emu.person.delete_record(wide.app_token, wide.far, lost)
    # links may vanish without a trace in the record's modified time: only a full sync sees that
    wide.engine().full()
    wide.calm()
    wide.run("UPDATE goods SET name = 'after the far record went' WHERE code = 1")
    wide.emu.person.delete_record(wide.app_token, wide.table_id, wide.records()[3]["id"])
    wide.run("DELETE FROM goods WHERE code = 5")
    wide.calm()
    wide.assert_equal()
    assert set(wide.rows()) == {1, 2, 4}
    assert wide.engine().check().in_step


@lite_only
@pytest.mark.parametrize("stays", [False, True])
def test_two_way_field_that_is_deleted_on_the_far_side(wide: Wide, stays: bool) -> None:
    far = wide.add_far("far")
    wide.insert(1, name="one", both=f'["{far}"]')
    wide.engine().full()
    wide.emu.switches.far_field_stays = stays

    back = next(name for name in wide.emu.person.fields(wide.app_token, wide.far) if name != "Name")
    wide.emu.person.delete_field(wide.app_token, wide.far, back)
    wide.run("UPDATE goods SET name = 'two' WHERE code = 1")

    if not stays:
        with pytest.raises(SchemaMismatch, match="Both"):
            wide.engine().incremental()
        assert wide.rows()[1]["both"] == f'["{far}"]'
        return
    wide.calm()
    wide.assert_equal()
    assert wide.records()[1]["Both"] == {"link_record_ids": [far]}


@lite_only
@pytest.mark.parametrize(("code", "status"), [(1254303, 403), (1254303, 200), (1254027, 403)])
def test_file_of_another_base_stops_its_row_alone(wide: Wide, code: int, status: int) -> None:
    wide.emu.switches.update({"foreign_file_code": code, "foreign_file_status": status})
    wide.insert(1, name="one", file='[{"file_token": "boxOfAnotherBase0000000000", "name": "a.txt"}]')
    wide.insert(2, name="two")

    report = wide.engine().full()

    assert (report.status, report.failed, report.to_lark.created) == ("partial", 1, 1)
    assert report.problems[0].startswith("1: ")
    assert set(wide.records()) == {2}


@lite_only
@pytest.mark.parametrize("code", [1254302, 1254043])
def test_hidden_record_whose_row_is_deleted_goes_when_it_is_seen_again(wide: Wide, code: int) -> None:
    wide.emu.switches.hidden_record_code = code
    for n in range(1, 5):
        wide.insert(n, name=f"n{n}")
    wide.engine().full()
    hidden = wide.records()[1]["id"]
    wide.emu.state.hide_records(wide.app_token, wide.table_id, [hidden])

    wide.run("DELETE FROM goods WHERE code IN (1, 2)")
    report = wide.engine().incremental()

    # the one that is seen goes, the other one is told
    assert (report.status, set(wide.records())) == ("partial", {1, 3, 4})
    wide.emu.state.show_records(wide.app_token, wide.table_id)
    wide.calm()
    assert set(wide.rows()) == set(wide.records()) == {3, 4}


@lite_only
@pytest.mark.parametrize("status", [400, 404])
def test_base_that_is_gone_is_told_as_such(wide: Wide, status: int) -> None:
    engine = wide.engine()
    engine.full()
    wide.emu.switches.not_exist_status = status
    del wide.emu.state.bases[wide.app_token]

    with pytest.raises(NotFound, match="91402"):
        engine.incremental()


def test_every_switch_is_tried_here_or_is_met_elsewhere() -> None:
    every = set(vars(Switches()))
    assert set(MET) | ELSEWHERE == every
    assert not set(MET) & ELSEWHERE
