"""Texts from plain data, as YAML and JSON give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_lark.core.errors import ConfigError


def read_text(raw: Any, where: str) -> str:
    """Return *raw* without blanks around it.

    :raises ConfigError: it is no text, or an empty one.
    """
    if not isinstance(raw, str) or not raw.strip():
        raise ConfigError(f"{where}: expected a string, found {describe(raw)}")
    return raw.strip()


def read_optional_text(raw: Any, where: str) -> str | None:
    """Return *raw* as :func:`read_text` does, or None where nothing is given."""
    return None if raw is None else read_text(raw, where)


def describe(raw: Any) -> str:
    """Say what was found in place of the expected, without showing it."""
    return "nothing" if raw is None or raw == "" else f"a value of type {type(raw).__name__}"


def read_choice(raw: Any, choices: Sequence[str], where: str) -> Any:
    """Return *raw*, or None where nothing is given.

    :raises ConfigError: it is none of *choices*.
    """
    if raw is not None and raw not in choices:
        raise ConfigError(f"{where}: {raw!r} is not one of {', '.join(choices)}")
    return raw
