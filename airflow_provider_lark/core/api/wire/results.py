"""What the calls return: wire data as TypedDicts (no copy, no check per record), answers as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from airflow_provider_lark.core.api.wire.secret import Secret

UserIdType = Literal["open_id", "union_id", "user_id"]
"""Of which kind a person's id is; a user_id needs a scope of its own."""


class WireRecord(TypedDict):
    """A record as Lark sends it; empty cells are absent from *fields*."""

    record_id: str
    fields: dict[str, Any]
    created_time: NotRequired[int]
    last_modified_time: NotRequired[int]
    created_by: NotRequired[Any]
    last_modified_by: NotRequired[Any]


class WireField(TypedDict):
    """A field as Lark describes it."""

    field_id: str
    field_name: str
    type: int
    ui_type: NotRequired[str]
    property: NotRequired[dict[str, Any] | None]
    is_primary: NotRequired[bool]
    is_hidden: NotRequired[bool]
    description: NotRequired[Any]


@dataclass(frozen=True, slots=True)
class AppInfo:
    """A base. What an answer did not tell is None or False."""

    app_token: str
    name: str
    time_zone: str | None = None
    revision: int | None = None
    is_advanced: bool = False
    default_table_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table of a base."""

    table_id: str
    name: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class ViewInfo:
    """A view of a table. *view_type*: grid, kanban, gallery, gantt or form."""

    view_id: str
    name: str
    view_type: str


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A page of a search. *total*: how many records meet the condition; without one, the size of the table."""

    items: list[WireRecord]
    has_more: bool
    page_token: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class MatrixPage:
    """A page of records of base/v3, whose cells have shapes of their own (lark-api §4.10).

    :param field_ids: to which field each cell of a row belongs; *field_types* how base/v3 calls their types.
    :param rows: the cells of each of *record_ids*.
    :param rev: the revision that the page shows; None where it does not tell.
    :param time_zone: of moments without an offset.
    """

    record_ids: list[str]
    field_ids: list[str]
    field_types: list[str]
    rows: list[list[Any]]
    has_more: bool
    rev: int | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class BatchGet:
    """What a batch_get found, what the app may not see, and what does not exist."""

    records: list[WireRecord]
    forbidden_record_ids: list[str]
    absent_record_ids: list[str]


@dataclass(frozen=True, slots=True)
class ConnectionAddress:
    """Where to open a long connection.

    :param url: good for one connection; it holds a ticket.
    :param service: what names the connection in its frames.
    :param config: the server's ``ClientConfig``, as it came.
    """

    url: Secret
    service: int
    config: object = None


@dataclass(frozen=True, slots=True)
class BotInfo:
    """The app's bot. *activate_status* 2 is: in use."""

    name: str
    open_id: str
    activate_status: int | None


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """What the developer console says of callbacks, such as clicks on cards.

    :param kind: ``webhook``: they go to *request_url*; ``websocket``: over the long connection; empty: neither is set.
    :param subscribed: such as ``card.action.trigger``.
    """

    kind: str
    request_url: str
    subscribed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What the developer console says of an app.

    :param online_version_id: of the released version, None if there is none; *unaudited_version_id* waits for review.
    :param callbacks: None: Lark does not tell.
    """

    name: str
    online_version_id: str | None
    unaudited_version_id: str | None
    callbacks: CallbackSettings | None


@dataclass(frozen=True, slots=True)
class AppVersion:
    """A version of an app. *event_types*: the events that are added to it."""

    version_id: str
    version: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WikiNode:
    """What a wiki node shows: for *obj_type* ``bitable``, *obj_token* is the app_token."""

    obj_token: str
    obj_type: str
    title: str


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user. What the user's scopes do not let the app see is empty or None."""

    open_id: str
    union_id: str | None
    user_id: str | None
    name: str
    en_name: str
    email: str
    enterprise_email: str
    tenant_key: str


@dataclass(frozen=True, slots=True)
class UserGrant:
    """What a user granted. Times are seconds since the epoch.

    :param refresh_expires_at: the token can be renewed until then; None: it cannot, or Lark does not say.
    """

    open_id: str
    name: str
    scopes: tuple[str, ...]
    expires_at: float
    refresh_expires_at: float | None
