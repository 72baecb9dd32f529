from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import types as sa

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, NotFound, ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.lark_side.record_table import RecordTable
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator, ManualClock

FIELDS: list[dict[str, Any]] = [
    {"field_name": "名称", "type": 1},
    {"field_name": "Qty", "type": 2},
    {"field_name": "Notes", "type": 1},
    {"field_name": "Code", "type": 1},
    {"field_name": "Changed", "type": 1002},
]
COLUMNS = {
    "name": ("名称", Column("name", sa.String(100))),
    "qty": ("Qty", Column("qty", sa.Integer())),
    "code": ("Code", Column("code", sa.Integer())),
    "changed": ("Changed", Column("changed", sa.DateTime(timezone=True), dialect="postgresql")),
}
TOKEN = "8f2b1c4e-3d5a-4f6b-9a7c-1e2d3c4b5a69"


@dataclass
class Base:
    emulator: Emulator
    client: LarkClient
    store: BitableStore
    app_token: str
    table_id: str
    fields: dict[str, Field]


@pytest.fixture
def base() -> Iterator[Base]:
    with (
        Emulator(port=0, clock=ManualClock()) as emulator,
        LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emulator.url, rate_share=None) as client,
    ):
        app_token = emulator.state.create_base("shop").app_token
        table_id = emulator.state.create_table(app_token, "areas", FIELDS).table_id
        wired = {
            one["field_name"]: Field.from_wire(one)
            for one in client.bitable.list_fields(app_token=app_token, table_id=table_id)
        }
        fields = {column: wired[name] for column, (name, _) in COLUMNS.items()}
        codecs = {column: build_codec(fields[column], one) for column, (_, one) in COLUMNS.items()}
        store = BitableStore(LarkTable(client, app_token, table_id), fields, codecs, batch_size=3, page_size=4)
        yield Base(emulator, client, store, app_token, table_id, wired)


def add(base: Base, *rows: dict[str, Any]) -> list[str]:
    ids = []
    for row in rows:
        base.emulator.clock.advance(1)
        ids.append(base.emulator.person.add_record(base.app_token, base.table_id, row))
    return ids


def test_scan_asks_for_the_mapped_fields_only_and_tells_the_total(base: Base):
    add(base, *({"名称": f"n{i}", "Qty": i, "Notes": "not mapped"} for i in range(6)))
    before = base.client.calls.snapshot()
    pages = list(base.store.scan(["name"]))
    assert [len(page.rows) for page in pages] == [4, 2]
    assert {page.total for page in pages} == {6}
    assert all(set(row.values) == {"name"} for page in pages for row in page.rows)
    assert base.client.calls.since(before)["search"] == 2


def test_scan_newest_comes_in_the_order_of_edits_with_their_times(base: Base):
    ids = add(base, *({"名称": f"n{i}"} for i in range(6)))
    base.emulator.clock.advance(1)
    base.emulator.person.edit_record(base.app_token, base.table_id, ids[2], {"Qty": 7})
    rows = [row for page in base.store.scan_newest(base.fields["Changed"]) for row in page.rows]
    assert [row.id for row in rows] == [ids[2], ids[5], ids[4], ids[3], ids[1], ids[0]]
    times = [row.modified_ms for row in rows]
    assert times == sorted(times, reverse=True)
    assert rows[0].values["qty"] == 7


def test_scan_newest_stops_asking_when_nobody_reads_on(base: Base):
    add(base, *({"名称": f"n{i}"} for i in range(9)))
    before = base.client.calls.snapshot()
    next(iter(base.store.scan_newest(base.fields["Changed"])))
    assert base.client.calls.since(before) == {"search": 1}


def test_create_over_the_batch_size_takes_as_many_calls(base: Base):
    before = base.client.calls.snapshot()
    ids = base.store.create([{"name": f"n{i}", "qty": Decimal(i)} for i in range(7)])
    assert base.client.calls.since(before)["create"] == 3
    found = base.store.read(ids)
    assert [found[id_].values["qty"] for id_ in ids] == list(range(7))


