"""From Lark to SQL: a bundle of records is decided and applied in one transaction, with pairs and journal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from airflow_provider_lark.core.errors import LarkError, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.column import ColumnKind
from airflow_provider_lark.core.ledger.conflicts import fingerprint
from airflow_provider_lark.core.side import Values
from airflow_provider_lark.core.sync.belonging import decide_standing
from airflow_provider_lark.core.sync.decide import PullDecision
from airflow_provider_lark.core.sync.lost_events import KEPT_MAX
from airflow_provider_lark.core.sync.newest import Times
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome, Resolution, Step
from airflow_provider_lark.core.sync.pull.echoes import without_echoes
from airflow_provider_lark.core.sync.pull.hold import withhold
from airflow_provider_lark.core.sync.pull.older.ledger import keep_in_mind
from airflow_provider_lark.core.sync.pull.on_delete import follow, spare_referred, touch_referring, with_lost_links
from airflow_provider_lark.core.sync.pull.persist import persist
from airflow_provider_lark.core.sync.pull.row_states import Refusal, RowState, explain, gather
from airflow_provider_lark.core.sync.pull.rows_first import leave_links_out
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def apply(tx: Transaction, run: Run, bundle: Bundle) -> Outcome:
    """Decide about *bundle* and apply it to SQL inside the caller's transaction; Lark is not called."""
    rows, late = leave_links_out(tx, run, run.links.to_keys(tx, bundle.rows))
    outcome = _apply(tx, run, replace(bundle, rows=with_lost_links(tx, rows, bundle.lost)))
    landed = late - outcome.refused
    if landed:
        # now that the rows are there, they can refer to each other; what leads nowhere even so is a dead letter
        raw = [row for row in bundle.rows if row.id in landed]
        again = replace(bundle, rows=run.links.to_keys(tx, raw), gone=(), claims={}, floor_ms=None)
        linked = _apply(tx, run, again)
        # they are counted as created
        linked.writes.updated = 0
        outcome.add(linked)
        outcome.landed -= linked.failed.keys()
    return outcome


def _apply(tx: Transaction, run: Run, bundle: Bundle) -> Outcome:
    outcome = Outcome()
    rows = without_echoes(tx, run, bundle, outcome)
    states, refused, duplicates = gather(tx, run, rows, bundle.gone)
    outcome.duplicates.extend(duplicates)
    outcome.deleted.update(state.record_id for state in states if state.lark is None and state.base is not None)
    outcome.keys_found.update(state.key for state in states if state.key and state.sql is not None)
    unreadable = [state for state in states if state.sql is not None and state.sql.problems]
    unreadable = [state for state in unreadable if not run.is_deleted(state.sql) and not state.standing.is_outside]
    states = [state for state in states if state not in unreadable]
    steps = withhold(tx, run, bundle, _admitted(tx, _decide_all(tx, run, bundle, states, outcome), outcome), outcome)
    steps = spare_referred(tx, run, bundle, steps, outcome)
    touched = touch_referring(tx, run, steps, outcome)
    tx.apply([step.change for step in steps if step.change is not None])
    follow(tx, run, touched)
    failures = list(refused)
    failures += [_refusal(state, state.sql.problems[0]) for state in unreadable if state.sql is not None]
    clashing = [(s.state, s.change.error) for s in steps if s.change is not None and s.change.error is not None]
    explained = explain(tx, clashing)
    failures += [_refusal(state, error) for (state, _), error in zip(clashing, explained, strict=True)]
    done = [step for step in steps if step.change is None or step.change.error is None]
    _see_what_sql_made_of_it(run, done)
    outcome.warnings += tx.advance(_numbers_given(run, done))
    persist(tx, run, bundle, done, failures, outcome)
    keep_in_mind(tx, run, done)
    outcome.refused.update(refusal.record_id for refusal in failures)
    outcome.unpaired.update(refusal.record_id for refusal in failures if not refusal.is_paired)
    outcome.unpaired.update(step.state.record_id for step in done if step.leaves_unpaired)
    saved = {step.state.record_id for step in done if step.decision.pair == "save"}
    outcome.arrived = {id_: at_ms for id_, at_ms in outcome.edited.items() if id_ in saved}
    outcome.joined += sum(step.joins for step in done)
    outcome.keys_found.update(
        step.change.key for step in done if step.change is not None and step.change.key is not None
    )
    return outcome


