"""Bases, tables, fields, records and views as they are held; records are replaced, never changed in place."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from airflow_provider_lark.emulator.tenant.kinds import READ_ONLY
from airflow_provider_lark.emulator.tenant.workflows import Workflow

Cells = dict[str, Any]
"""field_id to the held value; an empty cell has no entry."""
UserIdType = Literal["open_id", "union_id", "user_id"]


@dataclass
class Field:
    """A column: cells hang on ``field_id``, so that a rename moves nothing (lark-api §9.31)."""

    field_id: str
    name: str
    type: int
    ui_type: str
    settings: dict[str, Any] | None = None
    """``property`` on the wire."""
    is_primary: bool = False
    is_hidden: bool = False
    description: str = ""
    created_ms: int = 0

    @property
    def is_read_only(self) -> bool:
        """Whether record writes may not name it (§3.4)."""
        return self.type in READ_ONLY

    @property
    def options(self) -> list[dict[str, Any]]:
        """The options of a select field, the live list."""
        options: list[dict[str, Any]] = (self.settings or {}).get("options", [])
        return options


@dataclass(slots=True)
class Record:
    """One version of a record."""

    record_id: str
    cells: Cells
    serial: int
    created_ms: int
    modified_ms: int
    created_by: str
    modified_by: str
    # what the last read made of it: (tag, fields by name); dies with this version
    rendered: tuple[Any, dict[str, Any]] | None = field(default=None, compare=False, repr=False)

    def edited(self, cells: Cells, modified_ms: int, modified_by: str) -> Record:
        """The next version."""
        return Record(self.record_id, cells, self.serial, self.created_ms, modified_ms, self.created_by, modified_by)


@dataclass
class View:
    """A view: name, type and property, of which the filter selects (§2.2)."""

    view_id: str
    name: str
    type: str = "grid"
    property: dict[str, Any] | None = None
    created_ms: int = 0


@dataclass(frozen=True)
class Version:
    """One change of a record; None: it was not there before, or is not any more."""

    revision: int
    at_ms: int
    actor: str
    before: Cells | None
    after: Cells | None


@dataclass
class Table:
    """A table with its records in the order of their creation."""

    table_id: str
    name: str
    fields: list[Field] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    revision: int = 1
    schema_version: int = 1
    next_serial: int = 1
    created_ms: int = 0
    # versions that lagging readers may still see: record_id -> [(replaced at, version or None)]
    history: dict[str, list[tuple[int, Record | None]]] = field(default_factory=dict)
    # the version before the last change, of those that changed last: record_id -> (revision, version or None)
    replaced: OrderedDict[str, tuple[int, Record | None]] = field(default_factory=OrderedDict, repr=False)
    # what was changed when by whom, of those that changed last: record_id -> versions, the oldest first
    versions: OrderedDict[str, list[Version]] = field(default_factory=OrderedDict, repr=False)
    # records that row rights hide: record_id -> from whom (app ids, open_ids); None: from every app
    hidden: dict[str, frozenset[str] | None] = field(default_factory=dict)
    searches: dict[Any, tuple[int, list[Record]]] = field(default_factory=dict, repr=False)

    def hides(self, record_id: str, member_id: str) -> bool:
        """Whether row rights hide the record from the caller (§2.4 ``forbidden_record_ids``)."""
        if record_id not in self.hidden:
            return False
        members = self.hidden[record_id]
        return members is None or member_id in members

    def field_named(self, name: str) -> Field | None:
        """The field of that name; leading and trailing blanks do not count (§2.5)."""
        wanted = name.strip()
        return next((each for each in self.fields if each.name == wanted), None)

    def field_by_id(self, field_id: str) -> Field | None:
        """The field of that id."""
        return next((each for each in self.fields if each.field_id == field_id), None)

    def touch_schema(self) -> None:
        """Note that fields or options changed: what was rendered or sorted is stale."""
        self.schema_version += 1
        self.revision += 1
        self.searches.clear()


@dataclass(frozen=True)
class Media:
    """A file in a base (§7.4)."""

    file_token: str
    name: str
    mime: str
    content: bytes = field(repr=False)

    def describe(self) -> dict[str, Any]:
        """The members that an attachment cell shows of it (§3.2)."""
        return {"file_token": self.file_token, "name": self.name, "type": self.mime, "size": len(self.content)}


@dataclass
class Base:
    """A base (document) with its tables and who may use it."""

    app_token: str
    name: str
    time_zone: str
    tables: dict[str, Table] = field(default_factory=dict)
    revision: int = 1
    is_advanced: bool = False
    members: set[str] | None = None
    """Collaborators: app ids, and open_ids of people behind user tokens; None: everyone."""
    without_rights: set[str] = field(default_factory=set)
    """Those of them that advanced permissions leave with nothing."""
    files: dict[str, Media] = field(default_factory=dict)
    workflows: dict[str, Workflow] = field(default_factory=dict)
    created_ms: int = 0
    copied_ms: int = 0
    """When the copying that made it is done (§2.8)."""

    def leaves_out(self, member_id: str) -> bool:
        """Whether advanced permissions leave the caller with nothing (§9.3)."""
        return self.is_advanced and member_id in self.without_rights

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which filters cut days (§4.4)."""
        return ZoneInfo(self.time_zone)
