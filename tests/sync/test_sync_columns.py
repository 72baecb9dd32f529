"""Columns of the types that people use, in tables of their own DDL: there and back, on each database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.plain import Plain

JSON = {"sqlite": ["JSON"], "postgresql": ["json", "jsonb"], "mysql": ["JSON"]}


@pytest.mark.parametrize("at", [0, 1])
def test_number_in_a_json_document_keeps_its_digits(plain: Any, engine: Any, at: int) -> None:
    kinds = JSON[engine.dialect.name]
    if at >= len(kinds):
        pytest.skip("PostgreSQL has two kinds of JSON")
    docs: Plain = plain(f"CREATE TABLE docs (id INTEGER PRIMARY KEY NOT NULL, doc {kinds[at]})", {"doc": 1})
    docs.run("""INSERT INTO docs VALUES (1, '{"a": 12345678901234567.89, "b": 1.0}'), (2, NULL), (3, 'null')""")

    engine_ = docs.engine()
    assert engine_.full().to_lark.created == 3
    # MariaDB's JSON is a text, which stays as it was written
    assert "12345678901234567.89" in docs.cells()[1]["doc"]
    assert [docs.cells()[key].get("doc") for key in (2,)] == [None]
    docs.edit(1, doc='{"a":[0.1,98765432109876543.21],"b":1e3}')
    report = engine_.incremental()
    assert (report.status, report.to_sql.updated) == ("ok", 1)
    assert "98765432109876543.21" in docs.text_of("doc")
    for again in (engine_.full(), engine_.incremental()):
        assert (again.to_sql.total, again.to_lark.total) == (0, 0)
    assert engine_.check().in_step


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_decimal_that_sqlite_would_round_is_refused_by_name(plain: Any) -> None:
    sums: Plain = plain("CREATE TABLE sums (id INTEGER PRIMARY KEY NOT NULL, total DECIMAL(20, 4))", {"total": 1})
    sums.run("INSERT INTO sums VALUES (1, 1.5), (2, 2.5)")
    engine = sums.engine()
    engine.full()
    sums.edit(1, total="12345678901234.1234")
    sums.edit(2, total="123456789012.25")
    report = engine.incremental()
    assert (report.status, report.failed) == ("partial", 1)
    assert "a TEXT column keeps more" in report.problems[0]
    assert sums.ask("SELECT total FROM sums ORDER BY id") == [(1.5,), (123456789012.25,)]
    assert sums.cells()[1]["total"] == "12345678901234.1234"
