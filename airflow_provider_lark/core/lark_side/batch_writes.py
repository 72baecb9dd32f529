"""Writing a list of records in batches: those that Lark rejects are reported by their index, the others are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from airflow_provider_lark.core.bisect import Luck, bisect_batch
from airflow_provider_lark.core.errors import LarkError

_SHOWN = 10


def write_in_batches(
    verb: str,
    total: int,
    size: int,
    send: Callable[[Sequence[int]], object],
    *,
    creates: bool = False,
    undo: Callable[[Sequence[int]], str] | None = None,
) -> None:
    """Send records by their places, a batch a call, in parts where Lark refuses some.

    :param verb: what is done to them, for messages: ``created``.
    :param send: writes the records of some places, all or none.
    :param creates: see :func:`.bisect_batch`.
    :param undo: takes back what landed of a batch with a refused record, by places, and says so.
    :raises LarkError: names the records that are refused; the others of their batch and of those before are written.
    """
    refused: dict[int, LarkError] = {}
    landed: list[int] = []
    luck = Luck()

    def note(part: Sequence[int]) -> None:
        send(part)
        landed.extend(part)

    for start in range(0, total, size):
        batch = range(start, min(start + size, total))
        with _placed(verb, luck.landed, batch, total):
            landed.clear()
            left = bisect_batch(batch, note, refused.__setitem__, luck=luck, creates=creates)
            if left.items and left.error is not None and not refused:
                raise left.error
        if refused and undo is not None:
            error = _name(refused, verb, luck.landed - len(landed), total)
            told = undo(landed)
            error.message += f". {told[:1].upper()}{told[1:]}" if told else ""
            raise error
        if refused:
            raise _name(refused, verb, luck.landed, total)


def _name(refused: Mapping[int, LarkError], verb: str, done: int, total: int) -> LarkError:
    """Return the error of the first refused record, which says of all where they stand and what was done."""
    first, error = min(refused.items())
    places = sorted(refused)
    told = ", ".join(map(str, places[:_SHOWN])) + (" …" if len(places) > _SHOWN else "")
    if total > 1:
        which = f"record {first} of {total}" if len(places) == 1 else f"records {told} of {total}, the first of them"
        error.message = f"{which} ({done} {'other was' if done == 1 else 'others were'} {verb}): {error.message}"
    return error


@contextmanager
def _placed(verb: str, done: int, batch: range, total: int) -> Iterator[None]:
    """Say in an error which records it concerns, and what was written before them."""
    try:
        yield
    except LarkError as error:
        if total > len(batch):
            before = f"{done} before them were {verb}" if done else f"none was {verb}"
            error.message = f"records {batch[0]} to {batch[-1]} of {total} ({before}): {error.message}"
        raise
