"""The upsert: what it decides, what it costs beside the optimum, what it refuses."""

from __future__ import annotations

from math import ceil

import pytest

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.errors import (
    BadRequest,
    ConfigError,
    DuplicateKey,
    OutcomeUnknown,
    SafetyStop,
    SchemaMismatch,
    ValueMismatch,
)
from airflow_provider_lark.core.lark_side.key_finder import choose_lookup
from airflow_provider_lark.core.lark_side.record_table import RecordTable
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.lark_side.upsert import UpsertPlan, plan_upsert, upsert_records
from airflow_provider_lark.core.transfer.batch_tokens import batch_token
from airflow_provider_lark.emulator import Emulator, ManualClock

FIELDS = [
    {"field_name": "code", "type": 1},
    {"field_name": "shop", "type": 2},
    {"field_name": "qty", "type": 2},
    {"field_name": "status", "type": 3},
    {"field_name": "due", "type": 5},
    {"field_name": "paid", "type": 7},
    {"field_name": "tags", "type": 4},
    {"field_name": "serial", "type": 1005},
]
ROUTE = "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records"


class Stock:
    """A table of goods in the emulator, and a client of it."""

    def __init__(self, emulator, client):
        self.emulator = emulator
        self.base = emulator.state.create_base("Shop").app_token
        self.table_id = emulator.state.create_table(self.base, "goods", FIELDS).table_id
        self.client = client

    def open(self):
        table = LarkTable(self.client, self.base, self.table_id)
        return RecordTable(table, new_token=lambda number, body: batch_token("test", number, body))

    def add(self, rows):
        return self.emulator.person.add_records(self.base, self.table_id, list(rows))

    def cells(self, name):
        records = self.emulator.person.records(self.base, self.table_id)
        return [record["fields"].get(name) for record in records]

    def calls(self, action):
        return self.emulator.counters().get(f"{ROUTE}/{action}", 0)


@pytest.fixture
def stock():
    with (
        Emulator(clock=ManualClock()) as emulator,
        LarkClient(emulator.app_id, emulator.app_secret, emulator.url, rate_share=None) as client,
    ):
        yield Stock(emulator, client)


def test_upsert_updates_creates_and_leaves_equal_records_alone(stock):
    ids = stock.add([{"code": "A1", "qty": 1}, {"code": "A2", "qty": 2, "paid": True}, {"code": "A3"}])
    rows = [{"code": "A9", "qty": 9}, {"code": "A2", "qty": 2.0, "paid": True}, {"code": "A1", "qty": None}]
    done = upsert_records(stock.open(), rows, ["code"])
    assert (done.created, done.updated, done.unchanged) == (1, 1, 1)
    assert done.record_ids[1:] == [ids[1], ids[0]]
    assert stock.cells("qty") == [None, 2, None, 9]
    again = upsert_records(stock.open(), rows, ["code"])
    assert (again.created, again.updated, again.unchanged, again.record_ids) == (0, 0, 3, done.record_ids)
    assert (stock.calls("batch_create"), stock.calls("batch_update")) == (1, 1)


def test_upsert_by_several_fields_tells_records_apart_by_all(stock):
    stock.add([{"code": "A1", "shop": 1, "qty": 1}, {"code": "A1", "shop": 2, "qty": 2}, {"code": "A1"}])
    rows = [{"code": "A1", "shop": 2, "qty": 20}, {"code": "A1", "shop": 3, "qty": 30}]
    done = upsert_records(stock.open(), rows, ["code", "shop"])
    assert (done.created, done.updated, stock.calls("search")) == (1, 1, 1)
    assert stock.cells("qty") == [1, 20, None, 30]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        pytest.param("status", ["open", "done"], id="single select"),
        pytest.param("due", ["2026-11-22T08:00:00Z", "2026-11-22T08:00:01Z"], id="two instants of one day"),
        pytest.param("tags", [["a", "b"], ["a"]], id="multi select"),
        pytest.param("shop", [0.1, 1e21], id="numbers"),
        pytest.param("code", ["a b", " a b"], id="blanks count"),
    ],
)
def test_upsert_finds_keys_of_every_type(stock, key, values):
    rows = [{key: value, "qty": at} for at, value in enumerate(values)]
    assert upsert_records(stock.open(), rows, [key]).created == 2
    changed = [row | {"qty": 7} for row in rows]
    done = upsert_records(stock.open(), changed, [key])
    assert (done.created, done.updated, stock.cells("qty")) == (0, 2, [7, 7])


