"""Records of natural values: what is taken and in which shape it is sent, what is refused before, what is read."""

import enum
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_lark.core.errors import SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.plain.records import RecordEncoder, RecordReader
from airflow_provider_lark.core.fields.schema import READ_ONLY_TYPES, Field, FieldType

T = FieldType
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIELDS = [Field(f"fld{kind}", kind.label, kind) for kind in FieldType]
MS = 1_767_225_600_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
CANARY = "CANARY-4711"


class Colour(enum.StrEnum):
    RED = "red"


class Rank(enum.IntEnum):
    LOW = 1


def encode(kind: FieldType, value, **options):
    (wire,) = RecordEncoder(FIELDS, **options).encode([{kind.label: value}])
    return wire[kind.label]


@pytest.mark.parametrize(
    ("kind", "given", "sent"),
    [
        (T.TEXT, "海淀 🐉\n ", "海淀 🐉\n "),
        (T.TEXT, "", None),
        (T.TEXT, 12, "12"),
        (T.TEXT, 10**30, "1" + "0" * 30),
        (T.TEXT, Decimal("1.50"), "1.50"),
        (T.TEXT, Decimal("1E+3"), "1000"),
        (T.TEXT, 0.1, "0.1"),
        (T.TEXT, 1e22, "1" + "0" * 22),
        (T.TEXT, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (T.TEXT, date(2026, 5, 1), "2026-05-01"),
        (T.TEXT, FIRST, "2026-01-01T00:00:00+00:00"),
        (T.TEXT, time(9, 30), "09:30:00"),
        (T.TEXT, Colour.RED, "red"),
        (T.TEXT, [{"type": "text", "text": "a "}, {"type": "mention", "text": "@Ann", "token": "ou_1"}], "a @Ann"),
        (T.TEXT, [{"type": "url", "text": "a@b.c", "link": "mailto:a@b.c"}], "a@b.c"),
        (T.TEXT, [], None),
        (T.NUMBER, 5, 5),
        (T.NUMBER, 0.1 + 0.2, 0.1 + 0.2),
        (T.NUMBER, Decimal("-0.10"), -0.1),
        (T.NUMBER, Decimal("1E+3"), 1000),
        (T.NUMBER, True, 1),
        (T.NUMBER, Rank.LOW, 1),
        (T.NUMBER, 10**20, 1e20),
        (T.SINGLE_SELECT, "开", "开"),
        (T.SINGLE_SELECT, "", None),
        (T.MULTI_SELECT, ("c,d", "e"), ["c,d", "e"]),
        (T.MULTI_SELECT, [], None),
        (T.DATE_TIME, FIRST.replace(microsecond=999), MS),
        (T.DATE_TIME, FIRST.astimezone(SHANGHAI), MS),
        (T.DATE_TIME, MS, MS),
        (T.DATE_TIME, float(MS), MS),
        (T.DATE_TIME, "2026-01-01T08:00:00+08:00", MS),
        (T.DATE_TIME, "2026-01-01 00:00Z", MS),
        (T.DATE_TIME, "", None),
        (T.CHECKBOX, False, False),
        (T.CHECKBOX, 1, True),
        (T.CHECKBOX, Decimal(0), False),
        (T.USER, "ou_1", [{"id": "ou_1"}]),
        (T.USER, {"id": "ou_1", "name": "N", "email": None}, [{"id": "ou_1"}]),
        (T.USER, ["ou_1", {"id": "ou_2"}, "ou_1"], [{"id": "ou_1"}, {"id": "ou_2"}]),
        (T.USER, [], None),
        (T.PHONE, "+86 (138) 0000-0000", "+8613800000000"),
        (T.PHONE, 13800000000, "13800000000"),
        (T.URL, "https://x", {"text": "https://x", "link": "https://x"}),
        (T.URL, {"text": "", "link": "https://x"}, {"text": "https://x", "link": "https://x"}),
        (T.URL, {"text": "x", "link": "https://x", "type": "url"}, {"text": "x", "link": "https://x"}),
        (T.ATTACHMENT, "boxTok", [{"file_token": "boxTok"}]),
        (T.ATTACHMENT, [{"file_token": "boxTok", "name": "a.png", "url": "https://x"}], [{"file_token": "boxTok"}]),
        (T.SINGLE_LINK, "rec1", ["rec1"]),
        (T.DUPLEX_LINK, {"link_record_ids": ["rec1", "rec2"]}, ["rec1", "rec2"]),
        (T.SINGLE_LINK, {}, None),
        (T.LOCATION, " 116.390, 39.9", "116.39,39.9"),
        (T.LOCATION, {"location": "116.39,39.9", "full_address": "北京"}, "116.39,39.9"),
        (T.GROUP_CHAT, [{"id": "oc_1", "name": "Team"}], [{"id": "oc_1"}]),
    ],
)  # fmt: skip
def test_natural_value_is_sent_in_larks_shape(kind, given, sent):
    found = encode(kind, given)

    assert (found, type(found)) == (sent, type(sent))
    # what is sent is plain: no subclass of str or int that a JSON writer would show otherwise
    assert type(found) in (str, int, float, bool, list, dict, type(None))


@pytest.mark.parametrize("kind", [kind for kind in T if kind not in READ_ONLY_TYPES])
def test_none_clears_every_writable_cell(kind):
    assert encode(kind, None) is None


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (T.TEXT, "x" * 100_001, "at most 100,000 characters"),
        (T.TEXT, "a\0", "text without NUL"),
        (T.TEXT, "\ud800", "lone surrogates"),
        (T.TEXT, CANARY.encode(), "got a value of type bytes, expected text"),
        (T.TEXT, True, "got a value of type bool"),
        (T.TEXT, float("nan"), "expected text"),
        (T.TEXT, Decimal("1E+999999"), "expected text"),
        (T.TEXT, {"text": CANARY}, "expected text"),
        (T.TEXT, [{"txt": CANARY}], "expected text"),
        (T.NUMBER, "12", "got a value of type str, expected a finite number"),
        (T.NUMBER, 1234567890123456, "at most 15 significant digits"),
        (T.NUMBER, 1234567890123456.0, "at most 15 significant digits"),
        (T.NUMBER, Decimal("0.1234567890123456"), "at most 15 significant digits"),
        (T.NUMBER, Decimal("1E-350"), "at most 15 significant digits"),
        (T.NUMBER, float("nan"), "a finite number"),
        (T.NUMBER, float("inf"), "a finite number"),
        (T.NUMBER, Decimal("Infinity"), "a finite number"),
        (T.NUMBER, Decimal("sNaN"), "a finite number"),
        (T.SINGLE_SELECT, ["a"], "the name of one option"),
        (T.MULTI_SELECT, CANARY, "a list of option names"),
        (T.MULTI_SELECT, {"a"}, "a list of option names"),
        (T.MULTI_SELECT, ["a", "b", "a"], "each option once"),
        (T.MULTI_SELECT, ["a", ""], "no empty names"),
        (T.MULTI_SELECT, [str(n) for n in range(1001)], "at most 1,000 items"),
        (T.DATE_TIME, datetime(2026, 1, 1), "a UTC offset, or a time zone"),  # noqa: DTZ001
        (T.DATE_TIME, date(2026, 1, 1), "a time zone to interpret it in"),
        (T.DATE_TIME, "2026-01-01", "a time zone"),
        (T.DATE_TIME, "01.05.2026", "ISO 8601"),
        (T.DATE_TIME, 10**15, "within the years 1 to 9999"),
        (T.DATE_TIME, True, "ISO 8601"),
        (T.DATE_TIME, 1.5, "whole milliseconds"),
        (T.CHECKBOX, "true", "true or false, 1 or 0"),
        (T.CHECKBOX, 2, "true or false, 1 or 0"),
        (T.USER, "Ann Smith " + CANARY, "users: ids"),
        (T.USER, "Ann", "users: ids"),
        (T.USER, "张三", "users: ids"),
        (T.USER, ["ou_1", "Zhang.San"], "users: ids"),
        (T.USER, f"{CANARY}@x.y", "e-mail addresses need a user directory"),
        (T.USER, [{"name": CANARY}], "users: ids"),
        (T.PHONE, "12a", "at most 64 digits"),
        (T.URL, {"href": CANARY}, "a link, or"),
        (T.URL, 5, "a link, or"),
        (T.ATTACHMENT, [{"name": CANARY}], "file_token"),
        (T.ATTACHMENT, ["t"] * 101, "at most 100 items"),
        (T.ATTACHMENT, "https://x.example/a.pdf", "file tokens"),
        (T.ATTACHMENT, [{"file_token": "https://x.example/a.pdf"}], "file tokens"),
        (T.GROUP_CHAT, "Everybody", "groups: chat ids"),
        (T.SINGLE_LINK, "Ann", "record ids (rec…)"),
        (T.SINGLE_LINK, {"text": CANARY}, "record ids"),
        (T.SINGLE_LINK, ["rec1"] * 501, "at most 500 items"),
        (T.LOCATION, "200,0", "longitude,latitude"),
        (T.LOCATION, {"address": CANARY}, "longitude,latitude"),
        (T.LOCATION, 0, "longitude,latitude"),
        (T.GROUP_CHAT, ["oc_1"] * 11, "at most 10 items"),
    ],
)  # fmt: skip
def test_refused_value_is_named_by_place_and_expectation_but_not_shown(kind, given, expected):
    encoder = RecordEncoder(FIELDS)

    with pytest.raises(ValueMismatch) as caught:
        encoder.encode([{}, {kind.label: given}], first_index=40)

    message = str(caught.value)
    assert message.startswith(
        f"rejected before sending: record 41: field {kind.label} ({kind.label}): got a value of type"
    )
    assert expected in message
    assert CANARY.lower() not in message.lower()


