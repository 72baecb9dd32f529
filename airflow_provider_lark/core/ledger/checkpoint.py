"""How far Lark's changes have been taken in, and the fields as they were when the mapping was agreed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, func, insert, inspect, literal_column, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import checkpoint as table


@dataclass(frozen=True, slots=True)
class CaptureState:
    """How far changes in SQL were read, where no trigger notes them.

    :param kind: the way of capture, as :attr:`.CapturePolicy.text` has it; of another way it says nothing.
    :param read_ms: when the last read that counts began, by the database's clock.
    :param safe_ms: whoever began to write later may have committed since; all others that read has seen.
    :param marks: moments, and the greatest value that the column had then. Whoever begins later writes a greater one.
    """

    kind: str
    read_ms: int = 0
    safe_ms: int = 0
    marks: tuple[tuple[int, str | int | float], ...] = ()


class BatchLimit(NamedTuple):
    """How many records the tenant took in one write call, where it refused more.

    :param rows: so many it took.
    :param met_ms: when, in milliseconds since the epoch.
    """

    rows: int
    met_ms: int


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A record that was changed so lately that a run left it alone.

    :param since_ms: when a run first left it, and *modified_ms* when it was last changed, by Lark's clock.
    """

    since_ms: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of one mapping between two runs.

    :param watermark_ms: the newest modification time of the Lark table that is durably taken in.
    :param boundary: ids of the records modified exactly then; later polls meet them again.
    :param last_scan_at_ms: when the last complete scan ended.
    :param total_offset: how many more records Lark counts than a complete scan returns.
    :param fields: the field contract: field_id, name, type and property of every mapped field.
    :param modified_field_id: the field that tells when a record was modified.
    :param time_zone: the zone in which dates of the SQL table were last taken; empty where Lark did not tell the
        base's and none was needed; None in a ledger of a version that did not note it.
    :param capture: how far changes in SQL were read; None where triggers note them.
    :param scope: the filters by which the last complete scan went; None in a ledger of a version without them.
    :param batch_limit: None where the tenant has not refused what the mapping's ``batch_size`` says.
    :param unsettled: the records, by id, that the last run left although they are no newer than the watermark.
    :param partitions: PostgreSQL: the partitions that the SQL table had; None for a table without, or not noted yet.
    """

    watermark_ms: int | None = None
    boundary: tuple[str, ...] = ()
    last_scan_at_ms: int | None = None
    total_offset: int = 0
    app_token: str = ""
    table_id: str = ""
    fields: list[dict[str, Any]] = field(default_factory=list)
    modified_field_id: str | None = None
    time_zone: str | None = None
    partitions: tuple[str, ...] | None = None
    capture: CaptureState | None = None
    scope: str | None = None
    batch_limit: BatchLimit | None = None
    unsettled: dict[str, Unsettled] = field(default_factory=dict)


class CheckpointStore(LedgerPart):
    """The checkpoint of one table."""

    def load(self) -> Checkpoint | None:
        """Return the checkpoint, or None before the setup of the table."""
        # whatever columns there are: a ledger of an older version is read before it is brought up to this one
        every: Select[Any] = select(literal_column("*")).select_from(table)
        row = self.conn.execute(every.where(table.c.table_name == self.table_name)).one_or_none()
        if row is None:
            return None
        return Checkpoint(
            watermark_ms=row.watermark_ms,
            boundary=tuple(json.loads(row.boundary)),
            last_scan_at_ms=row.last_scan_at_ms,
            total_offset=row.total_offset,
            app_token=row.app_token,
            table_id=row.table_id,
            fields=json.loads(row.fields),
            modified_field_id=row.modified_field_id,
            time_zone=getattr(row, "time_zone", None),
            partitions=_read_partitions(getattr(row, "partitions", None)),
            capture=_read_capture(getattr(row, "capture", None)),
            scope=getattr(row, "scope", None),
            batch_limit=_read_limit(getattr(row, "batch_limit", None), getattr(row, "batch_limit_met_ms", None)),
            unsettled=_read_unsettled(getattr(row, "unsettled", None)),
        )

    def save(self, checkpoint: Checkpoint) -> None:
        """Store *checkpoint* in the place of the one before."""
        rows, met_ms = checkpoint.batch_limit or (None, None)
        self.conn.execute(delete(table).where(table.c.table_name == self.table_name))
        self.conn.execute(
            insert(table).values(
                table_name=self.table_name,
                watermark_ms=checkpoint.watermark_ms,
                boundary=json.dumps(checkpoint.boundary),
                last_scan_at_ms=checkpoint.last_scan_at_ms,
                total_offset=checkpoint.total_offset,
                app_token=checkpoint.app_token,
                table_id=checkpoint.table_id,
                # in ASCII: people call fields what they like, and a connection or database of LATIN1 keeps the ledger
                fields=json.dumps(checkpoint.fields),
                modified_field_id=checkpoint.modified_field_id,
                time_zone=checkpoint.time_zone,
                scope=checkpoint.scope,
                batch_limit=rows,
                batch_limit_met_ms=met_ms,
                unsettled=_dump_unsettled(checkpoint.unsettled),
                partitions=None if checkpoint.partitions is None else json.dumps(checkpoint.partitions),
                capture=None if checkpoint.capture is None else json.dumps(asdict(checkpoint.capture)),
            )
        )

    def keep_batch_limit(self, limit: BatchLimit | None) -> None:
        """Store what was learned of the tenant's limit, and nothing else; None forgets it."""
        rows, met_ms = limit or (None, None)
        mine = update(table).where(table.c.table_name == self.table_name)
        self.conn.execute(mine.values(batch_limit=rows, batch_limit_met_ms=met_ms))