def test_options_and_untouched_checkboxes_are_no_difference(stock):
    stock.add([{"code": "A1", "tags": ["x", "y"]}])
    done = upsert_records(stock.open(), [{"code": "A1", "tags": ["y", "x"], "paid": False, "due": None}], ["code"])
    assert (done.unchanged, stock.calls("batch_update")) == (1, 0)


def test_cells_that_could_not_be_written_are_a_difference_and_no_key(stock):
    ids = stock.add([{"code": "A1", "status": "\0", "qty": 1}, {"code": "\0"}])
    done = upsert_records(stock.open(), [{"code": "A1", "status": "x", "qty": 1}], ["code"], lookup="scan")
    assert (done.updated, done.record_ids, stock.cells("status")) == (1, [ids[0]], ["x", None])


@pytest.mark.parametrize(
    ("records", "rows", "searches"),
    [
        # one search for 30 keys, however large the table
        pytest.param(2600, 30, 1, id="30 of 2,600: 1 filter"),
        # 200 keys are 6 filters (2,000 characters each), the table is 3 pages
        pytest.param(1100, 200, 3, id="200 of 1,100: 3 pages"),
        # 90 keys are 3 filters, the table 6 pages: one page is read to know that
        pytest.param(2600, 90, 1 + 3, id="90 of 2,600: 3 filters and the page that told"),
        pytest.param(0, 700, 1, id="700 of none: 1 page"),
    ],
)
def test_upsert_looks_for_keys_in_the_way_that_takes_fewer_calls(stock, records, rows, searches):
    stock.add({"code": f"{n:04d}", "qty": 0} for n in range(records))
    done = upsert_records(stock.open(), [{"code": f"{n:04d}", "qty": 1} for n in range(rows)], ["code"])
    assert (done.created, done.updated) == (max(rows - records, 0), min(rows, records))
    writes = ceil(done.created / 500) + ceil(done.updated / 500)
    assert stock.calls("search") == searches
    assert stock.calls("batch_create") + stock.calls("batch_update") == writes


def test_lookup_can_be_chosen(stock):
    stock.add({"code": str(n)} for n in range(600))
    upsert_records(stock.open(), [{"code": "5", "qty": 1}], ["code"], lookup="scan")
    assert stock.calls("search") == 2
    with pytest.raises(ConfigError, match="cannot filter exactly by these key fields"):
        upsert_records(stock.open(), [{"status": "open"}], ["status"], lookup="filter")


@pytest.mark.parametrize(
    ("key_fields", "rows", "error", "words"),
    [
        pytest.param(["code"], [{"code": "x"}] * 2, DuplicateKey, "records 0 and 1", id="twins in the input"),
        pytest.param(["shop"], [{"shop": 1}, {"shop": 1.0}], DuplicateKey, "records 0 and 1", id="1 and 1.0"),
        pytest.param(["code"], [{"code": "x"}, {"qty": 1}], ValueMismatch, "record 1: key field code", id="no key"),
        pytest.param(["code", "shop"], [{"code": "x", "shop": None}], ValueMismatch, "field shop", id="empty key"),
        pytest.param(["cod"], [{"code": "x"}], SchemaMismatch, "did you mean 'code'", id="unknown"),
        pytest.param(["serial"], [{"code": "x"}], SchemaMismatch, "serial .* cannot be a key", id="read-only"),
        pytest.param([], [{"code": "x"}], ConfigError, "key_fields: list the fields", id="none"),
    ],
)
def test_upsert_refuses_unclear_keys_and_writes_nothing(stock, key_fields, rows, error, words):
    with pytest.raises(error, match=words):
        upsert_records(stock.open(), rows, key_fields)
    assert stock.cells("code") == []


