"""A Lark Open Platform on localhost, written from the platform's documentation and never from our client.

::

    emulator.py      Emulator: the handle                 control.py   /_emulator/... for other processes
    serving/         a request, arrival to answer          page/        /_emulator/ in a browser: tables, chats, calls
    routes/          the platform's endpoints             state/       what is held and changed of a tenant/
    events/          what apps are told, and how it reaches them      cards/  what is refused about a card
    fieldtypes/      field types, values in and out       codes/  errors.py    what is refused, and how
    wire.py          requests and answers                 formats/     JSON and forms
    faults.py        what goes wrong by script; nearmisses.py carries it out, as does serving/poison.py
    pytest_plugin.py fixtures for tests of DAGs           coverage.py  the page on what is emulated
    limits.py switches.py clock.py ids.py settings.py person.py

"lark-api" and a number in this package mean a section of ``docs/reference/lark-api.md`` or of the pages beside it, and
"the reference" means those pages. A bare § belongs to the document that was named last.
"""

from __future__ import annotations

from airflow_provider_lark.emulator.clock import Clock, ManualClock, SystemClock
from airflow_provider_lark.emulator.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.events.courier import Delivery
from airflow_provider_lark.emulator.faults import Fault
from airflow_provider_lark.emulator.serving.journal import LogEntry
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged

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
