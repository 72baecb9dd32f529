"""What a token endpoint answered: the secrets are taken out of it, so that no later error can show them."""

from __future__ import annotations

import re

from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import UnexpectedAnswer

_SENDABLE = re.compile(r"[\x21-\x7e]+")


def take_token(body: JsonObject, name: str, *, endpoint: str) -> Secret:
    """Take the token *name* out of what a token endpoint answered: no later error can show it there.

    :raises UnexpectedAnswer: it has no token, or one that a header cannot carry.
    """
    token = take_secret(body, name)
    # an HTTP library quotes a header that it cannot send, and with it the token
    if token is None or not _SENDABLE.fullmatch(token.reveal()):
        raise UnexpectedAnswer(f"the token endpoint's response has no valid {name}", endpoint=endpoint)
    return token


def take_secret(body: JsonObject, name: str) -> Secret | None:
    """Take *name* out of an answer, None where it is missing, empty or no text."""
    text = body.pop(name, None)
    return Secret(text) if isinstance(text, str) and text else None


def read_seconds(body: JsonObject, name: str, *, endpoint: str) -> float:
    """Return how long a token lives.

    :raises UnexpectedAnswer: the answer does not say.
    """
    seconds = body.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds <= 0:
        raise UnexpectedAnswer(f"the token endpoint's response has no lifetime ({name})", endpoint=endpoint)
    return float(seconds)
