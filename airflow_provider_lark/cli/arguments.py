"""Arguments that several groups of commands take."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import Arg, positive_int


def arg(*flags: str, **settings: Any) -> Arg:
    """Return an argument of Airflow's parser."""
    return Arg(flags, **settings)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped


POSITIVE = positive_int(allow_zero=False)  # type: ignore[no-untyped-call]  # likewise
NOT_NEGATIVE = positive_int(allow_zero=True)  # type: ignore[no-untyped-call]  # likewise

ARG_CONN_ID = arg("--conn-id", help="Connection of type lark (default: lark_default)", default="lark_default")
