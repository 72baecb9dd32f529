"""One call at a time, among all clients of this process: writes to a base, of which Lark refuses a second (1254291),
and reading the names of chats.
"""

from __future__ import annotations

from threading import Lock

LONGEST_WAIT_SECONDS = 60.0
"""After that a call goes all the same; Lark refuses a write, if it has to, and it is sent again."""

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.5
# waits between two looks, doubling


class NamedLocks:
    """Who holds what, safe to share between threads and event loops."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders: dict[str, object] = {}

    def acquire(self, name: str) -> object | None:
        """Take the lock *name* and return what gives it back; None while another call has it."""
        with self._lock:
            if name in self._holders:
                return None
            holder = object()
            self._holders[name] = holder
            return holder

    def release(self, name: str, holder: object) -> None:
        """Give a lock back."""
        with self._lock:
            if self._holders.get(name) is holder:
                del self._holders[name]


LOCKS = NamedLocks()
"""Of this process: a base is locked by Lark, so it does not matter which app writes."""
