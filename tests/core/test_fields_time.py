"""Time zones: hours that a clock skips or repeats, days without midnight, the ends of time."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql, postgresql

from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column

HOUR = 3_600_000
BERLIN, SHANGHAI, NEW_YORK, BEIRUT = map(
    ZoneInfo, ("Europe/Berlin", "Asia/Shanghai", "America/New_York", "Asia/Beirut")
)


def codec_of(column_type, zone, kind=FieldType.DATE_TIME, dialect="postgresql"):
    column = Column("at", column_type, dialect=dialect)
    return build_codec(Field("fld1", "At", kind), column, time_zone=zone)


def wall(*parts):
    return datetime(*parts)  # noqa: DTZ001 - what a naive column gives


def ms(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def test_wall_clock_that_berlin_skips_is_read_an_hour_later_and_stays():
    codec = codec_of(sa.DateTime(), BERLIN)

    skipped = codec.from_sql(wall(2026, 3, 29, 2, 30))

    assert skipped == ms(2026, 3, 29, 1, 30)
    assert codec.to_sql(skipped) == wall(2026, 3, 29, 3, 30)
    assert codec.from_sql(codec.to_sql(skipped)) == codec.from_lark(skipped) == skipped


def test_wall_clock_that_berlin_repeats_means_the_first_pass_on_both_sides():
    codec = codec_of(sa.DateTime(), BERLIN)
    first = ms(2026, 10, 25, 0, 30)

    assert codec.from_sql(wall(2026, 10, 25, 2, 30)) == first
    assert codec.from_lark(first) == codec.from_lark(first + HOUR) == first
    assert codec.to_sql(first) == wall(2026, 10, 25, 2, 30)
    assert codec.from_lark(first + 2 * HOUR) == first + 2 * HOUR


def test_aware_column_tells_the_two_passes_apart():
    codec = codec_of(sa.DateTime(timezone=True), BERLIN)
    first = ms(2026, 10, 25, 0, 30)

    assert codec.from_lark(first + HOUR) == first + HOUR == codec.from_sql(codec.to_sql(first + HOUR))


def test_text_column_tells_the_two_passes_apart():
    codec = codec_of(sa.TEXT(), BERLIN)
    first = ms(2026, 10, 25, 0, 30)

    assert codec.to_sql(first) == "2026-10-25T02:30:00+02:00"
    assert codec.to_sql(first + HOUR) == "2026-10-25T02:30:00+01:00"
    assert codec.from_sql(codec.to_sql(first + HOUR)) == first + HOUR


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_instants_of_one_local_day_are_one_date(hour):
    codec = codec_of(sa.DATE(), SHANGHAI)
    midnight = ms(2025, 12, 31, 16)

    assert codec.from_lark(midnight + hour * HOUR) == midnight
    assert codec.to_sql(midnight) == date(2026, 1, 1)
    assert codec.from_sql(date(2026, 1, 1)) == midnight


def test_date_that_begins_without_midnight_keeps_its_day():
    # Beirut's clocks go from 00:00 to 01:00 on 2026-03-29
    codec = codec_of(sa.DATE(), BEIRUT)

    start = codec.from_sql(date(2026, 3, 29))

    assert codec.to_sql(start) == date(2026, 3, 29)
    assert codec.from_lark(start) == start


def test_date_of_utc_before_the_epoch_is_its_own_day():
    codec = codec_of(sa.DATE(), UTC)

    assert codec.to_sql(codec.from_lark(-1)) == date(1969, 12, 31)
    assert codec.from_sql(date(1969, 12, 31)) == -86_400_000


def test_fixed_offset_needs_no_tables():
    codec = codec_of(sa.DateTime(), timezone(timedelta(hours=5, minutes=30)))

    assert codec.to_sql(0) == wall(1970, 1, 1, 5, 30)
    assert codec.from_sql(wall(1970, 1, 1, 5, 30)) == 0


@pytest.mark.parametrize(
    ("column_type", "step"),
    [
        pytest.param(postgresql.TIMESTAMP(), 1, id="microseconds hold milliseconds"),
        pytest.param(postgresql.TIMESTAMP(precision=0), 1000, id="TIMESTAMP(0)"),
        pytest.param(postgresql.TIMESTAMP(precision=1), 100, id="TIMESTAMP(1)"),
        pytest.param(mysql.DATETIME(), 1000, id="DATETIME"),
        pytest.param(mysql.DATETIME(fsp=3), 1, id="DATETIME(3)"),
    ],
)
def test_instant_is_cut_to_the_column_s_step_also_before_the_epoch(column_type, step):
    codec = codec_of(column_type, BERLIN)

    for instant in (1_767_225_600_987, -1_234_567):
        assert codec.from_lark(instant) == instant - instant % step
        assert codec.from_sql(codec.to_sql(codec.from_lark(instant))) == codec.from_lark(instant)


def test_microseconds_of_sql_are_no_difference():
    codec = codec_of(sa.DateTime(), UTC)

    assert codec.from_sql(wall(2026, 1, 1, 0, 0, 0, 123_999)) == codec.from_lark(ms(2026, 1, 1) + 123)


def test_end_of_time_is_refused_only_where_lark_s_clock_has_no_year_left():
    forever = wall(9999, 12, 31, 23, 59, 59)

    assert codec_of(sa.DateTime(), SHANGHAI).from_sql(forever) == ms(9999, 12, 31, 15, 59, 59)
    with pytest.raises(ValueMismatch, match="the years 1 to 9999"):
        codec_of(sa.DateTime(), NEW_YORK).from_sql(forever)
    with pytest.raises(ValueMismatch, match="the years 1 to 9999"):
        codec_of(sa.DateTime(), SHANGHAI).from_lark(ms(9999, 12, 31, 23))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-01-01T00:00:00Z", ms(2026, 1, 1), id="UTC"),
        pytest.param("2026-01-01 08:00:00.5+08:00", ms(2026, 1, 1) + 500, id="offset and fraction"),
        pytest.param("2026-01-01T08:00:00+0800", ms(2026, 1, 1), id="offset without colon"),
        pytest.param("2026/1/1 8:00", ms(2026, 1, 1), id="as Lark shows it, in the mapping's zone"),
        pytest.param("2026-01-01", ms(2025, 12, 31, 16), id="a day for its midnight"),
        pytest.param("2026-01-01 08:00:00,123456", ms(2026, 1, 1) + 123, id="comma and microseconds"),
    ],
)
def test_text_beside_a_datetime_column_takes_iso_spellings(text, expected):
    codec = codec_of(sa.DateTime(timezone=True), SHANGHAI, FieldType.TEXT)

    assert codec.from_lark([{"type": "text", "text": text}]) == expected


def test_text_beside_a_whole_second_column_is_cut_as_a_datetime_is():
    codec = codec_of(mysql.DATETIME(), BERLIN, FieldType.TEXT)

    assert codec.from_lark([{"type": "text", "text": "2026-10-25T02:30:00.750+01:00"}]) == ms(2026, 10, 25, 0, 30)