def _see_what_sql_made_of_it(run: Run, done: list[Step]) -> None:
    """Find the rows in which the database wrote more than we asked for, or other than that.

    More: a key, a default, a computed column. Other: what a trigger trims, or a type rounds.
    """
    rules = run.binding.rules
    for step in done:
        change, base = step.change, step.decision.base
        if change is None or change.row is None or base is None or run.is_deleted(change.row):
            continue
        holds, asked = change.row.values, change.values
        if change.row.outside and not step.decision.rests:
            # we have put it outside SQL's filter ourselves
            if step.state.base is None or step.decision.sql != "patch":
                step.decision = replace(step.decision, rests=True)
            else:
                step.decision = replace(step.decision, owes_lark=True)
        step.incomplete = any(holds.get(name) != base.get(name) for name in rules.to_lark)
        step.rewritten = tuple(
            name for name in rules.all_columns if name in asked and name in holds and holds[name] != asked[name]
        )


def _numbers_given(run: Run, done: list[Step]) -> dict[str, list[int]]:
    """Return the numbers that new rows brought along for columns which the database numbers by itself."""
    new = [step.change.values for step in done if step.change is not None and step.change.kind == "insert"]
    kinds = (ColumnKind.INTEGER, ColumnKind.DECIMAL)
    columns = [each.name for each in run.binding.spec.columns if each.kind in kinds and run.binding.fills_in(each.name)]
    cells = {name: [values.get(name) for values in new] for name in columns}
    return {name: [int(cell) for cell in some if isinstance(cell, (int, Decimal))] for name, some in cells.items()}


def _refusal(state: RowState, error: LarkError) -> Refusal:
    return Refusal(state.record_id, state.key, error, is_paired=state.pair is not None, reserved=state.reserved)


def add_to_report(run: Run, outcome: Outcome) -> None:
    """Add what a committed bundle did to the report."""
    report = run.report
    report.to_sql.created += outcome.writes.created
    report.to_sql.updated += outcome.writes.updated
    report.to_sql.deleted += outcome.writes.deleted
    report.rewritten += outcome.rewritten
    report.conflicts += outcome.conflicts
    if len(report.found_changed) < KEPT_MAX:
        report.found_changed |= outcome.edited
    if len(report.arrived) < KEPT_MAX:
        report.arrived |= outcome.arrived
    if len(report.found_deleted) < KEPT_MAX:
        report.found_deleted |= outcome.deleted
    report.skipped += outcome.skipped
    if outcome.referred:
        report.warn_of_referred("sql", outcome.referred)
    report.warnings += [warning for warning in dict.fromkeys(outcome.warnings) if warning not in report.warnings]
    for name, error in outcome.failed.items():
        if name not in run.refused:
            run.refused[name] = f"{name}: {error}"
            report.add_failure(name, error)
    for name in outcome.landed & run.refused.keys():
        # what it waited for has come later in this run
        report.take_back_failure(run.refused.pop(name))


def _decide_all(tx: Transaction, run: Run, bundle: Bundle, states: list[RowState], outcome: Outcome) -> list[Step]:
    keys = [state.key for state in states if state.key is not None]
    blocked = tx.blacklist.among(keys)
    open_keys = tx.conflicts.open_keys(keys)
    steps = []
    for state in states:
        if state.key in blocked:
            outcome.skipped += 1
            outcome.refused.add(state.record_id)
            continue
        resolution = _resolution(state, bundle)
        waits = state.key in open_keys and resolution is None
        if waits:
            outcome.refused.add(state.record_id)
            if _was_met_before(run, state, bundle):
                continue
        step = _decide_one(run, state, resolution, waits=waits)
        if step is not None:
            steps.append(step)
    return steps


def _resolution(state: RowState, bundle: Bundle) -> Resolution | None:
    """Return what a person decided about the row; None where it is no longer what they saw."""
    found = bundle.resolutions.get(state.key) if state.key else None
    if found is None or found.seen is None:
        return found
    lark, sql = (None if side is None else side.values for side in (state.lark, state.sql))
    return found if found.seen == fingerprint(state.record_id, lark, sql) else None


