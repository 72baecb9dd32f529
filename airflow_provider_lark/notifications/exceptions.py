"""The text of an exception: its traceback, shortened before it is formatted, without secrets.

Both take time with the size of what was raised: a message of millions of lines must not hold a worker.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import Any

KEPT = 100_000
"""Characters of either end that are looked at: what a message shows of either end is far from this cut."""

_LEAST_KEPT = 2_000
"""Of each message in a long chain of exceptions."""

_EDGE = 500
"""Characters at a cut among which the beginning of a word is looked for: half a secret is not known as one."""


_PASSWORD = re.compile(r"(://[^\s:/?#@]*:)[^\s/?#@]+@")
"""In an address, where it stands percent-encoded, and so is not the text that Airflow knows and masks."""


def describe(exception: Any) -> str | None:
    """Return the traceback of an exception, or its message where it is a text; None for none."""
    if exception is None:
        return None
    text = _trace(exception) if isinstance(exception, BaseException) else str(exception)
    # before a card is cut: half a secret would not be known as one
    return mask_text(cut_long(text)) or None


def mask_text(text: str) -> str:
    """Return *text* without the secrets that Airflow knows, and without the passwords of addresses."""
    # the module has it, and leaves it out of its list of names
    from airflow.sdk.log import redact  # type: ignore[attr-defined]

    return _PASSWORD.sub(r"\1***@", str(redact(text)))


def cut_long(text: str, kept: int = KEPT) -> str:
    """Return *text* with *kept* characters of either end, and how many are missing between them."""
    if len(text) <= 2 * kept + _EDGE:
        return text
    head, tail = text[:kept], text[-kept:]
    head = head[: -len(head[-_EDGE:].split()[-1])] if len(head[-_EDGE:].split()) > 1 else head
    parts = tail[:_EDGE].split(maxsplit=1)
    tail = tail[tail.index(parts[1]) :] if len(parts) > 1 else tail
    return f"{head}\n[… {len(text) - len(head) - len(tail):,} characters omitted …]\n{tail}"


def _trace(exception: BaseException) -> str:
    told = traceback.TracebackException(type(exception), exception, exception.__traceback__, compact=True)
    chain = list(_chained(told))
    for each in chain:
        _shorten(each, max(_LEAST_KEPT, KEPT // len(chain)))
    return "".join(told.format())


def _chained(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Give *told* and those that it names: causes, what was being handled, parts of a group."""
    waiting = [told]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += [other for other in (each.__cause__, each.__context__, *(each.exceptions or ())) if other]


def _shorten(told: traceback.TracebackException, kept: int) -> None:
    # the message has no public name; where it has another one some day, formatting only takes longer
    if isinstance(text := vars(told).get("_str"), str):
        vars(told)["_str"] = cut_long(text, kept)
    if isinstance(told.__notes__, list):
        told.__notes__ = [cut_long(str(note), kept) for note in told.__notes__]
