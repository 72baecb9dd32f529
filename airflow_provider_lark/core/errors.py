"""Every error of the core, cut by what the caller does next.

::

    LarkError
    ├── RetriableError               try again later
    │   ├── RateLimited              wait .retry_after_seconds
    │   ├── ServerBusy               Lark throttles, locks or recomputes
    │   │   └── ReadFailed           Lark says that it broke down over what was to be read
    │   ├── OutcomeUnknown           the request may have been carried out
    │   │   └── ServerFailed         Lark says that it broke down over the request; most likely it was not
    │   ├── Unreachable              ConnectionError: the request was never sent
    │   ├── LeaseHeld                another worker writes to this table
    │   ├── TransactionLost          the database undid the whole transaction, not only the last statement
    │   ├── Stopped                  told to stop, between two calls; nothing is wrong
    │   ├── DatabaseBusy             another program holds a lock in the database for too long
    │   └── IncompleteRead           a read may have passed records over
    ├── PermanentError               a person has to change something
    │   ├── BadRequest               ValueError
    │   │   ├── ValueRefused         a value of the batch does not fit its field; bisect the batch to find it
    │   │   ├── LimitReached         the table is full
    │   │   ├── TooLarge             ask for less, or send less, at once
    │   │   └── CardInvalid          .path says which element of the card Lark would refuse
    │   ├── NotAuthorized            PermissionError: app id, secret or token refused
    │   ├── AccessDenied             PermissionError: scope or document right missing
    │   ├── NotFound                 LookupError: base, table, field or record
    │   │   ├── FieldNotFound        renamed or deleted; read the fields again
    │   │   └── RecordNotFound       deleted; read the records again
    │   ├── ClientTokenConflict      the client_token belongs to another request
    │   ├── QuotaExhausted           the tenant's monthly calls are used up
    │   ├── UnexpectedAnswer         ValueError: not the API's shape
    │   ├── ChangedSince             what somebody decided about is no more as they saw it
    │   ├── ConfigError              ValueError: a mapping or a connection says something impossible
    │   ├── SchemaMismatch           ValueError: the two tables do not fit the mapping
    │   └── SafetyStop               a guard refused to go on; nothing was lost
    └── RowError                     this row only; the others land
        ├── ValueMismatch            ValueError: a value that the other side cannot hold
        ├── RowRefused               the database or Lark refuses this row: a constraint, a rule
        │   └── RowWaits             for another row's sake, which may come, or give up what this one needs
        └── DuplicateKey             two records carry one key

A message says what failed, on what, and what to do. It never holds a secret, a token or a cell's content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

#: so many rows are named in the text of an error that ends a run
PROBLEMS_TOLD = 3

_INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class LarkError(Exception):
    """The root.

    :param message: what failed, on what, and what to do.
    :param code: Lark's own code, when Lark refused.
    :param log_id: Lark's log id: what their support asks for.
    :param endpoint: method and route, without query and without ids.
    :ivar problems: what had happened to single rows before this ended the run, at most 20 texts.
    :ivar failed: how many rows that were.
    """

    problems: tuple[str, ...] = ()
    failed: int = 0

    def __init__(
        self, message: str, *, code: int | None = None, log_id: str | None = None, endpoint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.log_id = log_id
        self.endpoint = endpoint

    def __str__(self) -> str:
        facts = [
            f"{name} {value}"
            for name, value in (("code", self.code), ("endpoint", self.endpoint), ("log_id", self.log_id))
            if value is not None
        ]
        text = f"{self.message} [{', '.join(facts)}]" if facts else self.message
        return f"{text}. {describe_problems(self.failed, self.problems)}" if self.problems else text

    def __reduce__(self) -> tuple[Any, ...]:
        # keyword-only arguments do not survive the default pickling, and Airflow's executors pickle errors
        return _rebuild, (type(self), self.message, {k: v for k, v in vars(self).items() if k != "message"})


def kind_of(error: BaseException) -> str:
    """Return which of the tree above an error is, such as ``rate_limited``; ``other`` outside of it. A closed set."""
    for cls in type(error).__mro__:
        if cls.__module__ == __name__ and issubclass(cls, LarkError):
            return _INNER_CAPITAL.sub("_", cls.__name__).lower()
    return "other"


def describe_problems(failed: int, problems: Sequence[str]) -> str:
    """Say in a line which rows could not be synced; a few of them with their reasons."""
    more = f"; and {failed - PROBLEMS_TOLD} more" if failed > PROBLEMS_TOLD else ""
    told = "; ".join(problems[:PROBLEMS_TOLD])
    return f"Rows that could not be synced before that ({failed}, see sync_queue): {told}{more}"


def _rebuild(cls: type[LarkError], message: str, state: dict[str, Any]) -> LarkError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.message = message
    vars(error).update(state)
    return error


class RetriableError(LarkError):
    """Nothing is wrong with the request; the same one may succeed later."""


class RateLimited(RetriableError):
    """Too many calls. *retry_after_seconds* is the server's word, or None where it gave none."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after_seconds = retry_after_seconds