def test_create_again_with_the_same_token_creates_nothing(base: Base):
    bodies = [base.store.encode_patch({"name": name}) for name in "ab"]
    first = base.store.table.create(bodies, client_token=TOKEN)
    again = base.store.table.create(bodies, client_token=TOKEN)
    assert [record["record_id"] for record in again] == [record["record_id"] for record in first]
    assert len(base.emulator.person.records(base.app_token, base.table_id)) == 2


def test_update_leaves_read_only_and_unnamed_fields_alone(base: Base):
    (id_,) = add(base, {"名称": "a", "Qty": 1, "Notes": "kept"})
    base.store.update([(id_, {"name": None, "changed": 5})])
    (record,) = base.emulator.person.records(base.app_token, base.table_id)
    assert "名称" not in record["fields"]
    assert record["fields"]["Qty"] == 1
    assert record["fields"]["Notes"][0]["text"] == "kept"


def test_update_of_a_record_that_is_gone_changes_none(base: Base):
    one, two = add(base, {"名称": "a"}, {"名称": "b"})
    base.emulator.person.delete_record(base.app_token, base.table_id, two)
    with pytest.raises(NotFound):
        base.store.update([(one, {"name": "x"}), (two, {"name": "x"})])
    assert base.store.read([one])[one].values["name"] == "a"


def test_delete_with_records_that_are_gone_deletes_the_others(base: Base):
    ids = add(base, *({"名称": f"n{i}"} for i in range(5)))
    base.emulator.person.delete_record(base.app_token, base.table_id, ids[0])
    base.store.delete([*ids[:3], "recNeverWas"])
    assert {record["record_id"] for record in base.emulator.person.records(base.app_token, base.table_id)} == set(
        ids[3:]
    )


def test_a_cell_that_the_column_cannot_hold_is_a_problem_of_its_record(base: Base):
    bad, good = add(base, {"名称": "a", "Code": "seven"}, {"名称": "b", "Code": "007"})
    found = base.store.read([bad, good])
    assert found[good].problems == ()
    (problem,) = found[bad].problems
    assert isinstance(problem, ValueMismatch)
    assert bad in str(problem)
    assert "seven" not in str(problem)
    assert "code" not in found[bad].values
    assert found[good].values["code"] == 7
    assert found[bad].values["name"] == "a"


def test_encode_patch_of_a_value_without_a_form_names_the_field(base: Base):
    assert base.store.encode_patch({"name": "a", "changed": 1}) == {"名称": "a"}
    with pytest.raises(ValueMismatch, match="名称"):
        base.store.encode_patch({"name": "x" * 100_001})


def test_update_with_a_renamed_field_is_refused(base: Base):
    (id_,) = add(base, {"名称": "a"})
    base.emulator.person.rename_field(base.app_token, base.table_id, "名称", "Name")
    with pytest.raises((NotFound, BadRequest)):
        base.store.update([(id_, {"name": "b"})])


@pytest.mark.parametrize("code", [1254302, 1254043])
@pytest.mark.parametrize("how", ["store", "table"])
def test_delete_tells_gone_hidden_and_deleted_apart(base: Base, how: str, code: int) -> None:
    ids = base.store.create([{"name": str(n)} for n in range(6)])
    person, where = base.emulator.person, (base.app_token, base.table_id)
    base.emulator.switches.hidden_record_code = code
    person.delete_record(*where, ids[0])
    base.emulator.state.hide_records(*where, [ids[1]])
    table = RecordTable(LarkTable(base.client, *where))
    delete = base.store.delete if how == "store" else table.delete
    with pytest.raises(AccessDenied, match=f"records hidden from the app were not deleted \\(1 of .*{ids[1]}"):
        delete(ids[:4])
    assert [record["record_id"] for record in person.records(*where)] == [ids[1], *ids[4:]]
    # without hidden ones it is no error that some are gone
    assert delete([ids[0], ids[4]]) in (None, [ids[0]])
    base.emulator.state.show_records(*where)
    delete(ids)
    assert person.records(*where) == []
