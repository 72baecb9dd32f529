"""PostgreSQL: partitions are captured, those that come later too; tables that inherit are refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import SchemaMismatch
from tests.sync.plain import Plain

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
PARTED = """
CREATE TABLE orders (id integer PRIMARY KEY, qty integer) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (100) TO (200);
INSERT INTO orders VALUES (1, 1), (101, 101)
"""


def quantities(orders: Plain) -> dict[int, Any]:
    return {key: cells.get("qty") for key, cells in orders.cells().items()}


def test_writes_through_the_parent_and_to_a_partition_are_captured(plain: Any) -> None:
    orders: Plain = plain(PARTED, {"qty": 2})
    engine = orders.engine()
    engine.full()
    orders.run(
        "UPDATE orders SET qty = 2 WHERE id = 1",
        "UPDATE orders_2 SET qty = 102 WHERE id = 101",
        "INSERT INTO orders_2 VALUES (102, 5)",
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (200) TO (300)",
        "INSERT INTO orders VALUES (201, 6)",
        "UPDATE orders SET id = 103 WHERE id = 1",
    )
    report = engine.incremental()
    assert report.status == "ok"
    assert quantities(orders) == {103: 2, 101: 102, 102: 5, 201: 6}
    orders.edit(201, qty=7)
    engine.incremental()
    assert orders.ask("SELECT qty FROM orders_3") == [(7,)]
    assert engine.check().in_step


def test_attached_partition_brings_its_rows_and_is_captured_from_then_on(plain: Any) -> None:
    orders: Plain = plain(PARTED, {"qty": 2})
    orders.engine().full()
    orders.run(
        "CREATE TABLE orders_3 (id integer PRIMARY KEY, qty integer)",
        "INSERT INTO orders_3 VALUES (201, 6)",
        "ALTER TABLE orders ATTACH PARTITION orders_3 FOR VALUES FROM (200) TO (300)",
    )
    report = orders.engine().incremental()
    assert ["orders_3" in warning for warning in report.warnings] == [True]
    assert quantities(orders) == {1: 1, 101: 101, 201: 6}
    orders.run("UPDATE orders_3 SET qty = 8")
    report = orders.engine().incremental()
    assert (report.warnings, quantities(orders)[201]) == ([], 8)


def test_partition_that_is_made_empty_is_no_news(plain: Any) -> None:
    orders: Plain = plain(PARTED, {"qty": 2})
    orders.engine().full()
    orders.run("CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (200) TO (300)")
    assert orders.engine().incremental().warnings == []
    orders.run("INSERT INTO orders VALUES (201, 6)")
    report = orders.engine().incremental()
    assert (report.warnings, quantities(orders)[201]) == ([], 6)


def test_detached_partition_takes_its_records_with_it(plain: Any) -> None:
    orders: Plain = plain(PARTED, {"qty": 2})
    orders.engine().full()
    orders.run("ALTER TABLE orders DETACH PARTITION orders_2")
    report = orders.engine().incremental()
    assert ["orders_2" in warning for warning in report.warnings] == [True]
    assert quantities(orders) == {1: 1}


@pytest.mark.parametrize("when", ["before", "after"])
def test_table_that_others_inherit_from_is_refused(plain: Any, when: str) -> None:
    orders: Plain = plain("CREATE TABLE orders (id integer PRIMARY KEY, qty integer)", {"qty": 2})
    if when == "after":
        orders.engine().full()
    orders.run("CREATE TABLE old_orders () INHERITS (orders)")
    with pytest.raises(SchemaMismatch, match="old_orders inherit from it"):
        (orders.engine().full if when == "after" else orders.engine().setup)()
