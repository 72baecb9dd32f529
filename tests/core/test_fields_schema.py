"""Fields as the field list shows them, columns as the database shows them, and the field to create for a column."""

import pickle

import pytest
from sqlalchemy import text
from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql, postgresql

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import (
    decimal_digits,
    has_whole_seconds,
    integer_range,
    is_aware,
    is_single_precision,
    step_ms,
    text_limits,
)
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column, ColumnKind, lark_field_for
from airflow_provider_lark.core.sql_side.reflection import columns_of, reflect_table

EVERY = ("sqlite", "postgresql", "mysql")


def test_from_wire_reads_an_item_of_the_field_list():
    wire = {
        "field_id": "fldWJyCkFQ",
        "field_name": "单选",
        "type": 3,
        "ui_type": "SingleSelect",
        "property": {"options": [{"id": "opt1", "name": "a", "color": 1}]},
        "is_primary": True,
    }

    field = Field.from_wire(wire)

    assert field == Field("fldWJyCkFQ", "单选", FieldType.SINGLE_SELECT, "SingleSelect", wire["property"], True)
    assert field.type is FieldType.SINGLE_SELECT
    assert field.describe() == "单选 (SingleSelect)"
    assert not field.is_read_only
    assert pickle.loads(pickle.dumps(field)) == field
    assert len({field, Field.from_wire(wire)}) == 1


def test_from_wire_of_a_type_that_lark_added_later_is_kept_and_read_only():
    field = Field.from_wire({"field_id": "fld1", "field_name": "New", "type": 77, "property": None})

    assert field.type == 77
    assert field.is_read_only
    assert field.describe() == "New (type 77)"


def test_describe_without_ui_type_names_the_type():
    assert Field("fld1", "Done at", FieldType.DATE_TIME).describe() == "Done at (DateTime)"


@pytest.mark.parametrize("kind", [19, 20, 24, 1001, 1002, 1003, 1004, 1005, 3001])
def test_computed_and_automatic_fields_are_read_only(kind):
    assert Field("fld1", "F", FieldType(kind)).is_read_only


def column(column_type, dialect="", **facts):
    return Column("price", column_type, dialect=dialect, **facts)


def test_describe_of_a_column_spells_its_type():
    assert column(sa.NUMERIC(10, 2)).describe() == "price (NUMERIC(10, 2))"
    assert column(sa.NullType()).describe() == "price (NULL)"
    assert column(sa.ARRAY(sa.NullType())).describe().startswith("price (")


@pytest.mark.parametrize(
    ("column_type", "dialect", "limits"),
    [
        (sa.SMALLINT(), "", (-32768, 32767)),
        (sa.INTEGER(), "postgresql", (-(2**31), 2**31 - 1)),
        (sa.INTEGER(), "sqlite", (-(2**63), 2**63 - 1)),
        (sa.BIGINT(), "mysql", (-(2**63), 2**63 - 1)),
        (mysql.TINYINT(), "mysql", (-128, 127)),
        (mysql.MEDIUMINT(unsigned=True), "mysql", (0, 2**24 - 1)),
        (mysql.YEAR(), "mysql", (0, 2155)),
        (postgresql.DOMAIN("positive", sa.SMALLINT()), "postgresql", (-32768, 32767)),
    ],
)
def test_integer_range_follows_type_and_dialect(column_type, dialect, limits):
    assert column(column_type, dialect).kind is ColumnKind.INTEGER
    assert integer_range(column(column_type, dialect)) == limits


def test_limits_of_other_types_follow_type_and_dialect():
    assert decimal_digits(column(sa.NUMERIC(10, 2))) == (8, 2)
    assert decimal_digits(column(sa.NUMERIC(10))) == (10, 0)
    assert decimal_digits(column(sa.NUMERIC())) == (None, None)
    assert text_limits(column(sa.VARCHAR(9))) == (9, None)
    assert text_limits(column(sa.TEXT(), "postgresql")) == (None, None)
    assert text_limits(column(sa.TEXT(), "mysql")) == (None, 65535)
    assert text_limits(column(mysql.MEDIUMTEXT(), "mysql")) == (None, 2**24 - 1)
    assert [step_ms(column(sa.DATETIME(), dialect)) for dialect in ("sqlite", "mysql")] == [1, 1000]
    assert [has_whole_seconds(column(sa.TIME(), dialect)) for dialect in ("postgresql", "mysql")] == [False, True]
    assert [is_aware(column(sa.DateTime(True), dialect)) for dialect in ("postgresql", "sqlite")] == [True, False]
    assert [is_single_precision(column(sa.REAL(), dialect)) for dialect in ("postgresql", "sqlite")] == [True, False]
    assert [is_single_precision(column(mysql.FLOAT(bits), "mysql")) for bits in (None, 24, 53)] == [True, True, False]


