"""The emulated tenant: apps, people, bases and wiki nodes. Tests and control routes build it through this class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.state import schema
from airflow_provider_lark.emulator.state.approvals import Approvals
from airflow_provider_lark.emulator.state.columns import SchemaEditing
from airflow_provider_lark.emulator.state.media import Upload, guess_mime
from airflow_provider_lark.emulator.state.messaging.hooks import Hook, Hooks
from airflow_provider_lark.emulator.state.talks import Talks
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.model import Base, Media, Table

DEFAULT_TIME_ZONE: Final = "Asia/Shanghai"
DEFAULT_ORIGIN: Final = "https://open.feishu.cn"


@dataclass(frozen=True)
class WikiNode:
    """A wiki node that stands for a document, itself or as a shortcut to another node (lark-api §7.3)."""

    node_token: str
    obj_token: str
    obj_type: str
    title: str
    origin_token: str
    """The node that a shortcut leads to; its own token otherwise."""
    members: frozenset[str] | None = None
    """Who may read it: app ids, or open_ids behind user tokens; None: everyone."""

    @property
    def is_shortcut(self) -> bool:
        """Whether it only leads to another node."""
        return self.origin_token != self.node_token


class State(Talks):
    """Everything the tenant holds. Hold :attr:`lock` around anything that reads or changes it."""

    def __init__(self, clock: Clock, switches: Switches, ids: Ids) -> None:
        super().__init__(clock, switches, ids)
        self.origin = DEFAULT_ORIGIN
        """Where links to files lead: the emulator's own address while it runs."""
        self._clear()

    def _clear(self) -> None:
        self.hooks = Hooks(self.clock, self.ids)
        self.approvals = Approvals(self.ids)
        self.bases: dict[str, Base] = {}
        self.wiki_nodes: dict[str, WikiNode] = {}
        self.uploads: dict[str, Upload] = {}
        self.links: dict[str, tuple[Media, float]] = {}
        """Temporary links by their code: the file, and when they end."""

    def reset(self) -> None:
        """Forget everything, apps and people too."""
        with self.lock:
            self._clear_accounts()
            self._clear_talks()
            self._clear()

    def add_webhook(
        self,
        chat_id: str = "",
        *,
        name: str = "Webhook bot",
        secret: str = "",
        keywords: Iterable[str] = (),
        ips: Iterable[str] = (),
    ) -> Hook:
        """Add a webhook bot to a group; its ``url`` is what callers need.

        :param chat_id: empty: a new group.
        :param secret: with which messages must be signed: 19021 otherwise.
        :param keywords: of which a message must hold one: 19024 otherwise.
        :param ips: addresses, ranges and patterns such as ``10.0.0.*`` from which it is used: 19022 from others.
        """
        with self.lock:
            group = chat_id or self.add_chat(name)
            if not self.directory.has_chat(group):
                raise KeyError(group)
            return self.hooks.add(self.origin, group, name, secret=secret, keywords=keywords, ips=ips)

    def set_webhook(self, hook_id: str, *, enabled: bool) -> None:
        """Switch a webhook bot off, or on again: 19007."""
        with self.lock:
            hook = self.hooks.find(hook_id)
            if hook is None:
                raise KeyError(hook_id)
            hook.is_enabled = enabled

    def remove_webhook(self, hook_id: str) -> None:
        """Remove a webhook bot from its group; its address is good for nothing any more: 19001."""
        with self.lock:
            self.hooks.remove(hook_id)

    def add_file(
        self, app_token: str, name: str, mime: str | None = None, size: int = 0, *, content: bytes | str | None = None
    ) -> str:
        """Put a file into a base as if uploaded; returns the file_token for attachment cells.

        :param mime: None: what the ending of *name* stands for.
        :param content: text is encoded as UTF-8; None: *size* zero bytes.
        """
        if isinstance(content, str):
            content = content.encode()
        with self.lock:
            return self.keep_file(self.bases[app_token], name, bytes(size) if content is None else content, mime)

    def keep_file(self, base: Base, name: str, content: bytes, mime: str | None = None) -> str:
        """Keep a file in *base*; returns its token."""
        file = Media(self.ids.file(), name, mime or guess_mime(name), content)
        base.files[file.file_token] = file
        return file.file_token

    def keep_link(self, file: Media, expires: float) -> str:
        """Keep a temporary link to *file*; returns its code."""
        code = self.ids.make("", 32)
        self.links[code] = (file, expires)
        return code

    def add_wiki_node(
        self, obj_token: str, *, obj_type: str = "bitable", title: str = "", members: Iterable[str] | None = None
    ) -> str:
        """Hang a document into the wiki; returns the node_token.

        :param members: app ids that may read the node (others get 131006); None: every app.
        """
        with self.lock:
            token = self.ids.make("wik", 24)
            readers = None if members is None else frozenset(members)
            self.wiki_nodes[token] = WikiNode(token, obj_token, obj_type, title, token, readers)
            return token

    def add_wiki_shortcut(self, node_token: str, *, title: str = "") -> str:
        """Put a shortcut to a wiki node; returns the shortcut's own node_token."""
        with self.lock:
            origin = self.wiki_nodes[node_token]
            token = self.ids.make("wik", 24)
            made = replace(origin, node_token=token, origin_token=origin.origin_token, title=title or origin.title)
            self.wiki_nodes[token] = made
            return token

    def create_base(
        self,
        name: str,
        time_zone: str = DEFAULT_TIME_ZONE,
        *,
        members: Iterable[str] | None = None,
        default_table: bool = False,
        made_by: str | None = None,
    ) -> Base:
        """Create a base.

        :param members: app ids that are collaborators (others get 91403); None: every app.
        :param made_by: the app's open_id when the API creates it; None: a person does.
        :param default_table: with the table, fields and blank rows that a fresh base has (§2.2, §9.18).
        :raises ApiError: 1254800, the time zone is unknown.
        """
        try:
            ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ApiError(1254800, f"unknown time zone {time_zone!r}") from exc
        with self.lock:
            base = Base(self.ids.app_token(), name, time_zone, created_ms=0 if made_by is None else self.now_ms)
            base.members = None if members is None else set(members)
            self.bases[base.app_token] = base
            if default_table:
                schema.add_default_table(self.editing(base, made_by, by_person=made_by is None))
            return base

    def create_table(self, app_token: str, name: str, fields: Sequence[Mapping[str, Any]]) -> Table:
        """Create a table with *fields* in the wire form ``{"field_name", "type", "ui_type"?, "property"?}``."""
        with self.lock:
            base = self.bases[app_token]
            return schema.add_table(self.editing(base, by_person=True), name, fields)

    def editing(self, base: Base, actor: str | None = None, *, by_person: bool = False) -> SchemaEditing:
        """What schema changes of *base* need."""
        switches = self.switches
        return SchemaEditing(
            base,
            self.ids,
            self.now_ms,
            actor or self.person.open_id,
            by_person,
            self.tell,
            keeps_description=switches.update_keeps_description,
            max_field_name=switches.max_field_name,
            far_field_stays=switches.far_field_stays,
        )

    def grant(self, app_token: str, app_id: str) -> None:
        """Add the app to the document."""
        with self.lock:
            base = self.bases[app_token]
            base.members = (base.members or set()) | {app_id}

    def revoke(self, app_token: str, app_id: str) -> None:
        """Remove the app from the document: it gets 91403 (§1.4)."""
        with self.lock:
            base = self.bases[app_token]
            base.members = (set(self.apps) if base.members is None else base.members) - {app_id}

    def set_advanced(self, app_token: str, *, without_rights: Iterable[str] = (), enabled: bool = True) -> None:
        """Turn advanced permissions on; apps *without_rights* read nothing, with success (§2.4, §9.3)."""
        with self.lock:
            base = self.bases[app_token]
            base.is_advanced = enabled
            base.without_rights = set(without_rights) if enabled else set()

    def hide_records(
        self, app_token: str, table_id: str, record_ids: Iterable[str], *, members: Iterable[str] | None = None
    ) -> None:
        """Let row rights hide records: reads leave them out, writes to them are refused (§2.4, §2.9).

        :param members: from whom: app ids, or open_ids behind user tokens; None: from every app and its users.
        """
        with self.lock:
            table = self.table(app_token, table_id)
            table.hidden.update(dict.fromkeys(record_ids, None if members is None else frozenset(members)))

    def show_records(self, app_token: str, table_id: str, record_ids: Iterable[str] | None = None) -> None:
        """Let hidden records be seen again; None: all of the table."""
        with self.lock:
            hidden = self.table(app_token, table_id).hidden
            for record_id in list(hidden) if record_ids is None else record_ids:
                hidden.pop(record_id, None)

    def table(self, app_token: str, table_id: str) -> Table:
        """The table; for tests and person edits.

        :raises KeyError: unknown base or table.
        """
        return self.bases[app_token].tables[table_id]
