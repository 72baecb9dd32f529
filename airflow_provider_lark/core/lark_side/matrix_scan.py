"""Reading a whole table by base/v3: pages of up to 2,000 records, which are one snapshot by their ``rev``, or nothing.

Whatever is not as expected ends the scan with :class:`Unfit`, and v1 reads the table from the start. What is read here
is no more than likely: the caller holds it against what it knows, and reads by v1 what differs.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from zoneinfo import ZoneInfo

from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.api.retry import few_attempts
from airflow_provider_lark.core.api.wire.results import MatrixPage, WireRecord
from airflow_provider_lark.core.errors import ConfigError, LarkError, RetriableError, Stopped, TooLarge
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.fields.zones import read_zone
from airflow_provider_lark.core.lark_side.matrix_cells import CoarseMoment, Read, cell_reader, type_name
from airflow_provider_lark.core.lark_side.table import LarkTable

OTHER_SHAPE = 800010701
"""What base/v3 answers to a limit that it does not take."""

NOT_SERVED = 5000
"""What it answers for some bases, every time."""


class Unfit(Exception):
    """Base/v3 does not serve this read, for *reason*; *lasting*: nor will it serve the next ones."""

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting


def doubtful_field(fields: Sequence[Field]) -> Field | None:
    """Return one of *fields* whose cells base/v3 does not show in a form that is certain; None: there is none."""
    return next((each for each in fields if type_name(each) is None), None)


class MatrixScan:
    """One read of a whole table.

    :param fields: those to read, none of them doubtful.
    :param with_ms: ids of the fields whose moments have to come with milliseconds.
    """

    def __init__(
        self, table: LarkTable, memory: MatrixMemory, fields: Sequence[Field], *, with_ms: Collection[str] = ()
    ) -> None:
        self._table = table
        self._memory = memory
        self._fields = {each.field_id: each for each in fields}
        self._with_ms = with_ms
        self._rev: int | None = None
        self._seen = array("q")
        self._time_zone: str | None = None
        self._readers: dict[str, Read] = {}

    def pages(self) -> Iterator[list[WireRecord]]:
        """Yield the records as v1 would show them, page by page.

        :raises Unfit: the read does not count, also after the last page.
        """
        offset, has_more = 0, True
        while has_more:
            page = self._read(offset)
            self._prove(page, offset)
            yield self._records(page)
            offset, has_more = offset + len(page.record_ids), page.has_more
        if len(set(self._seen)) < len(self._seen):
            raise Unfit("base/v3 shows records twice", lasting=True)

    def _read(self, offset: int) -> MatrixPage:
        ids = self._table.ids
        while True:
            limit = self._memory.size(ids["app_token"])
            try:
                # v1 is there to be asked, so nobody waits long for this
                with few_attempts():
                    return self._table.client.bitable.read_matrix(
                        **ids, field_ids=list(self._fields), offset=offset, limit=limit
                    )
            except Stopped:
                raise
            except LarkError as error:
                is_size = isinstance(error, TooLarge) or error.code == OTHER_SHAPE
                if not is_size or self._memory.shrink(ids["app_token"]) is None:
                    lasting = error.code == NOT_SERVED or not isinstance(error, RetriableError)
                    raise Unfit(f"base/v3 does not answer ({error})", lasting=lasting) from error

    def _prove(self, page: MatrixPage, offset: int) -> None:
        """See that a page shows the same state of the table as those before it."""
        if not page.record_ids and page.has_more:
            raise Unfit("base/v3 returned an empty page that is not the last", lasting=True)
        if offset == 0:
            self._rev, self._time_zone = page.rev, page.time_zone
            self._readers = self._readers_of(page)
        elif hash(page.record_ids[0] if page.record_ids else "") in self._seen[:1]:
            raise Unfit("base/v3 returned the first page again", lasting=True)
        if (offset or page.has_more) and not (page.rev and page.rev > 0):
            raise Unfit("base/v3 does not tell which revision a page shows", lasting=True)
        if page.rev != self._rev:
            raise Unfit("the table changed while base/v3 read it", lasting=False)
        if page.time_zone != self._time_zone:
            raise Unfit("base/v3 changed the time zone between two pages", lasting=False)
        self._seen.extend(map(hash, page.record_ids))

    def _readers_of(self, page: MatrixPage) -> dict[str, Read]:
        told = dict(zip(page.field_ids, page.field_types, strict=True))
        zone = _zone(page.time_zone)
        readers = {}
        for field in self._fields.values():
            if told.get(field.field_id) != type_name(field):
                raise Unfit(
                    f"base/v3 shows field {field.describe()} as {told.get(field.field_id, 'none')!r}", lasting=True
                )
            readers[field.field_id] = cell_reader(field, zone=zone, needs_ms=field.field_id in self._with_ms)
        return readers

    def _records(self, page: MatrixPage) -> list[WireRecord]:
        cells = [
            (at, self._fields[id_], self._readers[id_]) for at, id_ in enumerate(page.field_ids) if id_ in self._readers
        ]
        if len(cells) < len(self._fields):
            raise Unfit("base/v3 left fields out of a page", lasting=True)
        made: list[WireRecord] = []
        for record_id, row in zip(page.record_ids, page.rows, strict=True):
            values = {}
            for at, field, read in cells:
                try:
                    value = read(row[at])
                except CoarseMoment:
                    reason = f"base/v3 shows moments of field {field.describe()} without milliseconds"
                    raise Unfit(reason, lasting=True) from None
                except (ValueError, TypeError):
                    reason = f"base/v3 shows a cell of field {field.describe()} in another form"
                    raise Unfit(reason, lasting=True) from None
                if value is not None:
                    values[field.name] = value
            made.append(WireRecord(record_id=record_id, fields=values))
        return made


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return read_zone(name) if name else None
    except ConfigError:
        return None
