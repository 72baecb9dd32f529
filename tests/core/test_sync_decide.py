"""The pure decisions, as a table: what base, Lark and SQL hold, and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.sync.decide import PullDecision, decide_pull, decide_push
from airflow_provider_lark.core.sync.mapping.targets import ConflictPolicy, DeletePolicy
from airflow_provider_lark.core.sync.newest import Times
from airflow_provider_lark.core.sync.rules import Rules

BASE = {"id": 1, "a": "a0", "b": "b0"}


def rules(
    direction: str = "both", conflict: ConflictPolicy | None = None, deletes: DeletePolicy | None = None
) -> Rules:
    columns = frozenset({"id", "a", "b"})
    return Rules(
        columns=("a", "b"),
        key_columns=("id",),
        to_sql=columns if direction != "to_lark" else frozenset(),
        to_lark=columns if direction != "to_sql" else frozenset(),
        direction=direction,  # type: ignore[arg-type]
        conflict=conflict or ConflictPolicy(),
        deletes=deletes or DeletePolicy(),
        skew_ms=2000,
    )


def row(**changes: Any) -> dict[str, Any]:
    return {**BASE, **changes}


MERGE = ConflictPolicy(mode="merge", winner="sql")
MANUAL = ConflictPolicy(mode="manual")
LARK, SQL = ConflictPolicy(winner="lark"), ConflictPolicy(winner="sql")


def test_pull_echo_of_our_own_write_does_nothing() -> None:
    decision = decide_pull(rules(), base=BASE, lark=row(), sql=row())
    assert (decision.sql, decision.owes_lark, decision.conflict) == ("none", False, False)


def test_pull_lark_edit_patches_only_the_edited_column() -> None:
    decision = decide_pull(rules(), base=BASE, lark=row(a="a1"), sql=row())
    assert (decision.sql, decision.values, decision.owes_lark) == ("patch", {"a": "a1"}, False)
    assert decision.base == row(a="a1")


def test_pull_sql_edit_is_owed_to_lark_and_the_base_stays_what_lark_holds() -> None:
    decision = decide_pull(rules(), base=BASE, lark=row(), sql=row(b="b1"))
    assert (decision.sql, decision.owes_lark, decision.base) == ("none", True, row())
    assert decide_push(rules(), base=decision.base, sql=row(b="b1")).values == {"b": "b1"}


def test_pull_same_edit_on_both_sides_is_no_conflict() -> None:
    decision = decide_pull(rules(), base=BASE, lark=row(a="x"), sql=row(a="x"))
    assert (decision.sql, decision.owes_lark, decision.conflict) == ("none", False, False)


@pytest.mark.parametrize(
    ("policy", "times", "winner", "tie"),
    [
        pytest.param(LARK, Times(), "lark", "", id="lark is named"),
        pytest.param(SQL, Times(), "sql", "", id="sql is named"),
        pytest.param(ConflictPolicy(), Times(lark_ms=10_000, sql_ms=13_000), "sql", "", id="sql is 3 s newer"),
        pytest.param(ConflictPolicy(), Times(lark_ms=10_000, sql_ms=12_000), "lark", "close", id="2 s is in the skew"),
        pytest.param(ConflictPolicy(), Times(lark_ms=12_000, sql_ms=10_000), "lark", "close", id="either way"),
        pytest.param(ConflictPolicy(), Times(lark_ms=13_000, sql_ms=10_000), "lark", "", id="lark is newer"),
        pytest.param(ConflictPolicy(), Times(lark_ms=13_000), "lark", "unknown", id="sql's time is unknown"),
    ],
)
def test_pull_conflict_takes_the_whole_row_of_the_winner(
    policy: ConflictPolicy, times: Times, winner: str, tie: str
) -> None:
    # Lark changed a, SQL changed b and a: the row is not mixed
    lark, sql = row(a="lark"), row(a="sql", b="sql")
    decision = decide_pull(rules(conflict=policy), base=BASE, lark=lark, sql=sql, times=times)
    assert (decision.conflict, decision.outcome, decision.tie) == (True, winner, tie)
    after_pull = {**sql, **decision.values}
    after_push = {**lark, **decide_push(rules(), base=decision.base, sql=after_pull).values}
    assert after_pull == after_push == (lark if winner == "lark" else sql)


def test_pull_merge_keeps_edits_of_different_fields_without_conflict() -> None:
    decision = decide_pull(rules(conflict=MERGE), base=BASE, lark=row(a="lark"), sql=row(b="sql"))
    assert (decision.values, decision.owes_lark, decision.conflict) == ({"a": "lark"}, True, False)


def test_pull_merge_gives_the_same_field_to_the_named_winner_only() -> None:
    decision = decide_pull(rules(conflict=MERGE), base=BASE, lark=row(a="lark", b="lark"), sql=row(a="sql"))
    assert (decision.values, decision.outcome) == ({"b": "lark"}, "sql")
    assert decide_push(rules(), base=decision.base, sql=row(a="sql", b="lark")).values == {"a": "sql"}


def test_pull_manual_conflict_touches_nothing_until_a_resolution() -> None:
    lark, sql = row(a="lark"), row(a="sql")
    held = decide_pull(rules(conflict=MANUAL), base=BASE, lark=lark, sql=sql)
    assert held == PullDecision(conflict=True)
    decided = decide_pull(rules(conflict=MANUAL), base=BASE, lark=lark, sql=sql, resolution="lark")
    assert (decided.values, decided.outcome) == ({"a": "lark"}, "lark")


def test_pull_manual_first_contact_pairs_the_rows_so_that_none_is_made_twice() -> None:
    decision = decide_pull(rules(conflict=MANUAL), base=None, lark=row(a="lark"), sql=row(a="sql"))
    assert (decision.pair, decision.base, decision.conflict) == ("save", {}, True)


def test_pull_first_contact_fills_gaps_of_either_side() -> None:
    decision = decide_pull(rules(), base=None, lark=row(a=None, b="lark"), sql=row(a="sql", b=None))
    assert (decision.values, decision.owes_lark, decision.conflict) == ({"b": "lark"}, True, False)


def test_pull_new_record_is_inserted() -> None:
    decision = decide_pull(rules(), base=None, lark=row(id=None), sql=None)
    assert (decision.sql, decision.values, decision.pair) == ("insert", row(id=None), "save")


def test_pull_edited_key_goes_back_to_sqls_and_is_told() -> None:
    decision = decide_pull(rules(), base=BASE, lark=row(id=2), sql=row())
    assert (decision.sql, decision.owes_lark, decision.conflict, decision.outcome) == ("none", True, True, "sql")
    assert decide_push(rules(), base=decision.base, sql=row()).values == {"id": 1}


@pytest.mark.parametrize(
    ("direction", "deletes", "sql", "expected"),
    [
        pytest.param("both", DeletePolicy(), row(), ("delete", "forget", False), id="propagates"),
        pytest.param("both", DeletePolicy("ignore"), row(), ("none", "tombstone", False), id="ignored"),
        pytest.param("both", DeletePolicy(), row(a="sql"), ("none", "forget", True), id="an edited row comes back"),
        pytest.param("to_sql", DeletePolicy(), row(a="sql"), ("delete", "forget", False), id="to_sql follows Lark"),
        pytest.param("to_lark", DeletePolicy(), row(), ("none", "forget", True), id="to_lark makes it again"),
        pytest.param("both", DeletePolicy(), None, ("none", "forget", False), id="gone on both sides"),
    ],
)
def test_pull_deleted_record(direction: str, deletes: DeletePolicy, sql: Any, expected: Any) -> None:
    decision = decide_pull(rules(direction, deletes=deletes), base=BASE, lark=None, sql=sql)
    assert (decision.sql, decision.pair, decision.owes_lark) == expected


@pytest.mark.parametrize(
    ("policy", "lark", "times", "expected"),
    [
        pytest.param(ConflictPolicy(), row(), Times(), ("none", True), id="untouched record goes too"),
        pytest.param(LARK, row(a="lark"), Times(), ("insert", False), id="edited record brings the row back"),
        pytest.param(SQL, row(a="lark"), Times(), ("none", True), id="sql's delete wins"),
        pytest.param(MERGE, row(a="lark"), Times(), ("insert", False), id="merge never loses an edit"),
        pytest.param(ConflictPolicy(), row(a="l"), Times(1_000, 9_000), ("none", True), id="the delete is newer"),
        pytest.param(ConflictPolicy(), row(a="l"), Times(9_000, 1_000), ("insert", False), id="the edit is newer"),
    ],
)
def test_pull_deleted_row(policy: ConflictPolicy, lark: Any, times: Times, expected: Any) -> None:
    decision = decide_pull(rules(conflict=policy), base=BASE, lark=lark, sql=None, times=times)
    assert (decision.sql, decision.owes_lark) == expected


@pytest.mark.parametrize(
    ("direction", "base", "sql", "expected"),
    [
        pytest.param("both", None, row(), "create", id="new row"),
        pytest.param("both", BASE, row(), "none", id="nothing changed"),
        pytest.param("both", BASE, row(a=None), "patch", id="emptied"),
        pytest.param("both", BASE, None, "delete", id="deleted"),
        pytest.param("to_sql", BASE, row(a="x"), "none", id="to_sql never writes to Lark"),
        pytest.param("to_sql", None, row(), "none", id="to_sql leaves SQL's own rows alone"),
    ],
)
def test_push(direction: str, base: Any, sql: Any, expected: str) -> None:
    assert decide_push(rules(direction), base=base, sql=sql).lark == expected


def test_push_ignored_delete_leaves_a_tombstone_that_stays_quiet() -> None:
    ignoring = rules(deletes=DeletePolicy("ignore"))
    assert decide_push(ignoring, base=BASE, sql=None).pair == "tombstone"
    assert decide_push(ignoring, base=BASE, sql=None, is_tombstone=True).lark == "none"
