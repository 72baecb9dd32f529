"""The operators of tables and fields, executed against the emulator over HTTP."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.bitable_tables import (
    BitableCreateFieldOperator,
    BitableCreateTableOperator,
    BitableDeleteTableOperator,
    BitableListFieldsOperator,
    BitableListTablesOperator,
    BitableUpdateFieldOperator,
)
from tests.skin.orders import context

pytestmark = pytest.mark.usefixtures("time_flies")

DESIGN = ["code", {"name": "qty", "type": "Number"}, {"name": "stars", "type": "rating"}]


def run(operator, *, ctx=None, **parameters):
    return operator(task_id="t", **parameters).execute(ctx or context())


def fails(operator, *, kind=AirflowFailException, **parameters):
    with pytest.raises(AirflowException) as caught:
        run(operator, **parameters)
    assert type(caught.value) is kind
    return str(caught.value)


def names(orders):
    return [table["name"] for table in run(BitableListTablesOperator, base="MyDB")["tables"]]


def test_table_is_made_listed_and_deleted(orders):
    made = run(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=DESIGN)
    assert (made["created"], made["app_token"], "goods" in names(orders)) == (1, orders.base, True)
    fields = run(BitableListFieldsOperator, table="MyDB:goods")["fields"]
    assert [(f["name"], f["type"], f["type_name"], f["is_primary"]) for f in fields] == [
        ("code", 1, "Text", True),
        ("qty", 2, "Number", False),
        ("stars", 2, "Rating", False),
    ]
    assert run(BitableDeleteTableOperator, table="MyDB:goods")["deleted"] == 1
    assert "goods" not in names(orders)


def test_table_that_exists_is_an_error_or_taken_as_it_is(orders):
    first = run(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=DESIGN)
    assert "'goods' already exists" in fails(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=DESIGN)
    again = run(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=DESIGN[:2], if_exists="skip")
    assert (again["created"], again["table_id"]) == (0, first["table_id"])
    other = [{"name": "qty", "type": "Text"}]
    assert "field qty (Number) exists but does not have type Text" in fails(
        BitableCreateTableOperator, base="MyDB", table_name="goods", fields=other, if_exists="skip"
    )
    assert "field 'price' does not exist" in fails(
        BitableCreateTableOperator, base="MyDB", table_name="goods", fields=["price"], if_exists="skip"
    )


def test_table_whose_creation_was_not_answered_is_found(orders):
    orders.emulator.faults.add("POST .*/tables$", action="drop_after")
    made = run(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=DESIGN)
    assert (made["created"], names(orders).count("goods")) == (1, 1)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"table_name": "a/b"}, ["table name", "/ \\ ? * : [ ]"], id="characters"),
        pytest.param({"table_name": "x" * 101}, ["1 to 100 characters"], id="long"),
        pytest.param({"fields": {"name": "q", "type": 1}}, ["fields: expected a list, found dict"], id="one field"),
        pytest.param({"fields": []}, ["1 to 300 fields, got 0"], id="no fields"),
        pytest.param({"fields": ["a", "a"]}, ["'a' is listed twice"], id="twins"),
        pytest.param({"fields": [{"name": "q", "type": "Nomber"}]}, ["fields[0] 'q'", "'Number'?"], id="type"),
        pytest.param({"fields": [{"type": 1}]}, ["fields[0]: has no name"], id="no name"),
        pytest.param({"fields": [{"name": "q", "kind": 1}]}, ["unknown key 'kind'"], id="member"),
        pytest.param({"base": ""}, ["base: is empty"], id="no base"),
    ],
)
def test_bad_design_is_named_before_anything_is_made(orders, parameters, words):
    message = fails(BitableCreateTableOperator, **{"base": "MyDB", "table_name": "t", "fields": ["a"]} | parameters)
    assert [word for word in words if word not in message] == []
    assert names(orders).count("t") == 0


def test_table_that_is_missing_may_be_skipped(orders):
    assert "no table named 'goods'" in fails(BitableDeleteTableOperator, table="MyDB:goods")
    assert run(BitableDeleteTableOperator, table="MyDB:goods", if_missing="skip")["deleted"] == 0
    assert run(BitableDeleteTableOperator, base="MyDB", table="tblGone000000000", if_missing="skip")["deleted"] == 0
    assert "'Other' is not a known base name" in fails(
        BitableDeleteTableOperator, table="Other:goods", if_missing="skip"
    )


def test_table_that_was_not_made_is_tried_again(orders):
    orders.emulator.faults.add("POST .*/tables$", action="drop_before")
    parameters = {"base": "MyDB", "table_name": "goods", "fields": DESIGN}
    assert "OutcomeUnknown" in fails(BitableCreateTableOperator, kind=AirflowException, **parameters)
    assert run(BitableCreateTableOperator, **parameters)["created"] == 1


@pytest.mark.parametrize("times", [1, None])
def test_deletion_that_was_not_answered_counts(orders, times):
    run(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=DESIGN)
    orders.emulator.faults.add("DELETE .*/tables/:table_id$", action="drop_after", times=times)
    assert run(BitableDeleteTableOperator, table="MyDB:goods")["deleted"] == 1


@pytest.mark.parametrize("if_exists", ["fail", "skip"])
def test_field_is_made_once_however_often_the_task_is_tried(orders, if_exists):
    orders.emulator.faults.add("POST .*/fields", action="drop_after", times=None)
    price = {"name": "price", "type": "Currency", "property": {"formatter": "0.00", "currency_code": "CNY"}}
    parameters = {"table": "MyDB:orders", "field": json.dumps(price), "if_exists": if_exists}
    assert "OutcomeUnknown" in fails(BitableCreateFieldOperator, kind=AirflowException, **parameters)
    orders.emulator.faults.clear()
    made = run(BitableCreateFieldOperator, **parameters)
    fields = run(BitableListFieldsOperator, table="MyDB:orders", with_property=True)["fields"]
    assert [(f["field_id"], f["property"]["currency_code"]) for f in fields if f["name"] == "price"] == [
        (made["field_id"], "CNY")
    ]


def test_field_that_exists_is_an_error_or_taken_as_it_is(orders):
    assert "'qty' already exists" in fails(BitableCreateFieldOperator, table="MyDB:orders", field="qty")
    qty = {"name": "qty", "type": "Number"}
    assert run(BitableCreateFieldOperator, table="MyDB:orders", field=qty, if_exists="skip")["created"] == 0
    assert "field qty (Number) exists but does not have type Text" in fails(
        BitableCreateFieldOperator, table="MyDB:orders", field="qty", if_exists="skip"
    )


def test_changed_field_keeps_what_is_not_named_and_the_cells_of_its_options(orders):
    orders.add({"code": "A1", "status": "open"})
    done = run(
        BitableUpdateFieldOperator,
        table="MyDB:orders",
        field="status",
        changes={"name": "state", "options": ["late", "open"]},
    )
    assert (done["updated"], done["field"]["name"], done["field"]["type_name"]) == (1, "state", "SingleSelect")
    assert orders.cells("state") == ["open"]
    field_id = done["field"]["field_id"]
    again = run(BitableUpdateFieldOperator, table="MyDB:orders", field=field_id, changes={"name": "state"})
    assert again["updated"] == 0
    assert orders.cells("state") == ["open"]


def test_faces_of_numbers_get_what_lark_needs_and_ask_for_what_they_cannot_know(orders):
    fields = ["code", {"name": "done", "type": "Progress"}, {"name": "stars", "type": "Rating", "property": {"max": 3}}]
    run(BitableCreateTableOperator, base="MyDB", table_name="goods", fields=fields)
    listed = run(BitableListFieldsOperator, table="MyDB:goods", with_property=True)["fields"]
    assert (listed[1]["property"]["formatter"], listed[2]["property"]["max"]) == ("0%", 3)
    price = {"name": "price", "type": "Currency"}
    assert "'price': property needs currency_code" in fails(BitableCreateFieldOperator, table="MyDB:goods", field=price)
    changed = run(BitableUpdateFieldOperator, table="MyDB:goods", field="stars", changes={"name": "rank"})
    assert (changed["field"]["name"], changed["updated"]) == ("rank", 1)
    listed = run(BitableListFieldsOperator, table="MyDB:goods", with_property=True)["fields"]
    assert listed[2]["property"]["max"] == 3


def test_changed_field_keeps_its_description_until_it_is_named(orders):
    note = {"name": "note", "description": "why"}
    field_id = run(BitableCreateFieldOperator, table="MyDB:orders", field=note)["field_id"]
    told = []
    for changes in ({"name": "notes"}, {"description": "how"}, {"description": "how"}, {"description": ""}):
        done = run(BitableUpdateFieldOperator, table="MyDB:orders", field=field_id, changes=changes)
        fields = orders.emulator.state.table(orders.base, orders.table_id).fields
        told.append((done["updated"], next(f.description for f in fields if f.field_id == field_id)))
    assert told == [(1, "why"), (1, "how"), (0, "how"), (1, "")]


def test_change_of_nothing_or_of_an_unknown_field_is_named(orders):
    assert "changes: is empty" in fails(BitableUpdateFieldOperator, table="MyDB:orders", field="status", changes={})
    assert "did you mean 'status'?" in fails(
        BitableUpdateFieldOperator, table="MyDB:orders", field="statsu", changes={"name": "x"}
    )


def test_link_of_a_new_table_opens_it(orders):
    operator = BitableCreateTableOperator(task_id="t", base="MyDB", table_name="goods", fields=["code"])
    made = operator.execute(context())
    (link,) = operator.operator_extra_links
    assert link.get_link(operator, ti_key=None).endswith(f"/base/{orders.base}?table={made['table_id']}")
    assert operator.table_place.named_uri == "lark://MyDB/goods"
