"""How deliveries become entries of the SQL inbox: many in one transaction, with a handful of statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.accounts.tables import inbox, inbox_identities
from airflow_provider_lark.core.database.dbtime import epoch_ms
from airflow_provider_lark.core.database.error_codes import lacks_right
from airflow_provider_lark.core.database.insert import insert_new_rows
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.database.refusals import concerns_a_row, refusal
from airflow_provider_lark.core.database.savepoints import isolate
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import Outcome, Receipt

STATEMENT_CHARACTERS = 2 * 1024 * 1024
"""So much of what is sealed goes into one statement; MySQL's ``max_allowed_packet`` may be 4 MB."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A delivery as a row, before it is known whether it is new.

    :param values: columns of the inbox; ``body`` is sealed.
    """

    values: dict[str, Any] = field(repr=False)
    identities: tuple[str, ...]


class Raced(LarkError):
    """Another process put one of the deliveries in at this moment; nothing is kept, and the next try sees it."""


class Refused(LarkError):
    """The database refused one of several entries; nothing is kept, and has to be tried again with savepoints."""


def keep_all(conn: Connection, entries: Sequence[NewEntry], *, now_ms: int, with_savepoints: bool) -> list[Outcome]:
    """Insert those entries that are new, in the caller's transaction, and return what becomes of each.

    :param now_ms: when an entry came whose double stands in *entries* too.
    :param with_savepoints: let the database refuse one without the others. It costs two statements more, so the first
        try does without.
    :raises Raced: roll back and run it again; likewise Refused, with savepoints.
    """
    known = _first_seen(conn, entries)
    outcomes: dict[int, Outcome] = {}
    new: list[int] = []
    brought: dict[str, int] = {}
    doubles: dict[int, int] = {}
    for number, entry in enumerate(entries):
        if seen := [known[each] for each in entry.identities if each in known]:
            outcomes[number] = Receipt(min(seen))
        elif before := [brought[each] for each in entry.identities if each in brought]:
            doubles[number] = before[0]
        else:
            new.append(number)
            brought |= dict.fromkeys(entry.identities, number)
            outcomes[number] = Receipt()
    if with_savepoints:
        outcomes |= _insert_apart(conn, entries, new)
    else:
        _insert_together(conn, [entries[number] for number in new])
    for number, first in doubles.items():
        outcomes[number] = outcomes[first] if isinstance(outcomes[first], LarkError) else Receipt(now_ms)
    return [outcomes[number] for number in range(len(entries))]


def first_seen_ms(conn: Connection, entry: NewEntry) -> int | None:
    """Return when an entry, or its double, came first; None: it has not."""
    return min(_first_seen(conn, [entry]).values(), default=None)


def _first_seen(conn: Connection, entries: Sequence[NewEntry]) -> dict[str, int]:
    identities = [each for entry in entries for each in entry.identities]
    asked = select(inbox_identities.c.identity, epoch_ms(inbox_identities.c.seen_at)).where(
        is_among(inbox_identities.c.identity, identities)
    )
    return {identity: int(at_ms) for identity, at_ms in conn.execute(asked)}


def _insert_together(conn: Connection, entries: Sequence[NewEntry]) -> None:
    try:
        _insert(conn, entries)
    except DBAPIError as exc:
        if len(entries) > 1 and concerns_a_row(exc):
            raise Refused("one of several entries was refused") from None
        raise


def _insert_apart(conn: Connection, entries: Sequence[NewEntry], new: Sequence[int]) -> dict[int, Outcome]:
    # a table that is missing, or a right, is no entry's fault
    conn.execute(select(inbox.c.id).limit(0))
    refused: dict[int, Outcome] = {}

    def refuse(number: int, exc: Exception) -> None:
        if isinstance(exc, DBAPIError) and lacks_right(exc):
            raise exc
        refused[number] = refusal(exc, subject="the entry of the inbox")

    isolate(conn, new, lambda part: _insert(conn, [entries[number] for number in part]), refuse)
    return refused


def _insert(conn: Connection, entries: Sequence[NewEntry]) -> None:
    if not entries:
        return
    ids = [id_ for part in _by_size(entries) for id_ in _insert_entries(conn, [each.values for each in part])]
    # in one order everywhere, so that two that share two identities do not wait for each other
    pairs = sorted((each, id_) for entry, id_ in zip(entries, ids, strict=True) for each in entry.identities)
    rows = [{"identity": identity, "inbox_id": id_} for identity, id_ in pairs]
    if insert_new_rows(conn, inbox_identities, rows) != len(rows):
        raise Raced("a delivery came to another process at the same moment")


def _insert_entries(conn: Connection, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows, and return their ids in the same order."""
    if conn.dialect.insert_executemany_returning_sort_by_parameter_order:
        return list(conn.scalars(insert(inbox).returning(inbox.c.id, sort_by_parameter_order=True), rows))
    # MySQL tells the id of one row only
    made = (conn.execute(insert(inbox), row).inserted_primary_key for row in rows)
    return [key[0] for key in made if key is not None]


def _by_size(entries: Sequence[NewEntry]) -> Iterator[list[NewEntry]]:
    part, size = list[NewEntry](), 0
    for entry in entries:
        length = len(entry.values["body"])
        if part and size + length > STATEMENT_CHARACTERS:
            yield part
            part, size = [], 0
        part.append(entry)
        size += length
    yield part
