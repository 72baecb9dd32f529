"""No value changes on its second trip, for every pair of types that fit, and no junk gets past a codec."""

import os
import struct
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql, postgresql

from airflow_provider_lark.core.errors import SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical import dump_values, load_values
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import READ_ONLY_TYPES, Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column

T = FieldType
COLUMNS = {
    "VARCHAR(40)": (sa.VARCHAR(40), "postgresql"),
    "CHAR(8)": (sa.CHAR(8), "postgresql"),
    "TEXT": (sa.TEXT(), "postgresql"),
    "MySQL TINYTEXT": (mysql.TINYTEXT(), "mysql"),
    "ENUM": (mysql.ENUM("a", "b", "1"), "mysql"),
    "SMALLINT": (sa.SMALLINT(), "postgresql"),
    "INTEGER": (sa.INTEGER(), "postgresql"),
    "BIGINT": (sa.BIGINT(), "postgresql"),
    "SQLite INTEGER": (sa.INTEGER(), "sqlite"),
    "MySQL TINYINT(1)": (mysql.TINYINT(display_width=1), "mysql"),
    "MySQL INT UNSIGNED": (mysql.INTEGER(unsigned=True), "mysql"),
    "NUMERIC(10, 2)": (sa.NUMERIC(10, 2), "postgresql"),
    "NUMERIC(30, 12)": (sa.NUMERIC(30, 12), "postgresql"),
    "NUMERIC": (sa.NUMERIC(), "postgresql"),
    "SQLite NUMERIC(10, 2)": (sa.NUMERIC(10, 2), "sqlite"),
    "DOUBLE": (sa.DOUBLE(), "postgresql"),
    "REAL": (sa.REAL(), "postgresql"),
    "BOOLEAN": (sa.BOOLEAN(), "postgresql"),
    "DATE": (sa.DATE(), "postgresql"),
    "TIMESTAMP": (postgresql.TIMESTAMP(), "postgresql"),
    "TIMESTAMPTZ": (postgresql.TIMESTAMP(timezone=True), "postgresql"),
    "SQLite DATETIME": (sa.DATETIME(), "sqlite"),
    "MySQL DATETIME": (mysql.DATETIME(), "mysql"),
    "MySQL DATETIME(2)": (mysql.DATETIME(fsp=2), "mysql"),
    "TIME": (sa.TIME(), "postgresql"),
    "MySQL TIME": (mysql.TIME(), "mysql"),
    "JSONB": (postgresql.JSONB(), "postgresql"),
    "UUID": (sa.Uuid(), "postgresql"),
    "TEXT[]": (postgresql.ARRAY(sa.TEXT()), "postgresql"),
}
ZONES = [ZoneInfo(name) for name in ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Beirut")]
ZONES += [timezone(timedelta(hours=5, minutes=30))]


def pairs():
    """Every pair of a field type and a column that fit each other."""
    found = []
    for kind in FieldType:
        for name, (column_type, dialect) in COLUMNS.items():
            for multiple in (True, False):
                column = Column(name, column_type, dialect=dialect)
                field = Field("fld1", "F", kind, property={"multiple": multiple})
                try:
                    build_codec(field, column)
                except SchemaMismatch:
                    continue
                found.append((field, column))
    return found


PAIRS = pairs()
WRITABLE = [pair for pair in PAIRS if pair[0].type not in READ_ONLY_TYPES]

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
ids = st.from_regex(r"[a-z]{2}_[a-z0-9]{1,8}", fullmatch=True)
# around today, around the ends, and around the hours that a clock skips or repeats
instants = st.one_of(
    st.integers(0, 4_000_000_000_000),
    st.integers(-62_135_596_800_000, 253_402_300_799_999),
    st.integers(1_761_000_000_000, 1_762_500_000_000),
    st.integers(1_774_000_000_000, 1_775_000_000_000),
)
doubles = st.floats(allow_nan=False, allow_infinity=False)
money = st.decimals(-(10**7), 10**7, places=2, allow_nan=False)
numbers = st.one_of(st.integers(-300, 300), st.integers(-(2**33), 2**33), doubles, money.map(float))
naive = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - wall clock
spelled = st.one_of(
    words,
    numbers.map(str),
    money.map(str),
    st.sampled_from(
        ["true", "否", "007", "1e5", "a", "b ", "1", " 12 ", "09:30", "2026/1/2", "2026-03-29 02:30", "[1.50]"]
    ),
    naive.map(str),
    st.dates().map(str),
    st.times().map(str),
    st.uuids().map(str),
    ids,
)
open_ids = ids.map(lambda each: f"ou_{each}")
chats = st.lists(ids.map(lambda each: {"id": f"oc_{each}", "name": "N"}), max_size=3)
people = st.lists(open_ids.map(lambda each: {"id": each, "name": "N", "email": f"{each}@x.y"}), max_size=3)
files = st.lists(st.tuples(ids, words).map(lambda each: {"file_token": each[0], "name": each[1]}), max_size=3)
links = st.lists(ids, max_size=3).map(lambda each: {"link_record_ids": each})
points = st.tuples(st.decimals(-180, 180, places=4), st.decimals(-90, 90, places=6))
runs = st.lists(spelled.map(lambda text: {"type": "text", "text": text}), max_size=2)

WIRES = {
    T.TEXT: runs,
    T.NUMBER: numbers,
    T.SINGLE_SELECT: spelled,
    T.MULTI_SELECT: st.lists(words, max_size=4),
    T.DATE_TIME: instants,
    T.CHECKBOX: st.booleans(),
    T.USER: people,
    T.PHONE: st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True),
    T.URL: st.fixed_dictionaries({"text": spelled, "link": spelled}),
    T.ATTACHMENT: files,
    T.SINGLE_LINK: links,
    T.DUPLEX_LINK: links,
    T.LOCATION: points.map(lambda each: {"location": f"{each[0]},{each[1]}"}),
    T.GROUP_CHAT: chats,
    T.STAGE: spelled,
    T.CREATED_TIME: instants,
    T.MODIFIED_TIME: instants,
    T.CREATED_USER: people.map(lambda each: each[:1]),
    T.MODIFIED_USER: people.map(lambda each: each[:1]),
    T.AUTO_NUMBER: st.integers(1, 10**6).map(str),
    T.BUTTON: st.none(),
}
one_person = people.map(lambda each: each[:1])
one_link = ids.map(lambda each: {"link_record_ids": [each]})
one_chat = chats.map(lambda each: each[:1])
ONE_OF = {T.USER: one_person, T.GROUP_CHAT: one_chat, T.SINGLE_LINK: one_link, T.DUPLEX_LINK: one_link}
RESULTS = st.one_of(
    runs.map(lambda each: {"type": 1, "value": each}),
    st.lists(numbers, max_size=2).map(lambda each: {"type": 2, "value": each}),
    st.lists(words, max_size=2).map(lambda each: {"type": 4, "value": each}),
    st.lists(instants, max_size=2).map(lambda each: {"type": 5, "value": each}),
    people.map(lambda each: {"type": 11, "value": each}),
)
WIRES[T.LOOKUP] = WIRES[T.FORMULA] = RESULTS

