"""Every field type in both directions: wire read shape, canonical, SQL, wire write shape."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql, postgresql

from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import READ_ONLY_TYPES, Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column

T = FieldType
SHANGHAI = ZoneInfo("Asia/Shanghai")
MS = 1_767_225_600_123  # 2026-01-01T00:00:00.123Z, 08:00 in Shanghai
SECOND = 1_767_225_600_000
MIDNIGHT = 1_767_196_800_000  # 2026-01-01T00:00 in Shanghai
EIGHT = datetime(2026, 1, 1, 8)  # noqa: DTZ001 - wall clock, as a naive column gives it
EIGHT_MS = EIGHT.replace(microsecond=123000)
UID = "0b0e7b6a-6d3c-4c51-9c8b-3f8f1f3a2b1c"


def codec_of(kind, column_type, *, dialect="postgresql", nullable=True, **settings):
    field = Field("fld1", "Name", kind, property=settings)
    return build_codec(field, Column("name", column_type, nullable=nullable, dialect=dialect), time_zone=SHANGHAI)


def runs(*texts):
    return [{"type": "text", "text": text} for text in texts]


def person(user_id, email="a@b.c"):
    return {"id": user_id, "name": "N", "en_name": "N", "email": email, "avatar_url": "https://x"}


def result(code, *values):
    return {"type": code, "value": list(values)}


FILE = {
    "file_token": "box1",
    "name": "a.png",
    "type": "image/png",
    "size": 3,
    "url": "https://x",
    "tmp_url": "https://y",
}
MAIL = [{"type": "url", "text": "a@b.c", "link": "mailto:a@b.c"}]
PLACE = {"location": "116.3970,39.9", "pname": "北京", "name": "故宫", "full_address": "故宫,北京"}
URL = {"text": "Docs", "link": "https://d.example"}
READ_ONLY = object()

# id: field type, column type, settings, wire read, canonical, SQL, wire write
CASES = [
    pytest.param(T.TEXT, sa.VARCHAR(9), {}, runs("海淀", "区"), "海淀区", "海淀区", "海淀区", id="text"),
    pytest.param(T.TEXT, sa.TEXT(), {}, MAIL, "a@b.c", "a@b.c", "a@b.c", id="email"),
    pytest.param(T.TEXT, sa.TEXT(), {}, "plain", "plain", "plain", "plain", id="text of the deprecated list call"),
    pytest.param(T.TEXT, sa.CHAR(5), {}, runs("ab  "), "ab", "ab", "ab", id="text, CHAR"),
    pytest.param(T.TEXT, sa.Enum("a", "b"), {}, runs("a"), "a", "a", "a", id="text, ENUM"),
    pytest.param(T.TEXT, sa.INTEGER(), {}, runs("007"), Decimal(7), 7, "7", id="text, INTEGER"),
    pytest.param(T.TEXT, sa.BIGINT(), {}, runs("9007199254740993"), 9007199254740993, 9007199254740993,
                 "9007199254740993", id="text, BIGINT beyond 15 digits"),
    pytest.param(T.TEXT, sa.NUMERIC(30, 10), {}, runs(" 12345678901234567.50"), Decimal("12345678901234567.5"),
                 Decimal("12345678901234567.5"), "12345678901234567.5", id="text, NUMERIC beyond 15 digits"),
    pytest.param(T.TEXT, sa.DOUBLE(), {}, runs("1.5e3"), Decimal(1500), 1500.0, "1500", id="text, DOUBLE"),
    pytest.param(T.TEXT, sa.BOOLEAN(), {}, runs("Yes"), True, True, "true", id="text, BOOLEAN"),
    pytest.param(T.TEXT, sa.DATE(), {}, runs("2026/1/1"), "2026-01-01", date(2026, 1, 1), "2026-01-01",
                 id="text, DATE"),
    pytest.param(T.TEXT, sa.DateTime(), {}, runs("2026-01-01 08:00:00.123"), MS,
                 EIGHT_MS, "2026-01-01T08:00:00.123+08:00", id="text, DATETIME"),
    pytest.param(T.TEXT, sa.TIME(), {}, runs("9:30"), "09:30:00", time(9, 30), "09:30:00", id="text, TIME"),
    pytest.param(T.TEXT, sa.Uuid(), {}, runs(UID.upper()), UID, UUID(UID), UID, id="text, UUID"),
    pytest.param(T.TEXT, sa.JSON(), {}, runs('{"b": [1, null], "a": 1.5}'), '{"a":1.5,"b":[1,null]}',
                 {"a": 1.5, "b": [1, None]}, '{"a":1.5,"b":[1,null]}', id="text, JSON"),
    pytest.param(T.NUMBER, sa.INTEGER(), {}, 3, Decimal(3), 3, 3, id="number, INTEGER"),
    pytest.param(T.NUMBER, sa.NUMERIC(10, 4), {}, 2323.2323, Decimal("2323.2323"), Decimal("2323.2323"), 2323.2323,
                 id="number, NUMERIC"),
    pytest.param(T.NUMBER, sa.NUMERIC(), {}, 0.1 + 0.2, Decimal("0.3"), Decimal("0.3"), 0.3, id="number, noise"),
    pytest.param(T.NUMBER, sa.DOUBLE(), {}, 0.66, Decimal("0.66"), 0.66, 0.66, id="number, DOUBLE"),
    pytest.param(T.NUMBER, sa.REAL(), {}, 0.123456789, Decimal("0.123457"), 0.123457, 0.123457, id="number, REAL"),
    pytest.param(T.NUMBER, sa.TEXT(), {}, -0.0, Decimal(0), "0", 0, id="number, text"),
    pytest.param(T.NUMBER, sa.BOOLEAN(), {}, 1, Decimal(1), True, 1, id="number, BOOLEAN"),
    pytest.param(T.NUMBER, sa.JSON(), {}, 1.5, Decimal("1.5"), 1.5, 1.5, id="number, JSON"),
    pytest.param(T.SINGLE_SELECT, sa.VARCHAR(9), {}, "open", "open", "open", "open", id="single select"),
    pytest.param(T.SINGLE_SELECT, sa.SMALLINT(), {}, "2", Decimal(2), 2, "2", id="single select, SMALLINT"),
    pytest.param(T.MULTI_SELECT, sa.TEXT(), {}, ["红", "b", "红"], ("红", "b"), '["红","b"]', ["红", "b"],
                 id="multi-select, text"),
    pytest.param(T.MULTI_SELECT, sa.JSON(), {}, ["a", "b"], ("a", "b"), ["a", "b"], ["a", "b"],
                 id="multi-select, JSON"),
    pytest.param(T.MULTI_SELECT, postgresql.ARRAY(sa.TEXT()), {}, ["a"], ("a",), ["a"], ["a"],
                 id="multi-select, ARRAY"),
    pytest.param(T.DATE_TIME, sa.DateTime(), {}, MS, MS, EIGHT_MS, MS, id="datetime, naive"),
    pytest.param(T.DATE_TIME, sa.DateTime(timezone=True), {}, MS, MS, datetime(2026, 1, 1, 0, 0, 0, 123000, UTC), MS,
                 id="datetime, aware"),
    pytest.param(T.DATE_TIME, mysql.DATETIME(), {}, MS, SECOND, EIGHT, SECOND,
                 id="datetime, whole seconds"),
    pytest.param(T.DATE_TIME, mysql.DATETIME(fsp=2), {}, MS, SECOND + 120, EIGHT.replace(microsecond=120000),
                 SECOND + 120, id="datetime, hundredths"),
    pytest.param(T.DATE_TIME, sa.DATE(), {}, MS, MIDNIGHT, date(2026, 1, 1), MIDNIGHT, id="datetime, DATE"),
    pytest.param(T.DATE_TIME, sa.TEXT(), {}, MS, MS, "2026-01-01T08:00:00.123+08:00", MS, id="datetime, text"),
    pytest.param(T.CHECKBOX, sa.BOOLEAN(), {}, True, True, True, True, id="checkbox"),
    pytest.param(T.CHECKBOX, mysql.TINYINT(display_width=1), {}, True, True, 1, True, id="checkbox, TINYINT(1)"),
    pytest.param(T.CHECKBOX, sa.TEXT(), {}, False, False, "false", False, id="checkbox, text"),
    pytest.param(T.USER, sa.TEXT(), {"multiple": False}, [person("ou_1")], ("ou_1",), "ou_1", [{"id": "ou_1"}],
                 id="one person, text"),
    pytest.param(T.USER, sa.TEXT(), {"multiple": True}, [person("ou_1")], ("ou_1",), '["ou_1"]', [{"id": "ou_1"}],
                 id="persons, text"),
    pytest.param(T.USER, sa.JSON(), {}, [person("ou_1"), person("ou_2")], ("ou_1", "ou_2"), ["ou_1", "ou_2"],
                 [{"id": "ou_1"}, {"id": "ou_2"}], id="persons, JSON"),
    pytest.param(T.PHONE, sa.TEXT(), {}, "+8613800000000", "+8613800000000", "+8613800000000", "+8613800000000",
                 id="phone"),
    pytest.param(T.PHONE, sa.BIGINT(), {}, "13800000000", Decimal(13800000000), 13800000000, "13800000000",
                 id="phone, BIGINT"),
    pytest.param(T.URL, sa.TEXT(), {}, URL, ("Docs", "https://d.example"), '{"text":"Docs","link":"https://d.example"}',
                 URL, id="url, text"),
    pytest.param(T.URL, sa.TEXT(), {}, {"text": "https://x", "link": "https://x"}, ("https://x", "https://x"), "https://x",
                 {"text": "https://x", "link": "https://x"}, id="url without text"),
    pytest.param(T.URL, sa.JSON(), {}, URL, ("Docs", "https://d.example"), URL, URL, id="url, JSON"),
    pytest.param(T.ATTACHMENT, sa.TEXT(), {}, [FILE], (("box1", "a.png"),), '[{"file_token":"box1","name":"a.png"}]',
                 [{"file_token": "box1"}], id="attachment, text"),
    pytest.param(T.ATTACHMENT, sa.JSON(), {}, [FILE], (("box1", "a.png"),), [{"file_token": "box1", "name": "a.png"}],
                 [{"file_token": "box1"}], id="attachment, JSON"),
    pytest.param(T.SINGLE_LINK, sa.TEXT(), {"multiple": False}, {"link_record_ids": ["rec1"]}, ("rec1",), "rec1",
                 ["rec1"], id="one link"),
    pytest.param(T.DUPLEX_LINK, sa.TEXT(), {}, {"link_record_ids": ["rec1", "rec2"]}, ("rec1", "rec2"),
                 '["rec1","rec2"]', ["rec1", "rec2"], id="two-way links"),
    pytest.param(T.LOCATION, sa.TEXT(), {}, PLACE, "116.397,39.9", "116.397,39.9", "116.397,39.9", id="location"),
    pytest.param(T.GROUP_CHAT, sa.JSON(), {}, [{"id": "oc_1", "name": "G"}], ("oc_1",), ["oc_1"], [{"id": "oc_1"}],
                 id="group chats"),
    pytest.param(T.LOOKUP, sa.TEXT(), {}, result(1, *runs("a", "b")), "a,b", "a,b", READ_ONLY, id="lookup of texts"),
    pytest.param(T.LOOKUP, sa.TEXT(), {}, result(2, 1, 2.5), "1,2.5", "1,2.5", READ_ONLY, id="lookup of numbers"),
    pytest.param(T.LOOKUP, sa.JSON(), {}, result(2, 1, 2.5), "[1,2.5]", [1, 2.5], READ_ONLY, id="lookup, JSON"),
    pytest.param(T.LOOKUP, sa.INTEGER(), {}, result(2, 7), Decimal(7), 7, READ_ONLY, id="lookup of one number"),
    pytest.param(T.LOOKUP, sa.TEXT(), {}, result(18, {"link_record_ids": ["rec1"]}), '["rec1"]', '["rec1"]', READ_ONLY,
                 id="lookup of links"),
    pytest.param(T.FORMULA, sa.TEXT(), {}, result(1, *runs("a", "b")), "ab", "ab", READ_ONLY, id="formula, text"),
    pytest.param(T.FORMULA, sa.NUMERIC(8, 2), {"type": {"data_type": 2}}, result(2, 37.5), Decimal("37.5"),
                 Decimal("37.5"), READ_ONLY, id="formula, number"),
    pytest.param(T.FORMULA, sa.DateTime(), {"type": {"data_type": 5}}, result(5, MS), MS,
                 EIGHT_MS, READ_ONLY, id="formula, datetime"),
    pytest.param(T.FORMULA, sa.DATE(), {}, result(5, MS), "2026-01-01", date(2026, 1, 1), READ_ONLY,
                 id="formula, date"),
    pytest.param(T.FORMULA, sa.TEXT(), {}, result(11, person("ou_1"), person("ou_2")), '["ou_1","ou_2"]',
                 '["ou_1","ou_2"]', READ_ONLY, id="formula, persons"),
    pytest.param(T.FORMULA, sa.TEXT(), {}, 3, "3", "3", READ_ONLY, id="formula without envelope"),
    pytest.param(T.STAGE, sa.TEXT(), {}, "todo", "todo", "todo", READ_ONLY, id="stage"),
    pytest.param(T.CREATED_TIME, sa.DateTime(), {}, MS, MS, EIGHT_MS, READ_ONLY,
                 id="created time"),
    pytest.param(T.MODIFIED_TIME, sa.DATE(), {}, MS, MIDNIGHT, date(2026, 1, 1), READ_ONLY, id="modified time, DATE"),
    pytest.param(T.CREATED_USER, sa.TEXT(), {}, [person("ou_1")], ("ou_1",), "ou_1", READ_ONLY, id="created user"),
    pytest.param(T.MODIFIED_USER, sa.TEXT(), {}, person("ou_1"), ("ou_1",), "ou_1", READ_ONLY,
                 id="modified user of the deprecated list call"),
    pytest.param(T.AUTO_NUMBER, sa.INTEGER(), {}, "17", Decimal(17), 17, READ_ONLY, id="auto number"),
    pytest.param(T.BUTTON, sa.TEXT(), {}, None, None, None, READ_ONLY, id="button"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "column_type", "settings", "wire", "canonical", "sql", "write"), CASES)
def test_codec_of_each_field_type_translates_both_ways(kind, column_type, settings, wire, canonical, sql, write):
    codec = codec_of(kind, column_type, **settings)

    assert codec.from_lark(wire) == canonical
    assert codec.to_sql(canonical) == sql
    assert type(codec.to_sql(canonical)) is type(sql)
    assert codec.from_sql(sql) == canonical
    if write is READ_ONLY:
        assert not codec.lark_writable
        with pytest.raises(ValueMismatch, match="Lark computes this field"):
            codec.to_lark(canonical)
    else:
        assert codec.lark_writable
        assert codec.to_lark(canonical) == write
        assert type(codec.to_lark(canonical)) is type(write)


def test_cases_name_every_field_type():
    assert {case.values[0] for case in CASES} == set(FieldType)


@pytest.mark.parametrize(("kind", "column_type", "settings", "wire", "canonical", "sql", "write"), CASES)
def test_codec_of_each_field_type_passes_emptiness_through(kind, column_type, settings, wire, canonical, sql, write):
    codec = codec_of(kind, column_type, **settings)
    nothing = False if kind == T.CHECKBOX else None

    assert codec.from_lark(None) == nothing
    assert codec.from_sql(None) == nothing
    assert codec.to_sql(None) is None
    if kind not in READ_ONLY_TYPES:
        assert codec.to_lark(None) == nothing


@pytest.mark.parametrize(
    ("kind", "column_type", "wire"),
    [
        pytest.param(T.TEXT, sa.TEXT(), [], id="no runs"),
        pytest.param(T.TEXT, sa.TEXT(), runs(""), id="an empty run"),
        pytest.param(T.TEXT, sa.INTEGER(), runs(""), id="an empty run beside INTEGER"),
        pytest.param(T.MULTI_SELECT, sa.TEXT(), [], id="no options"),
        pytest.param(T.USER, sa.TEXT(), [], id="no persons"),
        pytest.param(T.SINGLE_LINK, sa.TEXT(), {}, id="links as an empty object"),
        pytest.param(T.DUPLEX_LINK, sa.TEXT(), {"link_record_ids": []}, id="an empty list of links"),
        pytest.param(T.DUPLEX_LINK, sa.TEXT(), {"link_record_ids": None}, id="links null"),
        pytest.param(T.ATTACHMENT, sa.TEXT(), [], id="no files"),
        pytest.param(T.URL, sa.TEXT(), {"text": "", "link": ""}, id="an empty URL"),
        pytest.param(T.LOCATION, sa.TEXT(), {"location": ""}, id="an empty location"),
        pytest.param(T.FORMULA, sa.TEXT(), result(1), id="a formula without result"),
        pytest.param(T.FORMULA, sa.TEXT(), result(1, *runs("")), id="a formula with an empty result"),
        pytest.param(T.LOOKUP, sa.INTEGER(), result(2), id="a lookup that finds nothing"),
    ],
)
def test_from_lark_of_an_empty_cell_is_none(kind, column_type, wire):
    assert codec_of(kind, column_type).from_lark(wire) is None


@pytest.mark.parametrize(
    ("kind", "column_type", "value", "canonical"),
    [
        pytest.param(T.TEXT, sa.TEXT(), "", None, id="the empty text is nothing"),
        pytest.param(T.MULTI_SELECT, sa.TEXT(), "", None, id="the empty text holds no options"),
        pytest.param(T.MULTI_SELECT, sa.JSON(), [], None, id="the empty list is nothing"),
        pytest.param(T.NUMBER, sa.TEXT(), "007", Decimal(7), id="a number in a text column"),
        pytest.param(T.NUMBER, sa.NUMERIC(10, 2), 7, Decimal(7), id="SQLite gives int for NUMERIC"),
        pytest.param(T.NUMBER, sa.NUMERIC(10, 2), 7.5, Decimal("7.5"), id="SQLite gives float for NUMERIC"),
        pytest.param(T.NUMBER, sa.INTEGER(), 3.0, Decimal(3), id="a whole float in INTEGER"),
        pytest.param(T.NUMBER, sa.NUMERIC(10, 2), Decimal("-0.00"), Decimal(0), id="minus zero"),
        pytest.param(T.NUMBER, sa.DOUBLE(), Decimal("0.5"), Decimal("0.5"), id="Decimal for DOUBLE"),
        pytest.param(T.CHECKBOX, sa.BOOLEAN(), 1, True, id="a driver that gives 1"),
        pytest.param(T.CHECKBOX, mysql.BIT(1), b"\1", True, id="a bit"),
        pytest.param(T.DATE_TIME, sa.DateTime(), "2026-01-01 08:00:00", SECOND, id="a datetime that is text"),
        pytest.param(T.DATE_TIME, sa.DateTime(timezone=True), datetime(2026, 1, 1, 8, tzinfo=SHANGHAI), SECOND,
                     id="another offset"),
        pytest.param(T.DATE_TIME, sa.DateTime(), EIGHT.replace(microsecond=999), SECOND, id="microseconds"),
        pytest.param(T.DATE_TIME, sa.TEXT(), "2026-01-01T00:00:00Z", SECOND, id="an ISO text"),
        pytest.param(T.DATE_TIME, sa.TEXT(), "2026-01-01", MIDNIGHT, id="a date for its midnight"),
        pytest.param(T.DATE_TIME, sa.DATE(), "2026-01-01", MIDNIGHT, id="a date that is text"),
        pytest.param(T.DATE_TIME, sa.DATE(), EIGHT, MIDNIGHT, id="a date that is a datetime"),
        pytest.param(T.TEXT, mysql.TIME(), timedelta(hours=9, minutes=30), "09:30:00", id="MySQL's duration"),
        pytest.param(T.TEXT, sa.Uuid(as_uuid=False), UID.upper(), UID, id="a UUID that is text"),
        pytest.param(T.USER, sa.TEXT(), "ou_1", ("ou_1",), id="a bare id where several are allowed"),
        pytest.param(T.URL, sa.JSON(), "https://x", ("https://x", "https://x"), id="a bare link in JSON"),
        pytest.param(T.PHONE, sa.TEXT(), "+86 (138) 0000-0000", "+8613800000000", id="a phone number with marks"),
        pytest.param(T.LOCATION, sa.TEXT(), " 116.3970, 39.90 ", "116.397,39.9", id="another spelling of a point"),
    ],
)  # fmt: skip
def test_from_sql_of_another_spelling_is_canonical(kind, column_type, value, canonical):
    got = codec_of(kind, column_type).from_sql(value)

    assert got == canonical
    assert type(got) is type(canonical)


def test_whole_decimal_prints_without_exponent():
    codec = codec_of(T.NUMBER, sa.NUMERIC(12, 2))

    assert str(codec.from_sql(Decimal("7E+2"))) == "700"
    assert str(codec.from_sql(Decimal("700.00"))) == "700"
    assert str(codec.from_lark(700.0)) == "700"


def test_to_sql_and_to_lark_take_ints_that_the_ledger_gives_for_whole_numbers():
    codec = codec_of(T.NUMBER, sa.NUMERIC(12, 2))

    assert codec.to_sql(7) == Decimal(7)
    assert codec.to_lark(7) == 7


def test_to_sql_for_sqlite_binds_no_decimal():
    codec = codec_of(T.NUMBER, sa.NUMERIC(12, 2), dialect="sqlite")

    assert [type(codec.to_sql(Decimal(text))) for text in ("7", "7.5")] == [int, float]


def test_integer_column_of_sqlite_holds_64_bits():
    assert codec_of(T.NUMBER, sa.INTEGER(), dialect="sqlite").to_sql(Decimal(2**31)) == 2**31


@pytest.mark.parametrize(
    ("kind", "column_type", "empty"),
    [
        pytest.param(T.TEXT, sa.VARCHAR(9), "", id="text"),
        pytest.param(T.NUMBER, sa.TEXT(), "", id="a number as text"),
        pytest.param(T.MULTI_SELECT, sa.TEXT(), "", id="options as text"),
        pytest.param(T.MULTI_SELECT, sa.JSON(), [], id="options as JSON"),
        pytest.param(T.CHECKBOX, sa.BOOLEAN(), False, id="checkbox"),
        pytest.param(T.NUMBER, sa.INTEGER(), None, id="a number has none"),
        pytest.param(T.TEXT, sa.Enum("a"), None, id="an ENUM has none"),
    ],
)
def test_empty_sql_of_not_null_column_reads_as_nothing(kind, column_type, empty):
    codec = codec_of(kind, column_type, nullable=False)

    assert codec.empty_sql == empty
    assert not codec.from_sql(codec.empty_sql)
    assert codec_of(kind, column_type).empty_sql is None


@pytest.mark.parametrize("kind", [T.TEXT, T.NUMBER, T.SINGLE_SELECT, T.CHECKBOX])
def test_not_null_boolean_column_takes_an_absent_cell_for_false(kind):
    codec = codec_of(kind, sa.BOOLEAN(), nullable=False)

    assert codec.from_lark(None) == codec.from_sql(False) == False  # noqa: E712 - Decimal(0) for a number


def test_persons_by_email_are_read_and_written_through_the_finder():
    column = Column("owner", sa.TEXT())
    field = Field("fld1", "Owner", T.USER)
    codec = build_codec(field, column, user_key="email", find_user_id={"a@b.c": "ou_1"}.get)

    assert codec.from_lark([person("ou_1", "a@b.c")]) == ("a@b.c",)
    assert codec.to_lark(("a@b.c",)) == [{"id": "ou_1"}]
    with pytest.raises(ValueMismatch, match="known to Lark"):
        codec.to_lark(("nobody@b.c",))
    with pytest.raises(ValueMismatch, match=r"contact:user\.email:readonly"):
        codec.from_lark([person("ou_1", "")])


@pytest.mark.parametrize(
    "column_type", [sa.TEXT(), sa.JSON(), postgresql.ARRAY(sa.TEXT())], ids=["text", "json", "array"]
)
def test_case_and_blanks_of_an_email_are_no_difference(column_type):
    field, column = Field("fld1", "Owner", T.USER), Column("owner", column_type)
    ids = {"a@b.c": "ou_1", "d@e.f": "ou_2", "other@b.c": "ou_1"}
    codec = build_codec(field, column, user_key="email", find_user_id=ids.get)
    shown = [person("ou_1", "A@b.C"), person("ou_2", "d@e.f")]

    canonical = codec.from_lark(shown)

    assert canonical == ("a@b.c", "d@e.f")
    assert codec.from_sql(codec.to_sql(canonical)) == canonical
    typed = ' ["A@B.c", " d@e.f", "a@b.c"] ' if isinstance(column_type, sa.TEXT) else ["A@B.c", " d@e.f", "a@b.c"]
    assert codec.from_sql(typed) == canonical
    assert codec.to_lark(canonical) == [{"id": "ou_1"}, {"id": "ou_2"}]
    # two addresses of one person are one person
    assert codec.to_lark(("a@b.c", "other@b.c")) == [{"id": "ou_1"}]


def test_persons_by_email_without_finder_are_read_only():
    codec = build_codec(Field("fld1", "Owner", T.USER), Column("owner", sa.TEXT()), user_key="email")

    assert not codec.lark_writable
    with pytest.raises(ValueMismatch, match="Owner"):
        codec.to_lark(("a@b.c",))


@pytest.mark.parametrize(
    "column_type", [sa.Double(), sa.Numeric(20, 2), sa.BIGINT()], ids=["double", "numeric", "bigint"]
)
def test_great_number_that_json_shows_with_all_digits_of_its_double_is_that_double(column_type):
    codec = codec_of(T.NUMBER, column_type)
    shown = {codec.from_lark(wire) for wire in (4.30904678228935e16, 43_090_467_822_893_500, 43_090_467_822_893_504)}
    assert shown == {Decimal(43_090_467_822_893_500)}


@pytest.mark.parametrize("wire", [12_345_678_901_234_567, 10**400])
def test_number_that_needs_more_digits_than_a_double_surely_has_is_refused(wire):
    with pytest.raises(ValueMismatch, match="15 significant digits"):
        codec_of(T.NUMBER, sa.Numeric(40, 2)).from_lark(wire)
