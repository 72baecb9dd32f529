"""A run that carries out a stored plan: it decides anew, and does only what it decides as the plan did.

Nothing is taken from the plan but which rows it names and what was decided about them; the values come from the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from airflow_provider_lark.core.dry_run import KEYS_SHOWN, cut_key
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.plan.checks import Check, Checks, State, dump_names
from airflow_provider_lark.core.sync.plan.sightings import sightings
from airflow_provider_lark.core.sync.report import ApplyReport
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import CLAIM_SECONDS, Transaction

T = TypeVar("T")
P = ParamSpec("P")

_ROWS = 250
"""Decisions of the plan whose rows are claimed at once; a row may go by two names."""


class PlannedTransaction(Transaction):
    """Carries out what the plan foresaw.

    :ivar states: what became of decisions, by id; true once the transaction is committed.
    :ivar leaves_some: something was left to another run.
    :ivar after: the claims have come to here in the plan.
    """

    def __init__(self, conn: Connection, binding: Binding, run_id: str, checks: Checks, after: int) -> None:
        super().__init__(conn, binding, run_id)
        self._checks = checks
        self.states: dict[int, State] = {}
        self.leaves_some = False
        self.after = after

    def admit(self, decided: Sequence[T], grounds: Callable[[T], Grounds]) -> Sequence[T]:
        """Return the decisions that the plan foresaw, and those that write to no side."""
        told = [grounds(each) for each in decided]
        asked = {name for each in told if each.acts for name in _names(each)}
        known = _by_name(self._checks.among(list(asked)))
        admitted = [each for each, ground in zip(decided, told, strict=True) if self._passes(ground, known)]
        self.leaves_some = self.leaves_some or len(admitted) < len(decided)
        return admitted

    def claim(self, *, limit_keys: int, token: str) -> list[Claim]:
        """Take keys of the queue that the plan names, as many as there are to *limit_keys*."""
        claims: list[Claim] = []
        while len(claims) < limit_keys:
            page = self._checks.open_page(self.after, _ROWS)
            if not page:
                # what is put into the queue meanwhile is met in the next round
                self.after = 0
                return claims
            left = limit_keys - len(claims)
            names = self._names_of(page)
            some = self.queue.claim(limit_keys=left, token=token, lease_seconds=CLAIM_SECONDS, among=names)
            claims += some
            if not some:
                # only then: a key that was changed many times takes the places of others
                self.after = page[-1].id
        return claims

    def recognise(self, seen: Sequence[Grounds]) -> set[RecordId]:
        """Return the records that hold what the plan saw; the others are left to another run."""
        known = _by_name(self._checks.among([name for each in seen for name in _names(each)]))
        same = {RecordId(each.record_id) for each in seen if self._is_as_seen(each, known)}
        self.leaves_some = self.leaves_some or len(same) < len(seen)
        return same

    def release_held(self) -> None:
        """Let those held deletes be carried out that the plan names."""
        after = 0
        while page := self._checks.open_page(after, _ROWS):
            self.deletes.release([Key(name) for name in self._names_of(page)])
            after = page[-1].id

    def _names_of(self, page: Sequence[Check]) -> list[str]:
        names = {name for each in page for name in each.names}
        # of keys that the database has made by now the pairs tell
        made = self.pairs.by_records([RecordId(each.record_id) for each in page if not each.key])
        return sorted(names | {pair.key for pair in made.values()})

    def _is_as_seen(self, ground: Grounds, known: dict[str, dict[int, Check]]) -> bool:
        row = _row_of(ground, known)
        seen = [check for check in row.values() if check.side == ground.side]
        print_ = ground.fingerprint(self._checks.salt)
        found = [check.id for check in seen if check.fingerprint == print_]
        # the plan has not seen a record that this very run has made; and what it has written by now is its own
        is_own = not seen or any(self.states.get(check.id, check.state) == "done" for check in seen)
        self.states |= dict.fromkeys(found, "done") if found or is_own else dict.fromkeys(row, "changed")
        return bool(found) or is_own

    def _passes(self, ground: Grounds, known: dict[str, dict[int, Check]]) -> bool:
        if not ground.acts:
            return True
        row = _row_of(ground, known)
        states = {id_: self.states.get(id_, check.state) for id_, check in row.items()}
        if not row or "changed" in states.values():
            return False
        here = [check for check in row.values() if check.side == ground.side]
        print_ = ground.fingerprint(self._checks.salt)
        found = [check.id for check in here if check.fingerprint == print_]
        if not found and "done" in states.values():
            # it follows from what was found as planned in this very run
            found = [check.id for check in here if check.waits == dump_names(ground.waits)]
        elif not found:
            self.states |= dict.fromkeys(row, "changed")
            return False
        self.states |= dict.fromkeys(found, "done")
        return bool(found)


def _names(ground: Grounds) -> list[str]:
    return [name for name in (ground.key, ground.record_id) if name]


def _row_of(ground: Grounds, known: dict[str, dict[int, Check]]) -> dict[int, Check]:
    """Return the decisions about the row of *ground*, by id."""
    row: dict[int, Check] = {}
    for name in _names(ground):
        row |= known.get(name, {})
    return row


def _by_name(checks: Iterable[Check]) -> dict[str, dict[int, Check]]:
    found: dict[str, dict[int, Check]] = {}
    for check in checks:
        for name in check.names:
            found.setdefault(name, {})[check.id] = check
    return found


@dataclass(slots=True)
class PlannedRun(Run):
    """A run that carries out a plan.

    :param checks: the decisions of the plan.
    """

    checks: Checks = field(kw_only=True)
    _after: int = field(init=False, default=0)
    _current: PlannedTransaction | None = field(init=False, default=None)

    def transact(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work* in one write transaction, and keep what became of the plan once it is committed."""
        result = Run.transact(self, work, *args, **kwargs)
        if self._current is not None:
            self.checks.mark(self._current.states)
            self.leaves_some = self.leaves_some or self._current.leaves_some
            self._after = self._current.after
            self._current = None
        return result

    def look_before_writing(self, records: Mapping[RecordId, Key]) -> Collection[RecordId]:
        """Return those that Lark shows as the plan saw them: what a person did since is not overwritten."""
        seen = sightings(self, records, self.lark.table.look_up(list(records)))
        return self.transact(lambda _: self._recognise(seen))

    def _recognise(self, seen: Sequence[Grounds]) -> set[RecordId]:
        if self._current is None:
            raise AssertionError("only a transaction knows what became of the plan")
        return self._current.recognise(seen)

    def _on(self, conn: Connection) -> Transaction:
        # of several attempts the last one counts
        self._current = PlannedTransaction(conn, self.binding, self.run_id, self.checks, self._after)
        return self._current


def tell_changed(report: ApplyReport, checks: Checks) -> None:
    """Tell in *report* which rows of the plan were not found as planned."""
    report.planned, report.changed = checks.count(), checks.count(undone=True)
    report.changed_keys = [cut_key(name) for name in checks.undone(KEYS_SHOWN)]
    if report.changed:
        more = report.changed - len(report.changed_keys)
        report.warnings.append(
            f"{report.changed} of {counted(report.planned, 'row')} changed since planned, and left to the next run: "
            f"{', '.join(report.changed_keys)}{f' and {more} more' if more else ''}"
        )
        if report.status == "ok":
            report.status = "partial"
