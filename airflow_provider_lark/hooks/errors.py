"""The one translation of errors for Airflow: permanent ones fail the task, others are left to its retries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.core.errors import LarkError, RetriableError


def airflow_error(exc: LarkError) -> AirflowException:
    """Return what Airflow should be told instead of *exc*; raise it ``from exc``.

    The result holds its message only, so that executors can pickle it. A retriable error becomes an
    ``AirflowException``, which the task's ``retries`` catch; any other one an ``AirflowFailException``, because the
    same attempt would fail again until a person has changed something.
    """
    kind = AirflowException if isinstance(exc, RetriableError) else AirflowFailException
    return kind(f"{type(exc).__name__}: {exc}")


def without_frames(exc: LarkError) -> LarkError:
    """Return *exc* as if it were new, to be raised outside the except block.

    The frames behind an error have locals, and those of reading a connection are full of its secrets.
    """
    exc.__traceback__ = exc.__cause__ = exc.__context__ = None
    return exc


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Translate what the block raises by :func:`airflow_error`."""
    try:
        yield
    except LarkError as exc:
        raise airflow_error(exc) from exc