json_values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
SQL_VALUES = {
    "text": spelled | st.lists(ids, max_size=3).map(lambda each: str(each).replace("'", '"')),
    "integer": st.integers(-128, 127) | st.integers(0, 2**15 - 1) | st.integers(-(2**63), 2**63 - 1),
    "decimal": money | st.decimals(-(10**17), 10**17, places=12, allow_nan=False),
    "NUMERIC(10, 2)": money,
    "float": doubles,
    "REAL": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "boolean": st.booleans(),
    "date": st.dates(date(1000, 1, 2)),
    "datetime": naive,
    "time": st.times(),
    "json": json_values | files | st.lists(words, max_size=3),
    "uuid": st.uuids(),
    "array": st.lists(words, max_size=3),
}


def as_read(field, written, names):
    """What Lark shows of a written value: the read shapes of the API reference."""
    if written is None:
        return None
    shapes = {
        T.TEXT: lambda value: [{"type": "text", "text": value}],
        T.USER: lambda value: [{**each, "name": "N"} for each in value],
        T.GROUP_CHAT: lambda value: [{**each, "name": "N"} for each in value],
        T.SINGLE_LINK: lambda value: {"link_record_ids": value},
        T.DUPLEX_LINK: lambda value: {"link_record_ids": value},
        T.LOCATION: lambda value: {"location": value, "full_address": "x"},
        # a file's name was told when it was uploaded
        T.ATTACHMENT: lambda value: [{**each, "name": names[each["file_token"]]} for each in value],
    }
    return shapes.get(field.type, lambda value: value)(written)


