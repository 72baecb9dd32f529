"""Reading what Lark answers to a webhook: success is a ``code`` or a ``StatusCode`` of 0, whatever the HTTP status."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

from airflow_provider_lark.core.api.codes import explain
from airflow_provider_lark.core.api.codes.cards import CARD_CODES, explain_card
from airflow_provider_lark.core.api.codes.meaning import Meaning
from airflow_provider_lark.core.api.codes.webhooks import (
    OTHERWISE,
    RATE,
    SIGNATURE,
    TOO_MANY,
    UNREADABLE,
    UNSIGNED,
    WEBHOOK_MEANINGS,
)
from airflow_provider_lark.core.api.webhook.address import ENDPOINT
from airflow_provider_lark.core.api.wire.answers import retry_after
from airflow_provider_lark.core.api.wire.flow import HttpResponse
from airflow_provider_lark.core.errors import LarkError, OutcomeUnknown, RateLimited, UnexpectedAnswer

MAYBE_DELIVERED: Final = "the message may have been delivered, so it is not sent again; check the chat"

_LOCATION: Final = range(300, 400)
_SHOWN: Final = 80
_SKEW_SECONDS: Final = 3600 - 60


def read_receipt(response: HttpResponse, *, subject: str, is_signed: bool, now: float, hidden: tuple[str, ...]) -> None:
    """Return when the message is in the chat.

    :param subject: which bot.
    :param is_signed: whether the request was.
    :param now: seconds since the epoch, to be compared with Lark's.
    :param hidden: texts that no error may show, though the answer repeats them.
    :raises LarkError: it is not.
    """
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        error = _unreadable(response, subject, hidden)
    else:
        codes = _codes_of(body)
        if codes and not any(codes):
            return
        if codes:
            error = _refusal(next(filter(None, codes)), body, response, subject, is_signed=is_signed, now=now)
        else:
            error = UnexpectedAnswer(
                f"{subject}: the response (HTTP {response.status}) is JSON but does not come from Lark; check the host "
                "and the proxy",
                endpoint=ENDPOINT,
            )
        del body
    # a traceback with locals shows what is in reach
    del hidden
    raise error


def _codes_of(body: Any) -> list[int]:
    given = [body.get("code"), body.get("StatusCode")] if isinstance(body, dict) else []
    return [code for code in given if type(code) is int]


def _refusal(
    code: int, body: dict[str, Any], response: HttpResponse, subject: str, *, is_signed: bool, now: float
) -> LarkError:
    msg = body.get("msg") or body.get("StatusMessage")
    words = msg if isinstance(msg, str) else ""
    meaning = _explain(code, response, words, is_signed=is_signed, now=now)
    facts: dict[str, Any] = {"code": code, "endpoint": ENDPOINT, "log_id": response.headers.get("x-tt-logid")}
    told = f"{subject}: {meaning.what}; {meaning.hint}"
    if meaning.error is RateLimited:
        return RateLimited(told, retry_after_seconds=retry_after(response.headers), **facts)
    if issubclass(meaning.error, OutcomeUnknown):
        told = f"{subject}: {meaning.what}; {MAYBE_DELIVERED}"
    return meaning.error(told, **facts)


def _explain(code: int, response: HttpResponse, words: str, *, is_signed: bool, now: float) -> Meaning:
    if code == UNREADABLE and TOO_MANY in words.lower():
        # reports of ten years have both under this code
        return RATE
    if code == SIGNATURE:
        return _explain_signature(response, is_signed=is_signed, now=now)
    if code in CARD_CODES:
        return explain_card(words)
    return OTHERWISE.get(code) or explain(code, response.status, words)


def _explain_signature(response: HttpResponse, *, is_signed: bool, now: float) -> Meaning:
    if not is_signed:
        return UNSIGNED
    skew = _seconds_ahead(response, now)
    if skew is None or abs(skew) < _SKEW_SECONDS:
        return WEBHOOK_MEANINGS[SIGNATURE]
    way = "ahead of" if skew > 0 else "behind"
    return replace(
        WEBHOOK_MEANINGS[SIGNATURE],
        what=f"Lark rejected the signature because this machine's clock is {abs(skew):.0f} s {way} Lark's",
        hint="correct the clock; a signature is valid for one hour",
    )


def _seconds_ahead(response: HttpResponse, now: float) -> float | None:
    try:
        server = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return now - (server if server.tzinfo else server.replace(tzinfo=UTC)).timestamp()


def _unreadable(response: HttpResponse, subject: str, hidden: tuple[str, ...]) -> LarkError:
    status = response.status
    if status == 429:
        return RateLimited(
            f"{subject}: too many calls (HTTP 429)",
            retry_after_seconds=retry_after(response.headers),
            endpoint=ENDPOINT,
        )
    start = response.body.strip()[:1]
    if (status < 300 and start in (b"", b"{")) or status >= 500:
        cut = "the response is incomplete" if start else "the response is empty"
        what = cut if status < 300 else f"a gateway or proxy returned HTTP {status}"
        return OutcomeUnknown(f"{subject}: {what}; {MAYBE_DELIVERED}", endpoint=ENDPOINT)
    if status in _LOCATION:
        what, check = "is a redirect", "redirects are not followed; check the host and the proxy"
    else:
        what, check = "is not JSON", "check the host, and whether a proxy is in between"
    begins = _beginning(response.body, hidden)
    told = f"; it starts with {begins!r}" if begins else ""
    return UnexpectedAnswer(f"{subject}: the response (HTTP {status}) {what}; {check}{told}", endpoint=ENDPOINT)


def _beginning(body: bytes, hidden: tuple[str, ...]) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    for each in hidden:
        # before it is cut, or a half of the secret would show
        text = re.sub(re.escape(each), "***", text, flags=re.IGNORECASE)
    return "".join(char if char.isprintable() else "?" for char in text[:_SHOWN])