@pytest.mark.parametrize("kind", EVERY)
def test_from_reflected_tells_keys_that_the_database_makes(kind, new_database):
    counted = {
        "sqlite": "id INTEGER PRIMARY KEY",
        "postgresql": "id BIGSERIAL PRIMARY KEY",
        "mysql": "id BIGINT PRIMARY KEY AUTO_INCREMENT",
    }
    with new_database(kind).begin() as conn:
        conn.execute(
            text(f"CREATE TABLE counted ({counted[kind]}, name VARCHAR(9) NOT NULL DEFAULT 'x', size INTEGER)")
        )
        conn.execute(text("CREATE TABLE given (id BIGINT PRIMARY KEY, name VARCHAR(9))"))
        conn.execute(text("CREATE TABLE composite (a INTEGER, b INTEGER, PRIMARY KEY (a, b))"))
        id_, name, size = columns_of(reflect_table(conn, "counted"))
        given = columns_of(reflect_table(conn, "given"))
        composite = columns_of(reflect_table(conn, "composite"))

    assert (id_.is_key, id_.autoincrement) == (True, True)
    assert (name.is_key, name.nullable, name.has_default) == (False, False, True)
    assert (size.is_key, size.nullable, size.has_default, size.autoincrement) == (False, True, False, False)
    assert [each.autoincrement for each in given] == [False, False]
    assert [(each.is_key, each.autoincrement) for each in composite] == [(True, False), (True, False)]


def test_from_reflected_tells_an_identity_column(new_database):
    with new_database("postgresql").begin() as conn:
        conn.execute(text("CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"))
        (id_,) = columns_of(reflect_table(conn, "t"))

    assert id_.autoincrement


TEXT = {"type": 1, "ui_type": "Text"}
CHECKBOX = {"type": 7, "ui_type": "Checkbox"}


def number(formatter):
    return {"type": 2, "ui_type": "Number", "property": {"formatter": formatter}}


def select(*names):
    return {"type": 3, "ui_type": "SingleSelect", "property": {"options": [{"name": name} for name in names]}}


def moment(formatter):
    return {"type": 5, "ui_type": "DateTime", "property": {"date_formatter": formatter}}


@pytest.mark.parametrize(
    ("column_type", "facts", "field"),
    [
        pytest.param(sa.VARCHAR(9), {}, TEXT, id="VARCHAR"),
        pytest.param(sa.Enum("b", "", "a"), {}, select("b", "a"), id="ENUM"),
        pytest.param(sa.Enum("a"), {"is_key": True}, TEXT, id="ENUM key: no primary field is a select"),
        pytest.param(sa.INTEGER(), {}, number("0"), id="INTEGER"),
        pytest.param(sa.BIGINT(), {}, TEXT, id="BIGINT"),
        pytest.param(sa.BIGINT(), {"is_key": True, "autoincrement": True}, number("0"), id="counted key"),
        pytest.param(sa.BIGINT(), {"is_key": True}, TEXT, id="snowflake key"),
        pytest.param(mysql.TINYINT(display_width=1), {}, CHECKBOX, id="TINYINT(1)"),
        pytest.param(mysql.TINYINT(display_width=4), {}, number("0"), id="TINYINT"),
        pytest.param(sa.NUMERIC(10, 2), {}, number("0.00"), id="NUMERIC(10, 2)"),
        pytest.param(sa.NUMERIC(15, 6), {}, number("0.0000"), id="more decimals than Lark shows"),
        pytest.param(sa.NUMERIC(18, 6), {}, TEXT, id="NUMERIC(18, 6)"),
        pytest.param(mysql.BIGINT(unsigned=True), {}, TEXT, id="BIGINT UNSIGNED"),
        pytest.param(sa.NUMERIC(), {}, number("0.00"), id="NUMERIC"),
        pytest.param(sa.NUMERIC(20, 0), {}, TEXT, id="NUMERIC(20)"),
        pytest.param(sa.DOUBLE(), {}, number("0.00"), id="DOUBLE"),
        pytest.param(sa.BOOLEAN(), {}, CHECKBOX, id="BOOLEAN"),
        pytest.param(sa.BOOLEAN(), {"is_key": True}, number("0"), id="BOOLEAN key: no primary field is a checkbox"),
        pytest.param(sa.DATE(), {}, moment("yyyy-MM-dd"), id="DATE"),
        pytest.param(sa.DateTime(), {}, moment("yyyy-MM-dd HH:mm"), id="DATETIME"),
        pytest.param(sa.TIME(), {}, TEXT, id="TIME"),
        pytest.param(sa.JSON(), {}, TEXT, id="JSON"),
        pytest.param(sa.Uuid(), {}, TEXT, id="UUID"),
        pytest.param(postgresql.ARRAY(sa.TEXT()), {}, {"type": 4, "ui_type": "MultiSelect"}, id="TEXT[]"),
    ],
)
def test_lark_field_for_a_column_holds_what_it_holds(column_type, facts, field):
    assert lark_field_for(column(column_type, **facts)) == {"field_name": "price", **field}


def test_lark_field_for_a_binary_column_is_refused():
    with pytest.raises(SchemaMismatch, match=r"column price \(BLOB\): no Lark field"):
        lark_field_for(column(sa.LargeBinary()))
