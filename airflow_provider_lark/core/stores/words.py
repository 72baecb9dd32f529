"""What a database says in an error: one line, without the statement and the values that were bound to it."""

from __future__ import annotations

from sqlalchemy.exc import StatementError

_MAX_CHARACTERS = 500


def words_of(exc: StatementError) -> str:
    """Return the first line of the database's own message.

    PostgreSQL's further lines show the place in the statement, and the values of the row.
    """
    orig = exc.orig
    told: object = orig or exc
    match getattr(orig, "args", ()):
        case (int(), words, *_):
            # MySQL's drivers put a number first
            told = words
    lines = str(told).strip().splitlines() or [type(orig).__name__]
    return lines[0].strip().removesuffix(".")[:_MAX_CHARACTERS]
