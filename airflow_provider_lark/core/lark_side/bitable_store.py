"""A Bitable table behind the store port: canonical values by column, addressed by Lark's record ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.api.wire.limits import BATCH_WRITE_DEFAULT, SEARCH_PAGE_MAX
from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.errors import RowError, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.matrix_scan import MatrixScan, Unfit, doubtful_field
from airflow_provider_lark.core.lark_side.record_filter import RecordFilter
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.side import LarkPage, LarkRow, Page, RecordId, Row, Values

_WHOLE_SECOND_MS = 1_767_225_600_000


class BitableStore:
    """The records of one Bitable table.

    :param fields: the mapped fields by column.
    :param codecs: by column; those of *fields*.
    :param belongs: which records belong to the mapping; None for all.
    :param forgiven: columns of fields that Lark computes: a cell that cannot be read counts as empty and does not
        hold its row.
    :param batch_size: records a write call carries, at most 1000; Lark's documents disagree between 500 and 1000.
    :param page_size: records a read call brings, at most 500.
    """

    def __init__(
        self,
        table: LarkTable,
        fields: Mapping[str, Field],
        codecs: Mapping[str, ValueCodec],
        *,
        belongs: RecordFilter | None = None,
        forgiven: Collection[str] = (),
        batch_size: int = BATCH_WRITE_DEFAULT,
        page_size: int = SEARCH_PAGE_MAX,
    ) -> None:
        self.table = table
        self._fields = fields
        self._codecs = codecs
        self._batch_size = batch_size
        self._page_size = page_size
        self._forgiven = frozenset(forgiven)
        self._belongs = belongs
        self._cells = [(column, field.name, codecs[column].from_lark) for column, field in fields.items()]

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[LarkPage]:
        """Yield every record once, page by page, in no promised order; *total* is Lark's count."""
        cells = [cell for cell in self._cells if columns is None or cell[0] in columns]
        for page in self.table.search(self._with_filter(name for _, name, _ in cells), page_size=self._page_size):
            yield Page([self._decode(record, cells) for record in page.items], page.total)

    def scan_newest(self, modified: Field) -> Iterator[LarkPage]:
        """Yield every record, the most recently modified first, with ``modified_ms`` set.

        A record that is edited during the scan moves to the front, and is not met again.

        :param modified: the table's modification-time field.
        """
        names = self._with_filter([*(name for _, name, _ in self._cells), modified.name])
        newest_first = [{"field_name": modified.name, "desc": True}]
        for page in self.table.search(names, sort=newest_first, page_size=self._page_size):
            yield Page([self._decode(record, self._cells, modified.name) for record in page.items], page.total)

    def head(self, modified: Field | None) -> LarkPage:
        """Return one record in one call, the most recently modified one; *total* is Lark's count."""
        names = [name for _, name, _ in self._cells[:1]] if modified is None else [modified.name]
        newest_first = None if modified is None else [{"field_name": modified.name, "desc": True}]
        page = self.table.first_page(names, sort=newest_first, page_size=1)
        rows = [self._decode(record, (), None if modified is None else modified.name) for record in page.items]
        return Page(rows, page.total)

    def scan_matrix(self, memory: MatrixMemory, columns: Sequence[str] | None = None) -> Iterator[list[LarkRow]]:
        """Yield every record once, page by page, as base/v3 shows it; ``modified_ms`` is not told.

        :raises Unfit: v1 has to read the table.
        """
        cells = [cell for cell in self._cells if columns is None or cell[0] in columns]
        if self._belongs is not None:
            raise Unfit("the mapping has a filter of Lark, which judges cells as v1 shows them", lasting=True)
        fields = list({name: self._fields[column] for column, name, _ in cells}.values())
        if (doubtful := doubtful_field(fields)) is not None:
            raise Unfit(f"base/v3 may show field {doubtful.describe()} otherwise than v1", lasting=True)
        with_ms = [self._fields[column].field_id for column, _, from_lark in cells if _tells_ms(from_lark)]
        for page in MatrixScan(self.table, memory, fields, with_ms=with_ms).pages():
            yield [self._decode(record, cells) for record in page]

    def _with_filter(self, names: Iterable[str]) -> list[str]:
        """Return *names*, and those of the fields by which the filter judges."""
        return list(dict.fromkeys([*names, *(self._belongs.field_names if self._belongs is not None else ())]))

    def names_of(self, columns: Sequence[str]) -> list[str]:
        """Return the fields of *columns*."""
        return [name for column, name, _ in self._cells if column in columns]

    def read(self, ids: Sequence[RecordId]) -> dict[RecordId, LarkRow]:
        """Return the records of *ids* that exist and that the app may see, by id; 100 a call."""
        rows = map(self.decode, self.table.look_up(ids).shown)
        return {row.id: row for row in rows}

    def create(self, rows: Sequence[Values]) -> list[RecordId]:
        """Create *rows* and return the records' ids in the same order; all or none when they fit one call."""
        ids: list[RecordId] = []
        bodies = [self.encode_patch(row) for row in rows]
        for some in split(bodies, self._batch_size):
            made = self.table.create(some, client_token=str(uuid4()))
            ids.extend(RecordId(record["record_id"]) for record in made)
        return ids

    def update(self, patches: Sequence[tuple[RecordId, Values]]) -> None:
        """Set the given columns of the given records; all or none when they fit one call.

        :raises NotFound: a record does not exist.
        """
        bodies = [(id_, self.encode_patch(values)) for id_, values in patches]
        for some in split(bodies, self._batch_size):
            self.table.update(some)

    def delete(self, ids: Sequence[RecordId]) -> None:
        """Delete the records of *ids*, 500 a call; those that do not exist are no error.

        :raises AccessDenied: some are hidden from the app, and stay.
        """
        self.table.delete(ids)

    def encode_patch(self, values: Values) -> dict[str, Any]:
        """Return wire values by field name; columns that Lark does not take are left out.

        :raises ValueMismatch: a value has no form in Lark; the message names column and field.
        """
        return {
            self._fields[column].name: self._codecs[column].to_lark(value)
            for column, value in values.items()
            if column in self._fields and self._codecs[column].lark_writable
        }

    def decode(self, record: WireRecord, modified: Field | None = None) -> LarkRow:
        """Read a record as any call returns it.

        :param modified: the table's modification-time field, for ``modified_ms``.
        """
        return self._decode(record, self._cells, None if modified is None else modified.name)

    def _decode(
        self, record: WireRecord, cells: Sequence[tuple[str, str, Any]], modified: str | None = None
    ) -> LarkRow:
        fields = record["fields"]
        values: dict[str, Canonical] = {}
        problems: list[RowError] = []
        unread: dict[str, RowError] = {}
        for column, name, from_lark in cells:
            try:
                values[column] = from_lark(fields.get(name))
            except ValueMismatch as exc:
                error = ValueMismatch(f"record {record['record_id']}: {exc.message}")
                if column in self._forgiven:
                    values[column], unread[column] = None, error
                else:
                    problems.append(error)
        moment = fields.get(modified) if modified is not None else None
        modified_ms = moment if isinstance(moment, int) else None
        outside = self._belongs is not None and not self._belongs.judge(fields)
        return Row(RecordId(record["record_id"]), values, modified_ms, tuple(problems), unread, outside)


def _tells_ms(from_lark: Callable[[Any], Canonical]) -> bool:
    """Tell whether two moments of one second may have different canonical values."""
    try:
        return from_lark(_WHOLE_SECOND_MS) != from_lark(_WHOLE_SECOND_MS + 999)
    except ValueMismatch:
        # no moment is read by it
        return False
