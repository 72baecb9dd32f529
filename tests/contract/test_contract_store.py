"""What every store promises."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.errors import NotFound, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.memory_side import MemoryStore
from airflow_provider_lark.core.side import Store, Values


def row(code: object, **values: Canonical) -> dict[str, Canonical]:
    return {"code": str(code), "name": None, "size": None, "seen": False, "born": None} | values


def contents(store: Store) -> list[Values]:
    """Return all rows by their code, whatever the ids are."""
    found = [one.values for page in store.scan() for one in page.rows]
    return sorted(found, key=lambda values: str(values["code"]))


FULL = row(1, name="海淀区 'Häidian' \\ % :x", size=Decimal("12.5"), seen=True, born=1_760_000_000_123)


def test_create_returns_ids_in_order_and_the_rows_read_back(side):
    wanted = [row(3), FULL, row(2, name="x", size=Decimal(-7))]
    ids = side.store.create(wanted)
    found = side.store.read(ids)
    assert [found[id_].values for id_ in ids] == wanted
    assert all(found[id_].id == id_ and not found[id_].problems for id_ in ids)


def test_create_of_nothing_returns_nothing(side):
    assert side.store.create([]) == []
    side.store.update([])
    side.store.delete([])
    assert side.store.read([]) == {}


def test_create_with_different_columns_leaves_the_others_empty(side):
    ids = side.store.create([{"code": "1", "name": "a"}, {"code": "2", "size": Decimal(1), "seen": True}])
    found = side.store.read(ids)
    assert found[ids[0]].values["name"] == "a"
    assert found[ids[0]].values["size"] is None
    assert found[ids[1]].values["name"] is None
    assert found[ids[1]].values["size"] == 1


def test_create_with_a_value_that_does_not_fit_creates_none(side):
    if not side.typed:
        pytest.skip("memory takes every value")
    side.store.create([row(1)])
    with pytest.raises(ValueMismatch, match="name"), side.attempt():
        side.store.create([row(2), row(3, name="x" * 100_001)])
    assert [values["code"] for values in contents(side.store)] == ["1"]


def test_read_of_ids_that_do_not_exist_leaves_them_out(side):
    (id_,) = side.store.create([row(1)])
    assert set(side.store.read([id_, "recDoesNotExist"])) == {id_}


def test_update_sets_only_what_is_named(side):
    one, two = side.store.create([FULL, row(2, name="b")])
    side.store.update([(one, {"name": "new"}), (two, {"size": Decimal("0.25"), "name": None})])
    found = side.store.read([one, two])
    assert found[one].values == FULL | {"name": "new"}
    assert found[two].values == row(2, size=Decimal("0.25"))


def test_update_to_nothing_clears(side):
    (id_,) = side.store.create([FULL])
    side.store.update([(id_, {"name": None, "size": None, "seen": False, "born": None})])
    assert side.store.read([id_])[id_].values == row(1)


def test_update_of_a_row_that_does_not_exist_changes_none(side):
    one, two = side.store.create([row(1, name="a"), row(2, name="b")])
    side.store.delete([two])
    with pytest.raises(NotFound), side.attempt():
        side.store.update([(one, {"name": "changed"}), (two, {"name": "changed"})])
    assert side.store.read([one])[one].values["name"] == "a"


def test_update_with_the_same_values_is_no_error(side):
    (id_,) = side.store.create([FULL])
    side.store.update([(id_, FULL)])
    assert side.store.read([id_])[id_].values == FULL


def test_delete_of_some_leaves_the_others(side):
    ids = side.store.create([row(number) for number in range(5)])
    side.store.delete([ids[1], ids[3]])
    assert [values["code"] for values in contents(side.store)] == ["0", "2", "4"]


def test_delete_of_what_is_gone_is_no_error(side):
    one, two = side.store.create([row(1), row(2)])
    side.store.delete([one])
    side.store.delete([one, two])
    side.store.delete([one, two])
    assert contents(side.store) == []


def test_scan_page_by_page_yields_every_row_once(side):
    ids = side.store.create([row(f"{number:02}") for number in range(23)])
    pages = list(side.paged(5).scan())
    assert max(len(page.rows) for page in pages) <= 5
    seen = [one.id for page in pages for one in page.rows]
    assert sorted(seen) == sorted(ids)


def test_scan_of_a_whole_number_of_pages_ends(side):
    side.store.create([row(number) for number in range(6)])
    assert sum(len(page.rows) for page in side.paged(3).scan()) == 6


def test_scan_of_an_empty_table_yields_no_row(side):
    assert [one for page in side.store.scan() for one in page.rows] == []


def test_scan_of_some_columns_reads_only_them(side):
    side.store.create([FULL])
    ((only,),) = [page.rows for page in side.store.scan(["code", "size"]) if page.rows]
    assert only.values == {"code": "1", "size": Decimal("12.5")}


def test_scan_that_counts_tells_the_whole_table(side):
    side.store.create([row(number) for number in range(4)])
    totals = {page.total for page in side.paged(3).scan()}
    assert totals in ({4}, {None})


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20).map(
    lambda text: text.strip() or None
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "size": st.none() | st.integers(-(10**9), 10**9).map(lambda number: (Decimal(number) / 1000).normalize()),
        "seen": st.booleans(),
        "born": st.none() | st.integers(0, 2_000_000_000_000),
    },
)
PICK = st.lists(st.integers(0, 9), max_size=4, unique=True)
STEP = st.one_of(
    st.tuples(st.just("create"), st.lists(VALUES, max_size=4)),
    st.tuples(st.just("update"), PICK, VALUES),
    st.tuples(st.just("delete"), PICK),
)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, max_size=8))
def test_any_sequence_of_writes_ends_as_in_memory(side, steps: list[tuple[Any, ...]]):
    side.store.delete([one.id for page in side.store.scan() for one in page.rows])
    memory = MemoryStore(["code", "name", "size", "seen", "born"])
    ids: dict[str, str] = {}
    codes = iter(range(1_000))
    for step in steps:
        if step[0] == "create":
            rows = [row(next(codes), **values) for values in step[1]]
            ids |= dict(zip(memory.create(rows), side.store.create(rows), strict=True))
            continue
        living = list(memory.read(list(ids)))
        chosen = [living[number] for number in step[1] if number < len(living)]
        if step[0] == "delete":
            memory.delete(chosen)
            side.store.delete([ids[id_] for id_ in chosen])
        else:
            memory.update([(id_, step[2]) for id_ in chosen])
            side.store.update([(ids[id_], step[2]) for id_ in chosen])
    assert contents(side.store) == contents(memory)
