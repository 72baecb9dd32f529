"""Other programs' transactions, which are open while the engine's are: their locks meet, and somebody loses."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

Outcome = Literal["committed", "rolled back", "lost"]
Step = Callable[[Connection], None]

#: how long a rival waits for the engine to come as far as it wants; it then goes on, because the engine may wait for it
PATIENCE_SECONDS = 0.05
#: longer than any lock may be waited for
ENDLESS_SECONDS = 120.0
_TURNS = itertools.count(1)


class Pace:
    """Counts the statements of an engine's runs, so that others can act in the middle of its transactions."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._statements = 0
        self._is_over = False

    @contextmanager
    def counted(self, engine: Engine) -> Iterator[None]:
        """Count what *engine* executes inside; afterwards nobody waits any more."""
        event.listen(engine, "before_cursor_execute", self._count)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", self._count)
            with self._moved:
                self._is_over = True
                self._moved.notify_all()

    def wait_for(self, statement: int) -> None:
        """Wait until that statement, the end, or until patience ends while the engine does not move at all."""
        with self._moved:
            while self._statements < statement and not self._is_over:
                before = self._statements
                self._moved.wait(PATIENCE_SECONDS)
                if self._statements == before:
                    return

    def _count(self, *_: Any) -> None:
        with self._moved:
            self._statements += 1
            self._moved.notify_all()


class Rival(threading.Thread):
    """One transaction of another program.

    :param steps: what it does, each as soon as the engine has come to the statement of that number.
    :param commits: whether it ends well by its own will.
    :ivar turn: orders the commits of those that met at a row.
    :ivar outcome: what became of it; ``lost`` when it was the victim of a deadlock, or got no lock.
    """

    def __init__(self, engine: Engine, pace: Pace, steps: Sequence[tuple[int, Step]], *, commits: bool) -> None:
        super().__init__(daemon=True)
        self._engine, self._pace, self._steps, self._commits = engine, pace, steps, commits
        self.outcome: Outcome = "rolled back"
        self.turn = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with self._engine.connect() as conn:
                for statement, step in self._steps:
                    self._pace.wait_for(statement)
                    step(conn)
                if self._commits:
                    # while its locks are held: whoever waits for one of its rows comes later
                    self.turn = next(_TURNS)
                    conn.commit()
                    self.outcome = "committed"
        except DBAPIError:
            self.outcome = "lost"
        except BaseException as error:  # noqa: BLE001  # shown by whoever joins this thread
            self.error = error

    def end(self) -> Outcome:
        """Wait until the transaction is over.

        :raises AssertionError: it still hangs, because the engine holds a lock for ever.
        """
        self.join(ENDLESS_SECONDS)
        assert not self.is_alive(), "another program's transaction hangs behind the engine's locks"
        if self.error is not None:
            raise self.error
        return self.outcome
