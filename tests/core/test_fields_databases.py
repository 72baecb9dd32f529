"""What the codecs bind comes back as the same canonical value, from real columns of each database."""

from collections.abc import Callable
from decimal import Decimal
from itertools import zip_longest
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import lark_field_for
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of, key_columns_of, reflect_table
from airflow_provider_lark.core.sql_side.store import SqlStore

T = FieldType
EVERY = ("sqlite", "postgresql", "mysql")
BERLIN = ZoneInfo("Europe/Berlin")


def runs(*texts):
    return [[{"type": "text", "text": each}] for each in texts]


TEXTS = runs("海淀 🐉", " b ", "line\r\nline", "'\"\\%", "x" * 40)
WHOLE = [0, -1, 127, 32767]
MONEY = [0.1, -99999999.99, 1e-2, 12345678.9, 5]
DOUBLES = [0.1, 1 / 3, 1e300, -2.5e-7, 123456789012345.0, 0.1 + 0.2]
# the middle of a year, a skipped and a repeated hour of Berlin, a millisecond, long ago, far ahead
INSTANTS = [
    1_767_225_600_123,
    1_774_746_000_000,
    1_761_438_600_000,
    1_761_442_200_000,
    -1,
    -8_000_000_000_123,
    253_300_000_000_000,
]
PEOPLE = [[{"id": "ou_1", "name": "N"}], [{"id": "ou_1", "name": "N"}, {"id": "ou_2", "name": "M"}]]
UUIDS = runs("0b0e7b6a-6d3c-4c51-9c8b-3f8f1f3a2b1c")
JSONS = runs('{"b": [1, 2.5, null, true], "a": "海"}', "[]", '"text"', "1.5", "false", '{"": {"x": "\\\\u0000"}}')
FILES = [[{"file_token": "box1", "name": "图.png"}, {"file_token": "box2", "name": ""}]]
URLS = [{"text": "Docs", "link": "https://d.example"}, {"text": "https://x", "link": "https://x"}]