def test_one_item_only_where_the_field_holds_one():
    encoder = RecordEncoder([Field("f", "Owner", T.USER, property={"multiple": False})])

    assert encoder.encode([{"Owner": ["ou_1"]}]) == [{"Owner": [{"id": "ou_1"}]}]
    with pytest.raises(ValueMismatch, match="at most 1 item"):
        encoder.encode([{"Owner": ["ou_1", "ou_2"]}])


@pytest.mark.parametrize("given", [datetime(2026, 1, 1), date(2026, 1, 1), "2026-01-01", "2026/1/1 00:00"])  # noqa: DTZ001
def test_naive_time_is_taken_in_the_zone_that_was_given(given):
    assert encode(T.DATE_TIME, given, time_zone=SHANGHAI) == MS - 8 * 3_600_000


def test_computed_field_is_refused_or_left_out():
    record = {"Text": "a", "Formula": 3, "CreatedTime": MS}

    with pytest.raises(
        SchemaMismatch, match=r"field Formula \(Formula\) is computed by Lark; leave it out; record 0: "
    ):
        RecordEncoder(FIELDS).encode([record])
    assert RecordEncoder(FIELDS, skip_read_only=True).encode([record]) == [{"Text": "a"}]


def test_unknown_field_names_the_close_one_once():
    with pytest.raises(SchemaMismatch) as caught:
        RecordEncoder(FIELDS).encode([{"Txet": n} for n in range(1000)])

    assert str(caught.value) == "rejected before sending: record 0: field 'Txet' does not exist; did you mean 'Text'?"


