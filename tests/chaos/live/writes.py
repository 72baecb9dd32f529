"""Which writes to Bitable were under way when, as Lark saw it: whether two were ever in one base at once."""

from __future__ import annotations

import math
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.wire import Answer, Cut, Request, Upgrade

_RECORDS = re.compile(r"/bitable/v1/apps/([^/]+)/tables/([^/]+)/records(?!/search|/batch_get)")


@dataclass(eq=False)
class Write:
    """A call that writes records, from its arrival to its answer, in seconds since the epoch.

    :param code: of the answer; -1 while there is none.
    :param is_held: it waits for :meth:`WatchedEmulator.holding` to end.
    """

    app_token: str
    table_id: str
    start: float
    end: float = math.inf
    code: int = -1
    is_held: bool = False


class WatchedEmulator(Emulator):
    """An emulator that remembers its writes. It carries one out also after its sender has died, as Lark does."""

    def __init__(self) -> None:
        super().__init__(rate_limits=True)
        # the strictest that Lark is known for: a write excludes all others in its base
        self.switches.lock_whole_base = True
        self._writes: list[Write] = []
        self._watch = threading.Lock()
        self._gate = threading.Event()
        self._is_held: Callable[[str], bool] = lambda _table_id: False

    def answer(self, request: Request) -> Answer | Cut | Upgrade:
        """Answer one request, and remember when."""
        found = _RECORDS.search(request.path) if request.method != "GET" else None
        if found is None:
            return super().answer(request)
        write = Write(found[1], found[2], self.clock.now())
        with self._watch:
            self._writes.append(write)
        if self._is_held(write.table_id):
            write.is_held = True
            self._gate.wait()
        given = super().answer(request)
        write.code = given.code if isinstance(given, Answer) else 0
        write.end = self.clock.now()
        return given

    @contextmanager
    def holding(self, is_held: Callable[[str], bool]) -> Iterator[None]:
        """Let no write that comes to certain tables be carried out, or answered, before the block ends.

        :param is_held: whether a table, by its id, is one of them.
        """
        self._gate.clear()
        self._is_held = is_held
        try:
            yield
        finally:
            self._is_held = lambda _table_id: False
            self._gate.set()

    @property
    def writes(self) -> list[Write]:
        """All so far, in order of arrival."""
        with self._watch:
            return [*self._writes]

    def under_way(self, table_ids: Collection[str]) -> list[Write]:
        """Return the writes to some tables that have no answer yet."""
        return [each for each in self.writes if math.isinf(each.end) and each.table_id in table_ids]


def find_meetings(writes: Sequence[Write]) -> list[tuple[Write, Write]]:
    """Return the writes that came while another one of their base was under way, each behind that one."""
    found: list[tuple[Write, Write]] = []
    by_base: dict[str, list[Write]] = defaultdict(list)
    for write in sorted(writes, key=lambda each: each.start):
        last = by_base[write.app_token]
        last[:] = [each for each in last if each.end > write.start]
        found += [(each, write) for each in last]
        last.append(write)
    return found
