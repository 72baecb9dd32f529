"""One long connection, what may go wrong with it, and what is counted of all (lark-api §5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from airflow_provider_lark.emulator.events import frames
from airflow_provider_lark.emulator.events.frames import Frame

REFUSALS: Final[dict[str, tuple[int, str, int]]] = {
    "forbidden": (403, "Forbidden", 0),
    "too_many": (514, "the number of connections exceeded the limit", 1000040350),
    "auth": (514, "AuthFailed", 1000040345),
    "busy": (1, "system busy", 0),
}
"""handshake-status, handshake-msg and handshake-autherrcode by the names of :attr:`SocketFaults.handshake`."""


class Link(Protocol):
    """The way to a client that is connected."""

    def send(self, message: bytes) -> None:
        """Send one message.

        :raises OSError: the client is gone.
        """
        ...

    def close(self) -> None:
        """Cut it off."""
        ...


@dataclass
class SocketFaults:
    """What goes wrong with long connections; also while clients are connected."""

    handshake: Literal["", "forbidden", "too_many", "auth", "busy"] = ""
    """Why new connections are refused at the handshake."""
    half_open: bool = False
    """New connections are accepted, but get nothing; :meth:`LongConnections.silence` does that to existing ones."""
    loses_every: int = 0
    """Every n-th event is dropped, though it counts as delivered; 0: none."""
    drops_every: int = 0
    """Every n-th event is not sent, and the connection is closed instead; it is sent again in time; 0: none."""
    loses_pongs_every: int = 0
    """Every n-th ping is not answered; 0: none."""
    ends_at_once: bool = False
    """New connections are closed as soon as they are made."""


@dataclass
class Tally:
    """How often what has happened, over all apps since the start."""

    connects: int = 0
    refused: int = 0
    pings: int = 0
    sent: int = 0
    """Events and callbacks; one that is sent again counts again."""
    acked: int = 0
    failed: int = 0
    """Answered with another code than 200."""
    unanswered: int = 0
    """Without an answer in time, or sent over a connection that ended."""
    late: int = 0
    """Answers that came too late, or twice."""
    lost: int = 0
    """Events that were dropped though they count as delivered."""
    malformed: int = 0


@dataclass(eq=False)
class Connection:
    """One client that is connected."""

    app_id: str
    device_id: str
    link: Link | None = field(default=None, repr=False)
    is_silent: bool = False

    def tell(self, frame: Frame) -> None:
        """Send a frame; a client that is gone gets nothing."""
        if self.link is not None and not self.is_silent:
            try:
                self.link.send(frames.write(frame))
            except OSError:
                self.link.close()
