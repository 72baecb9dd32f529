"""Another program that receives for the same app: it takes events, acknowledges them, and does nothing with them."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from airflow_provider_lark.core.doors.long_connection.session import Session, Timings
from airflow_provider_lark.emulator import Emulator


class Thief:
    """One long connection, until :meth:`stop` or until it is cut off."""

    def __init__(self, emu: Emulator) -> None:
        self.taken: set[str] = set()
        """Ids of the events that it acknowledged."""
        asked = {"AppID": emu.app_id, "AppSecret": emu.app_secret}
        told: Any = httpx.post(f"{emu.url}/callback/ws/endpoint", json=asked, timeout=60).json()
        self._socket = connect(told["data"]["URL"], ping_interval=None, compression=None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        session = Session(0, Timings(), now=0.0)
        with suppress(ConnectionClosed):
            while True:
                message = self._socket.recv()
                arrival = session.receive(message if isinstance(message, bytes) else message.encode(), now=0.0)
                if arrival is not None:
                    self._socket.send(arrival.answer(is_taken=True))
                    # not before: what it could not acknowledge comes again, perhaps to us
                    self.taken.add(json.loads(arrival.payload)["header"]["event_id"])

    def stop(self) -> None:
        """Disconnect."""
        self._socket.close()
        self._thread.join(60)
