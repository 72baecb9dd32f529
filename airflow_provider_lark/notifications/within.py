"""A time limit for notifiers: a server that never answers must block neither a worker nor the DAG processor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from threading import Thread
from typing import Generic, TypeVar

from airflow_provider_lark.core.errors import OutcomeUnknown

T = TypeVar("T")

CARDS = tuple(f"airflow_provider_lark.core.cards.ready.{name}" for name in ("deadline", "run", "task"))
"""The cards of what a notifier tells."""


class _Errand(Generic[T]):
    result: T

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result = self.function()
        except Exception as exc:  # noqa: BLE001 - raised again in the thread that waits
            self.error = exc


def load(modules: Sequence[str]) -> None:
    """Import *modules* before the time is taken: a busy machine needs seconds for that alone."""
    for name in modules:
        import_module(name)


def run_within(seconds: float, function: Callable[[], T]) -> T:
    """Return what *function* returns, or raise what it raises, within *seconds*.

    It runs in a thread of its own, which is left behind where it takes longer, and ends with the process.

    :raises OutcomeUnknown: it took longer.
    """
    errand = _Errand(function)
    thread = Thread(target=errand.run, name="lark-notifier", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise OutcomeUnknown(f"timed out after {seconds:g} s; the message may have been delivered")
    if errand.error is not None:
        raise errand.error
    return errand.result
