"""Times, shares, values and names as the commands print them."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.sync.plan.actions import plain

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(seconds: float | None) -> str:
    """Return a length of time in its largest unit, an empty text for None.

    >>> span(7.25), span(5400), span(None)
    ('7.2 s', '1.5 h', '')
    """
    if seconds is None:
        return ""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def share(part: float | None) -> str:
    """Return a share as a percentage, an empty text for None; what is not all is never 100 %."""
    if part is None:
        return ""
    return "100 %" if part >= 1 else f"{min(part * 100, 99.9):.1f} %"


def moment(ms: int) -> str:
    """Return a time in UTC."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def cell_text(cell: Canonical) -> str:
    """Return a value for a cell of a table: a text as it is, anything else as JSON, empty for none."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else json.dumps(plain(cell), ensure_ascii=False)


def shell_user() -> str:
    """Return who uses the command, for the log."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError, ImportError):
        # a container may run under a number that no account has
        return "someone (command line)"
