"""The run of a repair: it decides as the repair says, and only about rows that are as the check saw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.side import Side, Values
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.consistency.judge import Seen, digest
from airflow_provider_lark.core.sync.consistency.options import Repair
from airflow_provider_lark.core.sync.consistency.repairs import decide_repair
from airflow_provider_lark.core.sync.decide import PullDecision
from airflow_provider_lark.core.sync.newest import UNKNOWN, Times
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

T = TypeVar("T")
P = ParamSpec("P")

_NOTES: dict[Repair, str] = {
    "sql": "repair: the row was made equal to its record",
    "lark": "repair: the record was made equal to its row",
    "policy": "repair",
    "no": "",
}


class RepairTransaction(Transaction):
    """Carries out what is decided about rows that are as the check saw them.

    :ivar changed: the records whose rows are not, by their ids.
    """

    def __init__(
        self, conn: Connection, binding: Binding, run_id: str, expected: Mapping[str, Seen], note: str
    ) -> None:
        super().__init__(conn, binding, run_id)
        self._expected, self._note = expected, note
        self.changed: set[str] = set()

    def admit(self, decided: Sequence[T], grounds: Callable[[T], Grounds]) -> Sequence[T]:
        """Return the decisions about rows that are as they were; what goes to Lark was decided in SQL before."""
        told = [grounds(each) for each in decided]
        self.changed.update(each.record_id for each in told if not self._is_as_seen(each))
        return [each for each, ground in zip(decided, told, strict=True) if self._is_as_seen(ground)]

    def log(self, lines: Sequence[LogLine]) -> None:
        """Write *lines*, and say that a repair did it."""
        Transaction.log(self, [line if line.detail else line._replace(detail=self._note or None) for line in lines])

    def _is_as_seen(self, ground: Grounds) -> bool:
        if ground.side != "sql":
            return True
        seen = self._expected.get(ground.record_id)
        return seen is not None and seen == Seen(*(digest(values) for values in ground.seen[1:]))


@dataclass(slots=True)
class RepairRun(Run):
    """A run that repairs.

    :param repair: the side that is written to, or ``policy``.
    :ivar expected: what the check saw, by record id.
    :ivar changed: records that were found otherwise.
    """

    repair: Repair = field(kw_only=True)
    expected: dict[str, Seen] = field(init=False, default_factory=dict)
    changed: set[str] = field(init=False, default_factory=set)
    _current: RepairTransaction | None = field(init=False, default=None)

    def decide(
        self,
        *,
        base: Values | None,
        lark: Values | None,
        sql: Values | None,
        times: Times = UNKNOWN,
        resolution: Side | None = None,
        near: Values | None = None,
    ) -> PullDecision:
        """Decide as the repair says."""
        if self.repair == "policy":
            return Run.decide(self, base=base, lark=lark, sql=sql, times=times, resolution=resolution, near=near)
        side: Side = "sql" if self.repair == "sql" else "lark"
        return decide_repair(self.binding.rules, side, base=base, lark=lark, sql=sql, near=near)

    def transact(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work* in one write transaction, and note what was changed since once it is committed."""
        result = Run.transact(self, work, *args, **kwargs)
        if self._current is not None:
            self.changed |= self._current.changed
        return result

    def _on(self, conn: Connection) -> Transaction:
        # of several attempts the last one counts
        note = _NOTES[self.repair]
        self._current = RepairTransaction(conn, self.binding, self.run_id, self.expected, note)
        return self._current
