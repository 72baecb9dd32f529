"""One Bitable table: whatever reads or writes its records or asks for its fields does so here.

Values are Lark's own ("wire") throughout. Above it lie :class:`.BitableStore`, which speaks in canonical values by
column, and :class:`.RecordTable`, which speaks in plain values by field name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.limits import BATCH_DELETE_MAX, BATCH_GET_MAX, SEARCH_PAGE_MAX
from airflow_provider_lark.core.api.wire.results import RecordPage, WireRecord
from airflow_provider_lark.core.bisect import Luck, bisect_all
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.errors import AccessDenied, LarkError, NotFound, RecordNotFound, SafetyStop
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.count_check import CountCheck
from airflow_provider_lark.core.side import RecordId

log = logging.getLogger(__name__)

Body = Mapping[str, Any]
"""Wire values by field name."""

_SHOWN = 10

HIDDEN = "Lark hides its record from the app; give the app a role that can see all rows (advanced permissions)"


@dataclass(frozen=True, slots=True)
class Fates:
    """Records by what Lark says of them.

    :param hidden: ids that exist, but that the app may not see, and why; also those of which Lark says nothing, and
        those over which it breaks down.
    :param gone: ids that do not exist any more. Nothing else may count as deleted.
    """

    shown: list[WireRecord] = field(default_factory=list)
    hidden: dict[RecordId, str] = field(default_factory=dict)
    gone: list[RecordId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a delete came to. Ids that are neither gone nor hidden were deleted."""

    gone: tuple[RecordId, ...] = ()
    hidden: dict[RecordId, str] = field(default_factory=dict)


class TableIds(TypedDict):
    """What every call on a table names."""

    app_token: str
    table_id: str


