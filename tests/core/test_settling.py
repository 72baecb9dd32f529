"""Which records a run leaves, because somebody may still be typing in them."""

from __future__ import annotations

from airflow_provider_lark.core.ledger.checkpoint import Unsettled
from airflow_provider_lark.core.side import RecordId, Row
from airflow_provider_lark.core.sync.run.settling import ENDLESS, LEFT_MAX, Settling

NOW = 10_000_000


def row(id_: str, age_seconds: float) -> Row[RecordId]:
    return Row(RecordId(id_), {}, NOW - round(age_seconds * 1000))


def test_record_that_is_older_than_the_watermark_is_left_only_if_it_was_before() -> None:
    waiting = {"rec1": Unsettled(NOW - 9000, NOW - 9000)}
    settling = Settling(60_000, NOW, NOW - 5000, waiting)
    left = [settling.is_unsettled(row(id_, age)) for id_, age in (("rec1", 9), ("rec2", 9), ("rec2", 4), ("rec2", 61))]
    assert left == [True, False, True, False]


def test_clock_that_was_wrong_does_not_bind_a_record_for_longer() -> None:
    settling = Settling(1000, NOW, None, {"rec1": Unsettled(NOW + 10**9, NOW)})
    settling.leave(row("rec1", 0.5), (), is_new=False)
    assert settling.left["rec1"].since_ms == NOW
    later = Settling(1000, NOW + ENDLESS * 1000, None, settling.left)
    assert not later.is_unsettled(Row(RecordId("rec1"), {}, NOW + ENDLESS * 1000))


def test_no_more_than_people_type_is_left_at_once() -> None:
    settling = Settling(60_000, NOW)
    for number in range(LEFT_MAX + 5):
        each = row(f"rec{number}", 1)
        if settling.is_unsettled(each):
            settling.leave(each, (), is_new=True)
    assert len(settling.left) == LEFT_MAX
    assert settling.is_unsettled(row("rec0", 0))
