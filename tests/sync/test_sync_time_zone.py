"""In which zone the dates of SQL are meant: the base's own, unless the mapping or the ledger says another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import inspect

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.ledger import migrate
from airflow_provider_lark.core.sync.doctor import examine_mapping
from tests.sync.plain import Plain

lite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
DAY = "CREATE TABLE shifts (id INTEGER PRIMARY KEY NOT NULL, day DATE, starts {clock})"
CLOCK = {"sqlite": "DATETIME", "postgresql": "timestamp", "mysql": "DATETIME"}


def instant(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.fixture
def make(plain: Any, engine: Any) -> Any:
    def shifts(**options: Any) -> Plain:
        ddl = DAY.format(clock=CLOCK[engine.dialect.name])
        made: Plain = plain(ddl, {"day": 5, "starts": 5}, **options)
        made.run("INSERT INTO shifts VALUES (1, '2026-05-01', '2026-05-01 09:30:00')")
        return made

    return shifts


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_dates_are_those_that_people_see_in_the_base(make: Any, zone: str) -> None:
    shifts = make(time_zone=zone)
    engine = shifts.engine()

    assert engine.setup().time_zone == zone
    assert engine.full().time_zone == zone

    assert shifts.cells()[1]["day"] == instant("2026-05-01", zone)
    assert shifts.cells()[1]["starts"] == instant("2026-05-01T09:30", zone)
    shifts.edit(1, day=instant("2026-05-02", zone), starts=instant("2026-05-02T18:00", zone))
    engine.incremental()
    assert shifts.text_of("day") == "2026-05-02"
    assert str(shifts.text_of("starts")).startswith("2026-05-02 18:00:00")
    assert engine.check().in_step
    assert shifts.ask("SELECT time_zone FROM sync_checkpoint") == [(zone,)]


@lite_only
def test_zone_of_the_mapping_wins(make: Any) -> None:
    shifts = make()
    report = shifts.engine(time_zone="Europe/Berlin").full()
    assert (report.time_zone, report.warnings) == ("Europe/Berlin", [])
    assert shifts.cells()[1]["starts"] == instant("2026-05-01T09:30", "Europe/Berlin")
    assert shifts.ask("SELECT time_zone FROM sync_checkpoint") == [("Europe/Berlin",)]


@lite_only
def test_zone_that_was_stored_stays_when_the_base_moves_and_the_setup_says_so(make: Any) -> None:
    shifts = make()
    shifts.engine().full()
    shifts.emu.state.bases[shifts.base].time_zone = "Asia/Tokyo"

    report = shifts.engine().full()
    assert (report.time_zone, report.to_sql.total, report.to_lark.total) == ("Asia/Shanghai", 0, 0)
    (warning,) = shifts.engine().setup().warnings
    assert "interpreted in Asia/Shanghai" in warning
    assert "shows dates in Asia/Tokyo" in warning
    found = {
        finding.check: finding
        for finding in examine_mapping(shifts.client, shifts.sql, shifts.mapping(), clock=shifts.engine().clock)
    }
    assert found["time zone"].status == "warning"
    assert "Asia/Tokyo" in found["time zone"].detail


def as_it_was(shifts: Plain) -> None:
    """Turn the ledger into one of the version before, which knew no zone."""
    shifts.run(
        "ALTER TABLE sync_checkpoint DROP COLUMN time_zone",
        "ALTER TABLE sync_checkpoint DROP COLUMN partitions",
        f"UPDATE {migrate.VERSION_TABLE} SET version_num = 'v0001'",
    )


def test_ledger_of_the_version_before_goes_on_in_utc_rewrites_nothing_and_says_so(make: Any) -> None:
    shifts = make()
    shifts.engine(time_zone="UTC").full()
    as_it_was(shifts)

    report = shifts.engine().incremental()
    assert (report.time_zone, report.to_sql.total, report.to_lark.total) == ("UTC", 0, 0)
    assert ["interpreted in UTC" in warning and "Asia/Shanghai" in warning for warning in report.warnings] == [True]
    again = shifts.engine().full()
    assert (again.time_zone, again.to_sql.total, again.to_lark.total, again.warnings) == ("UTC", 0, 0, [])
    assert shifts.cells()[1]["starts"] == instant("2026-05-01T09:30", "UTC")
    assert "time_zone" in {column["name"] for column in inspect(shifts.sql).get_columns("sync_checkpoint")}


@lite_only
def test_ledger_of_the_version_before_with_a_zone_in_the_mapping_notices_no_change(make: Any) -> None:
    shifts = make()
    shifts.engine(time_zone="Europe/Berlin").full()
    as_it_was(shifts)
    report = shifts.engine(time_zone="Europe/Berlin").full()
    assert (report.warnings, report.conflicts, report.to_sql.total, report.to_lark.total) == ([], 0, 0, 0)


@lite_only
@pytest.mark.parametrize(
    ("policy", "day", "starts"),
    [
        pytest.param("sql", "2026-05-01", "2026-05-01T09:30", id="sql is right"),
        pytest.param("lark", "2026-05-01", "2026-05-01T17:30", id="lark is right"),
    ],
)
def test_another_zone_in_the_mapping_lets_the_policy_decide_on_record(
    make: Any, policy: str, day: str, starts: str
) -> None:
    shifts = make()
    shifts.engine(time_zone="UTC").full()

    report = shifts.engine(time_zone="Asia/Shanghai", conflict=policy).full()

    assert ["now interpreted in Asia/Shanghai instead of UTC" in warning for warning in report.warnings] == [True]
    assert report.conflicts == 1
    assert shifts.text_of("day") == day
    assert str(shifts.text_of("starts")).startswith(starts.replace("T", " "))
    assert shifts.cells()[1]["starts"] == instant(starts, "Asia/Shanghai")
    assert shifts.engine(time_zone="Asia/Shanghai").check().in_step
    assert shifts.engine(time_zone="Asia/Shanghai").full().warnings == []


@lite_only
def test_base_that_may_not_be_read_is_asked_for_only_where_dates_need_a_zone(make: Any, plain: Any) -> None:
    shifts = make()
    shifts.emu.faults.add(r"GET /open-apis/bitable/v1/apps/:app_token$", code=91403, times=None)
    with pytest.raises(ConfigError, match="set time_zone"):
        shifts.engine().setup()
    assert shifts.engine(time_zone="Asia/Shanghai").full().to_lark.created == 1


def test_ambiguous_and_skipped_hours_of_the_base_keep_both_sides_in_step(make: Any) -> None:
    shifts = make(time_zone="America/New_York")
    shifts.run(
        "INSERT INTO shifts VALUES (2, '2026-03-08', '2026-03-08 02:30:00')",  # skipped
        "INSERT INTO shifts VALUES (3, '2026-11-01', '2026-11-01 01:30:00')",  # twice
        "INSERT INTO shifts VALUES (4, '1969-12-31', '1969-12-31 23:59:59')",
        "INSERT INTO shifts VALUES (5, '2099-12-31', '2099-12-31 23:59:59')",
    )
    engine = shifts.engine()
    report = engine.full()
    assert (report.status, report.to_lark.created) == ("ok", 5)
    second_pass = int(datetime(2026, 11, 1, 6, 30, tzinfo=UTC).timestamp() * 1000)
    shifts.edit(3, starts=second_pass)
    for _ in range(2):
        report = engine.incremental()
    assert (report.to_sql.total, report.to_lark.total) == (0, 0)
    assert engine.check().in_step


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
@pytest.mark.parametrize(
    ("zone", "shown"),
    [pytest.param(None, "UTC", id="default"), pytest.param("Asia/Shanghai", "Asia/Shanghai", id="named")],
)
def test_timestamp_of_mysql_is_an_instant_unless_the_mapping_names_a_zone(
    plain: Any, engine: Any, zone: str | None, shown: str
) -> None:
    ddl = "CREATE TABLE shifts (id INTEGER PRIMARY KEY NOT NULL, day DATE, at TIMESTAMP NULL, note TIMESTAMP NULL)"
    shifts: Plain = plain(ddl, {"day": 5, "at": 5, "note": 1})
    shifts.run(
        "SET time_zone = '+00:00'",
        "INSERT INTO shifts VALUES (1, '2026-05-01', '2026-05-01 09:30:00', '2026-05-01 09:30:00')",
        "SET time_zone = @@GLOBAL.time_zone",
    )
    with shifts.sql.connect() as conn:
        if conn.exec_driver_sql("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())").scalar_one():
            pytest.skip("this server is not in UTC")
    engine_ = shifts.engine(**({"time_zone": zone} if zone else {}))
    engine_.full()
    assert shifts.cells()[1]["at"] == instant("2026-05-01T09:30", shown)
    assert shifts.cells()[1]["day"] == instant("2026-05-01", "Asia/Shanghai")
    shifts.edit(1, at=instant("2026-05-01T12:00", shown))
    engine_.incremental()
    assert str(shifts.text_of("at")).startswith("2026-05-01 12:00:00")
    assert shifts.engine(**({"time_zone": zone} if zone else {})).check().in_step