def file_names(canonical):
    return dict(canonical) if isinstance(canonical, tuple) and canonical and isinstance(canonical[0], tuple) else {}


def stored(column, bound):
    """What the database gives back of a bound value."""
    if column.name == "REAL" and bound is not None:
        return struct.unpack("f", struct.pack("f", bound))[0]
    if column.name == "CHAR(8)" and bound is not None:
        return bound.ljust(8)
    return bound


# FIELDS_EXAMPLES=20000 for a long hunt
thorough = settings(max_examples=int(os.environ.get("FIELDS_EXAMPLES", "150")), deadline=None)


@thorough
@given(data=st.data())
def test_lark_value_is_the_same_on_its_second_trip(data):
    field, column = data.draw(st.sampled_from(PAIRS))
    codec = build_codec(field, column, time_zone=data.draw(st.sampled_from(ZONES)))
    single = field.property["multiple"] is False and field.type in ONE_OF
    wire = data.draw(ONE_OF[field.type] if single else WIRES[field.type])
    try:
        canonical = codec.from_lark(wire)
        bound = codec.to_sql(canonical)
    except ValueMismatch:
        assume(False)

    again = codec.from_sql(stored(column, bound))

    assert again == canonical
    assert dump_values({"": again}) == dump_values({"": canonical})
    assert load_values(dump_values({"": canonical})) == {"": canonical}
    if codec.lark_writable:
        names = file_names(canonical)
        assert codec.from_lark(as_read(field, codec.to_lark(again), names)) == canonical


@thorough
@given(data=st.data())
def test_sql_value_is_the_same_on_its_second_trip(data):
    field, column = data.draw(st.sampled_from(WRITABLE))
    codec = build_codec(field, column, time_zone=data.draw(st.sampled_from(ZONES)))
    value = data.draw(SQL_VALUES[column.name if column.name in SQL_VALUES else column.kind])
    try:
        canonical = codec.from_sql(value)
        written = codec.to_lark(canonical)
    except ValueMismatch:
        assume(False)

    again = codec.from_lark(as_read(field, written, file_names(canonical)))

    assert again == canonical
    assert dump_values({"": again}) == dump_values({"": canonical})
    try:
        bound = codec.to_sql(again)
    except ValueMismatch:
        # the draw may be one that this column never held
        assume(False)
    assert codec.from_sql(stored(column, bound)) == canonical


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | naive
    | st.times(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "type", "value", "id", "link", "link_record_ids", "file_token", "name", "location"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@thorough
@given(data=st.data())
def test_junk_is_refused_or_settles(data):
    field, column = data.draw(st.sampled_from(PAIRS))
    codec = build_codec(field, column, time_zone=data.draw(st.sampled_from(ZONES)))
    value = data.draw(junk | spelled)
    for read, write in ((codec.from_lark, codec.to_sql), (codec.from_sql, codec.to_lark)):
        try:
            canonical = read(value)
            dump_values({"": canonical}).encode()
            write(canonical)
        except ValueMismatch:
            continue


def test_time_of_day_keeps_its_microseconds():
    codec = build_codec(Field("fld1", "F", T.TEXT), Column("c", sa.TIME(), dialect="postgresql"))

    assert codec.to_sql(codec.from_sql(time(9, 30, 0, 250))) == time(9, 30, 0, 250)


def test_decimal_of_money_is_exact():
    codec = build_codec(Field("fld1", "F", T.NUMBER), Column("c", sa.NUMERIC(15, 2), dialect="postgresql"))

    assert codec.from_lark(codec.to_lark(codec.from_sql(Decimal("1234567890123.45")))) == Decimal("1234567890123.45")