class ServerBusy(RetriableError):
    """Lark throttles the base, another write holds it, or earlier writes are still being computed."""


class ReadFailed(ServerBusy):
    """Lark answered a read that it broke down, again and again: over one record, or over everything."""


class OutcomeUnknown(RetriableError):
    """The request was sent and no answer came: it may have been carried out."""


class ServerFailed(OutcomeUnknown):
    """Lark answered that it broke down, again and again: over one record, or over everything."""


class Unreachable(RetriableError, ConnectionError):
    """No connection; the request was never sent."""


class LeaseHeld(RetriableError):
    """Another worker holds the right to write to this table."""


class TransactionLost(RetriableError):
    """The database undid the whole transaction, so that nothing of it counts; its cause says why."""


class Stopped(RetriableError):
    """Told to stop from outside: what was done is noted, and another run goes on from there."""


class DatabaseBusy(RetriableError):
    """Another program held a lock for longer than we wait, or the database gave us too little time; all was undone."""


class IncompleteRead(RetriableError):
    """Lark showed fewer records than it counts, or people deleted some meanwhile: another read may bring all."""


class PermanentError(LarkError):
    """The same request will fail again until a person changes something."""


class BadRequest(PermanentError, ValueError):
    """Lark refuses the request's content."""


class ValueRefused(BadRequest):
    """Lark refuses a value of a batch, and does not say which: nothing of the batch was written."""


class LimitReached(BadRequest):
    """The table takes no more records, whichever they are."""


class TooLarge(BadRequest):
    """The request asks for, or holds, more than Lark handles at once."""


class CardInvalid(BadRequest):
    """Lark would refuse the card, or show less than was meant.

    :param path: the first element concerned, such as ``body.elements[3]``.
    :param findings: every finding as ``path: what, and what to do``, in the card's order.
    """

    def __init__(self, message: str, *, path: str = "", findings: tuple[str, ...] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.path = path
        self.findings = findings


class NotAuthorized(PermanentError, PermissionError):
    """App ID, App Secret or token refused, or the app is disabled."""


class AccessDenied(PermanentError, PermissionError):
    """An API scope or a right on the document is missing.

    :param scopes: the scopes of which one is needed, as Lark names them.
    """

    def __init__(self, message: str, *, scopes: tuple[str, ...] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.scopes = scopes


class NotFound(PermanentError, LookupError):
    """The base, table, view, field or record does not exist, or is hidden from the app."""


class FieldNotFound(NotFound):
    """A field was renamed or deleted since the fields were read."""


class RecordNotFound(NotFound):
    """A record was deleted, or never existed; nothing of the batch was written."""


class ClientTokenConflict(PermanentError):
    """Lark has carried out another request under this client_token: look before creating under a new one."""


class QuotaExhausted(PermanentError):
    """The tenant's monthly quota of calls is used up; retrying burns nothing but time."""


class UnexpectedAnswer(PermanentError, ValueError):
    """The answer does not have the shape of the API: a proxy's page, or another host."""


class ChangedSince(PermanentError):
    """What somebody decided about has changed since they saw it; nothing was done, and they have to look again."""


class ConfigError(PermanentError, ValueError):
    """A mapping, an option or a connection says something impossible."""


class SchemaMismatch(PermanentError, ValueError):
    """Table, field or column is missing, has the wrong type, or cannot be written."""


class SafetyStop(PermanentError):
    """A guard refused to go on, because going on could lose data."""


class RowError(LarkError):
    """One row cannot be synced; it is reported and the others land."""


class ValueMismatch(RowError, ValueError):
    """A value that the other side cannot hold. The message names field, key and the value's type."""


class RowRefused(RowError):
    """The database refused the row, by a constraint or a type; another row may have to come first."""


class RowWaits(RowRefused):
    """The row needs another one that is not there yet, or a unique value that another one still has."""


class DuplicateKey(RowError):
    """A second record carries a key that already belongs to a pair."""
