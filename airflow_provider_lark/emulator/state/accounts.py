"""Apps and people: who may ask, in whose name, and what apps are told (lark-api §1.2, §1.3, §5.1)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import NAMESPACE_OID, uuid5

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.state.grants import Grants
from airflow_provider_lark.emulator.state.tokens import Tokens
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.changes import Announce, Change, Subscriptions, TicketMade, tell_nobody
from airflow_provider_lark.emulator.tenant.chats import Chats
from airflow_provider_lark.emulator.tenant.directory import Directory, User
from airflow_provider_lark.emulator.tenant.endpoint import Endpoint
from airflow_provider_lark.emulator.tenant.long_connection import LongConnection

CallbackKind = Literal["new", "old"]
"""``card.action.trigger``, or the one before it, which is signed otherwise and not encrypted (lark-api §5.4)."""
TENANT_KEY: Final = "2ed263bf32cf1651"
TICKET_SECONDS: Final = 3600
_TICKETS_KEPT: Final = 2


@dataclass
class App:
    """An app of the developer console, with its settings there."""

    app_id: str
    app_secret: str = field(repr=False)
    name: str
    open_id: str
    scopes: frozenset[str] | None = None
    """Granted API scopes; None: all."""
    kind: Literal["self_built", "store"] = "self_built"
    tenants: set[str] = field(default_factory=set)
    """Tenants that installed a store app."""
    tickets: list[str] = field(default_factory=list, repr=False)
    """The app_tickets that are taken, newest last."""
    next_ticket: float = 0.0
    redirect_uris: frozenset[str] | None = None
    """Where a login may lead; None: anywhere."""
    available_to: frozenset[str] | None = None
    """open_ids of those who may use it; None: everyone."""
    is_enabled: bool = True
    has_bot: bool = True
    is_released: bool = True
    """Whether a version of it is online; its settings say which (lark-api §5.1)."""
    endpoint: Endpoint | None = field(default=None, repr=False)
    long_connection: LongConnection | None = None
    """What comes over it in place of a request URL; None: nothing does."""
    callback: Endpoint | None = field(default=None, repr=False)
    """Where clicks on its cards go; None: they are switched off in the console."""
    callback_kinds: tuple[CallbackKind, ...] = ("new",)

    @property
    def version_id(self) -> str:
        """Of its only version."""
        return f"oav_{uuid5(NAMESPACE_OID, self.app_id).hex}"

    @property
    def event_types(self) -> frozenset[str]:
        """The events added to it in the console, whichever way they go."""
        if self.long_connection is not None and self.long_connection.takes_events:
            return self.long_connection.event_types
        return frozenset() if self.endpoint is None else self.endpoint.event_types

    @property
    def wants_tickets(self) -> bool:
        """Whether app_tickets are pushed to it by the hour."""
        return self.kind == "store" and self.endpoint is not None and self.is_enabled

    def serves(self, open_id: str) -> bool:
        """Whether the person is in its range of availability."""
        return self.available_to is None or open_id in self.available_to


class Accounts:
    """The part of the tenant that is apps and people. Hold :attr:`lock` around anything that reads or changes it."""

    def __init__(self, clock: Clock, switches: Switches, ids: Ids) -> None:
        self.clock = clock
        self.switches = switches
        self.ids = ids
        self.lock = threading.RLock()
        self.tenant_key = TENANT_KEY
        """The emulated tenant: its people and documents; a store app may serve others beside it."""
        self.announce: Announce = tell_nobody
        """Called with each change of a file that is subscribed to or has automations, and each app_ticket."""
        self._clear_accounts()

    def _clear_accounts(self) -> None:
        self.tokens = Tokens(self.clock, self.ids)
        self.grants = Grants(self.clock, self.ids, self.tokens, self.tenant_key)
        self.directory = Directory(self.ids, self.switches, Chats(self.clock, self.ids))
        self.subscriptions = Subscriptions()
        self.apps: dict[str, App] = {}
        self.connection_tickets: dict[str, str] = {}
        """Apps by the ticket with which one client may open a long connection."""
        self.person = self.directory.add_user("Person")
        """The default person, who edits and logs in."""

    @property
    def now_ms(self) -> int:
        """The clock's time in ms."""
        return int(self.clock.now() * 1000)

    def tell(self, change: Change) -> None:
        """Tell those who subscribed to the base, and its automations, what changed in it."""
        if change.base.workflows or self.subscriptions.of(change.base.app_token):
            self.announce(change)

    def add_app(
        self,
        app_id: str,
        app_secret: str,
        scopes: Iterable[str] | None = None,
        *,
        name: str = "Emulated app",
        kind: Literal["self_built", "store"] = "self_built",
    ) -> App:
        """Register an app; *scopes* None grants all. A store app is installed in the tenant at once."""
        if kind not in {"self_built", "store"}:
            msg = f"an app must be self_built or store, not {kind!r}"
            raise ValueError(msg)
        with self.lock:
            bot = self.directory.add_app(name)
            granted = None if scopes is None else frozenset(scopes)
            app = App(app_id, app_secret, name, bot.open_id, granted, kind)
            if kind == "store":
                app.tenants.add(self.tenant_key)
            self.apps[app_id] = app
            return app

    def set_app(self, app_id: str, **settings: Any) -> App:
        """Change an app's settings in the console.

        :param settings: ``enabled``, ``bot`` (whether it has one), ``released`` (whether a version is online),
            ``redirect_uris`` and ``available_to`` (lists, None for any), ``scopes`` (a list, None for all),
            ``tenants`` (of a store app).
        """
        known: dict[str, tuple[str, Any]] = {
            "enabled": ("is_enabled", bool),
            "bot": ("has_bot", bool),
            "released": ("is_released", bool),
            "redirect_uris": ("redirect_uris", _frozen),
            "available_to": ("available_to", _frozen),
            "scopes": ("scopes", _frozen),
            "tenants": ("tenants", set),
        }
        unknown = sorted(set(settings) - set(known))
        if unknown:
            msg = f"unknown settings {unknown} of an app; known: {sorted(known)}"
            raise ValueError(msg)
        with self.lock:
            app = self.apps[app_id]
            for name, value in settings.items():
                attribute, form = known[name]
                setattr(app, attribute, form(value))
            return app

    def set_event_url(
        self,
        app_id: str,
        url: str,
        *,
        encrypt_key: str = "",
        verification_token: str = "",
        event_types: Iterable[str] | None = None,
        verify: bool = True,
    ) -> App:
        """Give an app its request URL, as the console does: the URL must answer a challenge (§5.3).

        :param event_types: the events added to the app; None: both Bitable ones.
        :param verify: whether the challenge is sent; without it the URL may still be down.
        :raises Unacknowledged: the challenge did not come back; nothing is kept.
        """
        types = {} if event_types is None else {"event_types": frozenset(event_types)}
        endpoint = Endpoint(url, encrypt_key, verification_token, **types)
        with self.lock:
            app = self.apps[app_id]
        if verify:
            # not under the lock: the app may ask the platform something before it answers
            endpoint.verify(self.ids, timeout_seconds=self.switches.challenge_seconds)
        with self.lock:
            app.endpoint = endpoint
            if app.long_connection is not None:
                app.long_connection = replace(app.long_connection, takes_events=False)
            app.next_ticket = self.clock.now() + TICKET_SECONDS
        return app

    def set_long_connection(
        self,
        app_id: str,
        *,
        events: bool = True,
        callbacks: bool = True,
        event_types: Iterable[str] | None = None,
    ) -> App:
        """Let an app get its events over a long connection, as the console does in place of a request URL (§5.5).

        :param events: whether events come over it; the request URL gets none any more.
        :param callbacks: whether clicks on cards do.
        :param event_types: the events added to the app; None: both Bitable ones.
        """
        types = {} if event_types is None else {"event_types": frozenset(event_types)}
        with self.lock:
            app = self.apps[app_id]
            app.long_connection = LongConnection(takes_events=events, takes_callbacks=callbacks, **types)
            if events:
                app.endpoint = None
            return app

    def set_callback_url(
        self,
        app_id: str,
        url: str,
        *,
        encrypt_key: str = "",
        verification_token: str = "",
        kinds: Iterable[CallbackKind] = ("new",),
        verify: bool = True,
    ) -> App:
        """Let clicks on an app's cards go to *url*, as the console does beside the address of events (§5.4).

        :param url: empty: nowhere; people see 200340.
        :param kinds: the callbacks that are subscribed; with both, each click comes twice.
        :param verify: whether the challenge is sent; without it the URL may still be down.
        :raises Unacknowledged: the challenge did not come back; nothing is kept.
        """
        wanted = tuple(kinds)
        if not wanted or not set(wanted) <= {"new", "old"}:
            msg = f"kinds of callbacks must be new or old, not {list(wanted)!r}"
            raise ValueError(msg)
        endpoint = Endpoint(url, encrypt_key, verification_token) if url else None
        with self.lock:
            app = self.apps[app_id]
        if endpoint is not None and verify:
            endpoint.verify(self.ids, timeout_seconds=self.switches.challenge_seconds)
        with self.lock:
            app.callback, app.callback_kinds = endpoint, wanted
        return app

    def push_ticket(self, app_id: str) -> str:
        """Make a new app_ticket and send it to the app's request URL; the one before is taken too."""
        with self.lock:
            app = self.apps[app_id]
            ticket = self.ids.make("", 32)
            app.tickets = [*app.tickets, ticket][-_TICKETS_KEPT:]
            app.next_ticket = self.clock.now() + TICKET_SECONDS
            self.announce(TicketMade(app_id, ticket))
            return ticket

    def add_user(self, name: str, email: str = "", mobile: str = "", *, en_name: str = "") -> User:
        """Register a person who may stand in user fields, log in and be looked up."""
        with self.lock:
            return self.directory.add_user(name, email, mobile, en_name=en_name)

    def add_department(self, name: str, members: Iterable[str] = (), *, parent_id: str = "0") -> str:
        """Register a department, and return its open_department_id.

        :param members: open_ids of those directly in it.
        :param parent_id: the open_department_id of the one above; ``0``: the root.
        """
        with self.lock:
            return self.directory.add_department(name, members, parent_id).open_department_id

    def add_user_group(self, name: str, people: Iterable[str] = (), *, departments: Iterable[str] = ()) -> str:
        """Register a user group of people (open_ids) and departments (``od-…``), and return its id."""
        with self.lock:
            return self.directory.add_user_group(name, people, departments).group_id

    def resign(self, open_id: str) -> None:
        """Let a person leave the company: no login, no messages, found only with ``include_resigned``."""
        with self.lock:
            self.directory.resign(open_id)

    def revoke_consent(self, app_id: str, open_id: str) -> None:
        """Let a person withdraw what was allowed to the app: its user tokens end (20064, 99991677)."""
        with self.lock:
            self.grants.revoke(app_id, open_id)


def _frozen(values: Iterable[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