class LarkTable:
    """The records of one table, by wire values.

    :ivar ids: what every call names.
    """

    def __init__(self, client: LarkClient, app_token: str, table_id: str) -> None:
        self.client = client
        self.ids = TableIds(app_token=app_token, table_id=table_id)

    @classmethod
    def locate(cls, client: LarkClient, address: TableAddress) -> LarkTable:
        """Return the table of *address*; what it leaves open is looked up.

        :raises NotFound: there is no such base or table.
        """
        found = client.bitable.locate(address)
        return cls(client, found.app_token, found.table_id)

    @property
    def app_token(self) -> str:
        """The base that the table is part of."""
        return self.ids["app_token"]

    @property
    def table_id(self) -> str:
        """The table's id, ``tbl…``."""
        return self.ids["table_id"]

    @property
    def label(self) -> str:
        """How messages name the table."""
        return f"table {self.table_id}"

    def read_fields(self) -> list[Field]:
        """Return the table's fields as they are now."""
        return [Field.from_wire(item) for item in self.client.bitable.list_fields(**self.ids)]

    def find_view(self, view: str) -> str:
        """Return the id of a view given by id or name.

        :raises NotFound: the table has no such view; the message lists those it has.
        """
        if view.startswith("vew"):
            return view
        views = {each.name: each.view_id for each in self.client.bitable.list_views(**self.ids)}
        if view not in views:
            raise NotFound(f"{self.label}: no view {view!r}; known: {', '.join(views)}")
        return views[view]

    def search(
        self,
        field_names: Sequence[str] | None = None,
        *,
        filter: Body | None = None,
        sort: Sequence[Body] | None = None,
        view_id: str | None = None,
        page_size: int = SEARCH_PAGE_MAX,
    ) -> Iterator[RecordPage]:
        """Yield records page by page, each read when it is asked for.

        :param field_names: only these fields; above 200 names all fields are read.
        :param filter: in Lark's form; an empty one counts as none.
        :param view_id: Lark ignores it beside a filter or a sort.
        """
        query = self._query(field_names, filter, sort, view_id)
        return self.client.bitable.search_pages(**self.ids, **query, page_size=page_size)

    def search_all(
        self,
        field_names: Sequence[str] | None = None,
        *,
        state: str,
        filter: Body | None = None,
        sort: Sequence[Body] | None = None,
        view_id: str | None = None,
        page_size: int = SEARCH_PAGE_MAX,
        distinct: Callable[[], int] | None = None,
    ) -> Iterator[RecordPage]:
        """Yield records as :meth:`search` does, and hold what came against what Lark counts.

        :param state: what was done when a record is missing, for the message.
        :param distinct: tells how many different records came, for callers that note them on disk; by default their
            ids are kept in memory.
        :raises IncompleteRead: after the last page, when a record may have been passed over.
        """
        count, seen = CountCheck(), set[str]()
        for page in self.search(field_names, filter=filter, sort=sort, view_id=view_id, page_size=page_size):
            count.see(page)
            if distinct is None:
                seen.update(record["record_id"] for record in page.items)
            yield page
        count.require_all(len(seen) if distinct is None else distinct(), where=self.label, state=state)

    def first_page(
        self,
        field_names: Sequence[str] | None = None,
        *,
        page_size: int,
        filter: Body | None = None,
        sort: Sequence[Body] | None = None,
        view_id: str | None = None,
    ) -> RecordPage:
        """Return the first page of a search, in one call."""
        query = self._query(field_names, filter, sort, view_id)
        return self.client.bitable.search_page(**self.ids, **query, page_size=page_size)

    def look_up(self, record_ids: Sequence[str], *, automatic_fields: bool = False) -> Fates:
        """Ask Lark for records by id, 100 a call, and return them in that order.

        Where a call fails because of certain records, the others are told all the same.

        :param automatic_fields: also who changed them, and when.
        :raises LarkError: Lark shows none of them, and it may be the table, the rights or the moment.
        """
        ids = [RecordId(id_) for id_ in dict.fromkeys(record_ids)]
        found, absent, unread, luck = dict[str, WireRecord](), set[str](), dict[str, str](), Luck()

        def ask(part: Sequence[str]) -> None:
            answer = self.client.bitable.batch_get(**self.ids, record_ids=part, automatic_fields=automatic_fields)
            found.update((record["record_id"], record) for record in answer.records)
            absent.update(answer.absent_record_ids)

        def give_up(id_: str, error: LarkError) -> None:
            unread[id_] = f"Lark cannot return record {id_} ({error}); open it in Lark, and recreate it if it persists"
            log.warning("%s: %s", self.label, unread[id_])

        for some in split(ids, BATCH_GET_MAX):
            bisect_all(some, ask, give_up, luck=luck)
        shown = [found[id_] for id_ in ids if id_ in found]
        gone = [id_ for id_ in ids if id_ in absent and id_ not in found]
        hidden = {id_: unread.get(id_, HIDDEN) for id_ in ids if id_ not in found and id_ not in absent}
        return Fates(shown, hidden, gone)

    def create(self, bodies: Sequence[Body], *, client_token: str) -> list[WireRecord]:
        """Create records in one call, all or none, and return what Lark answers of each.

        :param client_token: a UUIDv4; a repeated call with the same token and bodies creates nothing new.
        """
        return self.client.bitable.batch_create(**self.ids, records=bodies, client_token=client_token)

    def update(self, patches: Sequence[tuple[str, Body]]) -> list[WireRecord]:
        """Set the given cells of the given records in one call, all or none, and return what Lark answers of each.

        :raises RecordNotFound: a record does not exist.
        """
        return self.client.bitable.batch_update(**self.ids, records=patches)

    def remove(self, record_ids: Sequence[str]) -> Removal:
        """Delete up to 500 records, all in one call; where Lark refuses because some are gone or hidden, the others.

        :raises RecordNotFound: Lark says so, and yet shows every one of them.
        """
        delete = self.client.bitable.batch_delete
        try:
            delete(**self.ids, record_ids=record_ids)
        except (RecordNotFound, AccessDenied):
            # one that is gone, or hidden, makes Lark refuse the whole call
            fates = self.look_up(record_ids)
            if not (fates.gone or fates.hidden):
                raise
            shown = [record["record_id"] for record in fates.shown]
            if shown:
                delete(**self.ids, record_ids=shown)
            return Removal(tuple(fates.gone), fates.hidden)
        return Removal()

    def delete(self, record_ids: Sequence[str]) -> None:
        """Delete records, 500 a call; those that do not exist are no error.

        :raises AccessDenied: some are hidden from the app, and stay.
        """
        hidden: list[str] = []
        for some in split(record_ids, BATCH_DELETE_MAX):
            hidden += self.remove(some).hidden
        if hidden:
            raise self.hidden_error(hidden, len(record_ids) - len(hidden))

    def hidden_error(self, hidden: Sequence[str], done: int) -> AccessDenied:
        """Return the error for records that were not deleted because the app may not see them.

        :param done: how many others were deleted.
        """
        shown, total = ", ".join(hidden[:5]) + (" …" if len(hidden) > 5 else ""), len(hidden) + done
        return AccessDenied(
            f"{self.label}: records hidden from the app were not deleted ({len(hidden)} of {total}): {shown}; "
            "give the app a role that can see all rows (advanced permissions)"
        )

    def take_back(self, record_ids: Sequence[str]) -> str:
        """Delete records that were created a moment ago, and return what a person reads of it; empty for no records.

        Lark carries a client_token out once, and the token holds the content: a batch that is corrected and sent again
        is a new one, and would make its good records a second time.
        """
        left = list(record_ids)
        try:
            for some in split(record_ids, BATCH_DELETE_MAX):
                hidden = self.remove(some).hidden
                left = [id_ for id_ in left if id_ in hidden or id_ not in some]
        except LarkError as error:
            reason = f": {error}"
        else:
            reason = ""
        if left:
            told = ", ".join(left[:_SHOWN]) + (" …" if len(left) > _SHOWN else "")
            created = f"records of its batch that could not be deleted again ({len(left)}{reason})"
            return f"{created}: {told}; delete them first"
        if not record_ids:
            return ""
        return f"the other records of its batch ({len(record_ids)}) were deleted again; correct it and try again"

    def refuse_replays(self, made: Sequence[str]) -> None:
        """Look whether records that were just created are there: one call, for the first 100.

        :param made: of each create the first record: a call was carried out before as a whole, or not at all.
        :raises SafetyStop: Lark took creates for those of an earlier try, whose records are gone.
        """
        if made and self.look_up(made[:BATCH_GET_MAX]).gone:
            raise self.replay_error()

    def replay_error(self) -> SafetyStop:
        """Return the error for creates that Lark carried out for an earlier attempt, whose records people undid."""
        return SafetyStop(
            f"{self.label}: Lark treated these creates as replays of an earlier attempt, whose records were deleted or "
            "changed since, so they were not created again: trigger a new DAG run instead of clearing the task"
        )

    def _query(
        self,
        field_names: Sequence[str] | None,
        filter: Body | None,
        sort: Sequence[Body] | None,
        view_id: str | None,
    ) -> dict[str, Any]:
        return {"field_names": field_names, "filter": filter or None, "sort": sort or None, "view_id": view_id or None}