def test_ten_thousand_unknown_fields_give_a_short_message():
    with pytest.raises(SchemaMismatch) as caught:
        RecordEncoder(FIELDS).encode([{f"extra {n} {'x' * 300}": {"deep": [n]} for n in range(10_000)}])

    assert len(str(caught.value)) < 2000
    assert str(caught.value).endswith("; and 9,995 more")


def test_many_bad_cells_are_counted_and_five_are_shown():
    with pytest.raises(ValueMismatch) as caught:
        RecordEncoder(FIELDS).encode([{"Number": "x", "Text": "fits"}] * 300)

    assert str(caught.value).count("field Number (Number)") == 5
    assert str(caught.value).endswith("; and 295 more")


@pytest.mark.parametrize("record", ["text", None, [("Text", "a")]])
def test_record_that_is_no_mapping_is_refused(record):
    with pytest.raises(ValueMismatch, match=r"record 0: got a value of type \w+, expected a mapping of field names"):
        RecordEncoder(FIELDS).encode([record])


def test_field_name_that_is_no_text_is_refused():
    with pytest.raises(SchemaMismatch, match=r"field names must be strings; found a value of type int"):
        RecordEncoder(FIELDS).encode([{1: "a"}])


def test_persons_by_email_are_asked_for_in_one_call():
    asked = []

    def find(emails):
        asked.append(list(emails))
        return {email: f"ou_{email[0]}" for email in emails}

    encoder = RecordEncoder(FIELDS, find_user_ids=find)
    records = [{"User": " Ann@X.y "}, {"User": ["bob@x.y", {"email": "ann@x.y", "id": None}]}, {"User": {"id": "on_c"}}]

    assert encoder.encode(records) == [
        {"User": [{"id": "ou_a"}]},
        {"User": [{"id": "ou_b"}, {"id": "ou_a"}]},
        {"User": [{"id": "on_c"}]},
    ]
    encoder.encode(records)
    assert asked == [["ann@x.y", "bob@x.y"]]


