"""Where the engine is attacked: an emulator that cuts its pages short, a clock that jumps, and two hands that edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.wire import Answer, Cut, Request
from tests.clocks import JumpingClock
from tests.sync.world import FIELDS, World, people

Hook = Callable[[Request], object]


def with_session(engine: Engine, statements: Sequence[str]) -> Engine:
    """Let every connection begin with *statements*, as a user's own settings would."""

    def begin(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    if statements:
        # before the engine's own settings, which come on top of the user's
        event.listen(engine, "connect", begin, insert=True)
    return engine


class Arena(Emulator):
    """An emulator with hands on every request.

    :ivar page_size: what every search is cut to, whatever the client asks for.
    :ivar before: called before a request is carried out; True cuts the connection instead.
    :ivar after: called when the effects are there but nobody knows; True cuts the connection.
    :ivar retell: makes another answer of the true one.
    """

    page_size: int | None = None
    before: Hook | None = None
    after: Hook | None = None
    retell: Callable[[Request, Answer | Cut], Answer | Cut] | None = None

    def answer(self, request: Request) -> Answer | Cut:
        if self.page_size is not None and request.path.endswith("/search"):
            request.query["page_size"] = str(self.page_size)
        if self.before is not None and self.before(request):
            return Cut()
        result = super().answer(request)
        if self.after is not None and self.after(request):
            return Cut()
        return result if self.retell is None else self.retell(request, result)

    def calm(self) -> None:
        """Forget hooks, faults and switches."""
        self.before = self.after = self.retell = None
        self.faults.clear()
        self.switches.restore()


class ChaosWorld(World):
    """The world of the ordinary sync tests, on the clock of the arena."""

    clock: JumpingClock
    #: statements with which each of its connections begins
    session: Sequence[str] = ()

    def let_time_pass(self, seconds: float = 120.0) -> None:
        """Let backoffs end on both clocks: the database's own cannot be moved, so what waits for it is told to go."""
        self.clock.sleep(seconds)
        self.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")

    def unsettled(self) -> list[Any]:
        """What still waits, or was given up."""
        return list(
            self.ask("SELECT record_id, operation, status, error_message FROM sync_queue WHERE status <> 'completed'")
        )

    def keys_in_lark(self) -> list[Any]:
        return [record.get("Code") for record in self.records()]


@contextmanager
def open_world(engine: Engine, arena: Arena, clock: JumpingClock, *, max_attempts: int = 3) -> Iterator[ChaosWorld]:
    """Make both tables, and take the SQL one away afterwards."""
    base = arena.state.create_base("Shop")
    lark = arena.state.create_table(base.app_token, "people", FIELDS)
    table = people(engine)
    table.create(engine)
    try:
        with LarkClient(
            arena.app_id, arena.app_secret, arena.url, clock=clock, rate_share=None, max_attempts=max_attempts
        ) as client:
            world = ChaosWorld(arena, engine, client, base.app_token, lark.table_id, table, clock)
            yield world
    finally:
        arena.calm()
        arena.page_size = None
        table.drop(engine)
