"""What a plan returns and logs stays small and readable: reasons with their number of rows, sizes below a limit."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from airflow_provider_lark.core.dry_run import REPORT_BYTES, fit, foretell, tell
from airflow_provider_lark.core.sync.plan.actions import cause_of, names_in
from airflow_provider_lark.core.sync.report import SyncReport
from tests.sync.conftest import MakePlain
from tests.sync.world import World


def test_rows_refused_for_one_reason_are_one_cause_with_examples(plain: MakePlain, engine: Any) -> None:
    goods = plain("CREATE TABLE goods (id INTEGER PRIMARY KEY, name VARCHAR(3))", {"name": 1})
    # the reason names the record, and so differs from row to row
    goods.emu.person.add_records(
        goods.base, goods.table_id, [{"id": n, "name": f"much too long {n}"} for n in range(600)]
    )
    goods.emu.person.add_records(goods.base, goods.table_id, [{"id": 1000 + n, "name": "ok"} for n in range(5)])
    with goods.engine().plan() as plan:
        (cause,) = plan.refusals
        assert (cause.side, cause.rows, len(cause.keys)) == ("sql", 600, 3)
        keys = [action.key for action in plan.actions("sql", "refuse", limit=3)]
        assert cause.keys == tuple(keys)
        told = plan.to_dict()
        assert told["problems"] == [f"600 rows: {cause.why} (such as {', '.join(keys)})"]
        assert "rec" not in cause.why
        assert plan.counts["sql", "create"] == 5
    goods.run("DROP TABLE goods")


@pytest.mark.parametrize(
    ("why", "cause", "names"),
    [
        ("row 'A1': too long", "too long", ["A1"]),
        ('row "it\'s": too long', "too long", ["it's"]),
        ("record recAbc12345: field 'Qty' is odd", "field 'Qty' is odd", ["recAbc12345"]),
        ("row 'A1' was not found", "a row was not found", ["A1"]),
        ("row ': ': links to record recX1, too", "links to a record, too", [": ", "recX1"]),
        ("column qty is NOT NULL", "column qty is NOT NULL", []),
    ],
)
def test_cause_is_the_reason_without_names(why: str, cause: str, names: list[str]) -> None:
    assert (cause_of(why), names_in(why)) == (cause, names)


LONG = ["x" * 16_000_000, "😀" * 1000, "مرحبا" * 1000, "\x1b[31m" * 1000, '"' * 3000]


@pytest.mark.parametrize("text", LONG, ids=["16 MB", "emoji", "RTL", "escapes", "quotes"])
def test_report_stays_below_the_size_of_an_xcom_whatever_comes(text: str) -> None:
    report = SyncReport(text, "full", problems=[text] * 20, warnings=[text] * 500, api_calls={"search": 3})
    kinds = [f"{side}.{kind}" for side in ("lark", "sql", "both", "setup") for kind in "abcdefgh"]
    told = tell(report.to_dict(), {kind: {"count": 99, "keys": [text] * 10, "more": 89} for kind in kinds})
    assert len(json.dumps(told)) <= REPORT_BYTES < 65_536
    for entry in told["would"].values():
        assert entry["count"] == len(entry["keys"]) + entry["more"]
    assert told["warnings"][-1].endswith(" more")
    assert (told["api_calls"], told["dry_run"], set(told["would"])) == ({"search": 3}, True, set(kinds))


def test_report_that_is_small_stays_as_it_is() -> None:
    report = SyncReport("areas", "full", problems=["x" * 500], warnings=["y"] * 30)
    assert report.to_dict()["problems"] == ["x" * 500]
    assert report.to_dict()["warnings"] == ["y"] * 30
    assert fit({"would": {}}) == {"would": {}}


def test_dry_run_logs_what_it_would_do_and_not_what_it_did(world: World, caplog: pytest.LogCaptureFixture) -> None:
    engine = world.ready(3)
    world.update(1, name="new")
    world.edit(2, Name="newer")
    with caplog.at_level(logging.INFO, "airflow_provider_lark.core.sync.engine"), engine.plan() as plan:
        assert len(plan.counts) == 2
    (line,) = [record.getMessage() for record in caplog.records if "incremental" in record.getMessage()]
    assert line.startswith("dry run of incremental of people: in SQL it would update 1, in Lark it would update 1; ")
    assert foretell({"created": 0}) == "would write nothing"
