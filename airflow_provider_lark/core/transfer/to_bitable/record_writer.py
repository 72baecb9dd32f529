"""Writing batches of records for a transfer: repeatable creates; a rejected row is found by bisecting its batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api.wire.limits import BATCH_DELETE_MAX, BATCH_GET_MAX
from airflow_provider_lark.core.bisect import Luck, bisect_all
from airflow_provider_lark.core.errors import LarkError, RecordNotFound, RowError, RowRefused, TooLarge, ValueRefused
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.near_misses import NearMisses
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.transfer.batch_tokens import batch_token
from airflow_provider_lark.core.transfer.report import OnRowError, TransferReport
from airflow_provider_lark.core.transfer.to_bitable.record_index import RecordIndex

_SURELY_OF_A_ROW = (ValueRefused, TooLarge, RecordNotFound)
"""Of any other error a row may be to blame only where other rows land."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row on its way to Lark.

    :param number: its place in the source, from 1.
    :param fields: what its record is written, by field name; None clears a cell.
    :param record_id: the record to update; empty for a new one.
    """

    number: int
    fields: dict[str, Any]
    record_id: str = ""


class RecordWriter:
    """Writes to one table, batch by batch; counts in *report*.

    :param seed: what stays the same when a task is tried again; see :func:`.batch_token`.
    :param fields: those of the table.
    :param takes_back: delete what was created of a batch of which Lark refuses a row and ``on_row_error`` is ``fail``.
    """

    def __init__(
        self,
        table: LarkTable,
        report: TransferReport,
        *,
        batch_size: int,
        seed: str,
        on_row_error: OnRowError,
        fields: Sequence[Field],
        takes_back: bool = False,
    ) -> None:
        self._table = table
        self._report = report
        self._size = batch_size
        self._seed = f"{seed}/{table.app_token}/{table.table_id}"
        self._on_row_error = on_row_error
        self._takes_back = takes_back
        self._near_misses = NearMisses(lambda: fields)
        self._waiting: dict[str, list[Item]] = {"create": [], "update": []}
        self._witnesses: list[str] = []
        self._luck = Luck()

    def create(self, items: Sequence[Item]) -> Iterator[list[str]]:
        """Take rows to create, and yield the ids that each call for a batch that is full by now has made."""
        for batch in self._full("create", items):
            yield from self._create(batch)

    def update(self, items: Sequence[Item]) -> None:
        """Take rows to update, and send the batches that are full by now."""
        for batch in self._full("update", items):
            self._update(batch)

    def finish(self) -> Iterator[list[str]]:
        """Send what is left, and yield the ids that each call has made.

        :raises SafetyStop: Lark treated creates as replays of creates whose records are gone.
        """
        if creates := self._waiting["create"]:
            yield from self._create(creates)
        if updates := self._waiting["update"]:
            self._update(updates)
        self._table.refuse_replays(self._witnesses)
        self._report.near_misses = self._near_misses.count
        self._report.warnings += filter(None, [self._near_misses.describe()])

    def delete(self, index: RecordIndex) -> None:
        """Delete the records that *index* still holds."""
        for ids in index.take(BATCH_DELETE_MAX):
            self._table.delete(ids)
            self._report.deleted += len(ids)

    def _full(self, kind: str, items: Sequence[Item]) -> Iterator[list[Item]]:
        waiting = self._waiting[kind]
        waiting.extend(items)
        while len(waiting) >= self._size:
            batch = waiting[: self._size]
            del waiting[: self._size]
            yield batch

    def _create(self, batch: Sequence[Item]) -> list[list[str]]:
        made: list[list[str]] = []
        try:
            self._bisect(batch, lambda part: made.append(self._send_create(part)), creates=True)
        except RowError as error:
            if self._takes_back:
                told = self._table.take_back([id_ for ids in made for id_ in ids])
                error.message += f". {told[:1].upper()}{told[1:]}" if told else ""
            raise
        if len(made) > 1 or len(self._witnesses) < BATCH_GET_MAX:
            # of parts too: some may have been made by an earlier try, and taken back
            self._witnesses += [ids[0] for ids in made]
        self._report.created += sum(map(len, made))
        return made

    def _bisect(self, batch: Sequence[Item], send: Callable[[Sequence[Item]], None], *, creates: bool = False) -> None:
        bisect_all(batch, send, self._refuse, luck=self._luck, creates=creates)

    def _send_create(self, part: Sequence[Item]) -> list[str]:
        bodies = [{name: cell for name, cell in item.fields.items() if cell is not None} for item in part]
        # the place of the first row, because two halves of a batch may be equal
        token = batch_token(self._seed, part[0].number, bodies)
        with self._learning_size(len(part)):
            records = self._table.create(bodies, client_token=token)
        self._near_misses.look(bodies, records)
        return [record["record_id"] for record in records]

    def _update(self, batch: Sequence[Item]) -> None:
        self._bisect(batch, self._send_update)

    def _send_update(self, part: Sequence[Item]) -> None:
        bodies = [(item.record_id, item.fields) for item in part]
        with self._learning_size(len(part)):
            records = self._table.update(bodies)
        self._near_misses.look_by_id(bodies, records)
        self._report.updated += len(part)

    @contextmanager
    def _learning_size(self, size: int) -> Iterator[None]:
        """Send smaller batches from now on, where Lark finds a full one too large."""
        try:
            yield
        except TooLarge:
            if size == self._size > 1:
                self._size = size // 2
            raise

    def _refuse(self, item: Item, error: LarkError) -> None:
        if not isinstance(error, _SURELY_OF_A_ROW) and not self._luck.landed:
            raise error
        refused = RowRefused(f"row {item.number}: {error.message}", code=error.code, log_id=error.log_id)
        self._report.skip(refused, self._on_row_error)
