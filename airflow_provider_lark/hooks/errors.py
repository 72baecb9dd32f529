"""The one translation of errors for Airflow: permanent ones fail the task, others are left to its retries."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.core.errors import LarkError, RetriableError

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

E = TypeVar("E", bound=AirflowException)


def airflow_error(exc: LarkError, *, permanent: tuple[type[LarkError], ...] = ()) -> AirflowException:
    """Return what Airflow should be told instead of *exc*.

    :param permanent: what the task's ``retries`` would make worse, though it is retriable by itself.

    The result holds its message, and the error without its frames (:func:`lark_error_of`), so that executors can pickle
    it. A retriable error becomes an ``AirflowException``, which the task's ``retries`` catch; any other one an
    ``AirflowFailException``, because the same attempt would fail again until a person has changed something.
    """
    may_retry = isinstance(exc, RetriableError) and not isinstance(exc, permanent)
    kind = AirflowException if may_retry else AirflowFailException
    notes = "".join(f" ({note})" for note in getattr(exc, "__notes__", ()))
    error = kind(f"{type(exc).__name__}: {exc}{notes}")
    vars(error)["lark_error"] = copy.copy(exc)
    return error


def lark_error_of(exc: BaseException | None) -> LarkError | None:
    """Return the core's error behind *exc*; None where there is none."""
    seen = set[int]()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        found = exc if isinstance(exc, LarkError) else vars(exc).get("lark_error")
        if isinstance(found, LarkError):
            return found
        exc = exc.__cause__ or exc.__context__
    return None


def told(error: E) -> E:
    """Return *error*, which is raised next, after its message has become one ERROR line of the task's log.

    Airflow logs an error as "Task failed with exception" above a traceback, in which a message is easily overlooked.
    """
    log.error("%s", error)
    return error


def without_frames(exc: LarkError) -> LarkError:
    """Return *exc* as if it were new, to be raised outside the except block.

    The frames behind an error have locals, and those of reading a connection are full of its secrets.
    """
    exc.__traceback__ = exc.__cause__ = exc.__context__ = None
    return exc


@contextmanager
def airflow_errors(*, permanent: tuple[type[LarkError], ...] = ()) -> Iterator[None]:
    """Translate what the block raises: the core's errors by :func:`airflow_error`, and what a database says.

    The message says all that the error behind it does, so Airflow is not shown that one's traceback as well; the log
    has it at DEBUG.

    :param permanent: as for :func:`airflow_error`.
    """
    try:
        yield
    except LarkError as exc:
        log.debug("the cause of the following error", exc_info=exc)
        raise told(airflow_error(exc, permanent=permanent)) from None
    except Exception as exc:
        error = _database_error(exc)
        if error is None:
            raise
        log.debug("the cause of the following error", exc_info=exc)
        raise told(error) from None


def explain_database(exc: SQLAlchemyError) -> str:
    """Return what an error of a database says, for people who see no log: whose it is, and what to look at."""
    from sqlalchemy.exc import DBAPIError

    from airflow_provider_lark.core.database.error_codes import lacks_right
    from airflow_provider_lark.core.database.refusals import reason

    # a note names the connection; without one it is Airflow's own database
    notes = getattr(exc, "__notes__", ())
    if not notes:
        return f"Airflow's database failed ({reason(exc)}); run `airflow db check`"
    if isinstance(exc, DBAPIError) and lacks_right(exc):
        return f"{notes[0]}: the database refused ({reason(exc)}); its user lacks a right on a table, see its log"
    return (
        f"{notes[0]}: the database failed ({reason(exc)}); check that it is running, its address, its user and its log"
    )


def _database_error(exc: Exception) -> AirflowException | None:
    """Return what Airflow should be told instead of an error of a database's driver; None for any other error."""
    from sqlalchemy.exc import DBAPIError, ProgrammingError

    from airflow_provider_lark.core.database.refusals import words_of

    if not isinstance(exc, DBAPIError):
        return None
    # a statement that is wrong stays so; what the server or the way to it is about may pass
    kind = AirflowFailException if isinstance(exc, ProgrammingError) else AirflowException
    where = "".join(f"{note}: " for note in getattr(exc, "__notes__", ()))
    return kind(f"{type(exc).__name__}: {where}database error: {words_of(exc)}")
