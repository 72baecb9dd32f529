"""The emulator as one object: start it, fill it, inject faults, read what happened."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Final, Self

from airflow_provider_lark.emulator.clicks import Clicks
from airflow_provider_lark.emulator.clock import Clock, SystemClock
from airflow_provider_lark.emulator.control import PREFIX, Control
from airflow_provider_lark.emulator.events.automations import Automations
from airflow_provider_lark.emulator.events.courier import Courier
from airflow_provider_lark.emulator.events.decisions import Decisions
from airflow_provider_lark.emulator.events.sockets import PATH, LongConnections
from airflow_provider_lark.emulator.faults import Faults
from airflow_provider_lark.emulator.formats.jsontext import dump
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.person import Person
from airflow_provider_lark.emulator.serving.dispatch import Dispatch
from airflow_provider_lark.emulator.serving.journal import Journal, LogEntry
from airflow_provider_lark.emulator.serving.server import Server
from airflow_provider_lark.emulator.serving.upgrade import upgrade
from airflow_provider_lark.emulator.serving.visitors import refuse_visitor
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.changes import Announcement
from airflow_provider_lark.emulator.wire import Answer, Cut, Request, Upgrade

DEFAULT_APP_ID: Final = "cli_emulator"
DEFAULT_APP_SECRET: Final = "emulator-secret"  # noqa: S105 - opens nothing but the emulator


class Emulator:
    """A Lark Open Platform on localhost.

    >>> with Emulator() as emu:
    ...     base = emu.state.create_base("Shop")
    ...     table = emu.state.create_table(base.app_token, "areas", [{"field_name": "Name", "type": 1}])
    ...     record_id = emu.person.add_record(base.app_token, table.table_id, {"Name": "a"})
    ...     [record["fields"] for record in emu.person.records(base.app_token, table.table_id)]
    [{'Name': [{'text': 'a', 'type': 'text'}]}]

    :param port: 0 takes a free one.
    :param seed: the same seed gives the same ids.
    :param clock: what it takes for the time; a :class:`ManualClock` in tests.
    :param rate_limits: whether the documented rates are enforced.
    :param allowed_hosts: names beside *host* and localhost under which page and control routes may be asked for.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        seed: int = 0,
        clock: Clock | None = None,
        app_id: str = DEFAULT_APP_ID,
        app_secret: str = DEFAULT_APP_SECRET,
        rate_limits: bool = False,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.app_id = app_id
        self.app_secret = app_secret
        self.switches = Switches()
        self.faults = Faults()
        self.journal = Journal()
        self.state = State(self.clock, self.switches, Ids(seed))
        self.person = Person(self.state)
        self.sockets = LongConnections(self.state, seed)
        self.events = Courier(self.state, Ids(seed + 1), self.sockets)
        self.clicks = Clicks(self.state, Ids(seed + 3), self.sockets)
        self.automations = Automations(self.state)
        self.state.announce = self._announce
        self.decisions = Decisions(self.state, Ids(seed + 2))
        self._rate_limits = self.switches.rate_limits = rate_limits
        self._dispatch = Dispatch(self.state, self.clock, self.faults, self.journal)
        self._control = Control(self)
        self._server: Server | None = None
        self._address = (host, port)
        self._allowed_hosts = allowed_hosts
        self.state.add_app(app_id, app_secret)

    def start(self) -> Self:
        """Listen."""
        self._server = Server(*self._address, self.answer, self._dispatch.refuse, self.clock)
        self._server.start()
        self.state.origin = self.url
        self.events.start()
        self.automations.start()
        return self

    def stop(self) -> None:
        """Close every connection; a stopped emulator keeps its state and may start again."""
        self.events.stop()
        self.automations.stop()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _announce(self, news: Announcement) -> None:
        self.events.announce(news)
        self.automations.announce(news)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: the host to give to a client."""
        if self._server is None:
            msg = "the emulator is not running: use `with Emulator() as emu`"
            raise RuntimeError(msg)
        return f"http://{self._address[0]}:{self._server.server_address[1]}"

    def answer(self, request: Request) -> Answer | Cut | Upgrade:
        """Answer one request, whatever brought it."""
        if request.path == PATH:
            return upgrade(self.sockets, request)
        if f"{request.path}/".startswith(PREFIX):
            refused = refuse_visitor(request, self._address[0], self._allowed_hosts)
            return self._control.answer(request) if refused is None else Answer(403, dump({"error": refused}))
        return self._dispatch.answer(request)

    @property
    def log(self) -> list[LogEntry]:
        """Every platform request so far, oldest first."""
        return self.journal.entries()

    @property
    def messages(self) -> list[Message]:
        """Every message that apps sent, oldest first."""
        with self.state.lock:
            return self.state.messages.sent()

    def counters(self) -> dict[str, int]:
        """Requests by ``"METHOD template"``."""
        return self.journal.counters()

    def expire_tokens(self) -> None:
        """End every issued token now: the next call with one gets 99991663."""
        with self.state.lock:
            self.state.tokens.expire_all()

    def hold_table(self, app_token: str, table_id: str) -> AbstractContextManager[None]:
        """Hold a table as a running write does: writes get 1254291 meanwhile (lark-api §2.8)."""
        return self._dispatch.locks.holding(app_token, table_id)

    def hold_base(self, app_token: str) -> AbstractContextManager[None]:
        """Hold a whole base as a running write does: every write in it gets 1254291 meanwhile (§2.8)."""
        return self._dispatch.locks.holding_base(app_token)

    def lock_base(self, app_token: str, seconds: float) -> None:
        """Let every write in the base get 1254291 for *seconds* of the emulator's clock (§2.8)."""
        self._dispatch.locks.lock_base(app_token, seconds)

    def hold_uploads(self, app_id: str) -> AbstractContextManager[None]:
        """Hold an app's uploads as a running one does: others get 1061045 meanwhile (lark-api §7.4)."""
        return self._dispatch.locks.holding_uploads(app_id)

    def reset(self) -> None:
        """Back to the first state: default app, no bases, faults, log or changed switches."""
        self.state.reset()
        self.faults.clear()
        self.journal.clear()
        self._dispatch.clear()
        self.events.clear()
        self.automations.clear()
        self.decisions.clear()
        self.sockets.clear()
        self.switches.restore()
        self.switches.rate_limits = self._rate_limits
        self.state.add_app(self.app_id, self.app_secret)
