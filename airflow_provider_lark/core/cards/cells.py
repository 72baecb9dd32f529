"""Values of a database as cells of a card's table and as points of a chart."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import one_line

# beyond it a JavaScript number is no longer the one that was sent
_WHOLE_MAX = 2**53
_DIGITS_MAX = 15


def is_plain_number(value: object) -> bool:
    """Whether *value* is a number that arrives in the client as it is here."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) <= _WHOLE_MAX
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= _DIGITS_MAX
    return isinstance(value, float) and math.isfinite(value)


def write_number(value: object) -> int | float:
    """Return *value*, which is a plain number, as JSON has it."""
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) <= _WHOLE_MAX else float(value)
    if isinstance(value, float):
        return value
    raise TypeError(f"{type(value).__name__} is not a number")


def write_text(value: object, *, max_bytes: int) -> str:
    """Return *value* as a cell shows it, in one line of at most *max_bytes*; nothing for NULL."""
    if value is None:
        return ""
    return cut_end(one_line(_as_text(value, max_bytes)), max_bytes)


def _as_text(value: object, max_bytes: int) -> str:
    # what is cut anyway need not be cleaned: a cell may hold megabytes
    return value[: max_bytes + 1] if isinstance(value, str) else value_words(value)


def value_words(value: object) -> str:
    """Return *value* as a message says it, a text as it is; nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{len(value)} {'byte' if len(value) == 1 else 'bytes'}"
    if isinstance(value, (dict, list, tuple)):
        try:
            return json.dumps(value, ensure_ascii=False, default=value_words)
        except RecursionError:
            return "JSON, nested too deep to show"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        # as files have it: NaN, Infinity, -Infinity
        return str(Decimal(value))
    return f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)


def decimals_of(values: Sequence[object]) -> int | None:
    """Return how many decimals a column of *values* shows, or None to show each as it is.

    ``DECIMAL`` columns keep their zeros: -5.00 stays -5.00.
    """
    scales = [value.as_tuple().exponent for value in values if isinstance(value, Decimal)]
    if not scales or len(scales) < sum(value is not None for value in values):
        return None
    return max(0, *(-scale for scale in scales if isinstance(scale, int)))
