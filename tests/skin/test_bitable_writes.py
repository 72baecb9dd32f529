"""The operators that write records, executed against the emulator over HTTP."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.bitable_records import (
    BitableCreateRecordsOperator,
    BitableDeleteRecordsOperator,
    BitableListRecordsOperator,
    BitableUpdateRecordsOperator,
    BitableUpsertRecordsOperator,
)
from airflow_provider_lark.operators.records import results
from tests.skin.orders import context, fails, run

pytestmark = pytest.mark.usefixtures("time_flies")


def test_update_clears_with_none_and_leaves_the_rest(orders):
    (record_id,) = orders.add({"code": "A1", "qty": 1, "status": "open"})
    records = json.dumps([{"record_id": record_id, "fields": {"qty": None, "status": "done"}}])
    assert run(BitableUpdateRecordsOperator, records=records)["updated"] == 1
    assert (orders.cells(), orders.cells("qty"), orders.cells("status")) == (["A1"], [None], ["done"])


@pytest.mark.parametrize(
    ("operator", "records", "words"),
    [
        pytest.param(
            BitableCreateRecordsOperator,
            [*({"qty": 1} for _ in range(600)), {"qty": "many"}],
            ["record 600: field qty (Number)", "type str"],
            id="value of the second batch",
        ),
        pytest.param(BitableCreateRecordsOperator, [{"Qty": 1}], ["'Qty'", "did you mean 'qty'?"], id="unknown field"),
        pytest.param(BitableCreateRecordsOperator, [{"made": 1}], ["made (CreatedTime)", "computed"], id="read-only"),
        pytest.param(BitableCreateRecordsOperator, {"qty": 1}, ["records: expected a list"], id="no list"),
        pytest.param(BitableUpdateRecordsOperator, [{"qty": 1}], ['records[0]: expected {"record_id"'], id="no fields"),
        pytest.param(BitableUpdateRecordsOperator, [{"fields": {}}], ["records[0]: has no record_id"], id="no id"),
        pytest.param(
            BitableUpdateRecordsOperator,
            [{"record_id": "recA", "fields": {}}, {"record_id": "recA", "fields": {}}],
            ["records 0 and 1 of the input are both recA"],
            id="twice",
        ),
    ],
)
def test_bad_records_are_named_before_anything_is_sent(orders, operator, records, words):
    message = fails(operator, records=records)
    assert [word for word in words if word not in message] == []
    assert (orders.cells(), orders.calls("batch_create"), orders.calls("batch_update")) == ([], 0, 0)


def test_record_that_is_gone_is_told_with_what_was_written_before(orders):
    ids = orders.add(*({"code": str(n)} for n in range(501)))
    orders.emulator.person.delete_record(*orders.ids.values(), ids[500])
    records = [{"record_id": id_, "fields": {"qty": 1}} for id_ in ids]
    message = fails(BitableUpdateRecordsOperator, records=records)
    assert "RecordNotFound: record 500 of 501 (500 others were updated)" in message
    assert orders.cells("qty") == [1] * 500


@pytest.mark.parametrize("fault", [{"code": 1255001, "status": 500}, {"code": 1299999, "status": 400}])
def test_record_that_spoils_each_batch_is_named_and_does_not_stop_the_others(orders, fault):
    kind = AirflowException if fault["code"] == 1255001 else AirflowFailException
    rows = [{"code": str(n)} for n in range(40)]
    orders.emulator.faults.add("batch_create", record="17", times=None, **fault)
    message = fails(BitableCreateRecordsOperator, kind=kind, records=rows)
    assert "record 17 of 40 (0 others were created)" in message
    assert "The other records of its batch (39) were deleted again" in message
    # a second try sends the same parts under the same tokens
    fails(BitableCreateRecordsOperator, kind=kind, records=rows, ctx=context(try_number=2))
    assert orders.cells() == []
    orders.emulator.faults.clear()
    # Lark has carried the batch as a whole out under no token yet
    run(BitableCreateRecordsOperator, records=rows, ctx=context(try_number=3))
    assert len(orders.cells()) == 40
    ids = [record["record_id"] for record in run(BitableListRecordsOperator)["records"]]
    orders.emulator.faults.add("batch_update", record=ids[5], times=None, **fault)
    patches = [{"record_id": id_, "fields": {"qty": 1}} for id_ in ids]
    message = fails(BitableUpdateRecordsOperator, kind=kind, records=patches)
    assert "record 5 of 40 (39 others were updated)" in message
    orders.emulator.faults.add("batch_delete", record=ids[7], times=None, **fault)
    message = fails(BitableDeleteRecordsOperator, kind=kind, record_ids=ids)
    assert "record 7 of 40 (39 others were deleted)" in message


def test_batch_that_is_too_large_goes_in_parts(orders):
    orders.emulator.switches.max_changeset_bytes = 2_000
    rows = [{"code": f"{n} {'x' * 100}"} for n in range(60)]
    made = run(BitableCreateRecordsOperator, records=rows)
    orders.emulator.switches.restore()
    assert made["created"] == 60
    listed = {record["record_id"]: record["fields"]["code"] for record in run(BitableListRecordsOperator)["records"]}
    assert [listed[id_] for id_ in made["record_ids"]] == [row["code"] for row in rows]


def test_nothing_to_write_costs_no_write(orders):
    assert run(BitableCreateRecordsOperator, records=[])["created"] == 0
    assert run(BitableUpdateRecordsOperator, records="[]")["updated"] == 0
    assert run(BitableUpsertRecordsOperator, records=[], key_fields=["code"])["created"] == 0
    assert {entry.template for entry in orders.emulator.log} <= {
        "/open-apis/auth/v3/tenant_access_token/internal",
        "/open-apis/bitable/v1/apps/:app_token/tables",
    }


def test_create_goes_in_batches(orders):
    rows = [{"code": str(n)} for n in range(1001)]
    assert run(BitableCreateRecordsOperator, records=rows)["created"] == 1001
    assert (orders.cells(), orders.calls("batch_create")) == ([str(n) for n in range(1001)], 3)
    run(BitableCreateRecordsOperator, records=rows, batch_size=1000, ctx=context("manual__2"))
    assert orders.calls("batch_create") == 3 + 2


def test_create_that_lost_its_answers_creates_nothing_twice_when_tried_again(orders):
    orders.emulator.faults.add("batch_create", action="drop_after", skip=1, times=None)
    rows = [{"code": str(n)} for n in range(700)]
    message = fails(BitableCreateRecordsOperator, kind=AirflowException, records=rows)
    assert "OutcomeUnknown: records 500 to 699 of 700 (500 before them were created)" in message
    assert len(orders.cells()) == 700
    orders.emulator.faults.clear()
    again = run(BitableCreateRecordsOperator, records=rows)
    assert (again["created"], len(set(again["record_ids"])), len(orders.cells())) == (700, 700, 700)
    # another run, or another mapped task, is another matter
    run(BitableCreateRecordsOperator, records=rows, ctx=context("manual__2"))
    run(BitableCreateRecordsOperator, records=rows, ctx=context(map_index=1))
    assert len(orders.cells()) == 2100


def test_create_that_is_cleared_after_its_records_were_deleted_says_so(orders):
    rows = [{"code": str(n)} for n in range(3)]
    made = run(BitableCreateRecordsOperator, records=rows, batch_size=2)
    cleared = {"records": rows, "batch_size": 2, "ctx": context(try_number=2)}
    assert run(BitableCreateRecordsOperator, **cleared) == made
    orders.emulator.person.delete_record(*orders.ids.values(), made["record_ids"][2])
    assert "trigger a new DAG run" in fails(BitableCreateRecordsOperator, **cleared)
    assert len(orders.cells()) == 2
    # an empty try makes no call
    assert run(BitableCreateRecordsOperator, records=[], ctx=context(try_number=2))["created"] == 0


def test_equal_batches_of_one_task_are_all_created(orders):
    assert run(BitableCreateRecordsOperator, records=[{"code": "same"}] * 4, batch_size=2)["created"] == 4
    assert orders.cells() == ["same"] * 4


def test_more_ids_than_an_xcom_holds_are_refused_before_writing(orders, monkeypatch):
    monkeypatch.setattr(results, "XCOM_IDS_MAX", 2)
    rows = [{"code": str(n)} for n in range(3)]
    assert "return_ids=False" in fails(BitableCreateRecordsOperator, records=rows)
    assert orders.cells() == []
    assert "record_ids" not in run(BitableCreateRecordsOperator, records=rows, return_ids=False)
    assert "record_ids" not in run(BitableUpsertRecordsOperator, records=rows, key_fields="code", return_ids=False)


def test_delete_takes_ids_and_says_which_were_gone(orders):
    first, second, _ = orders.add({"code": "A1"}, {"code": "A2"}, {"code": "A3"})
    done = run(BitableDeleteRecordsOperator, record_ids=[first, "recGone000000", second])
    assert (done["deleted"], done["missing"], orders.cells()) == (2, 1, ["A3"])
    assert "recGone000000" in fails(BitableDeleteRecordsOperator, record_ids=["recGone000000"], if_missing="fail")


def test_delete_by_filter_stops_at_the_limit(orders):
    orders.add(*({"code": str(n), "status": "done" if n % 2 else "open"} for n in range(1200)))
    message = fails(BitableDeleteRecordsOperator, filter={"status": "done"})
    assert (
        "SafetyStop: nothing was deleted: 600 records would be deleted, more than max_deletes (500) allows" in message
    )
    done = run(BitableDeleteRecordsOperator, filter={"status": "done"}, max_deletes="600")
    assert (done["deleted"], len(orders.cells()), orders.calls("batch_delete")) == (600, 600, 2)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "either record_ids or a non-empty filter"),
        ({"filter": {}}, "either record_ids or a non-empty filter"),
        ({"filter": {"code": "A1"}, "record_ids": ["recA"]}, "either record_ids or a non-empty filter"),
        ({"filter": {"conjunction": "and", "conditions": []}}, "has no conditions"),
        ({"filter": {"code": {}}}, "no comparison given"),
        ({"filter": {"code": {"contains": ""}}}, "needs a non-empty value"),
        ({"filter": {"code": {"isNot": ""}}}, "needs a non-empty value"),
        ({"filter": {"tags": ["", "new"]}}, "needs a non-empty value"),
    ],
)
def test_delete_of_everything_or_of_two_things_is_refused(orders, parameters, words):
    orders.add({"code": "A1"})
    assert words in fails(BitableDeleteRecordsOperator, **parameters)
    assert orders.cells() == ["A1"]


@pytest.mark.parametrize(
    ("operator", "parameters"),
    [
        pytest.param(BitableListRecordsOperator, {}, id="list"),
        pytest.param(BitableDeleteRecordsOperator, {"filter": {"code": {"contains": "A"}}}, id="delete"),
        *(
            pytest.param(
                BitableUpsertRecordsOperator,
                {"records": [{"code": f"A{n}", "qty": 1} for n in range(4)], "key_fields": ["code"], "lookup": lookup},
                id=f"upsert by {lookup}",
            )
            for lookup in ("filter", "scan")
        ),
    ],
)
def test_read_that_ends_early_is_left_to_the_retries(orders, operator, parameters):
    codes = [f"A{n}" for n in range(4)]
    orders.add(*({"code": code} for code in codes))
    orders.emulator.faults.add("records/search", action="short")
    message = fails(operator, kind=AirflowException, **parameters)
    assert "Lark reports 4 records but returned 2" in message
    assert orders.cells() == codes
    run(operator, **parameters)
    assert orders.cells() == ([] if operator is BitableDeleteRecordsOperator else codes)


def test_delete_that_lost_its_answer_has_deleted(orders):
    ids = orders.add({"code": "A1"}, {"code": "A2"})
    orders.emulator.faults.add("batch_delete", action="drop_after")
    done = run(BitableDeleteRecordsOperator, record_ids=ids)
    assert (done["missing"], orders.cells()) == (2, [])


def test_persons_are_given_by_e_mail(orders):
    ann = orders.emulator.state.directory.add_user("Ann", email="ann@example.com")
    orders.emulator.person.add_field(*orders.ids.values(), {"field_name": "owner", "type": 11})
    rows = [{"code": "A1", "owner": "ann@example.com"}, {"code": "A2", "owner": ["Ann@example.com"]}]
    run(BitableCreateRecordsOperator, records=rows)
    owners = [record["fields"]["owner"] for record in run(BitableListRecordsOperator)["records"]]
    assert [[person["id"] for person in each] for each in owners] == [[ann.open_id]] * 2
    contacts = "POST /open-apis/contact/v3/users/batch_get_id"
    assert orders.emulator.counters()[contacts] == 1
    assert run(BitableListRecordsOperator, filter={"owner": ["Ann@example.com"]})["total"] == 2
    assert "no Lark user has" in fails(BitableListRecordsOperator, filter={"owner": "nobody@example.com"})
    message = fails(BitableCreateRecordsOperator, records=[{"owner": "nobody@example.com"}])
    assert "record 0: field owner (User)" in message
    assert "nobody@" not in message


def test_logs_name_the_table_and_no_cell(orders, caplog, capsys):
    caplog.set_level("DEBUG")
    canary = "canary-in-a-cell"
    run(BitableUpsertRecordsOperator, records=[{"code": canary, "qty": 1}], key_fields=["code"])
    run(BitableListRecordsOperator, filter={"code": canary})
    fails(BitableCreateRecordsOperator, records=[{"qty": canary}])
    text = caplog.text + "".join(capsys.readouterr())
    assert f"/{orders.base}/{orders.table_id}: created 1" in text
    assert f"/{orders.base}/{orders.table_id}: records 1" in text
    assert canary not in text
    assert orders.emulator.app_secret not in text


def test_wrong_rights_are_permanent_and_passing_trouble_is_not(orders):
    orders.emulator.faults.add("batch_create", code=1254302, times=None)
    assert "AccessDenied" in fails(BitableCreateRecordsOperator, records=[{"code": "A1"}])
    orders.emulator.faults.clear()
    orders.emulator.faults.add("batch_create", code=1254291, times=None)
    assert "ServerBusy" in fails(BitableCreateRecordsOperator, kind=AirflowException, records=[{"code": "A1"}])


def test_corrected_create_makes_the_records_beside_a_refused_one_once(orders):
    """The good halves of the batch had landed, and the corrected batch is another one to Lark."""
    orders.emulator.faults.add("batch_create", contains="poison", code=1254060, times=None)
    rows = [{"code": f"A{n}"} for n in range(24)]
    bad = [*rows[:17], {"code": "poison"}, *rows[18:]]
    for _ in range(2):
        message = fails(BitableCreateRecordsOperator, records=bad, batch_size=10)
        assert "record 17 of 24 (10 others were created)" in message
        assert "The other records of its batch (9) were deleted again; correct it and try again" in message
        assert sorted(orders.cells()) == sorted(f"A{n}" for n in range(10))
    done = run(BitableCreateRecordsOperator, records=rows, batch_size=10)
    assert (done["created"], len(set(done["record_ids"]))) == (24, 24)
    assert sorted(orders.cells()) == sorted(f"A{n}" for n in range(24))


def test_create_that_cannot_take_records_back_names_them(orders):
    orders.emulator.faults.add("batch_create", contains="poison", code=1254060, times=None)
    orders.emulator.faults.add("batch_delete", code=1254302, times=None)
    message = fails(BitableCreateRecordsOperator, records=[{"code": "A1"}, {"code": "poison"}])
    (record_id,) = [record["record_id"] for record in run(BitableListRecordsOperator)["records"]]
    assert "Records of its batch that could not be deleted again (1" in message
    assert f"{record_id}; delete them first" in message


def test_values_that_lark_stores_otherwise_are_counted_and_named_without_the_cell(orders, capsys):
    for route in ("batch_create", "batch_update"):
        orders.emulator.faults.add(route, action="trim", field="code", told=True, times=None)
        orders.emulator.faults.add(route, action="leave_out", field="qty", told=True, times=None, record="7")
    rows = [{"code": "A1", "qty": 1}, {"code": " canary ", "qty": 2}, {"code": "A3", "qty": 7}]
    done = run(BitableCreateRecordsOperator, records=rows)
    assert (done["created"], done["near_misses"]) == (3, 2)
    (told,) = [line for line in capsys.readouterr().out.splitlines() if "different values than were sent" in line]
    assert "in 2 records" in told
    assert "code (Text), qty (Number)" in told
    assert done["record_ids"][1] in told
    assert "canary" not in told
    first, second, _ = done["record_ids"]
    patches = [{"record_id": first, "fields": {"code": "B1"}}, {"record_id": second, "fields": {"code": "B2 "}}]
    assert run(BitableUpdateRecordsOperator, records=patches)["near_misses"] == 1
    done = run(BitableUpsertRecordsOperator, records=[{"code": "C1 ", "qty": 3}], key_fields=["qty"])
    assert (done["created"], done["near_misses"]) == (1, 1)


def test_zero_and_empty_cells_that_an_answer_shows_in_another_form_are_no_near_miss(orders):
    rows = [{"code": "A1", "qty": 0, "status": None}, {"code": "", "qty": 2.50}, {"qty": 1}]
    assert run(BitableCreateRecordsOperator, records=rows)["near_misses"] == 0
