"""The emulator as its control routes and its page see it: what they read, and what they may trigger."""

from __future__ import annotations

from typing import Protocol

from airflow_provider_lark.emulator.clicks import Clicks
from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.events.automations import Automations
from airflow_provider_lark.emulator.events.courier import Courier
from airflow_provider_lark.emulator.events.decisions import Decisions
from airflow_provider_lark.emulator.events.sockets import LongConnections
from airflow_provider_lark.emulator.faults import Faults
from airflow_provider_lark.emulator.person import Person
from airflow_provider_lark.emulator.serving.journal import Journal
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.switches import Switches


class Handle(Protocol):
    """What :class:`.Emulator` is, its server apart."""

    clock: Clock
    switches: Switches
    faults: Faults
    journal: Journal
    state: State
    person: Person
    events: Courier
    automations: Automations
    decisions: Decisions
    sockets: LongConnections
    clicks: Clicks

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    @property
    def messages(self) -> list[Message]:
        """Every message that apps sent, oldest first."""
        ...

    def counters(self) -> dict[str, int]:
        """Requests by ``"METHOD template"``."""
        ...

    def expire_tokens(self) -> None:
        """End every issued token now."""
        ...

    def lock_base(self, app_token: str, seconds: float) -> None:
        """Let every write in the base be refused for *seconds*."""
        ...

    def reset(self) -> None:
        """Back to the first state."""
        ...