def _admitted(tx: Transaction, steps: list[Step], outcome: Outcome) -> list[Step]:
    """Return the steps that this run carries out; the others are left as they are."""
    admitted = list(tx.admit(steps, lambda step: step.grounds))
    if len(admitted) < len(steps):
        kept = set(map(id, admitted))
        left = [step.state for step in steps if id(step) not in kept]
        outcome.left.update(name for state in left for name in (state.record_id, state.id))
        outcome.refused.update(state.record_id for state in left)
        outcome.unpaired.update(state.record_id for state in left if state.pair is None)
    return admitted


def _was_met_before(run: Run, state: RowState, bundle: Bundle) -> bool:
    modified_ms = state.lark.modified_ms if state.lark else None
    if bundle.floor_ms is None or modified_ms is None:
        return False
    return not run.settling.is_news(state.record_id, modified_ms, bundle.floor_ms)


def _decide_one(run: Run, state: RowState, resolution: Resolution | None, *, waits: bool) -> Step | None:
    sql = None if run.is_deleted(state.sql) or state.sql is None else state.sql.values
    if state.pair is not None and state.pair.tombstone and (sql is None) != (state.lark is None):
        # a delete that the policy ignores: the side that is left stays as it is
        return None
    times = Times(
        lark_ms=state.lark.modified_ms if state.lark else None,
        sql_ms=run.on_larks_clock(state.waiting_ms) if state.waiting_ms else None,
    )
    base, near = state.base, state.near
    if run.sql_is_old:
        # whatever the backup holds was agreed on once, and is no edit; a row that it lacks is made again
        base, near = sql, None
    lark, winner = state.lark.values if state.lark else None, None if resolution is None else resolution.winner

    def decide() -> PullDecision:
        return run.decide(base=base, lark=lark, sql=sql, times=times, resolution=winner, near=near)

    decision = (
        decide()
        if not run.binding.mapping.is_filtered
        else decide_standing(
            run.binding.rules,
            replace(state.standing, leaving=run.leaving),
            base=base,
            lark=lark,
            sql=sql,
            resolution=winner,
            usual=decide,
            would_belong=run.row_would_belong,
        )
    )
    if waits and (decision.sql != "none" or decision.owes_lark or decision.conflict):
        decision = PullDecision(conflict=True)
    if sql is None and state.pair is not None and decision == PullDecision(owes_lark=True) and state.waiting_ms is None:
        # no trigger told of this delete; a complete scan decides about it, under the limit for deletes
        return None
    step = Step(state, decision, None, resolution=resolution)
    step.change = _change_for(run, step)
    if step.change is not None:
        step.change.record_id = state.record_id
        step.change.left = decision.sql == "delete" and state.lark is not None
    return step


def _change_for(run: Run, step: Step) -> SqlChange | None:
    """Return the write that a decision asks for; a soft delete is an update in SQL."""
    state, decision = step.state, step.decision
    soft = run.binding.mapping.deletes
    if decision.sql == "none":
        missing = {} if decision.pair != "save" else _with_record_id(run, {}, state)
        return SqlChange("patch", state.key, missing) if missing else None
    if decision.sql == "delete" and soft.mode == "soft":
        return SqlChange("patch", state.key, {soft.column: run.soft_mark()})
    if decision.sql == "insert" and state.sql is not None:
        return SqlChange("patch", state.key, {**decision.values, soft.column: None})
    values = decision.values
    if decision.sql == "insert":
        values = _for_insert(run, values, state.record_id)
    elif decision.sql == "patch":
        values = _with_record_id(run, values, state)
    try:
        for name, value in values.items():
            run.binding.codecs[name].to_sql(value)
    except ValueMismatch as error:
        return SqlChange("patch", state.key, {}, error=ValueMismatch(f"row {state.id!r}: {error}"))
    return SqlChange(decision.sql, state.key, values)


def _for_insert(run: Run, values: Values, record_id: str) -> dict[str, Canonical]:
    """Leave out what the database fills in by itself."""
    kept = {name: value for name, value in values.items() if value is not None or not run.binding.fills_in(name)}
    if run.binding.mapping.record_id_column:
        kept[run.binding.mapping.record_id_column] = record_id
    return kept


def _with_record_id(run: Run, values: Values, state: RowState) -> Values:
    column = run.binding.mapping.record_id_column
    if column is None or state.sql is None or state.sql.values.get(column) == state.record_id:
        return values
    return {**values, column: state.record_id}
