"""How what happens in Lark comes to Airflow: the ways that users can choose, each with the processes that it takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged
from tests.chaos.live.stage import Stage

sys.path.insert(0, str(Path(__file__).parents[3] / "dags" / "demo"))

from components import free_port
from world import EVENT_KEY

RECEIVING: Final = ("webhook", "standalone", "long-connection")
"""HTTP in the api-server, HTTP in a process of its own, and over a connection that that process opens."""


def open_door(by: str, stage: Stage, emulator: Emulator) -> None:
    """Let the emulator's app send events and clicks in one of the ways :data:`RECEIVING`, and wait until it can.

    The last two run in a process ``receiver``.
    """
    if by == "long-connection":
        emulator.state.set_long_connection(emulator.app_id)
        stage.processes.start("receiver", "lark", "receive", "--long-connection")
        stage.wait("the receiver is connected", lambda: emulator.sockets.devices(emulator.app_id), tells=True)
        return
    url = f"{stage.url}/lark/events/lark_default"
    if by == "standalone":
        port = free_port(0)
        stage.processes.start("receiver", "lark", "receive", "--http", f"127.0.0.1:{port}")
        url = f"http://127.0.0.1:{port}/lark_default"
    stage.wait("Lark sends what happens", lambda: _set_urls(emulator, url), tells=True)


def _set_urls(emulator: Emulator, url: str) -> bool:
    try:
        emulator.state.set_event_url(emulator.app_id, url, encrypt_key=EVENT_KEY)
    except Unacknowledged:
        return False
    emulator.state.set_callback_url(emulator.app_id, url, encrypt_key=EVENT_KEY)
    return True


def killed_with(by: str) -> tuple[str, ...]:
    """Return what is killed beside Airflow's own processes."""
    return ("receiver",) if by in ("standalone", "long-connection") else ()