# databases, column type, field type, property, wire values
CASES = [
    (EVERY, "VARCHAR(40)", T.TEXT, {}, TEXTS),
    (EVERY, "CHAR(40)", T.TEXT, {}, [*TEXTS, *runs("a  ")]),
    (EVERY, "TEXT", T.TEXT, {}, TEXTS),
    (EVERY, "TEXT", T.SINGLE_SELECT, {}, ["开", "b"]),
    (("mysql",), "ENUM('a','b')", T.SINGLE_SELECT, {}, ["a", "b"]),
    (("mysql",), "TINYTEXT", T.TEXT, {}, TEXTS),
    (("mysql",), "LONGTEXT", T.TEXT, {}, TEXTS),
    (EVERY, "SMALLINT", T.NUMBER, {}, WHOLE),
    (EVERY, "INTEGER", T.NUMBER, {}, [*WHOLE, 2**31 - 1, -(2**31)]),
    (("sqlite",), "INTEGER", T.NUMBER, {}, [13_800_000_000]),
    (EVERY, "BIGINT", T.NUMBER, {}, [*WHOLE, 10**15 - 1]),
    (EVERY, "BIGINT", T.TEXT, {}, runs("9223372036854775807", "-9223372036854775808", "007")),
    (EVERY, "BIGINT", T.PHONE, {}, ["13800000000"]),
    (("mysql",), "TINYINT(1)", T.CHECKBOX, {}, [True, False]),
    (("mysql",), "TINYINT", T.NUMBER, {}, [-128, 127]),
    (("mysql",), "MEDIUMINT UNSIGNED", T.NUMBER, {}, [0, 2**24 - 1]),
    (("mysql",), "BIGINT UNSIGNED", T.TEXT, {}, runs("18446744073709551615")),
    (("mysql",), "YEAR", T.NUMBER, {}, [1999, 2026]),
    (("mysql",), "BIT(1)", T.CHECKBOX, {}, [True, False]),
    (EVERY, "NUMERIC(10, 2)", T.NUMBER, {}, MONEY),
    (("postgresql", "mysql"), "NUMERIC(30, 10)", T.TEXT, {}, runs("12345678901234567890.0123456789", "-0.5", "7.00")),
    (("postgresql",), "NUMERIC", T.TEXT, {}, runs("12345678901234567890.012345678901234567890123", "1e30")),
    (("postgresql",), "NUMERIC", T.NUMBER, {}, [*MONEY, 1e300, 1e-7]),
    (("sqlite", "postgresql", "mysql"), "DOUBLE PRECISION", T.NUMBER, {}, DOUBLES),
    (("sqlite",), "REAL", T.NUMBER, {}, DOUBLES),
    (("mysql",), "DOUBLE", T.NUMBER, {}, [0.1, 1e300, -2.5e-7, 123456789012345.0, 0.1 + 0.2]),
    (("postgresql",), "REAL", T.NUMBER, {}, [0.1, 1 / 3, 1e30, 123456789]),
    (("mysql",), "FLOAT", T.NUMBER, {}, [0.1, 1 / 3, 1e30, 123456789]),
    (("mysql",), "FLOAT(10,2)", T.NUMBER, {}, [0.1, 1234.5]),
    (EVERY, "BOOLEAN", T.CHECKBOX, {}, [True, False]),
    (("sqlite", "postgresql"), "BOOLEAN", T.TEXT, {}, runs("yes", "否")),
    (EVERY, "DATE", T.DATE_TIME, {}, INSTANTS),
    (EVERY, "DATE", T.TEXT, {}, runs("2026-02-28", "1000-01-01")),
    (("postgresql",), "TIMESTAMP", T.DATE_TIME, {}, INSTANTS),
    (("postgresql",), "TIMESTAMP(0)", T.DATE_TIME, {}, INSTANTS),
    (("postgresql",), "TIMESTAMPTZ", T.DATE_TIME, {}, INSTANTS),
    (("postgresql",), "TIMESTAMPTZ", T.TEXT, {}, runs("2026-03-29 02:30", "2026-10-25T02:30:00+01:00")),
    (("sqlite",), "DATETIME", T.DATE_TIME, {}, INSTANTS),
    (("sqlite",), "TIMESTAMP", T.DATE_TIME, {}, INSTANTS),
    (("mysql",), "DATETIME", T.DATE_TIME, {}, INSTANTS),
    (("mysql",), "DATETIME(3)", T.DATE_TIME, {}, INSTANTS),
    (("mysql",), "TIMESTAMP NULL", T.DATE_TIME, {}, [1_767_225_600_123]),
    (EVERY, "TEXT", T.DATE_TIME, {}, INSTANTS),
    (EVERY, "TIME", T.TEXT, {}, runs("09:30", "23:59:59.5")),
    (("mysql",), "TIME(6)", T.TEXT, {}, runs("00:00", "23:59:59.000001")),
    (EVERY, "JSON", T.TEXT, {}, JSONS),
    (("postgresql",), "JSONB", T.TEXT, {}, JSONS),
    (EVERY, "JSON", T.NUMBER, {}, [0.1, 7]),
    (EVERY, "JSON", T.MULTI_SELECT, {}, [["红", "b"]]),
    (EVERY, "JSON", T.ATTACHMENT, {}, FILES),
    (EVERY, "JSON", T.URL, {}, URLS),
    (EVERY, "JSON", T.USER, {"multiple": False}, PEOPLE[:1]),
    (EVERY, "TEXT", T.MULTI_SELECT, {}, [["红", "b"]]),
    (EVERY, "TEXT", T.USER, {}, PEOPLE),
    (EVERY, "CHAR(20)", T.USER, {"multiple": False}, PEOPLE[:1]),
    (EVERY, "TEXT", T.ATTACHMENT, {}, FILES),
    (EVERY, "TEXT", T.URL, {}, URLS),
    (EVERY, "TEXT", T.DUPLEX_LINK, {}, [{"link_record_ids": ["rec1", "rec2"]}]),
    (EVERY, "TEXT", T.LOCATION, {}, [{"location": "116.3970,-39.9"}]),
    (("postgresql",), "TEXT[]", T.MULTI_SELECT, {}, [["红", 'b"', "c,d"]]),
    (("postgresql",), "VARCHAR(20)[]", T.USER, {}, PEOPLE),
    (("postgresql",), "UUID", T.TEXT, {}, UUIDS),
    (EVERY, "TEXT", T.FORMULA, {}, [{"type": 2, "value": [1.5]}, {"type": 1, "value": runs("a")[0]}]),
    (EVERY, "NUMERIC(8, 2)", T.FORMULA, {}, [{"type": 2, "value": [37.5]}]),
    (EVERY, "INTEGER", T.AUTO_NUMBER, {}, ["17"]),
]
Make = Callable[[str], Engine]


