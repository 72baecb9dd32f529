"""What the codecs write, Lark takes; what Lark shows of it reads as the same canonical value."""

from datetime import UTC
from decimal import Decimal

import pytest
from sqlalchemy import types as sa
from sqlalchemy.dialects import postgresql

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import READ_ONLY_TYPES, Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column, lark_field_for
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

T = FieldType


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as running:
        yield running


@pytest.fixture
def client(emulator):
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emulator.url) as ready:
        yield ready


def definition(name, kind, ui_type=None, **settings):
    wire = {"field_name": name, "type": int(kind)}
    return wire | ({"ui_type": ui_type} if ui_type else {}) | ({"property": settings} if settings else {})


def fields_of(client, app_token, table_id):
    found = client.bitable.list_fields(app_token=app_token, table_id=table_id)
    return {wire["field_name"]: Field.from_wire(wire) for wire in found}


def test_written_values_of_every_writable_type_read_back_canonical(emulator, client):
    state = emulator.state
    base = state.create_base("Shop")
    other = state.create_table(base.app_token, "other", [definition("Name", T.TEXT)])
    rec1, rec2 = (emulator.person.add_record(base.app_token, other.table_id, {"Name": name}) for name in "ab")
    ann, bob = state.add_user("Ann", "ann@x.y"), state.add_user("Bob", "bob@x.y")
    chat = state.add_chat("Team")
    file = state.add_file(base.app_token, "图.png")
    # name: definition, column type, values in SQL
    cases = {
        "text": (definition("text", T.TEXT), sa.TEXT(), ["海淀 🐉", " b ", "a\nb", None, ""]),
        "email": (definition("email", T.TEXT, "Email"), sa.TEXT(), ["a@b.c"]),
        "int as text": (definition("int as text", T.TEXT), sa.BIGINT(), [9_223_372_036_854_775_807, -1]),
        "json as text": (definition("json as text", T.TEXT), sa.JSON(), [{"b": [1, None], "a": "海"}]),
        "number": (
            definition("number", T.NUMBER),
            sa.NUMERIC(15, 4),
            [Decimal("12345678901.2345"), Decimal("-0.10"), 0],
        ),
        "rating": (definition("rating", T.NUMBER, "Rating"), sa.SMALLINT(), [3]),
        "double": (definition("double", T.NUMBER), sa.DOUBLE(), [0.1, 1e300, 1e-7]),
        "select": (definition("select", T.SINGLE_SELECT), sa.TEXT(), ["开", "b", None]),
        "names": (definition("names", T.MULTI_SELECT), sa.TEXT(), ['["红","b","红"]', "[]", None]),
        "array": (definition("array", T.MULTI_SELECT), postgresql.ARRAY(sa.TEXT()), [["c,d"]]),
        "at": (definition("at", T.DATE_TIME), sa.TEXT(), ["2026-01-01T08:00:00.123+08:00", "1926-01-01T00:00:00Z"]),
        "day": (definition("day", T.DATE_TIME), sa.TEXT(), ["2026-01-01"]),
        "done": (definition("done", T.CHECKBOX), sa.BOOLEAN(), [True, False, None]),
        "persons": (definition("persons", T.USER), sa.JSON(), [[ann.open_id, bob.open_id], None]),
        "person": (definition("person", T.USER, multiple=False), sa.TEXT(), [ann.open_id]),
        "phone": (definition("phone", T.PHONE), sa.TEXT(), ["+86 138-0000-0000"]),
        "url": (definition("url", T.URL), sa.TEXT(), ["https://x", '{"text":"Docs","link":"https://d.example"}']),
        "files": (definition("files", T.ATTACHMENT), sa.JSON(), [[{"file_token": file, "name": "图.png"}]]),
        "link": (definition("link", T.SINGLE_LINK, multiple=False, table_id=other.table_id), sa.TEXT(), [rec1]),
        "links": (definition("links", T.DUPLEX_LINK, table_id=other.table_id), sa.JSON(), [[rec1, rec2]]),
        "place": (definition("place", T.LOCATION), sa.TEXT(), ["116.3970, -39.90", "-0.5,0"]),
        "groups": (definition("groups", T.GROUP_CHAT), sa.TEXT(), [chat]),
    }
    assert {each[0]["type"] for each in cases.values()} == set(FieldType) - READ_ONLY_TYPES
    table = state.create_table(base.app_token, "every type", [each[0] for each in cases.values()])
    fields = fields_of(client, base.app_token, table.table_id)
    fields = {name: fields[name] for name in cases}
    codecs = {name: build_codec(fields[name], Column(name, cases[name][1]), time_zone=UTC) for name in cases}
    most = max(len(each[2]) for each in cases.values())
    written = [
        {name: codecs[name].from_sql(values[i] if i < len(values) else None) for name, (_, _, values) in cases.items()}
        for i in range(most)
    ]
    store = BitableStore(LarkTable(client, base.app_token, table.table_id), fields, codecs)

    ids = store.create(written)
    found = store.read(ids)

    for id_, row in zip(ids, written, strict=True):
        assert found[id_].problems == ()
        assert found[id_].values == row
    # what is there can be cleared again
    store.update([(ids[0], {name: codecs[name].from_sql(None) for name in cases})])
    assert set(store.read(ids[:1])[ids[0]].values.values()) == {None, False}


def test_automatic_fields_are_read(emulator, client):
    base = emulator.state.create_base("Shop")
    kinds = [T.CREATED_TIME, T.MODIFIED_TIME, T.CREATED_USER, T.MODIFIED_USER, T.AUTO_NUMBER]
    wires = [definition("Name", T.TEXT), *(definition(kind.label, kind) for kind in kinds)]
    table = emulator.state.create_table(base.app_token, "automatic", wires)
    emulator.person.add_record(base.app_token, table.table_id, {"Name": "a"})
    fields = fields_of(client, base.app_token, table.table_id)
    codecs = {name: build_codec(field, Column(name, sa.TEXT())) for name, field in fields.items()}

    (row,) = next(BitableStore(LarkTable(client, base.app_token, table.table_id), fields, codecs).scan()).rows

    assert row.problems == ()
    assert row.values["CreatedTime"] == row.values["ModifiedTime"] > 1_700_000_000_000
    assert row.values["CreatedUser"] == row.values["ModifiedUser"]
    assert row.values["AutoNumber"] == "1"


@pytest.mark.parametrize(
    "column_type",
    [sa.TEXT(), sa.Enum("a", "b"), sa.INTEGER(), sa.NUMERIC(10, 2), sa.NUMERIC(20, 6), sa.DOUBLE(), sa.BOOLEAN(),
     sa.DATE(), sa.DateTime(), sa.TIME(), sa.JSON(), sa.Uuid(), postgresql.ARRAY(sa.TEXT())],
    ids=lambda column_type: type(column_type).__name__,
)  # fmt: skip
def test_field_for_a_column_is_one_that_lark_creates(emulator, client, column_type):
    base = emulator.state.create_base("Shop")
    primary = lark_field_for(Column("id", sa.BIGINT(), is_key=True))
    column = Column("c", column_type)

    table_id = client.bitable.create_table(
        app_token=base.app_token, name="made", fields=[primary, lark_field_for(column)]
    )

    field = fields_of(client, base.app_token, table_id)["c"]
    assert build_codec(field, column).lark_writable
