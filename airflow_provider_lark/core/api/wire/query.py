"""Query parameters: from what a caller passes to what the URL carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from airflow_provider_lark.core.errors import BadRequest

QueryValue: TypeAlias = str | int | bool | Sequence[str | int] | None
"""A member; a list is sent as a repeated parameter, None not at all."""


def write_query(query: Mapping[str, QueryValue], *, endpoint: str) -> dict[str, str | list[str]]:
    """Return *query* as text, members that are None left out.

    :raises BadRequest: a member is of another type, or holds characters that cannot be sent.
    """
    return {name: _write(name, value, endpoint) for name, value in query.items() if value is not None}


def _write(name: str, value: QueryValue, endpoint: str) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return check_text(value, f"query parameter {name!r}", endpoint=endpoint)
    if isinstance(value, (list, tuple)):
        return [str(_write(name, item, endpoint)) for item in value]
    raise BadRequest(
        f"query parameter {name!r}: got {type(value).__name__}; expected text, an integer, a boolean, or a "
        "list of these",
        endpoint=endpoint,
    )


def check_text(text: str, what: str, *, endpoint: str | None = None) -> str:
    """Return *text*, which can be sent.

    :raises BadRequest: it holds a NUL, or half of a surrogate pair: no valid UTF-8.
    """
    if "\0" in text or not is_encodable(text):
        raise BadRequest(f"{what} contains a NUL character or invalid characters", endpoint=endpoint)
    return text


def is_encodable(text: str) -> bool:
    """Tell whether *text* can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
