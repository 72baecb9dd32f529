"""An app's choice in the console to get events or callbacks over a long connection, and the timings for its clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.endpoint import FIELD_CHANGED, RECORD_CHANGED


@dataclass(frozen=True)
class LongConnection:
    """What of an app comes over its long connection (lark-api §5.5).

    :param event_types: the events added to the app in the console (§5.1, step a).
    :param takes_events: whether events do.
    :param takes_callbacks: whether clicks on cards do; the console has a setting of its own for them.
    """

    event_types: frozenset[str] = frozenset({RECORD_CHANGED, FIELD_CHANGED})
    takes_events: bool = True
    takes_callbacks: bool = True


def client_config(switches: Switches) -> dict[str, Any]:
    """The timings as clients are told them, in seconds."""
    return {
        "ReconnectCount": switches.reconnect_count,
        "ReconnectInterval": switches.reconnect_seconds,
        "ReconnectNonce": switches.reconnect_jitter_seconds,
        "PingInterval": switches.ping_seconds,
    }
