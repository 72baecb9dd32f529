"""What does not fit is refused, and the message names field, column and types, never the value."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql, postgresql

from airflow_provider_lark.core.errors import SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column, ColumnKind

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "field-types.md"
T = FieldType
K = ColumnKind

COLUMN_TYPES = {
    K.TEXT: sa.TEXT(),
    K.INTEGER: sa.INTEGER(),
    K.DECIMAL: sa.NUMERIC(10, 2),
    K.FLOAT: sa.DOUBLE(),
    K.BOOLEAN: sa.BOOLEAN(),
    K.DATE: sa.DATE(),
    K.DATE_TIME: sa.DateTime(),
    K.TIME: sa.TIME(),
    K.JSON: sa.JSON(),
    K.UUID: sa.Uuid(),
    K.ARRAY: postgresql.ARRAY(sa.TEXT()),
}
NUMERIC = {K.INTEGER, K.DECIMAL, K.FLOAT}
SCALARS = set(K) - {K.ARRAY, K.JSON}
LISTS = {K.TEXT, K.JSON, K.ARRAY}
# the whole matrix: which column kinds each field type fits
FITS = {
    T.TEXT: SCALARS | {K.JSON},
    T.NUMBER: NUMERIC | {K.TEXT, K.BOOLEAN, K.JSON},
    T.SINGLE_SELECT: SCALARS,
    T.MULTI_SELECT: LISTS,
    T.DATE_TIME: {K.DATE_TIME, K.DATE, K.TEXT},
    T.CHECKBOX: {K.BOOLEAN, K.INTEGER, K.DECIMAL, K.TEXT},
    T.USER: LISTS,
    T.PHONE: {K.TEXT, K.INTEGER, K.DECIMAL},
    T.URL: {K.TEXT, K.JSON},
    T.ATTACHMENT: {K.TEXT, K.JSON},
    T.SINGLE_LINK: LISTS,
    T.LOOKUP: SCALARS | {K.JSON},
    T.FORMULA: SCALARS | {K.JSON},
    T.DUPLEX_LINK: LISTS,
    T.LOCATION: {K.TEXT},
    T.GROUP_CHAT: LISTS,
    T.STAGE: SCALARS | {K.JSON},
    T.CREATED_TIME: {K.DATE_TIME, K.DATE, K.TEXT},
    T.MODIFIED_TIME: {K.DATE_TIME, K.DATE, K.TEXT},
    T.CREATED_USER: LISTS,
    T.MODIFIED_USER: LISTS,
    T.AUTO_NUMBER: SCALARS,
    T.BUTTON: SCALARS | {K.JSON},
}


@pytest.mark.parametrize("kind", list(FieldType), ids=lambda kind: kind.label)
def test_build_codec_of_each_field_type_fits_the_columns_of_the_matrix_only(kind):
    fits = set()
    for column_kind, column_type in COLUMN_TYPES.items():
        field, column = Field("fld1", "Stock", kind), Column("stock_no", column_type)
        try:
            build_codec(field, column)
        except SchemaMismatch as exc:
            message = str(exc)
            assert message.startswith(f"field {field.describe()} and column {column.describe()} are incompatible"), (
                message
            )
        else:
            fits.add(column_kind)
    assert fits == FITS[kind]


def test_matrix_of_the_reference_page_is_that_of_the_code():
    rows = [line.strip("|\n ").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    header = next(row for row in rows if row[0] == "Field")
    told = {row[0]: row[1:] for row in rows if len(row) == len(header) and row != header}

    assert header[1:] == [kind.value for kind in COLUMN_TYPES]
    assert told == {
        kind.label: [
            build_codec(Field("fld1", "F", kind), Column("c", column_type)).kind if column in FITS[kind] else "–"
            for column, column_type in COLUMN_TYPES.items()
        ]
        for kind in FieldType
    }


@pytest.mark.parametrize(
    "column_type",
    [sa.LargeBinary(), sa.Interval(), mysql.SET("a"), mysql.BIT(8), postgresql.INET(), postgresql.ARRAY(sa.INTEGER()),
     postgresql.ARRAY(sa.TEXT(), dimensions=2), sa.NullType(), postgresql.TSVECTOR(), postgresql.HSTORE()],
    ids=lambda column_type: type(column_type).__name__,
)  # fmt: skip
def test_build_codec_of_a_type_that_holds_nothing_alike_is_refused(column_type):
    with pytest.raises(SchemaMismatch, match=r"field Name \(Text\) and column c \(.*no Lark field can be stored"):
        build_codec(Field("fld1", "Name", T.TEXT), Column("c", column_type))


def test_build_codec_of_unknown_field_type_says_to_leave_it_out():
    with pytest.raises(SchemaMismatch, match=r"Name \(type 77\).*leave the field out"):
        build_codec(Field("fld1", "Name", 77), Column("c", sa.TEXT()))


def test_build_codec_of_formula_with_known_result_checks_the_column():
    field = Field("fld1", "Sum", T.FORMULA, property={"type": {"data_type": int(T.CHECKBOX)}})

    with pytest.raises(SchemaMismatch, match=r"Sum \(Formula\) and column c \(DATE\)"):
        build_codec(field, Column("c", sa.DATE()))


def refused(kind, column_type, way, value, expected, *ids, dialect="postgresql", **settings):
    return pytest.param(kind, column_type, dialect, settings, way, value, expected, id=" ".join(ids) or None)


def runs(text):
    return [{"type": "text", "text": text}]


MANY = [{"id": f"ou_{i}"} for i in range(1001)]
LARK = "from Lark"
SQL = "from SQL"

REFUSALS = [
    refused(T.TEXT, sa.VARCHAR(3), LARK, runs("secret"), "at most 3 characters", "too long for VARCHAR"),
    refused(T.TEXT, mysql.TINYTEXT(), LARK, runs("密" * 86), "at most 255 bytes of UTF-8", "too long for TINYTEXT"),
    refused(T.TEXT, sa.TEXT(), LARK, runs("se\0cret"), "without NUL", "NUL from Lark"),
    refused(T.TEXT, sa.TEXT(), SQL, "secret\ud800", "lone surrogates", "a lone surrogate"),
    refused(T.TEXT, sa.TEXT(), SQL, "secret" * 20000, "at most 100,000 characters", "too long for Lark"),
    refused(T.TEXT, sa.TEXT(), SQL, b"secret", "got a bytes, expected text", "bytes in a text column"),
    refused(T.TEXT, sa.TEXT(), LARK, [{"type": "mention"}], "a list of text runs", "runs without text"),
    refused(T.TEXT, sa.TEXT(), LARK, {"secret": 1}, "got a dict, expected text", "an object for text"),
    refused(T.TEXT, sa.Enum("a", "b"), LARK, runs("secret"), "one of the column's values (2)", "not in ENUM"),
    refused(T.TEXT, sa.INTEGER(), LARK, runs("secret"), "expected a number such as 12", "no number"),
    refused(T.TEXT, sa.INTEGER(), LARK, runs("1,5"), "expected a number such as 12", "a comma for a point"),
    refused(T.TEXT, sa.INTEGER(), LARK, runs("1_000"), "expected a number such as 12", "an underscore"),
    refused(T.TEXT, sa.INTEGER(), LARK, runs("1e999999999"), "expected a number such as 12", "a bomb of digits"),
    refused(T.TEXT, sa.INTEGER(), LARK, runs("4.5"), "a whole number from -2147483648 to 2147483647", "a fraction"),
    refused(T.TEXT, sa.BIGINT(), LARK, runs("9223372036854775808"), "a whole number from", "beyond BIGINT"),
    refused(T.TEXT, sa.NUMERIC(5, 2), LARK, runs("1000"), "at most 3 digits before and 2 after", "too big"),
    refused(T.TEXT, sa.BOOLEAN(), LARK, runs("perhaps"), "true or false", "no boolean"),
    refused(T.TEXT, sa.DATE(), LARK, runs("2026-02-30"), "a date such as 2026-05-01", "no such day"),
    refused(T.TEXT, sa.DATE(), LARK, runs("20260101"), "a date such as 2026-05-01", "a date without separators"),
    refused(T.TEXT, sa.DateTime(), LARK, runs("tomorrow"), "an ISO 8601 datetime", "no datetime"),
    refused(T.TEXT, sa.TIME(), LARK, runs("25:00"), "a time of day", "no time of day"),
    refused(T.TEXT, mysql.TIME(), SQL, timedelta(hours=30), "got a timedelta, expected a time of day", "30 hours"),
    refused(T.TEXT, sa.Uuid(), LARK, runs("secret"), "a UUID", "no UUID"),
    refused(T.TEXT, sa.JSON(), LARK, runs("{secret"), "a JSON document", "no JSON"),
    refused(T.TEXT, sa.JSON(), LARK, runs("NaN"), "a JSON document", "NaN in JSON"),
    refused(T.TEXT, sa.JSON(), LARK, runs('"\\u0000"'), "a JSON document", "NUL in JSON"),
    refused(T.TEXT, sa.JSON(), LARK, runs("[" * 5000 + "]" * 5000), "a JSON document", "very deep JSON"),
    refused(T.TEXT, sa.JSON(), SQL, {"secret": float("nan")}, "without NaN", "NaN in a JSON column"),
    refused(T.NUMBER, sa.BIGINT(), LARK, 1234567890123456, "map the column to a Text field", "16 digits from Lark"),
    refused(T.NUMBER, sa.BIGINT(), SQL, 1234567890123456, "map the column to a Text field", "16 digits from BIGINT"),
    refused(T.NUMBER, sa.NUMERIC(30, 10), SQL, Decimal("1234567890.1234567"), "map the column to a Text field",
            "17 digits from NUMERIC"),
    refused(T.NUMBER, sa.TEXT(), SQL, "1234567890123456", "map the column to a Text field", "16 digits from text"),
    refused(T.NUMBER, sa.DOUBLE(), SQL, float(2**60), "at most 15 significant digits", "19 digits from DOUBLE"),
    refused(T.NUMBER, sa.DOUBLE(), SQL, float("nan"), "a finite number", "NaN"),
    refused(T.NUMBER, sa.DOUBLE(), LARK, float("inf"), "a number of at most 15", "infinite from Lark"),
    refused(T.NUMBER, sa.NUMERIC(), SQL, Decimal("NaN"), "a finite number", "NaN of NUMERIC"),
    refused(T.NUMBER, sa.NUMERIC(), SQL, Decimal("Infinity"), "a finite number", "infinite NUMERIC"),
    refused(T.NUMBER, sa.INTEGER(), SQL, Decimal("Infinity"), "a whole number", "infinite INTEGER"),
    refused(T.LOOKUP, sa.SMALLINT(), SQL, Decimal("sNaN"), "a whole number", "signalling NaN in an INTEGER"),
    refused(T.NUMBER, sa.NUMERIC(), SQL, Decimal("1e5000"), "a finite number", "5000 digits"),
    refused(T.NUMBER, sa.REAL(), LARK, 1e300, "a number of at most 3.4e+38", "too big for REAL"),
    refused(T.NUMBER, sa.INTEGER(), LARK, 2**31, "a whole number from -2147483648 to 2147483647", "beyond INTEGER"),
    refused(T.NUMBER, sa.SMALLINT(), LARK, -32769, "a whole number from -32768 to 32767", "beyond SMALLINT"),
    refused(T.NUMBER, mysql.TINYINT(), LARK, 128, "a whole number from -128 to 127", "beyond TINYINT"),
    refused(T.NUMBER, mysql.INTEGER(unsigned=True), LARK, -1, "a whole number from 0 to 4294967295", "below UNSIGNED"),
    refused(T.NUMBER, sa.INTEGER(), LARK, 0.5, "got a Decimal, expected a whole number", "a fraction into INTEGER"),
    refused(T.NUMBER, sa.NUMERIC(10, 2), LARK, 0.125, "2 after the decimal point", "a third decimal"),
    refused(T.NUMBER, sa.NUMERIC(4, 2), LARK, 100, "2 digits before", "too big for NUMERIC"),
    refused(T.NUMBER, sa.NUMERIC(4, 2, asdecimal=False), LARK, 100, "2 digits before", "too big, as float"),
    refused(T.NUMBER, mysql.DECIMAL(4, 2, unsigned=True), LARK, -1, "0 or more", "below an unsigned DECIMAL"),
    refused(T.NUMBER, sa.INTEGER(), LARK, True, "got a bool, expected a number", "a boolean for a number"),
    refused(T.NUMBER, sa.INTEGER(), LARK, [1], "got a list, expected a number", "a list for a number"),
    refused(T.NUMBER, sa.INTEGER(), SQL, "secret", "got a str, expected a whole number", "text in INTEGER"),
    refused(T.NUMBER, sa.BOOLEAN(), LARK, 2, "0 or 1", "2 into BOOLEAN"),
    refused(T.NUMBER, sa.JSON(), SQL, "secret", "a JSON number", "a JSON string for a number"),
    refused(T.CHECKBOX, sa.BOOLEAN(), LARK, "true", "got a str, expected true or false", "text for a checkbox"),
    refused(T.CHECKBOX, sa.INTEGER(), SQL, 2, "0 or 1", "2 for a checkbox"),
    refused(T.CHECKBOX, sa.TEXT(), SQL, "secret", "true or false", "text beside a checkbox"),
    refused(T.DATE_TIME, sa.DateTime(), LARK, "2026-01-01", "in milliseconds", "text for a datetime"),
    refused(T.DATE_TIME, sa.DateTime(), LARK, True, "in milliseconds", "a boolean for a datetime"),
    refused(T.DATE_TIME, sa.DateTime(), LARK, 10**15, "the years 1 to 9999", "the year 33658"),
    refused(T.DATE_TIME, sa.DateTime(), SQL, 5, "got a int, expected a datetime", "a number for a datetime"),
    refused(T.DATE_TIME, sa.DATE(), SQL, "soon", "a date", "text in DATE"),
    refused(T.DATE_TIME, mysql.TIMESTAMP(), LARK, -1, "1970 to 2038", "before MySQL's TIMESTAMP", dialect="mysql"),
    refused(T.DATE_TIME, sa.TEXT(), SQL, "secret", "an ISO 8601 datetime", "text beside a datetime"),
    refused(T.MULTI_SELECT, sa.TEXT(), SQL, "red,blue", "a JSON array of strings", "a list with commas"),
    refused(T.MULTI_SELECT, sa.TEXT(), SQL, '["a", 1]', "a JSON array of strings", "a number among names"),
    refused(T.MULTI_SELECT, sa.JSON(), SQL, {"a": 1}, "a list of strings", "an object for names"),
    refused(T.MULTI_SELECT, sa.JSON(), SQL, ["a", ""], "a list of strings", "an empty name"),
    refused(T.MULTI_SELECT, sa.TEXT(), LARK, "secret", "a value of type MultiSelect", "text for names"),
    refused(T.MULTI_SELECT, sa.VARCHAR(9), LARK, ["secret", "b"], "at most 9 characters", "names too long"),
    refused(T.MULTI_SELECT, sa.JSON(), SQL, [str(i) for i in range(1001)], "at most 1,000 items", "too many names"),
    refused(T.USER, sa.JSON(), SQL, ["ou_1", "ou_2"], "at most 1 item", "two persons for one", multiple=False),
    refused(T.USER, sa.TEXT(), SQL, "ou_1, ou_2", "an id, or a JSON array of them", "ids with commas"),
    refused(T.USER, sa.TEXT(), LARK, [{"name": "secret"}], "a value of type User", "a person without id"),
    refused(T.GROUP_CHAT, sa.JSON(), SQL, [f"oc_{i}" for i in range(11)], "at most 10 items", "too many groups"),
    refused(T.DUPLEX_LINK, sa.JSON(), SQL, [f"rec{i}" for i in range(501)], "at most 500 items", "too many links"),
    refused(T.DUPLEX_LINK, sa.TEXT(), LARK, ["rec1"], "a value of type DuplexLink", "links in the write shape"),
    refused(T.ATTACHMENT, sa.JSON(), SQL, [{"name": "secret"}], '{"file_token", "name"}', "a file without token"),
    refused(T.ATTACHMENT, sa.TEXT(), LARK, "secret", "a value of type Attachment", "text for files"),
    refused(T.URL, sa.TEXT(), LARK, "secret", '{"text", "link"}', "text for a URL"),
    refused(T.URL, sa.TEXT(), SQL, "{secret", '{"text", "link"}', "a broken object"),
    refused(T.PHONE, sa.TEXT(), SQL, "secret", "at most 64 digits", "letters for a phone"),
    refused(T.PHONE, sa.TEXT(), SQL, "1" * 65, "at most 64 digits", "a long phone"),
    refused(T.LOCATION, sa.TEXT(), SQL, "secret", "longitude,latitude", "no location"),
    refused(T.LOCATION, sa.TEXT(), SQL, "181,0", "longitude,latitude", "off the globe"),
    refused(T.LOCATION, sa.TEXT(), LARK, {"location": "NaN,0"}, "longitude,latitude", "NaN for a longitude"),
    refused(T.LOOKUP, sa.INTEGER(), LARK, {"type": 2, "value": [1, 2]}, "for 2", "two results into INTEGER"),
    refused(T.FORMULA, sa.INTEGER(), LARK, {"type": 11, "value": [{"id": "ou_1"}]}, "type 11 does not", "a person"),
    refused(T.FORMULA, sa.TEXT(), LARK, {"type": 88, "value": ["secret"]}, "type 88 does not", "an unknown result"),
    refused(T.FORMULA, sa.NUMERIC(8, 2), LARK, {"type": 2, "value": [1 / 3]}, "2 after the decimal", "a long fraction"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "column_type", "dialect", "settings", "way", "value", "expected"), REFUSALS)
def test_value_that_the_other_side_cannot_hold_is_refused(kind, column_type, dialect, settings, way, value, expected):
    field, column = Field("fld1", "Stock", kind, property=settings), Column("stock_no", column_type, dialect=dialect)
    codec = build_codec(field, column)
    read, write = (codec.from_lark, codec.to_sql) if way == LARK else (codec.from_sql, codec.to_lark)

    with pytest.raises(ValueMismatch) as caught:
        write(read(value))

    message = str(caught.value)
    assert expected in message
    assert field.describe() in message
    assert column.describe() in message
    assert "got a " in message
    assert "secret" not in message
    assert caught.value.__cause__ is None
