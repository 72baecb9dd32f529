"""Deletes of rows to which rows of other tables refer: held, or with what the mappings of these tables want.

What the database does by its foreign keys is looked for, told, and left to the run of the other table to carry over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, SqlRow
from airflow_provider_lark.core.sync.binding.links import LinkedColumn, keys_of
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome, Step
from airflow_provider_lark.core.sync.run.children import Child, Reference, restricted
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

_PAGE = 500
_THERE = ""
"""In the place of a value that was not read."""


class Touched(NamedTuple):
    """Rows of another table that refer to rows that are deleted."""

    child: Child
    references: list[Reference]


def spare_referred(tx: Transaction, run: Run, bundle: Bundle, steps: list[Step], outcome: Outcome) -> list[Step]:
    """Return the steps of a bundle without the deletes in SQL that rows of other tables forbid; those are held."""
    deletes = {step.state.key: step for step in steps if _deletes_row(step) and step.resolution is None}
    reasons = why_held(tx, run, [key for key in deletes if key is not None])
    if not reasons:
        return steps
    held = [deletes[key] for key in reasons]
    claims = {step.state.key: bundle.claims[step.state.id] for step in held if step.state.id in bundle.claims}
    known = tx.deletes.among(list(reasons))
    tx.deletes.hold({id_: reason for key, reason in reasons.items() if key in claims for id_ in claims[key].entry_ids})
    tx.deletes.hold_rows(reasons)
    outcome.held.update(reasons)
    outcome.referred |= reasons
    tx.log([LogLine(key, "to_sql", "DELETE", "skipped", why) for key, why in reasons.items() if key not in known])
    kept = set(map(id, held))
    return [step for step in steps if id(step) not in kept]


def why_held(tx: Transaction, run: Run, keys: Sequence[Key]) -> dict[Key, str]:
    """Return why the deletes of some of *keys* are held; what a person has released is not."""
    asked = [key for key in keys if key not in run.guard.released] if not run.guard.allowed else []
    children = run.children.of(tx.outside) if asked else []
    if not children:
        return {}
    reasons = restricted(tx.outside, children, set(asked))
    for child in children:
        if child.on_delete == "cascade" and not run.guard.is_lifted:
            found = child.referred(tx.outside, set(asked))
            count = sum(each.total for each in found.values())
            if count > run.guard.most:
                told = f"{count} rows of {child.table_name} would be deleted with them (on_delete: cascade)"
                reasons |= dict.fromkeys(found, f"{told}, more than a run may")
    return reasons


def touch_referring(tx: Transaction, run: Run, steps: Sequence[Step], outcome: Outcome) -> list[Touched]:
    """Do to the rows that refer to deleted ones what their mappings want, and tell which they are."""
    deletes = {step.state.key: step for step in steps if _deletes_row(step)}
    touched = find_referring(tx, run, [key for key in deletes if key is not None])
    for each in touched:
        error = tx.change_children(each.child, each.references)
        for reference in each.references if error is not None else ():
            change = deletes[reference.parent].change
            if change is not None:
                change.error = error
        outcome.warnings.append(each.child.tell(run.binding.table_name, each.references, each.child.fate))
    return touched


def find_referring(tx: Transaction, run: Run, keys: Sequence[Key]) -> list[Touched]:
    """Return the rows of other tables that refer to *keys* now."""
    children = run.children.of(tx.outside) if keys else []
    found = [Touched(child, child.referring(tx.outside, set(keys))) for child in children]
    return [each for each in found if each.references]


def follow(tx: Transaction, run: Run, touched: Sequence[Touched]) -> None:
    """Let the runs of the other tables carry over what became of their rows."""
    for each in touched:
        tx.enqueue_children(run.children, each.child, each.references)


def settle_deleted_rows(tx: Transaction, run: Run, keys: Sequence[Key], tell: Callable[[str], object]) -> None:
    """Find what became of rows that refer, or referred, to rows which a program has deleted.

    :param keys: of the rows whose records are deleted next.
    :param tell: is told which rows they are.
    """
    for child in run.children.of(tx.outside) if keys else []:
        left = child.referring(tx.outside, set(keys))
        seen = {each.key for each in left}
        changed = [each for each in child.agreed(tx.outside, set(keys)) if each.key not in seen]
        if left:
            error: LarkError | None = tx.change_children(child, left)
            tell(child.tell(run.binding.table_name, left, child.fate) if error is None else error.message)
        if changed:
            tell(child.tell(run.binding.table_name, changed, child.fate_by_database))
        if left or changed:
            tx.enqueue_children(run.children, child, [*left, *changed])


Lost = Mapping[str, Collection[str]]
"""The columns, by record, whose link Lark has emptied because it deleted the record behind it."""


def find_lost_links(run: Run, rows: Sequence[LarkRow]) -> Lost:
    """Return the empty links that are no edit of a person: the record that they led to is gone.

    They count as they were where the row is gone as well, which would be made again otherwise, or refers to another one
    now; and with ``restrict`` and ``cascade``, where the run of the other table decides about the row and has to find
    to what it refers.
    """
    columns = {pair.column.name: pair.link for pair in run.binding.pairs if pair.link is not None}
    columns = {name: link for name, link in columns.items() if name in run.binding.rules.to_sql}
    empty = [row for row in rows if any(row.values.get(name, _THERE) is None for name in columns)]
    if not empty:
        return {}
    lost = run.read(_led_to, columns, empty)
    asked: dict[str, set[RecordId]] = defaultdict(set)
    for led in lost:
        if led.is_to_be_asked:
            asked[columns[led.column].table_name].update(led.record_ids)
    gone = {record_id for table, ids in asked.items() for record_id in _gone(run, table, ids)}
    found: dict[str, list[str]] = defaultdict(list)
    for led in lost:
        if gone.issuperset(led.record_ids):
            found[led.row].append(led.column)
    return found


def with_lost_links(tx: Transaction, rows: Sequence[LarkRow], lost: Lost) -> list[LarkRow]:
    """Return *rows* with the links that count as they were."""
    known = tx.pairs.by_records([RecordId(row.id) for row in rows if row.id in lost]) if lost else {}
    kept = {id_: {name: (pair.base or {}).get(name) for name in lost[id_]} for id_, pair in known.items()}
    return [replace(row, values={**row.values, **kept[RecordId(row.id)]}) if row.id in kept else row for row in rows]


class _Led(NamedTuple):
    """Where an empty link led to when both sides last agreed; no record: its pair has ended."""

    row: str
    column: str
    record_ids: frozenset[RecordId]

    @property
    def is_to_be_asked(self) -> bool:
        return bool(self.record_ids)


def _led_to(tx: Transaction, columns: Mapping[str, LinkedColumn], rows: Sequence[LarkRow]) -> list[_Led]:
    known = tx.pairs.by_records([RecordId(row.id) for row in rows])
    empty = [(known[id_], name) for row in rows for id_ in (RecordId(row.id),) if id_ in known for name in columns]
    values = {row.id: row.values for row in rows}
    led = [
        (pair, name, keys)
        for pair, name in empty
        if values[pair.record_id].get(name, _THERE) is None and (keys := keys_of((pair.base or {}).get(name)))
    ]
    if not led:
        return []
    there = tx.sql.read([pair.key for pair, _, _ in led])
    found: list[_Led] = []
    for name, link in columns.items():
        mine = [(pair, keys) for pair, other, keys in led if other == name]
        ids = tx.beside(link.table_name).pairs.record_ids_of({key for _, keys in mine for key in keys})
        for pair, keys in mine:
            records = frozenset(ids[key] for key in keys if key in ids)
            waits = link.on_delete in ("restrict", "cascade") and len(records) == len(keys)
            if waits or _has_gone_on(there.get(pair.key), name, (pair.base or {}).get(name)):
                found.append(_Led(pair.record_id, name, records))
    return found


def _has_gone_on(row: SqlRow | None, name: str, base: Canonical) -> bool:
    """Tell whether SQL has done with the row what it wants: deleted it, or referred it to another one."""
    return row is None or row.values.get(name) not in (None, base)


def _gone(run: Run, table_name: str, ids: set[RecordId]) -> list[RecordId]:
    state = run.read(lambda tx: tx.beside(table_name).checkpoint.load())
    if state is None:
        return []
    return LarkTable(run.client, state.app_token, state.table_id).look_up(sorted(ids)).gone


def free_unreferred(run: Run) -> None:
    """Look anew at deletes that were held for rows which referred to them, once none does."""
    after = 0
    while entries := run.read(lambda tx, after: tx.deletes.referred_page(after=after, limit=_PAGE), after):
        run.transact(_free, run, [entry.key for entry in entries])
        after = entries[-1].id


def _free(tx: Transaction, run: Run, keys: Sequence[Key]) -> None:
    held = restricted(tx.outside, run.children.of(tx.outside), set(keys))
    tx.deletes.release([key for key in keys if key not in held])


def _deletes_row(step: Step) -> bool:
    return step.change is not None and step.change.kind == "delete"