@pytest.fixture(scope="module", params=EVERY)
def database(request, new_database):
    return new_database(request.param)


def spec_of(conn, name):
    table = reflect_table(conn, name)
    return TableSpec(name, None, columns_of(table), key_columns_of(table), table)


def test_bound_values_come_back_canonical_from_every_column_type(database):
    kind = database.dialect.name
    cases = [case for case in CASES if kind in case[0]]
    columns = ", ".join(f"c{i} {column_type}" for i, (_, column_type, *_) in enumerate(cases))
    with database.begin() as conn:
        conn.execute(text(f"CREATE TABLE every_type (id INTEGER PRIMARY KEY, {columns})"))
        spec = spec_of(conn, "every_type")
        by_name = {column.name: column for column in spec.columns}
        codecs = {
            f"c{i}": build_codec(Field("fld1", f"{column_type} {field_type.label}", field_type, property=settings),
                                 by_name[f"c{i}"], time_zone=BERLIN)
            for i, (_, column_type, field_type, settings, _) in enumerate(cases)
        }  # fmt: skip
        codecs["id"] = build_codec(Field("fld0", "id", T.NUMBER), by_name["id"])
        written = [
            {f"c{i}": codecs[f"c{i}"].from_lark(wire) for i, wire in enumerate(wires)} | {"id": Decimal(number)}
            for number, wires in enumerate(zip_longest(*(case[4] for case in cases)))
        ]
        store = SqlStore(conn, spec, codecs)
        ids = store.create(written)
        found = store.read(ids)

    assert [found[id_].problems for id_ in ids] == [()] * len(ids)
    for id_, row in zip(ids, written, strict=True):
        read = dict(found[id_].values)
        different = {f"{cases[int(c[1:])][1]} {cases[int(c[1:])][2].label}": (row[c], read[c])
                     for c in row if read[c] != row[c]}  # fmt: skip
        assert different == {}


def test_field_for_every_column_type_fits_it(database):
    kind = database.dialect.name
    types = dict.fromkeys(column_type for kinds, column_type, *_ in CASES if kind in kinds)
    with database.begin() as conn:
        columns = ", ".join(f"c{i} {column_type}" for i, column_type in enumerate(types))
        conn.execute(text(f"CREATE TABLE each_once (id INTEGER PRIMARY KEY, {columns})"))
        spec = spec_of(conn, "each_once")

    for column in spec.columns:
        wire = lark_field_for(column)
        codec = build_codec(Field.from_wire({"field_id": "fld1", **wire}), column)
        assert codec.lark_writable
        assert wire["field_name"] == column.name


@pytest.mark.parametrize(
    ("column_type", "field_type", "value"),
    [
        pytest.param("INTEGER", T.NUMBER, "abc", id="text in INTEGER"),
        pytest.param("INTEGER", T.NUMBER, 1.5, id="a fraction in INTEGER"),
        pytest.param("NUMERIC(10, 2)", T.NUMBER, "abc", id="text in NUMERIC"),
        pytest.param("REAL", T.NUMBER, b"abc", id="bytes in REAL"),
        pytest.param("DATE", T.DATE_TIME, "soon", id="text in DATE"),
        pytest.param("DATETIME", T.DATE_TIME, "soon", id="text in DATETIME"),
        pytest.param("TEXT", T.TEXT, b"abc", id="bytes in TEXT"),
        pytest.param("BOOLEAN", T.CHECKBOX, "maybe", id="text in BOOLEAN"),
    ],
)
def test_value_that_sqlite_kept_in_a_wrong_column_is_a_problem_of_its_row(new_database, column_type, field_type, value):
    with new_database("sqlite").begin() as conn:
        conn.execute(text(f"CREATE TABLE loose (id INTEGER PRIMARY KEY, c {column_type})"))
        conn.execute(text("INSERT INTO loose VALUES (1, :value), (2, NULL)"), {"value": value})
        spec = spec_of(conn, "loose")
        codecs = {"c": build_codec(Field("fld1", "Name", field_type), spec.columns[1])}
        first, second = next(SqlStore(conn, spec, codecs).scan()).rows

    (problem,) = first.problems
    assert isinstance(problem, ValueMismatch)
    assert "Name" in problem.message
    assert "c (" in problem.message
    assert not second.problems
