"""What is no id, no token and no offset, though it looks like one; and persons who are none."""

from __future__ import annotations

from datetime import time, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.fields.schema import FieldType as T

EAST = timezone(timedelta(hours=8))


def codec(kind: int, column_type: Any, **options: Any):
    return build_codec(Field("fld1", "F", kind), Column("c", column_type, dialect="postgresql"), **options)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        pytest.param(T.USER, "Ann", "user ids", id="name"),
        pytest.param(T.USER, "张三", "user ids", id="Chinese name"),
        pytest.param(T.USER, '["ou_1","Zhang.San"]', "user ids", id="name beside an id"),
        pytest.param(T.GROUP_CHAT, "Everybody", "group ids", id="group"),
        pytest.param(T.ATTACHMENT, '[{"file_token":"https://x.example/a.pdf"}]', "tokens of files", id="address"),
    ],
)
def test_name_or_address_in_the_place_of_an_id_is_refused_before_sending(kind, value, words):
    each = codec(kind, sa.TEXT())
    with pytest.raises(ValueMismatch, match=words) as caught:
        each.to_lark(each.from_sql(value))
    assert value not in str(caught.value)


@pytest.mark.parametrize("kind", [T.CREATED_USER, T.MODIFIED_USER])
@pytest.mark.parametrize("app", [{"id": "ou_app", "name": "Bot", "email": ""}, {"id": "ou_app", "name": "Bot"}])
@pytest.mark.parametrize("column_type", [sa.TEXT(), sa.JSON()])
def test_app_in_a_field_that_lark_fills_is_nobody(kind, app, column_type):
    each = codec(kind, column_type, user_key="email")
    assert each.from_lark([app]) is None
    assert each.from_lark(app) is None
    assert each.from_lark([{"id": "ou_1", "email": "Li@X.y"}]) == ("li@x.y",)


def test_app_among_the_persons_of_a_formula_is_left_out():
    each = codec(T.FORMULA, sa.JSON(), user_key="email")
    wire = {"type": 1003, "value": [{"id": "ou_app", "avatar_url": "", "email": ""}]}
    assert each.from_lark(wire) is None


def test_person_without_an_address_in_a_field_of_people_is_refused():
    with pytest.raises(ValueMismatch, match="map users by id"):
        codec(T.USER, sa.TEXT(), user_key="email").from_lark([{"id": "ou_1", "email": ""}])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("09:30:00+08:00", time(9, 30, tzinfo=EAST), id="offset"),
        pytest.param("01:30:00+00:00", time(1, 30, tzinfo=timezone.utc), id="utc"),  # noqa: UP017
    ],
)
def test_time_with_time_zone_keeps_its_offset(text, value):
    each = codec(T.TEXT, sa.Time(timezone=True))
    assert each.from_sql(value) == text
    assert each.to_sql(text) == value
    assert each.to_sql(text).utcoffset() == value.utcoffset()
    assert each.from_lark(text.replace("+00:00", "Z")) == text


def test_time_without_an_offset_does_not_fit_a_column_that_keeps_one():
    with pytest.raises(ValueMismatch, match=r"09:30\+08:00"):
        codec(T.TEXT, sa.Time(timezone=True)).from_lark("09:30")


def test_time_of_a_query_keeps_an_offset_that_the_driver_gives():
    each = build_codec(Field("fld1", "F", T.TEXT), Column("c", sa.Time()))
    assert each.from_sql(time(9, 30, tzinfo=EAST)) == "09:30:00+08:00"
    assert each.from_sql(time(9, 30)) == "09:30:00"
