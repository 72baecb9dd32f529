"""What a plan cannot judge beforehand: it names the constraints, triggers and rules, where it writes rows at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.conftest import MakePlain

GOODS = """
CREATE TABLE goods (
  id INTEGER PRIMARY KEY, name VARCHAR(20), qty INTEGER CHECK (qty < 100), shop INTEGER, slug VARCHAR(20),
  CONSTRAINT qty_positive CHECK (qty > 0), CONSTRAINT slug_once UNIQUE (slug),
  CONSTRAINT of_shop FOREIGN KEY (shop) REFERENCES shops (id)
)
"""
PARTS = """
CREATE TABLE parts (
  id INTEGER PRIMARY KEY, goods INTEGER, CONSTRAINT of_goods FOREIGN KEY (goods) REFERENCES goods (id)
)
"""
EXTRAS = {
    "sqlite": (
        "CREATE UNIQUE INDEX name_once ON goods (name) WHERE qty > 5",
        "CREATE TRIGGER tidy BEFORE INSERT ON goods BEGIN SELECT 1; END",
        "CREATE TRIGGER keep BEFORE DELETE ON goods BEGIN SELECT 1; END",
    ),
    "postgresql": (
        "CREATE UNIQUE INDEX name_once ON goods (name) WHERE qty > 5",
        "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER tidy BEFORE INSERT ON goods FOR EACH ROW EXECUTE FUNCTION tidy()",
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE TRIGGER keep BEFORE DELETE ON goods FOR EACH ROW EXECUTE FUNCTION keep()",
        "CREATE RULE note AS ON UPDATE TO goods DO ALSO NOTIFY goods",
    ),
    "mysql": (
        "CREATE UNIQUE INDEX name_once ON goods (name, qty)",
        "CREATE TRIGGER tidy BEFORE INSERT ON goods FOR EACH ROW SET NEW.qty = NEW.qty",
        "CREATE TRIGGER keep BEFORE DELETE ON goods FOR EACH ROW SET @kept = 1",
    ),
}


def remark(engine: Any) -> str:
    """Return the line of a plan that names what it cannot judge."""
    with engine.plan() as plan:
        found = [each for each in plan.report.warnings if "cannot check" in each]
        assert found == [each for each in plan.to_dict()["warnings"] if "cannot check" in each]
    return "\n".join(found)


def test_plan_names_what_it_cannot_judge_once_for_a_table_and_only_where_it_writes(
    plain: MakePlain, engine: Any, request: pytest.FixtureRequest
) -> None:
    kind = engine.dialect.name
    plain("CREATE TABLE shops (id INTEGER PRIMARY KEY)", {})
    goods = plain(GOODS, {"name": 1, "qty": 2})
    goods.run(PARTS, *EXTRAS[kind], "INSERT INTO goods (id, name, qty) VALUES (1, 'a', 5), (2, 'b', 6), (3, 'c', 7)")
    drops = ["DROP TABLE parts", "DROP TABLE goods", "DROP TABLE shops"]
    drops += ["DROP FUNCTION tidy()", "DROP FUNCTION keep()"] if kind == "postgresql" else []
    request.addfinalizer(lambda: goods.run(*drops))
    # rows go to Lark only: nothing of this matters, nor does it afterwards
    assert remark(goods.engine()) == ""
    goods.engine().full()
    assert remark(goods.engine()) == ""
    goods.edit(1, qty=8)
    goods.edit(2, qty=9)
    told = remark(goods.engine())
    assert told.count("\n") == 0
    rules = ("rule note",) if kind == "postgresql" else ()
    for name in ("qty_positive", "slug_once", "name_once", "of_shop", "trigger tidy", *rules):
        assert name in told
    # the check behind the column, whatever it is called; ours, the key and what deletes are not meant
    assert told.count("qty") >= 2
    for name in ("lark_sync_", "of_goods", "keep", "pkey", "PRIMARY"):
        assert name not in told
    goods.engine().incremental()
    goods.emu.person.delete_record(goods.base, goods.table_id, goods.record_id(3))
    with goods.engine(max_delete_ratio=1).plan("full") as plan:
        (told,) = [each for each in plan.report.warnings if "cannot check" in each]
    assert "trigger keep" in told
    assert "parts" in told
    assert "qty_positive" not in told
