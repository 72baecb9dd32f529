"""The watermark of a capture column: no transaction is missed that ends within the overlap, whatever the order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC

import pytest
from sqlalchemy import BigInteger, Date, DateTime

from airflow_provider_lark.core.capture.watermark import Look, advance, has_gone_back, is_due, lower_of
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.ledger.checkpoint import CaptureState
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn

KIND = "column:changed"
EPOCH = ChangeColumn(Column("changed", BigInteger(), dialect="postgresql"), 1_000, UTC)
COUNTER = ChangeColumn(Column("changed", BigInteger(), dialect="postgresql"), None, UTC)
DAY = ChangeColumn(Column("changed", Date(), dialect="postgresql"), None, UTC)


@dataclass
class Write:
    """A row of a transaction: begun, given its value, and shown at its end."""

    value: int
    ends_ms: int


class Database:
    """Rows as a read sees them at a moment."""

    def __init__(self, column: ChangeColumn) -> None:
        self.column, self.writes = column, list[Write]()
        self.state: CaptureState | None = None
        self.read = set[int]()

    def run(self, now_ms: int, overlap_ms: int, writer_ms: int = 0) -> int:
        """Read as a run does, and return how many rows that were."""
        shown = {id_: write.value for id_, write in enumerate(self.writes) if write.ends_ms <= now_ms}
        limit = self.column.at(now_ms)
        values = [value for value in shown.values() if limit is None or value <= int(limit)]
        look = Look(now_ms, max(values, default=None), writer_ms=writer_ms)
        if self.column.is_bounded and (self.state is None or has_gone_back(self.state, now_ms)) and values:
            settled_ms = look.safe_ms(overlap_ms) - self.column.settles_ms
            settled = int(self.column.at(settled_ms) or 0)
            older = max((value for value in values if value <= settled), default=settled)
            look = Look(now_ms, max(values), (settled_ms, older), writer_ms)
        lower = lower_of(self.state, self.column, look, overlap_ms)
        found = set(shown)
        if lower is not None:
            least = int(lower.value) if lower.at_most is None else min(int(lower.value), int(lower.at_most))
            found = {id_ for id_, value in shown.items() if (value > least if lower.is_over else value >= least)}
        self.read |= found
        if is_due(self.state, now_ms, overlap_ms):
            self.state = advance(self.state, KIND, look, overlap_ms)
        return len(found)


@pytest.mark.parametrize("column", [EPOCH, COUNTER], ids=["time", "number"])
def test_every_transaction_that_ends_within_the_overlap_is_read(column: ChangeColumn) -> None:
    """O38, in any order of 100 stories: values are given at some moment of a transaction, and shown at its end."""
    for seed in range(100):
        dice = random.Random(seed)
        database, overlap_ms, now_ms, counter = Database(column), 5_000, 1_000_000, 0
        for _ in range(150):
            now_ms += dice.choice([1, 50, 700, 4_000, 30_000])
            if dice.random() < 0.6:
                counter += 1
                value = counter if column is COUNTER else now_ms - dice.randint(0, 900)
                database.writes.append(Write(value, now_ms + dice.choice([0, 10, 1_000, 4_000])))
            else:
                database.run(now_ms, overlap_ms)
        database.run(now_ms + 60_000, overlap_ms)
        assert database.read == set(range(len(database.writes))), f"seed {seed}"


def test_transaction_older_than_the_overlap_is_read_where_the_server_tells_of_it() -> None:
    """O38: A writes, and stays open for a minute with an overlap of a second."""
    database, start = Database(EPOCH), 1_000_000
    database.writes.append(Write(start - 500_000, 0))
    database.run(start, 1_000)
    database.writes += [Write(start + 10, start + 60_000), Write(start + 5_000, start + 5_000)]
    for second in range(6, 60, 9):
        database.run(start + second * 1_000, 1_000, writer_ms=second * 1_000)
    assert database.read == {0, 2}
    database.run(start + 61_000, 1_000)
    assert database.read == {0, 1, 2}


def test_idle_run_reads_nothing_once_the_newest_value_has_settled() -> None:
    database = Database(EPOCH)
    database.writes += [Write(1_000_000, 1_000_000)] * 1_000
    database.run(1_001_000, 5_000)
    assert database.run(1_002_000, 5_000) == 1_000
    for second in range(20):
        database.run(1_010_000 + second * 1_000, 5_000)
    assert database.run(1_031_000, 5_000) == 0
    assert database.state is not None
    assert len(database.state.marks) < 10


def test_day_may_come_again_until_it_is_over() -> None:
    state = CaptureState(KIND, safe_ms=1_000_000, marks=((500_000, "2026-11-27"),))
    look = Look(1_100_000, "2026-11-27")
    lower = lower_of(state, DAY, look, 1_000)
    assert lower is not None
    assert not lower.is_over
    settled = lower_of(CaptureState(KIND, safe_ms=90_000_000, marks=state.marks), DAY, look, 1_000)
    assert settled is not None
    assert settled.is_over


def test_clock_that_goes_back_lets_less_be_read_again() -> None:
    """O51: noted moments that are still to come are forgotten."""
    database = Database(EPOCH)
    database.writes += [Write(10_000_000, 0), Write(20_000_000, 20_000_000)]
    for now_ms in (20_000_000, 20_010_000, 20_020_000):
        database.run(now_ms, 1_000)
    database.writes.append(Write(16_400_000, 0))
    database.run(16_400_100, 1_000)
    assert database.read == {0, 1, 2}
    database.writes.append(Write(16_401_000, 0))
    database.run(16_402_000, 1_000)
    assert database.read == {0, 1, 2, 3}


def test_number_that_begins_anew_lets_all_rows_be_looked_at() -> None:
    state = CaptureState(KIND, safe_ms=10, marks=((5, 1_000),))
    assert lower_of(state, COUNTER, Look(20, 7), 0) is None
    assert lower_of(state, COUNTER, Look(20, 1_001), 0) is not None
    assert lower_of(state, EPOCH, Look(20, 7), 0) is not None


def test_moment_of_a_change_is_told_as_far_as_the_column_tells() -> None:
    aware = ChangeColumn(Column("changed", DateTime(timezone=True), dialect="postgresql"), None, UTC)
    now_ms = 1_790_000_000_000
    assert aware.at(now_ms) == "2026-09-21 14:13:20.000+00"
    assert aware.moment_ms("2026-09-21 14:13:20.5+00", now_ms + 1_000) == now_ms + 500
    # not before it has come
    assert aware.moment_ms("2099-01-01 00:00:00+00", now_ms) == now_ms
    assert EPOCH.moment_ms(now_ms - 5, now_ms) == now_ms - 5
    for column, value in ((aware, "infinity"), (DAY, "2026-09-21"), (COUNTER, 7), (EPOCH, None)):
        assert column.moment_ms(value, now_ms) == 0
