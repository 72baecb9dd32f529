"""Deliveries that come in several frames, in any order: kept until they are whole, within limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_lark.core.doors.long_connection.frame import OddFrame

KEPT_SECONDS = 10.0
"""After so long without a further part, Lark has given the delivery up and will send it again; its clients take 5."""

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
"""As much as a request's body may have."""

TOTAL_BYTES_MAX = 16 * 1024 * 1024
PARTS_MAX = 4096


@dataclass(slots=True)
class _Partial:
    total: int
    parts: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    last_at: float = 0.0


class Fragments:
    """The deliveries of one connection of which some parts are still missing.

    Where they would need more than :data:`TOTAL_BYTES_MAX`, those that have waited longest are dropped: Lark sends
    again what is not acknowledged.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Partial] = {}

    @property
    def size(self) -> int:
        """How many bytes are held."""
        return sum(each.size for each in self._open.values())

    def add(self, message_id: str, total: int, number: int, part: bytes, *, now: float) -> bytes | None:
        """Take part *number* (from 0) of *total*, and return the whole if it is complete.

        :raises OddFrame: there can be no such part, or the whole is too long.
        """
        if not message_id or not 0 <= number < total or total > PARTS_MAX:
            raise OddFrame("a frame is a part that cannot be: check its sum, seq and message_id")
        self._expire(now)
        held = self._open.pop(message_id, None)
        if held is None or held.total != total:
            held = _Partial(total)
        held.size += len(part) - len(held.parts.get(number, b""))
        held.parts[number] = part
        held.last_at = now
        if held.size > MESSAGE_BYTES_MAX:
            raise OddFrame(f"a delivery in parts has more than {MESSAGE_BYTES_MAX} bytes")
        if len(held.parts) == total:
            return b"".join(held.parts[each] for each in range(total))
        # the last of the dict is the one that was heard of last
        self._open[message_id] = held
        while self.size > TOTAL_BYTES_MAX:
            del self._open[next(iter(self._open))]
        return None

    def _expire(self, now: float) -> None:
        for message_id in [each for each, held in self._open.items() if now - held.last_at >= KEPT_SECONDS]:
            del self._open[message_id]