def test_key_that_two_records_carry_names_them_and_nothing_is_written(stock):
    ids = stock.add([{"code": "A1"}, {"code": "A1"}, {"code": "A2"}])
    with pytest.raises(DuplicateKey) as caught:
        upsert_records(stock.open(), [{"code": "A3"}, {"code": "A2", "qty": 1}, {"code": "A1", "qty": 1}], ["code"])
    assert f"record 2 of the input: {ids[0]}, {ids[1]}" in caught.value.message
    assert "A1" not in caught.value.message
    assert (stock.cells("qty"), len(stock.cells("code"))) == ([None] * 3, 3)
    # twins that no row asks for are nobody's business here
    assert upsert_records(stock.open(), [{"code": "A2", "qty": 1}], ["code"]).updated == 1


def test_upsert_that_lost_its_answer_finds_its_records_when_tried_again(stock):
    stock.emulator.faults.add("batch_create", action="drop_after", times=None)
    rows = [{"code": "A1"}, {"code": "A2"}]
    impatient = LarkClient(stock.emulator.app_id, stock.emulator.app_secret, stock.emulator.url, max_attempts=1)
    with impatient:
        stock.client, patient = impatient, stock.client
        with pytest.raises(OutcomeUnknown):
            upsert_records(stock.open(), rows, ["code"])
    stock.client = patient
    stock.emulator.faults.clear()
    done = upsert_records(stock.open(), rows, ["code"])
    assert (done.created, done.unchanged, len(stock.cells("code"))) == (0, 2, 2)


def test_plan_says_what_happens_to_each_row():
    plan = plan_upsert(["a", "b", "c"], [{"n": 1}, {"n": 2}, {"n": 3}], {"b": {"n": 2}, "c": {"n": 4}})
    assert plan == UpsertPlan(creates=[0], updates=[2], unchanged=[1])


@pytest.mark.parametrize(
    ("searches", "pages", "way"),
    [
        pytest.param(1, 2, "scan", id="1 more page costs no more than 1 search"),
        pytest.param(1, 3, "filter", id="2 more pages cost more than 1 search"),
        pytest.param(9, 1, "scan", id="nothing more to read"),
    ],
)
def test_lookup_is_chosen_by_the_calls_that_are_left(searches, pages, way):
    assert choose_lookup(searches, pages) == way


@pytest.mark.parametrize("change", ["delete", "rename"])
def test_upsert_tells_that_lark_only_repeats_what_people_undid(stock, change):
    (made,) = upsert_records(stock.open(), [{"code": "A1"}], ["code"]).record_ids
    person = stock.emulator.person
    if change == "delete":
        person.delete_record(stock.base, stock.table_id, made)
    else:
        person.edit_record(stock.base, stock.table_id, made, {"code": "A2"})
    with pytest.raises(SafetyStop, match="trigger a new DAG run"):
        upsert_records(stock.open(), [{"code": "A1"}], ["code"])


def test_upsert_takes_zero_and_its_negative_for_one_key(stock):
    with pytest.raises(DuplicateKey, match="records 0 and 1"):
        upsert_records(stock.open(), [{"qty": 0}, {"qty": -0.0}], ["qty"])


def test_filter_that_lark_refuses_all_the_same_is_done_without(stock):
    ids = stock.add([{"code": "A1"}, {"code": 'say "a" & <b>'}])
    stock.emulator.faults.add("search", code=1254107, status=400)
    done = upsert_records(stock.open(), [{"code": 'say "a" & <b>', "qty": 1}], ["code"])
    assert (done.updated, done.record_ids) == (1, ids[1:])
    stock.emulator.faults.add("search", code=1254107, status=400)
    with pytest.raises(BadRequest, match="the filter is too long"):
        upsert_records(stock.open(), [{"code": "A1", "qty": 1}], ["code"], lookup="filter")


def test_keys_full_of_quotes_are_found(stock):
    codes = [f"{n} {chr(34) * 40}" for n in range(30)]
    ids = stock.add([{"code": code} for code in codes])
    done = upsert_records(stock.open(), [{"code": code, "qty": 1} for code in codes], ["code"], lookup="filter")
    assert (done.updated, done.record_ids) == (30, ids)
