"""Pages of messages and chats: a token only where more follows (lark-api §6.1, §7.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.wire import Request

T = TypeVar("T")
_TOKEN: Final = re.compile(rb"after:([0-9]{1,9})")


def page(
    request: Request, items: Sequence[T], *, most: int, code: int, token_code: int | None = None, usual: str = "20"
) -> tuple[Sequence[T], dict[str, Any]]:
    """One page, and the members that describe it.

    :param code: for a page size that is out of range.
    :param token_code: for a token that is none; default: *code*.
    :param usual: the page size where none is asked for.
    """
    given = request.query.get("page_size") or usual
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise ApiError(code, f"page_size must be 1..{most}")
    start = _read(request.query.get("page_token"), len(items), token_code or code)
    end = start + int(given)
    if end >= len(items):
        return items[start:], {"has_more": False}
    token = base64.urlsafe_b64encode(b"after:%d" % end).decode()
    return items[start:end], {"has_more": True, "page_token": token}


def _read(token: str | None, most: int, code: int) -> int:
    if not token:
        return 0
    try:
        match = _TOKEN.fullmatch(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        match = None
    if match is None or int(match[1]) > most:
        raise ApiError(code, "the page_token is not valid")
    return int(match[1])
