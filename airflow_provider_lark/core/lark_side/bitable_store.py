"""A Bitable table behind the store port: canonical values by column, addressed by Lark's record ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.limits import (
    BATCH_DELETE_MAX,
    BATCH_WRITE_DEFAULT,
    FIELD_NAMES_MAX,
    SEARCH_PAGE_MAX,
)
from airflow_provider_lark.core.api.wire import RecordPage, WireRecord
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.errors import RowError, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.codec import ValueCodec
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.count_check import CountCheck
from airflow_provider_lark.core.lark_side.fates import Fates, Removal, hidden_error, look_up, remove
from airflow_provider_lark.core.side import Page, Row, Values


class BitableStore:
    """The records of one Bitable table.

    :param fields: the mapped fields by column.
    :param codecs: by column; those of *fields*.
    :param forgiven: columns of fields that Lark computes: a cell that cannot be read counts as empty and does not
        hold its row.
    :param batch_size: records a write call carries, at most 1000; Lark's documents disagree between 500 and 1000.
    :param page_size: records a read call brings, at most 500.
    :param new_token: makes the client_token of a create for which none is given.
    """

    def __init__(
        self,
        client: LarkClient,
        app_token: str,
        table_id: str,
        fields: Mapping[str, Field],
        codecs: Mapping[str, ValueCodec],
        *,
        forgiven: Collection[str] = (),
        batch_size: int = BATCH_WRITE_DEFAULT,
        page_size: int = SEARCH_PAGE_MAX,
        new_token: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._client = client
        self._app_token = app_token
        self._table_id = table_id
        self._fields = fields
        self._codecs = codecs
        self._batch_size = batch_size
        self._page_size = page_size
        self._new_token = new_token
        self._forgiven = frozenset(forgiven)
        self._cells = [(column, field.name, codecs[column].from_lark) for column, field in fields.items()]

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[Page]:
        """Yield every record once, page by page, in no promised order; *total* is Lark's count."""
        cells = [cell for cell in self._cells if columns is None or cell[0] in columns]
        for page in self._search([name for _, name, _ in cells]):
            yield Page([self._decode(record, cells) for record in page.items], page.total)

    def scan_newest(self, modified: Field) -> Iterator[Page]:
        """Yield every record, the most recently modified first, with ``modified_ms`` set.

        A record that is edited during the scan moves to the front, and is not met again.

        :param modified: the table's modification-time field.
        """
        names = list(dict.fromkeys([name for _, name, _ in self._cells] + [modified.name]))
        for page in self._search(names, sort=[{"field_name": modified.name, "desc": True}]):
            yield Page([self._decode(record, self._cells, modified.name) for record in page.items], page.total)

    def all_pages(
        self, columns: Sequence[str], filter: Mapping[str, Any] | None = None, *, state: str
    ) -> Iterator[RecordPage]:
        """Yield records as Lark sends them, with *columns* only, and hold what came against what Lark counts.

        :param state: what was done when a record is missing, for the message.
        :raises IncompleteRead: after the last page, when a record may have been passed over.
        """
        names = [name for column, name, _ in self._cells if column in columns]
        count, seen = CountCheck(), set[str]()
        for page in self._search(names, filter=filter):
            count.see(page)
            seen.update(record["record_id"] for record in page.items)
            yield page
        count.require_all(len(seen), where=f"table {self._table_id}", state=state)

    def read(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the records of *ids* that exist and that the app may see, by id; 100 a call."""
        answer = self._client.bitable.batch_get(app_token=self._app_token, table_id=self._table_id, record_ids=ids)
        return {record["record_id"]: self.decode(record) for record in answer.records}

    def create(self, rows: Sequence[Values], *, client_token: str | None = None) -> list[str]:
        """Create *rows* and return the records' ids in the same order; all or none when they fit one call.

        :param client_token: a UUIDv4; a repeated call with the same token and rows creates nothing new. One call only.
        """
        ids: list[str] = []
        bodies = [self.encode_patch(row) for row in rows]
        for start in range(0, len(bodies), self._batch_size):
            made = self._client.bitable.batch_create(
                app_token=self._app_token,
                table_id=self._table_id,
                records=bodies[start : start + self._batch_size],
                client_token=client_token or self._new_token(),
            )
            ids.extend(record["record_id"] for record in made)
        return ids

    def update(self, patches: Sequence[tuple[str, Values]]) -> None:
        """Set the given columns of the given records; all or none when they fit one call.

        :raises NotFound: a record does not exist.
        """
        self.patch([(id_, self.encode_patch(values)) for id_, values in patches])

    def patch(self, bodies: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, WireRecord]:
        """Set wire values by field name, and return by record what Lark answers about it."""
        told: dict[str, WireRecord] = {}
        for start in range(0, len(bodies), self._batch_size):
            answer = self._client.bitable.batch_update(
                app_token=self._app_token,
                table_id=self._table_id,
                records=bodies[start : start + self._batch_size],
            )
            told.update((record["record_id"], record) for record in answer)
        return told

    def look_up(self, ids: Sequence[str], *, automatic_fields: bool = False) -> Fates:
        """Tell which records of *ids* are shown, hidden and gone; 100 a call.

        :param automatic_fields: also who changed them, and when.
        """
        return look_up(self._client, self._app_token, self._table_id, ids, automatic_fields=automatic_fields)

    def remove(self, ids: Sequence[str]) -> Removal:
        """Delete up to 500 records in one call, and tell which were gone already, and which are hidden and stay."""
        return remove(self._client, self._app_token, self._table_id, ids)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete the records of *ids*, 500 a call; those that do not exist are no error.

        :raises AccessDenied: some are hidden from the app, and stay.
        """
        hidden: list[str] = []
        for some in split(ids, BATCH_DELETE_MAX):
            hidden += self.remove(some).hidden
        if hidden:
            raise hidden_error(self._table_id, hidden, len(ids) - len(hidden))

    def encode_patch(self, values: Values) -> dict[str, Any]:
        """Return wire values by field name; columns that Lark does not take are left out.

        :raises ValueMismatch: a value has no form in Lark; the message names column and field.
        """
        return {
            self._fields[column].name: self._codecs[column].to_lark(value)
            for column, value in values.items()
            if column in self._fields and self._codecs[column].lark_writable
        }

    def decode(self, record: WireRecord) -> Row:
        """Read a record as any call returns it."""
        return self._decode(record, self._cells)

    def _decode(self, record: WireRecord, cells: Sequence[tuple[str, str, Any]], modified: str | None = None) -> Row:
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
        return Row(record["record_id"], values, modified_ms, tuple(problems), unread)

    def _search(
        self,
        names: Sequence[str],
        sort: Sequence[Mapping[str, Any]] | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Iterator[RecordPage]:
        return self._client.bitable.search_pages(
            app_token=self._app_token,
            table_id=self._table_id,
            filter=filter,
            sort=sort,
            # above the limit all fields are read
            field_names=names if len(names) <= FIELD_NAMES_MAX else None,
            page_size=self._page_size,
        )
