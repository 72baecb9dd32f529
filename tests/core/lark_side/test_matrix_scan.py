"""One table read by v1 and by base/v3: equal canonical values for every type of field, or base/v3 is not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from sqlalchemy import types as sa

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.lark_side.matrix_cells import cell_reader
from airflow_provider_lark.core.lark_side.matrix_scan import Unfit
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator
from airflow_provider_lark.emulator.tenant.kinds import FieldType as EmulatorType

T = FieldType
ROWS = 40
TEXTS = ("", " a ", "海淀 🐉", "a\nb", "[a](b)", "\\*x\\*", "@Ann", "https://x.example", "0", "null", "<b>")
COMPUTED = {T.LOOKUP, T.FORMULA}
#: types of which base/v3 shows nothing that is certain
DOUBTFUL = {T.URL, T.LOOKUP, T.FORMULA}
MOMENTS = {T.DATE_TIME, T.CREATED_TIME, T.MODIFIED_TIME}


@dataclass
class Wide:
    """A table with a field of each type, and what one row may hold."""

    emulator: Emulator
    table: LarkTable
    fields: dict[str, Field]

    def store(self, name: str, type_: sa.TypeEngine[Any], dialect: str = "") -> BitableStore:
        field = self.fields[name]
        column = Column("c", type_, dialect=dialect) if dialect else Column("c", type_)
        codec = build_codec(field, column)
        return BitableStore(self.table, {"c": field}, {"c": codec}, forgiven=["c"], page_size=16)


def by_v1(store: BitableStore) -> dict[str, Any]:
    return {row.id: (row.values, row.problems, bool(row.unread)) for page in store.scan() for row in page.rows}


def by_v3(store: BitableStore) -> dict[str, Any]:
    pages = store.scan_matrix(MatrixMemory((16, 8)))
    return {row.id: (row.values, row.problems, bool(row.unread)) for rows in pages for row in rows}


@pytest.fixture(scope="module")
def wide() -> Iterator[Wide]:
    # hundreds of searches: at the limit of 20 a second they would take most of the time
    with (
        Emulator() as emulator,
        LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emulator.url, rate_share=None) as client,
    ):
        state, person = emulator.state, emulator.person
        token = state.create_base("Shop").app_token
        far = state.create_table(token, "far", [{"field_name": "Name", "type": 1}]).table_id
        link = {"table_id": far, "multiple": True}
        kinds: dict[str, dict[str, Any]] = {each.label: {"type": int(each)} for each in FieldType}
        kinds["SingleLink"]["property"] = kinds["DuplexLink"]["property"] = link
        kinds["Formula"]["property"] = {"formula_expression": "1"}
        kinds |= {"Email": {"type": 1, "ui_type": "Email"}, "Barcode": {"type": 1, "ui_type": "Barcode"}}
        kinds["Object"] = {"type": 25}
        table_id = state.create_table(token, "wide", [{"field_name": "Text", "type": 1}]).table_id
        for name, kind in kinds.items():
            if name != "Text":
                person.add_field(token, table_id, {"field_name": name, **kind})
        random = Random(20261127)
        ids = [person.add_record(token, far, {"Name": f"f{number}"}) for number in range(5)]
        people = [state.add_user(name).open_id for name in ("Ann", "Bob", "Cy")]
        chats = [state.add_chat(name) for name in ("Team", "Crew")]
        files = [state.add_file(token, name) for name in ("图.png", "b.txt")]
        for _ in range(ROWS):
            made = person.add_record(token, table_id, _row(random, ids, people, chats, files))
            if random.random() < 0.7:
                person.set_computed(token, table_id, made, "Formula", random.choice([1.25, 7, 0.1]))
                person.set_computed(token, table_id, made, "Lookup", random.choice(["a", "b"]))
        found = client.bitable.list_fields(app_token=token, table_id=table_id)
        fields = {each["field_name"]: Field.from_wire(each) for each in found}
        yield Wide(emulator, LarkTable(client, token, table_id), fields)


@pytest.fixture(autouse=True)
def _restored(wide: Wide) -> Iterator[None]:
    wide.emulator.switches.update({"v3_page_max": 16})
    yield
    wide.emulator.switches.restore()


def _row(
    random: Random, ids: Sequence[str], people: Sequence[str], chats: Sequence[str], files: Sequence[str]
) -> dict[str, Any]:
    def some(of: Sequence[str]) -> list[str]:
        return random.sample(list(of), random.randint(1, len(of)))

    whole = {
        "Text": random.choice(TEXTS),
        "Email": random.choice(["a@b.example", "b+c@d.example"]),
        "Barcode": random.choice(["4006381333931", "0012"]),
        "Number": random.choice([0, -1, 0.1, 1e-7, 1e15, 12345.6789, 3]),
        "SingleSelect": random.choice(["开", "b", "c,d"]),
        "MultiSelect": some(["红", "b", "c"]),
        "DateTime": random.choice([0, 1_767_240_000_123, 1_767_240_000_000, -1_388_563_200_000]),
        "Checkbox": random.random() < 0.5,
        "User": [{"id": each} for each in some(people)],
        "Phone": random.choice(["+8613800000000", "0049"]),
        "Url": {"text": random.choice(["home", "https://x.example"]), "link": "https://x.example"},
        "Attachment": [{"file_token": each} for each in some(files)],
        "SingleLink": some(ids),
        "DuplexLink": some(ids),
        "Location": random.choice(["116.397,-39.9", "-0.5,0", "0.0000001,89.999999"]),
        "GroupChat": [{"id": each} for each in some(chats)],
    }
    # each cell of some row is empty, and some row is
    return {name: value for name, value in whole.items() if random.random() < 0.75}


def _column_of(field: Field) -> sa.TypeEngine[Any]:
    kinds: dict[int, sa.TypeEngine[Any]] = {
        T.NUMBER: sa.NUMERIC(30, 10),
        T.CHECKBOX: sa.BOOLEAN(),
        T.MULTI_SELECT: sa.JSON(),
        **dict.fromkeys(MOMENTS, sa.DateTime()),
    }
    return kinds.get(field.type, sa.TEXT())


def test_every_type_of_the_emulator_is_decided_about(wide: Wide) -> None:
    assert {each.type for each in wide.fields.values()} == set(map(int, EmulatorType))


@pytest.mark.parametrize("times", ["seconds", "zoned", "milliseconds"])
def test_every_type_reads_alike_or_not_at_all(wide: Wide, times: str) -> None:
    wide.emulator.switches.update({"v3_times": times})
    refused: dict[str, Unfit] = {}
    for name, field in wide.fields.items():
        if field.type in (T.STAGE, T.BUTTON, EmulatorType.OBJECT):
            # no mapping takes these
            continue
        store = wide.store(name, _column_of(field))
        expected = by_v1(store)
        assert len(expected) == ROWS
        try:
            assert by_v3(store) == expected, name
        except Unfit as unfit:
            refused[name] = unfit
    assert all(unfit.lasting and name in unfit.reason for name, unfit in refused.items())
    assert {wide.fields[name].type for name in refused} == DOUBTFUL | (set() if times == "milliseconds" else MOMENTS)


@pytest.mark.parametrize("times", ["seconds", "zoned", "milliseconds"])
@pytest.mark.parametrize(
    ("type_", "dialect"), [(sa.DATE(), ""), (sa.DateTime(), "mysql")], ids=["a date", "whole seconds"]
)
def test_moment_to_the_second_is_enough_for_a_column_that_keeps_no_more(
    wide: Wide, times: str, type_: sa.TypeEngine[Any], dialect: str
) -> None:
    wide.emulator.switches.update({"v3_times": times})
    store = wide.store("DateTime", type_, dialect)
    assert by_v3(store) == by_v1(store)


def test_link_in_a_text_is_shown_otherwise_and_told_apart_by_the_caller(wide: Wide) -> None:
    store, table = wide.store("Text", sa.TEXT()), wide.table
    link = [{"type": "url", "text": "shop", "link": "https://b.example"}]
    made = wide.emulator.person.add_record(table.app_token, table.table_id, {"Text": link})
    shown, expected = by_v3(store), by_v1(store)
    wide.emulator.person.delete_record(table.app_token, table.table_id, made)
    assert {id_ for id_ in expected if shown[id_] != expected[id_]} == {made}


def test_pages_that_do_not_fit_each_other_are_refused(wide: Wide) -> None:
    pages = wide.store("Text", sa.TEXT()).scan_matrix(MatrixMemory((16, 8)))
    next(pages)
    made = wide.emulator.person.add_record(wide.table.app_token, wide.table.table_id, {"Text": "x"})
    with pytest.raises(Unfit, match="changed while") as told:
        list(pages)
    wide.emulator.person.delete_record(wide.table.app_token, wide.table.table_id, made)
    assert not told.value.lasting


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (T.TEXT, ["a"]),
        (T.TEXT, 1),
        (T.NUMBER, "1"),
        (T.NUMBER, True),
        (T.SINGLE_SELECT, ["a", "b"]),
        (T.SINGLE_SELECT, "a"),
        (T.MULTI_SELECT, [{"name": "a"}]),
        (T.CHECKBOX, 1),
        (T.USER, ["ou_1"]),
        (T.USER, [{"name": "Ann"}]),
        (T.ATTACHMENT, [{"name": "a.png"}]),
        (T.SINGLE_LINK, ["rec1"]),
        (T.LOCATION, "1,2"),
        (T.LOCATION, {"lng": 1}),
        (T.DATE_TIME, 1_767_240_000_000),
        (T.DATE_TIME, "2026-01-01"),
        (T.DATE_TIME, "2026-13-01 00:00:00"),
        # without an offset, and in no zone
        (T.DATE_TIME, "2026-01-01 00:00:00.000"),
    ],
    ids=str,
)
def test_cell_of_another_form_is_not_guessed_at(kind: FieldType, cell: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        cell_reader(Field("fld1", "Name", kind), zone=None, needs_ms=True)(cell)
