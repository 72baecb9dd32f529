"""Load modes: whether records are appended, replaced, or matched by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from airflow_provider_lark.core.errors import DuplicateKey, SafetyStop, ValueMismatch
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.transfer.report import OnRowError, TransferReport
from airflow_provider_lark.core.transfer.to_bitable.bitable_target import FoundTable
from airflow_provider_lark.core.transfer.to_bitable.cell_digest import CellDigest
from airflow_provider_lark.core.transfer.to_bitable.record_index import RecordIndex
from airflow_provider_lark.core.transfer.to_bitable.record_writer import Item, RecordWriter


class Existing:
    """The records that the table has before the transfer."""

    def __init__(self, found: FoundTable, index: RecordIndex) -> None:
        self._found = found
        self.index = index

    @property
    def table(self) -> LarkTable:
        """The table."""
        return self._found.table

    def read(self, names: Sequence[str], digest: CellDigest | None = None) -> None:
        """Note every record.

        :raises IncompleteRead: a record may have been passed over: it would be doubled, or would stay.
        """
        if self._found.is_new:
            return
        pages = self.table.search_all(names, state="nothing was written", distinct=lambda: len(self.index))
        for page in pages:
            self.index.add(
                (record["record_id"], *(digest.read(record["fields"]) if digest else (None, None)))
                for record in page.items
            )


class Mode(Protocol):
    """What happens to the rows."""

    def begin(self) -> None:
        """Look at the table."""
        ...

    def take(self, items: Sequence[Item]) -> None:
        """Take some rows."""
        ...

    def end(self) -> None:
        """Send what is left, and tidy up."""
        ...


class Append:
    """Every row becomes a record."""

    def __init__(self, writer: RecordWriter) -> None:
        self._writer = writer

    def begin(self) -> None:
        """Nothing: what is there stays."""

    def take(self, items: Sequence[Item]) -> None:
        """Create what fills a batch."""
        for _ in self._writer.create(items):
            pass

    def end(self) -> None:
        """Create the rest."""
        for _ in self._writer.finish():
            pass


class Replace:
    """Creates the new records, then deletes the old: a failure leaves both, never none."""

    def __init__(
        self,
        first_field: str,
        existing: Existing,
        writer: RecordWriter,
        report: TransferReport,
        *,
        allow_empty: bool,
    ) -> None:
        self._first_field = first_field
        self._existing = existing
        self._writer = writer
        self._report = report
        self._allow_empty = allow_empty

    def begin(self) -> None:
        """Note the records to delete in the end."""
        self._existing.read([self._first_field])

    def take(self, items: Sequence[Item]) -> None:
        """Create what fills a batch."""
        for ids in self._writer.create(items):
            self._keep(ids)

    def end(self) -> None:
        """Create the rest, then delete the old records.

        :raises SafetyStop: there is nothing to put in their place.
        """
        for ids in self._writer.finish():
            self._keep(ids)
        old = len(self._existing.index)
        if not self._report.created and old and not self._allow_empty:
            raise SafetyStop(
                f"{self._report.source} returned no rows to replace the {counted(old, 'record')} of "
                f"{self._report.target}, so nothing was deleted; set allow_empty=True to empty the table"
            )
        self._writer.delete(self._existing.index)

    def _keep(self, ids: Sequence[str]) -> None:
        # an earlier try may have made them; then all of one call were there, unless people have deleted some
        known = self._existing.index.drop(ids)
        if 0 < known < len(ids):
            raise self._existing.table.replay_error()


class Upsert:
    """Updates the record that has a row's key where it differs, creates those that are missing."""

    def __init__(
        self,
        digest: CellDigest,
        existing: Existing,
        writer: RecordWriter,
        report: TransferReport,
        *,
        on_row_error: OnRowError,
    ) -> None:
        self._digest = digest
        self._existing = existing
        self._writer = writer
        self._report = report
        self._on_row_error = on_row_error

    def begin(self) -> None:
        """Note key and digest of every record."""
        self._existing.read(self._digest.names, self._digest)

    def take(self, items: Sequence[Item]) -> None:
        """Create and update what fills a batch."""
        keyed = self._by_key(items)
        known = self._existing.index.find(list(keyed))
        creates, updates = [], []
        for key, (item, digest) in keyed.items():
            record = known.get(key)
            if record is None:
                creates.append(item)
            elif record.twins > 1:
                self._skip(item, f"{record.twins} records have its key")
            elif record.digest == digest and digest is not None:
                self._report.unchanged += 1
            else:
                updates.append(Item(item.number, item.fields, record.record_id))
        self._check_new(self._writer.create(creates))
        self._writer.update(updates)

    def end(self) -> None:
        """Write the rest."""
        self._check_new(self._writer.finish())

    def _check_new(self, made: Iterable[Sequence[str]]) -> None:
        for ids in made:
            if self._existing.index.drop(ids):
                # made by an earlier try, and not found by key: somebody has changed it
                raise self._existing.table.replay_error()

    def _by_key(self, items: Sequence[Item]) -> dict[str, tuple[Item, str | None]]:
        read = [(item, *self._digest.read(item.fields)) for item in items]
        taken = self._existing.index.claim([key for _, key, _ in read if key is not None])
        keyed: dict[str, tuple[Item, str | None]] = {}
        for item, key, digest in read:
            if key is None:
                problem = ValueMismatch(f"row {item.number}: a key field ({self._digest.key_label}) is empty")
                self._report.skip(problem, self._on_row_error)
            elif key in taken or key in keyed:
                self._skip(item, "an earlier row has its key")
            else:
                keyed[key] = (item, digest)
        return keyed

    def _skip(self, item: Item, why: str) -> None:
        problem = DuplicateKey(
            f"row {item.number}: {why} ({self._digest.key_label}), so its record cannot be identified"
        )
        self._report.skip(problem, self._on_row_error)
