"""A storm over a mapping with filters, and what convergence means there: what is inside on both sides is equal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.chaos.arena import ChaosWorld
from tests.chaos.storm import RUNS_TO_CALM, Storm
from tests.sync.world import wrote


def with_filters(world: ChaosWorld, where: str, leaving: str, settle_seconds: float = 0) -> dict[str, Any]:
    """Return the mapping's changes for filters of undone rows: of ``lark``, of ``sql`` or of ``both``."""
    lark: dict[str, Any] = {"app_token": world.app_token, "table_id": world.table_id}
    sql: dict[str, Any] = {"table": world.table.name}
    if where != "sql":
        lark["filter"] = {"Done": False}
    if where != "lark":
        sql["filter"] = {"done": False}
    return {"lark": lark, "sql": sql, "leaving": leaving, "batch_size": 4, "settle_seconds": settle_seconds}


class FilteredStorm(Storm):
    """As a storm, with rows that leave the filters and come back."""

    def rest(self) -> None:
        world = self.world
        world.emu.faults.clear()
        world.emu.switches.replica_lag_seconds = 0.0
        engine = world.engine()
        for _ in range(RUNS_TO_CALM + 1):
            world.let_time_pass()
            report = engine.incremental()
            self.tell(f"calm: {report.summary()} {report.problems}")
            if wrote(report) == (0, 0) and not report.failed:
                break
        else:
            raise AssertionError("no calm")
        self.assert_inside_equal()
        full = engine.full()
        self.tell(f"full: {full.summary()} {full.problems}")
        assert wrote(full) == (0, 0), "incremental runs alone did not bring both sides in step"
        self.assert_inside_equal()
        check = engine.check()
        assert check.in_step, check.samples
        idle = engine.incremental()
        assert (wrote(idle), idle.unsettled) == ((0, 0), 0)
        assert idle.api_calls["search"] == 1
        assert not world.unsettled()
        self.touched = {"sql": set(), "lark": set()}

    def assert_inside_equal(self) -> None:
        """Read both sides directly, without the engine."""
        by_sql, by_lark = bool(self.policy["sql"].get("filter")), bool(self.policy["lark"].get("filter"))
        rows = {code: self.sql_row(code) or {} for code in self.world.rows()}
        records = {code: self.lark_row(code) or {} for code in self.codes()}
        over = {key for (key,) in self.world.ask("SELECT record_id FROM sync_record_map WHERE tombstone")}
        for code in (rows.keys() | records.keys()) - {int(key) for key in over}:
            row, record = rows.get(code), records.get(code)
            inside = [row is None or not (by_sql and row["done"]), record is None or not (by_lark and record["done"])]
            if row is not None and record is not None:
                assert row == record or not all(inside), (code, row, record)
            elif row is not None:
                # a new record of it would be outside, too
                assert not inside[0] or (by_lark and row["done"]), f"row {code} has no record: {row}"
            elif record is not None:
                assert not inside[1] or (by_sql and record["done"]), f"record {code} has no row: {record}"
        told = [record for record in self.world.records() if not (by_lark and record.get("Done"))]
        twice = [code for code, count in Counter(record.get("Code") for record in told).items() if code and count > 1]
        assert not twice, f"two records with one key: {twice}"
