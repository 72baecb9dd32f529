"""What the platform refuses: code, HTTP status and message (lark-api §1.4, §2.9)."""

from __future__ import annotations

from typing import Any, Final, Literal

from airflow_provider_lark.emulator.codes.general import CODES

StatusFamily = Literal["record", "search", "strict", "making", "oauth", "hook"]
"""``record``: errors mostly with HTTP 200; ``search``, ``strict`` (batch_get: 400 and 404) and ``making`` (bases and
tables): with what differs there (§2.9); ``oauth``: errors in the form of OAuth (§1.3);
``hook``: of webhook bots (§6.4)."""

_DIFFERS: Final[dict[StatusFamily, dict[int, int]]] = {
    "search": {1254302: 200, 1254303: 200},
    "strict": {1254002: 500, 1254302: 400, 1254303: 400, 1254607: 500},
    "making": {1254012: 400, 1254014: 400, 1254021: 400, 1254022: 400, 1254031: 400},
}
"""HTTP statuses of codes in one family of routes (§2.9, column HTTP)."""


def message_of(code: int) -> str:
    """The platform's short message for *code*."""
    return CODES.get(code, ("error", 200))[0]


def status_of(code: int, family: StatusFamily = "record") -> int:
    """The HTTP status that *code* arrives with in routes of *family*."""
    status = _DIFFERS.get(family, {}).get(code) or CODES.get(code, ("error", 200))[1]
    if family == "strict" and status == 200:
        return 404 if 1254040 <= code <= 1254045 else 400
    return status


class ApiError(Exception):
    """A request that is answered with ``code != 0``.

    :param code: the platform's code.
    :param detail: what is wrong, for ``error.message``; the platform's own texts are not promised (§1.4).
    :param status: the HTTP status, where it differs from the usual one of *code*.
    :param msg: ``msg``, where it differs from the usual one of *code*.
    :param extra: further members of ``error``.
    """

    def __init__(
        self,
        code: int,
        detail: str = "",
        *,
        status: int | None = None,
        msg: str | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail
        self.status = status
        self.msg = msg if msg is not None else message_of(code)
        self.extra = extra or {}
        self.headers = headers or {}


def optional_text(given: object, name: str) -> str:
    """A text that may be left out.

    :raises ApiError: 99992402.
    """
    if given is None:
        return ""
    if not isinstance(given, str):
        raise invalid(name, given, f"{name} must be a string")
    return given


def optional_flag(given: object, name: str) -> bool:
    """A boolean that may be left out.

    :raises ApiError: 99992402.
    """
    if given is None:
        return False
    if not isinstance(given, bool):
        raise invalid(name, given, f"{name} must be true or false")
    return given


def invalid(field: str, value: object, description: str) -> ApiError:
    """99992402 with the field that failed (§1.4)."""
    violation = {"field": field, "value": str(value)[:80], "description": description}
    return ApiError(99992402, description, extra={"field_violations": [violation]})
