"""A run from its first entry to its line in ``sync_run``, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from airflow_provider_lark.core.database.dbtime import NowMs
from airflow_provider_lark.core.sync.run.recording import Recording, tell_problems
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


@contextmanager
def recorded(run: Run, recording: Recording) -> Iterator[None]:
    """Hand back what is claimed, before and after, and leave the line of the run in the last transaction."""
    run.database_offset_ms = run.transact(_open) - int(run.clock.now() * 1000)
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        failure = error
        if isinstance(error, Exception):
            tell_problems(error, run.report)
        raise
    finally:
        run.transact(_close, run, recording, failure)
        recording.is_noted = True
    if run.report.failed:
        run.report.status = "partial"


def _open(tx: Transaction) -> int:
    """Return the database's time."""
    # with the lease in hand, whatever is still claimed belongs to a worker that died
    tx.queue.hand_back_all()
    return int(tx.conn.scalars(select(NowMs())).one())


def _close(tx: Transaction, run: Run, recording: Recording, failure: BaseException | None) -> None:
    tx.queue.hand_back_all()
    if run.batch.has_learned:
        tx.checkpoint.keep_batch_limit(run.batch.remembered)
    recording.note(tx, failure)
