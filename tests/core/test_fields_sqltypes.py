"""The column to create for a field."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, Double, String
from sqlalchemy.dialects import mysql, postgresql, sqlite

from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import sql_type_for

DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect(), "mysql": mysql.dialect()}
PROPERTIES = [{}, {"multiple": False}, {"type": {"data_type": 2}}, {"type": {"data_type": 5}}, {"type": {}}]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind is not FieldType.BUTTON])
def test_sql_type_of_each_field_fits_it_and_can_be_created(kind, name):
    for given in PROPERTIES:
        field = Field("fld", "f", kind, property=given)
        for is_key in (False, True):
            sql_type = sql_type_for(field, name, is_key=is_key)
            assert sql_type.compile(dialect=DIALECTS[name])
            build_codec(field, Column("f", sql_type, dialect=name))


def test_sql_type_of_a_key_fits_into_an_index():
    assert isinstance(sql_type_for(Field("fld", "f", FieldType.NUMBER), "mysql", is_key=True), BigInteger)
    text = sql_type_for(Field("fld", "f", FieldType.TEXT), "mysql", is_key=True)
    assert (type(text), text.length) == (String, 255)


def test_sql_type_of_a_number_is_a_double_whatever_it_shows():
    field = Field("fld", "f", FieldType.NUMBER, property={"formatter": "0"})
    assert isinstance(sql_type_for(field, "postgresql"), Double)


@pytest.mark.parametrize("kind", [FieldType.BUTTON, 4711])
def test_sql_type_of_a_field_without_known_values_is_none(kind):
    assert sql_type_for(Field("fld", "f", kind), "sqlite") is None
