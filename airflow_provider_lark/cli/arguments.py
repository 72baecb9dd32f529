"""Arguments that several groups of commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from airflow.cli.cli_config import Arg


def arg(*flags: str, **settings: Any) -> Arg:
    """Return an argument of Airflow's parser."""
    return Arg(flags, **settings)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        # int() takes ٣ and 1_000 as well, which nobody means who is asked for an id
        if not (value.isascii() and value.isdigit() and least <= int(value[:30]) <= most):
            raise ArgumentTypeError(f"expected a whole number from {least:,} to {most:,}, found {value[:30]!r}")
        return int(value)

    return read


# no database counts further, and SQLite's driver fails at more
_MOST = 2**63 - 1
POSITIVE = _number(1, _MOST)
NOT_NEGATIVE = _number(0, _MOST)
# beyond a century an end is none, and beyond the year 9999 the databases know no time
DAYS = _number(1, 100 * 366)
HOURS = _number(1, 100 * 366 * 24)

ARG_CONN_ID = arg("--conn-id", help="Connection of type lark (default: lark_default)", default="lark_default")