def test_unknown_email_is_refused_without_showing_it():
    encoder = RecordEncoder(FIELDS, find_user_ids=lambda emails: dict.fromkeys(emails))

    with pytest.raises(ValueMismatch, match=r"record 0: field User \(User\): .* users known to Lark") as caught:
        encoder.encode([{"User": f"{CANARY}@x.y"}])
    assert CANARY.lower() not in str(caught.value).lower()


PERSON = {"id": "ou_1", "name": "Ann", "en_name": "Ann", "email": "ann@x.y", "avatar_url": "https://a"}
PLAIN_PERSON = {"id": "ou_1", "name": "Ann", "email": "ann@x.y"}


@pytest.mark.parametrize(
    ("kind", "wire", "plain"),
    [
        (T.TEXT, [{"type": "text", "text": "a "}, {"type": "mention", "text": "@Ann"}], "a @Ann"),
        (T.TEXT, "a", "a"),
        (T.NUMBER, 0.5, 0.5),
        (T.NUMBER, "100", 100),
        (T.SINGLE_SELECT, "a", "a"),
        (T.MULTI_SELECT, ["a"], ["a"]),
        (T.DATE_TIME, MS, "2026-01-01T00:00:00+00:00"),
        (T.DATE_TIME, MS + 123, "2026-01-01T00:00:00.123+00:00"),
        (T.DATE_TIME, 10**15, 10**15),
        (T.CHECKBOX, False, False),
        (T.USER, [PERSON], [PLAIN_PERSON]),
        (T.USER, [{"id": "ou_1", "name": "Ann", "email": ""}], [{"id": "ou_1", "name": "Ann", "email": None}]),
        (T.PHONE, "13800000000", "13800000000"),
        (T.URL, {"text": "x", "link": "https://x"}, {"text": "x", "link": "https://x"}),
        (
            T.ATTACHMENT,
            [{"file_token": "t", "name": "a.png", "size": 3, "type": "image/png", "url": "u", "tmp_url": "v"}],
            [{"file_token": "t", "name": "a.png", "type": "image/png", "size": 3}],
        ),
        (T.SINGLE_LINK, {"link_record_ids": ["rec1"]}, ["rec1"]),
        (T.SINGLE_LINK, [{"record_ids": ["rec1"], "table_id": "tbl1", "text": "a", "type": "text"}], ["rec1"]),
        (T.LOCATION, {"location": "1,2", "name": "", "full_address": "x"}, {"location": "1,2", "full_address": "x"}),
        (T.GROUP_CHAT, [{"id": "oc_1", "name": "Team", "avatar_url": "x"}], [{"id": "oc_1", "name": "Team"}]),
        (T.FORMULA, {"type": 2, "value": [3]}, 3),
        (T.FORMULA, {"type": 1, "value": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        (T.FORMULA, {"type": 5, "value": [MS]}, "2026-01-01T00:00:00+00:00"),
        (T.LOOKUP, {"type": 2, "value": [3, 4]}, [3, 4]),
        (T.LOOKUP, {"type": 4, "value": [["a"], ["b"]]}, ["a", "b"]),
        (T.LOOKUP, {"type": 18, "value": [{"link_record_ids": ["rec1"]}]}, ["rec1"]),
        (T.LOOKUP, {"type": 11, "value": [PERSON]}, [PLAIN_PERSON]),
        (T.CREATED_TIME, MS, "2026-01-01T00:00:00+00:00"),
        (T.CREATED_USER, [PERSON], [PLAIN_PERSON]),
        (T.MODIFIED_USER, PERSON, [PLAIN_PERSON]),
        (T.AUTO_NUMBER, "17", "17"),
    ],
)
def test_cell_is_read_as_plain_json(kind, wire, plain):
    record = {"record_id": "rec9", "fields": {kind.label: wire}}

    assert RecordReader(FIELDS).read(record) == {"record_id": "rec9", "fields": {kind.label: plain}}


def test_cell_of_a_type_that_is_not_known_is_shown_as_it_is():
    reader = RecordReader([Field("f", "New", 4711)])

    assert reader.read({"record_id": "rec9", "fields": {"New": {"a": [1]}}})["fields"] == {"New": {"a": [1]}}


@pytest.mark.parametrize(
    "kind", [T.TEXT, T.NUMBER, T.MULTI_SELECT, T.DATE_TIME, T.CHECKBOX, T.USER, T.SINGLE_LINK, T.URL]
)
def test_cell_of_another_shape_names_record_and_field_but_not_the_value(kind):
    with pytest.raises(ValueMismatch, match=rf"record rec9: field {kind.label} \({kind.label}\): ") as caught:
        RecordReader(FIELDS).read({"record_id": "rec9", "fields": {kind.label: [[CANARY]]}})
    assert CANARY not in str(caught.value)


def test_empty_cells_are_left_out_or_shown_as_none():
    reader = RecordReader([Field("a", "Name", T.TEXT), Field("b", "Done", T.CHECKBOX)])
    record = {"record_id": "rec1", "fields": {"Name": [], "Other": "x"}}

    assert reader.read(record)["fields"] == {}
    assert reader.read(record, with_empty=True)["fields"] == {"Name": None, "Done": None}


def test_times_are_read_as_milliseconds_where_asked_and_who_made_the_record_is_told():
    record = {"record_id": "rec1", "fields": {"DateTime": MS}, "created_time": MS, "created_by": PERSON}

    assert RecordReader(FIELDS, times="ms").read(record) == {
        "record_id": "rec1",
        "fields": {"DateTime": MS},
        "created_time": MS,
        "created_by": PLAIN_PERSON,
    }


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "values.md"


def section(title: str) -> list[list[str]]:
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def test_page_on_values_has_a_line_for_every_type():
    named = {name for row in section("What a field takes and returns") for name in row[0].split(", ")}

    assert {kind.label for kind in T} - named == set()
    assert all(len(row) == 4 for row in section("What a field takes and returns"))


@pytest.mark.parametrize("row", section("Examples"), ids=lambda row: " ".join(row[:2]))
def test_example_of_the_page_on_values_is_true(row):
    names = {"Decimal": Decimal, "date": date, "datetime": datetime, "UTC": UTC}
    given, sent, plain = (eval(cell.strip("`"), names) for cell in row[1:])
    (kind,) = [kind for kind in T if kind.label == row[0]]

    wire = encode(kind, given)

    assert (wire, type(wire)) == (sent, type(sent))
    shown = {
        T.TEXT: lambda: [{"type": "text", "text": wire}],
        T.USER: lambda: [PERSON],
        T.SINGLE_LINK: lambda: {"link_record_ids": wire},
        T.LOCATION: lambda: {"location": wire, "full_address": ""},
    }.get(kind, lambda: wire)
    record = {"record_id": "rec1", "fields": {kind.label: None if wire is None else shown()}}
    assert RecordReader(FIELDS).read(record)["fields"].get(kind.label) == plain


@pytest.mark.parametrize("kind", [FieldType.STAGE, FieldType.BUTTON])
@pytest.mark.parametrize("cell", ["late", {"stage_id": "s1"}, [{"id": 1}, 2]])
def test_read_of_a_cell_that_no_document_shows_never_stops_the_record(kind, cell):
    reader = RecordReader([Field("fld1", "S", kind)])
    assert reader.read({"record_id": "rec1", "fields": {"S": cell}})["fields"]["S"] is not None
