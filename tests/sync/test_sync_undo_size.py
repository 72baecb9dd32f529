"""The plan of an undo lies in a file, and a run's writes are read page by page."""

from __future__ import annotations

import gc
import tracemalloc
from decimal import Decimal
from itertools import islice

import pytest
from sqlalchemy import Engine

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.plan.actions import Change
from airflow_provider_lark.core.sync.undo.look import PAGE
from airflow_provider_lark.core.sync.undo.plan import UndoPlan
from airflow_provider_lark.core.sync.undo.spool import Spool
from airflow_provider_lark.core.sync.undo.steps import Left, Step

MANY = 20_000


def step(number: int) -> Step:
    changes = (Change("name", f"now {number}", f"then {number}"), Change("qty", Decimal(number), None))
    return Step("lark", "update", Key(f"k{number}"), f"rec{number}", changes, held={"tags": ("a", "b")})


def test_spool_gives_back_equal_values_in_their_order_while_it_grows():
    spool = Spool([step(1), step(2)])
    seen = []
    for each in spool:
        seen.append(each)
        if len(seen) == 2:
            spool += [step(3)]
    assert seen == [step(1), step(2), step(3)] == list(spool)
    assert (len(spool), bool(spool), bool(Spool[Left]())) == (3, True, False)
    assert (spool[0], spool[-1], spool[1:]) == (step(1), step(3), [step(2), step(3)])


def test_plan_of_many_steps_takes_no_memory():
    plan = UndoPlan("goods", "run")
    tracemalloc.start()
    try:
        plan.steps += map(step, range(MANY))
        plan.left += (Left("sql", Key(f"k{number}"), "", "name", "changed since") for number in range(MANY))
        gc.collect()
        # a single byte of each would be more
        assert tracemalloc.get_traced_memory()[0] < MANY
        (first, *_) = islice(plan.by_page(), 1)
        assert [each.key for each in first] == [f"k{number}" for number in range(PAGE)]
        assert sum(len(page) for page in plan.by_page()) == MANY
        # a page of steps, and no more
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_steps_of_a_row_stay_on_one_page():
    plan = UndoPlan("goods", "run")
    for number in range(PAGE + 1):
        both = step(number)
        plan.steps += [both, Step("sql", "delete", both.key, both.record_id)]
    assert [len(page) for page in plan.by_page()] == [2 * PAGE, 2]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"], indirect=True)
def test_keys_of_a_run_come_once_in_the_order_of_its_writes(engine: Engine):
    with write_transaction(engine) as conn:
        changes = Ledger(conn, "goods").changes
        other = Ledger(conn, "other").changes
        for key, run_id, ledger in (
            *(("a", "before", changes), ("c", "run", changes), ("a", "run", changes), ("z", "run", other)),
            *(("b", "between", changes), ("c", "run", changes), ("b", "run", changes), ("d", "after", changes)),
        ):
            ledger.write(run_id, [RowChange(key, "rec", "lark", "UPDATE", base={}, lark=None, sql={})])
        changes.write("run", [RowChange("e", "rec", "none", "UPDATE", base={}, lark={}, sql={})])
        span = changes.span_of_run("run")
        assert (span.writes, changes.span_of_run("none of them")) == (4, (0, 0, 0))
        found = [changes.keys_of_run("run", id_, id_ + 1) for id_ in range(span.first, span.last + 1, 2)]
        conn.rollback()
    # of ids two by two, beside which other runs wrote
    assert found == [["c", "a"], [], ["b"]]
