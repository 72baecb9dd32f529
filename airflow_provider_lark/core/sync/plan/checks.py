"""The decisions of a plan, by what they rest on: a later run carries out those that it finds as they were."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.sync.plan.database import PlanDatabase, planned_check
from airflow_provider_lark.core.sync.run.grounds import Grounds

State = Literal["planned", "done", "changed"]

_PAGE = 500


_STORED = ("side", "key", "record_id", "fingerprint", "waits")


class Check(NamedTuple):
    """One decision. *key* is empty where the database makes it, *record_id* where there is no record yet."""

    id: int
    side: str
    key: str
    record_id: str
    fingerprint: str
    waits: str
    state: State

    @property
    def names(self) -> set[str]:
        """Under what the row is known to both sides and to the queue."""
        return {name for name in (self.key, self.record_id) if name}


@dataclass(frozen=True, slots=True)
class Checks:
    """The decisions in the plan's own database.

    :param salt: of the fingerprints.
    """

    database: PlanDatabase
    salt: str

    def note(self, conn: Connection, grounds: Iterable[Grounds]) -> None:
        """Keep decisions, in the transaction of *conn*."""
        rows = [
            {
                "side": each.side,
                "key": each.key or "",
                "record_id": each.record_id,
                "fingerprint": each.fingerprint(self.salt),
                "waits": dump_names(each.waits),
            }
            for each in grounds
        ]
        self._add(conn, rows)

    def load(self, rows: Iterable[Sequence[str]]) -> None:
        """Keep decisions that were read from a file, as :meth:`rows` yields them."""
        with self.database.write() as conn:
            some: list[dict[str, str]] = []
            for row in rows:
                some.append(dict(zip(_STORED, row, strict=True)))
                if len(some) == _PAGE:
                    self._add(conn, some)
                    some = []
            self._add(conn, some)

    def rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Yield side, key, record id, fingerprint and the names of columns that are put off, of each."""
        after = 0
        while found := self._page(after, _PAGE):
            for each in found:
                yield each.side, each.key, each.record_id, each.fingerprint, each.waits
            after = found[-1].id

    def among(self, names: Sequence[str]) -> list[Check]:
        """Return the decisions about the rows that are known as one of *names*."""
        found: dict[int, Check] = {}
        with self.database.read() as conn:
            for some in split(names):
                for column in (planned_check.c.key, planned_check.c.record_id):
                    rows = conn.execute(select(planned_check).where(is_among(column, some)))
                    found |= {row.id: Check(*row) for row in rows}
        return list(found.values())

    def open_page(self, after: int, limit: int) -> list[Check]:
        """Return decisions behind *after* that were not found changed."""
        return self._page(after, limit, planned_check.c.state != "changed")

    def mark(self, states: dict[int, State]) -> None:
        """Note what became of decisions, by id."""
        with self.database.write() as conn:
            for state in ("done", "changed"):
                for some in split([id_ for id_, each in states.items() if each == state]):
                    conn.execute(update(planned_check).where(is_among(planned_check.c.id, some)).values(state=state))

    def reset(self) -> None:
        """Forget what became of them: the plan is run once more."""
        with self.database.write() as conn:
            conn.execute(update(planned_check).values(state="planned"))

    def count(self, *, undone: bool = False) -> int:
        """Count the rows of the plan.

        :param undone: only those of which a decision was not carried out.
        """
        with self.database.read() as conn:
            query = select(func.count(func.distinct(_NAME)))
            return int(conn.scalars(query.where(planned_check.c.state != "done") if undone else query).one())

    def undone(self, limit: int) -> list[str]:
        """Return the names of the first rows of which a decision was not carried out."""
        found = select(_NAME).where(planned_check.c.state != "done").group_by(_NAME)
        with self.database.read() as conn:
            return list(conn.scalars(found.order_by(func.min(planned_check.c.id)).limit(limit)))

    def _page(self, after: int, limit: int, *conditions: Any) -> list[Check]:
        page = select(planned_check).where(planned_check.c.id > after, *conditions)
        with self.database.read() as conn:
            return [Check(*row) for row in conn.execute(page.order_by(planned_check.c.id).limit(limit))]

    def _add(self, conn: Connection, rows: Sequence[dict[str, str]]) -> None:
        if rows:
            conn.execute(insert(planned_check).on_conflict_do_nothing(), rows)


def dump_names(names: Sequence[str]) -> str:
    """Write *names* as text; empty where there are none."""
    return json.dumps(sorted(names), ensure_ascii=False) if names else ""


# by the key first: a row whose record is gone is planned to have another one
_NAME = func.coalesce(func.nullif(planned_check.c.key, ""), planned_check.c.record_id)
