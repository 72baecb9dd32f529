"""A Lark Open Platform on localhost, written from the platform's documentation and never from our client.

::

    emulator.py      Emulator: the handle
    server.py        sockets and HTTP           wire.py      requests and answers; multipart.py  forms
    dispatch.py      one request, start to end  control.py   /_emulator/... for other processes
    routes/          the platform's endpoints   state/       what the tenant holds
    fieldtypes/      field types, values in and out       events/  what apps are told, and how it reaches them
    page/            /_emulator/ in a browser: tables, chats, calls           visitors.py  which browsers may ask for it
    pytest_plugin.py fixtures for tests of DAGs           coverage.py  the page on what is emulated
    faults.py        what goes wrong by script; nearmisses.py and poison.py carry it out
    locks.py limits.py idempotency.py switches.py journal.py clock.py ids.py errors.py codes.py settings.py person.py

"lark-api" and a number in this package mean a section of ``docs/reference/lark-api.md`` or of the pages beside it, and
"the reference" means those pages. A bare § belongs to the document that was named last.
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