def count_mappings(conn: Connection, app_token: str) -> int:
    """Return how many tables are kept in step with tables of one base."""
    in_base = select(func.count()).select_from(table).where(table.c.app_token == app_token)
    return conn.scalars(in_base).one()


def count_unsettled(conn: Connection, table_names: Sequence[str]) -> dict[str, int]:
    """Return how many records the last run of each of these tables left alone; tables without any are absent."""
    left = select(table.c.table_name, table.c.unsettled).where(table.c.unsettled.is_not(None))
    return {
        row.table_name: len(_read_unsettled(row.unsettled))
        for some in split(list(table_names))
        for row in conn.execute(left.where(is_among(table.c.table_name, some)))
    }


def all_contracts(conn: Connection) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the field contract of every table that is kept in step, by its name."""
    if not inspect(conn).has_table(table.name):
        return []
    return [
        (row.table_name, json.loads(row.fields)) for row in conn.execute(select(table.c.table_name, table.c.fields))
    ]


def tables_of_base(conn: Connection, app_token: str) -> dict[str, str]:
    """Return the names of the SQL tables by the ids of the tables of one base that they are kept in step with."""
    in_base = select(table.c.table_id, table.c.table_name).where(table.c.app_token == app_token)
    return {row.table_id: row.table_name for row in conn.execute(in_base)}


def _read_limit(rows: int | None, met_ms: int | None) -> BatchLimit | None:
    return None if rows is None or met_ms is None else BatchLimit(rows, met_ms)


def _read_partitions(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


def _read_unsettled(text: str | None) -> dict[str, Unsettled]:
    return {} if text is None else {id_: Unsettled(*moments) for id_, moments in json.loads(text).items()}


def _dump_unsettled(unsettled: Mapping[str, Unsettled]) -> str | None:
    told = {id_: (each.since_ms, each.modified_ms) for id_, each in unsettled.items()}
    return json.dumps(told) if told else None


def _read_capture(text: str | None) -> CaptureState | None:
    if text is None:
        return None
    told = json.loads(text)
    return CaptureState(**{**told, "marks": tuple((at_ms, value) for at_ms, value in told["marks"])})
