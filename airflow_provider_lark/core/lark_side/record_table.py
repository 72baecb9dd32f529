"""The records of one Bitable table by field name and in plain values: what operators and scripts read and write.

Every value is checked before the first call, so a wrong one in the last batch does not leave the others written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

from airflow_provider_lark.core.api.wire.limits import (
    BATCH_DELETE_MAX,
    BATCH_WRITE_DEFAULT,
    BATCH_WRITE_MAX,
    SEARCH_PAGE_MAX,
)
from airflow_provider_lark.core.api.wire.results import RecordPage
from airflow_provider_lark.core.errors import ConfigError, DuplicateKey
from airflow_provider_lark.core.fields.plain.records import RecordEncoder, RecordReader
from airflow_provider_lark.core.fields.schema import Field, find_field
from airflow_provider_lark.core.fields.users import FindUserIds
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.lark_side.base_zone import BaseZone
from airflow_provider_lark.core.lark_side.batch_writes import write_in_batches
from airflow_provider_lark.core.lark_side.near_misses import NearMisses
from airflow_provider_lark.core.lark_side.search_filter import Filter, build_filter, build_sort
from airflow_provider_lark.core.lark_side.table import LarkTable

Record = dict[str, Any]
"""``{"record_id": …, "fields": {name: plain value}}``."""

NewToken = Callable[[int, Any], str]
"""Makes the client_token of a batch of creates from the place of its first record and its wire values."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to read.

    :param filter: see :func:`.build_filter`.
    :param sort: see :func:`.build_sort`.
    :param view_id: only the records of this view; Lark ignores it beside a filter or a sort.
    :param field_names: only these fields.
    :param limit: at most so many records.
    """

    filter: Filter | None = None
    sort: Sequence[Any] | str | None = None
    view_id: str | None = None
    field_names: Sequence[str] | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of records. *total*: how many meet the condition, on whatever page."""

    records: list[Record]
    total: int


@dataclass(frozen=True, slots=True)
class Got:
    """Records by id, what does not exist, and what the app may not see."""

    records: list[Record]
    missing: Sequence[str]
    forbidden: Sequence[str]


