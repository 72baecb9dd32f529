"""A Lark Open Platform on localhost, written from the platform's documentation and never from our client.

::

    emulator.py      Emulator: the handle
    server.py        sockets and HTTP           wire.py      requests and answers; multipart.py  forms
    dispatch.py      one request, start to end  control.py   /_emulator/... for other processes
    routes/          the platform's endpoints   state/       what the tenant holds
    fieldtypes/      field types, values in and out       events/  what apps are told, and how it reaches them
    page/            /_emulator/ in a browser: tables, chats, calls
    pytest_plugin.py fixtures for tests of DAGs           coverage.py  the page on what is emulated
    faults.py        what goes wrong by script; nearmisses.py and poison.py carry it out
    locks.py limits.py idempotency.py switches.py journal.py clock.py ids.py errors.py codes.py settings.py person.py

"reference §n" in this package means our notes on the platform's public documentation; the sections' subjects:
§1 auth, envelope, limits; §2 Bitable; §3 fields and values; §4 filters and sorts; §5 events; §6 messages; §7 contact,
wiki and media; §11 open points.
"""

from __future__ import annotations

from airflow_provider_lark.emulator.clock import Clock, ManualClock, SystemClock
from airflow_provider_lark.emulator.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.events.courier import Delivery
from airflow_provider_lark.emulator.events.endpoint import Unacknowledged
from airflow_provider_lark.emulator.faults import Fault
from airflow_provider_lark.emulator.journal import LogEntry
from airflow_provider_lark.emulator.state.messages import Message
from airflow_provider_lark.emulator.switches import Switches

__all__ = [
    "DEFAULT_APP_ID",
    "DEFAULT_APP_SECRET",
    "ApiError",
    "Clock",
    "Delivery",
    "Emulator",
    "Fault",
    "LogEntry",
    "ManualClock",
    "Message",
    "Switches",
    "SystemClock",
    "Unacknowledged",
]
