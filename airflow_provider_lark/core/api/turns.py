"""One write at a time in a base, among all clients of this process: Lark refuses a second one (1254291)."""

from __future__ import annotations

from threading import Lock

LONGEST_WAIT_SECONDS = 60.0
"""After that a write goes all the same; Lark refuses it, if it has to, and it is sent again."""

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.5
# waits between two looks, doubling


class Turns:
    """Who writes to which base, safe to share between threads and event loops."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: dict[str, object] = {}

    def take(self, base: str) -> object | None:
        """Take the turn in *base* and return what gives it back; None while another write has it."""
        with self._lock:
            if base in self._taken:
                return None
            turn = object()
            self._taken[base] = turn
            return turn

    def give(self, base: str, turn: object) -> None:
        """End a turn."""
        with self._lock:
            if self._taken.get(base) is turn:
                del self._taken[base]


TURNS = Turns()
"""Of this process: the lock is Lark's, so it does not matter which app writes."""
