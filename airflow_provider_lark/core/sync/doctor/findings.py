"""What a check finds: a value to print, to test, or to alarm on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.database.refusals import reason
from airflow_provider_lark.core.errors import AccessDenied, LarkError

Status = Literal["ok", "warning", "trouble"]
Answer = str | tuple[Status, str]
"""What was found; alone it is ``ok``."""

ADVANCED = (
    "it has advanced permissions: give the app the right to manage it, otherwise searches return no records and no "
    "error"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    :param subject: what was looked at: ``app cli_…``, ``mapping areas``.
    :param check: which part of it: ``token``, ``clock``, ``fields``, ``triggers``, …
    :param detail: what was found, and for anything but ``ok`` what to do.
    :param scopes: the API scopes of which Lark wanted one.
    """

    subject: str
    check: str
    status: Status
    detail: str
    scopes: tuple[str, ...] = ()


def look(subject: str, check: str, ask: Callable[[], Answer]) -> Finding:
    """Ask, and turn what goes wrong into a finding."""
    try:
        answer = ask()
    except LarkError as exc:
        scopes = exc.scopes if isinstance(exc, AccessDenied) else ()
        return Finding(subject, check, "trouble", f"{type(exc).__name__}: {exc}", scopes)
    except SQLAlchemyError as exc:
        # its text quotes the statement, and a broken address of the database its password
        return Finding(subject, check, "trouble", f"the database failed ({reason(exc)}); check its connection")
    if isinstance(answer, str):
        return Finding(subject, check, "ok", answer)
    return Finding(subject, check, *answer)