class RecordTable:
    """The records of one Bitable table.

    :param new_token: see :data:`NewToken`; by default each batch gets a token of its own.
    :param batch_size: records a write call carries, at most 1000.
    :param time_zone: of dates and of datetimes without a zone; default: the base's own, asked for when one is met.
    :param find_user_ids: for persons given by e-mail; see :class:`.RecordEncoder`.
    :param fields: the table's fields where they are known; read when they are first needed otherwise.
    :param skip_read_only: leave out of what is written what Lark computes; refused otherwise.
    :ivar firsts_made: of each call that has created records, the id of the first.
    :ivar near_misses: of what was written, the records of which Lark made something else.
    """

    def __init__(
        self,
        table: LarkTable,
        *,
        new_token: NewToken = lambda number, body: str(uuid4()),
        batch_size: int = BATCH_WRITE_DEFAULT,
        time_zone: Zone | None = None,
        find_user_ids: FindUserIds | None = None,
        fields: Sequence[Field] | None = None,
        skip_read_only: bool = False,
    ) -> None:
        if not 1 <= batch_size <= BATCH_WRITE_MAX:
            raise ConfigError(f"batch_size must be 1 to {BATCH_WRITE_MAX}, got {batch_size}")
        self.table = table
        self.time_zone = time_zone or BaseZone(table.client, table.app_token)
        self._new_token = new_token
        self.batch_size = batch_size
        self._find_user_ids = find_user_ids
        self._skip_read_only = skip_read_only
        self.firsts_made: list[str] = []
        self.near_misses = NearMisses(lambda: self.fields)
        if fields is not None:
            self.fields = list(fields)

    @cached_property
    def fields(self) -> list[Field]:
        """The table's fields, read once."""
        return self.table.read_fields()

    @cached_property
    def encoder(self) -> RecordEncoder:
        """Turns plain values into what Lark takes."""
        return RecordEncoder(
            self.fields,
            time_zone=self.time_zone,
            find_user_ids=self._find_user_ids,
            skip_read_only=self._skip_read_only,
        )

    @cached_property
    def reader(self) -> RecordReader:
        """Turns what Lark sends into plain values."""
        return RecordReader(self.fields)

    @property
    def primary_name(self) -> str:
        """The name of the primary field: to read when only the records' ids are wanted."""
        return next((field.name for field in self.fields if field.is_primary), self.fields[0].name)

    def build_filter(self, filter: Filter | None) -> dict[str, Any]:
        """Return *filter* in Lark's form, checked against the fields."""
        return build_filter(filter, self.fields, time_zone=self.time_zone, find_user_ids=self._find_user_ids)

    def search(self, search: Search) -> Iterator[Found]:
        """Yield the records page by page, each read when it is asked for.

        :raises IncompleteRead: after the last page, when a record may have been passed over.
        """
        left, seen = search.limit, 0
        for page in self.all_pages(search, page_size=_page_size(left), state="the list is incomplete"):
            items = page.items if left is None else page.items[:left]
            seen += len(items)
            yield Found([self.reader.read(item) for item in items], seen if page.total is None else page.total)
            if left is not None and (left := left - len(items)) <= 0:
                return

    def first(self, search: Search) -> Found:
        """Read one page, of no more records than the limit."""
        page = self.table.first_page(**self._query(search), page_size=_page_size(search.limit))
        records = [self.reader.read(item) for item in page.items[: search.limit]]
        return Found(records, len(page.items) if page.total is None else page.total)

    def all_pages(self, search: Search, *, state: str, page_size: int = SEARCH_PAGE_MAX) -> Iterator[RecordPage]:
        """Yield the pages as Lark sends them; see :meth:`.LarkTable.search_all`."""
        return self.table.search_all(**self._query(search), state=state, page_size=page_size)

    def find_ids(self, filter: Filter) -> list[str]:
        """Return the ids of all records that meet *filter*; see :meth:`all_pages`."""
        # naming no field would mean all
        search = Search(filter, field_names=[self.primary_name])
        return [item["record_id"] for page in self.all_pages(search, state="nothing was done") for item in page.items]

    def get(self, record_ids: Sequence[str], *, field_names: Sequence[str] | None = None) -> Got:
        """Read records by id, 100 a call, in the order of the ids; what Lark breaks down over counts as forbidden."""
        names = self._names(field_names)
        reader = self.reader
        if names is not None:
            reader = RecordReader([field for field in self.fields if field.name in names])
        fates = self.table.look_up(record_ids)
        found = {item["record_id"]: item for item in fates.shown}
        records = [reader.read(found[id_]) for id_ in dict.fromkeys(record_ids) if id_ in found]
        return Got(records, fates.gone, list(fates.hidden))

    def create(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Create records and return their ids in the same order; where Lark refuses one, nothing of its batch stays."""
        if not rows:
            return []
        return self.create_encoded(self.encoder.encode(rows), takes_back=True)

    def update(self, patches: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Set the given fields of the given records; None clears a cell."""
        rows: dict[str, int] = {}
        for at, (id_, _) in enumerate(patches):
            if rows.setdefault(id_, at) != at:
                raise DuplicateKey(
                    f"records {rows[id_]} and {at} of the input are both {id_}; each record may be given once"
                )
        if not patches:
            return
        bodies = self.encoder.encode([fields for _, fields in patches])
        self.update_encoded([(id_, body) for (id_, _), body in zip(patches, bodies, strict=True)])

    def create_encoded(self, bodies: Sequence[Mapping[str, Any]], *, takes_back: bool = False) -> list[str]:
        """Create records of wire values.

        :param takes_back: delete what was created of a batch of which Lark refuses a record.
        """
        made: dict[int, str] = {}

        def send(part: Sequence[int]) -> None:
            records = [bodies[at] for at in part]
            # the place of the first, because two parts of a batch may be equal
            token = self._new_token(part[0], records)
            answer = self.table.create(records, client_token=token)
            self.near_misses.look(records, answer)
            self.firsts_made.append(answer[0]["record_id"])
            made.update(zip(part, (record["record_id"] for record in answer), strict=True))

        def undo(landed: Sequence[int]) -> str:
            return self.table.take_back([made[at] for at in landed])

        undo_too = undo if takes_back else None
        write_in_batches("created", len(bodies), self.batch_size, send, creates=True, undo=undo_too)
        return [made[at] for at in range(len(bodies))]

    def update_encoded(self, patches: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Update records by wire values."""

        def send(part: Sequence[int]) -> None:
            some = [patches[at] for at in part]
            self.near_misses.look_by_id(some, self.table.update(some))

        write_in_batches("updated", len(patches), self.batch_size, send)

    def delete(self, record_ids: Sequence[str]) -> list[str]:
        """Delete records, 500 a call, and return the ids of those that were not there.

        :raises AccessDenied: some are hidden from the app; the others were deleted.
        """
        missing, hidden = list[str](), list[str]()
        ids = list(dict.fromkeys(record_ids))

        def send(part: Sequence[int]) -> None:
            removal = self.table.remove([ids[at] for at in part])
            missing.extend(removal.gone)
            hidden.extend(removal.hidden)

        write_in_batches("deleted", len(ids), min(self.batch_size, BATCH_DELETE_MAX), send)
        if hidden:
            raise self.table.hidden_error(hidden, len(ids) - len(hidden) - len(missing))
        gone = set(missing)
        return [id_ for id_ in ids if id_ in gone]

    def _query(self, search: Search) -> dict[str, Any]:
        return {
            "filter": self.build_filter(search.filter),
            "sort": build_sort(search.sort, self.fields),
            "view_id": search.view_id,
            "field_names": self._names(search.field_names),
        }

    def _names(self, names: Sequence[str] | None) -> list[str] | None:
        if names is None:
            return None
        return [find_field(name, self.fields, where="field_names").name for name in names]


def _page_size(limit: int | None) -> int:
    # a limit of 0 asks for the total only
    return SEARCH_PAGE_MAX if limit is None else min(max(limit, 1), SEARCH_PAGE_MAX)
