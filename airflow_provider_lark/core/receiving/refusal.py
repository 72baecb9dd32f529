"""Why a delivery was rejected: a word for the counters, a status for Lark, a sentence for the log."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a delivery was refused; the names stand in logs and counters."""

    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NO_ENVELOPE = "no_envelope"
    KEY_MISSING = "encrypt_key_missing"
    KEY_DIFFERS = "encrypt_key_differs"
    UNENCRYPTED = "unencrypted"
    UNSIGNED = "unsigned"
    SIGNATURE = "wrong_signature"
    TOKEN = "wrong_token"  # noqa: S105 - a word for counters
    STALE = "stale"
    OTHER_APP = "other_app"


_NO_DELIVERY = frozenset({Reason.NOT_JSON, Reason.TOO_DEEP, Reason.NO_ENVELOPE})
#: what a setting mends; Lark's next try may succeed then
_MISCONFIGURED = frozenset({Reason.KEY_MISSING, Reason.UNENCRYPTED, Reason.OTHER_APP})


class Refused(Exception):
    """A delivery that is not taken.

    :ivar reason: the word under which it is counted.
    :ivar status: the HTTP status to answer with; never one that Lark reads as "taken".
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def status(self) -> int:
        """400 for what is no delivery at all, 503 for what a setting would mend, 401 for the rest."""
        if self.reason in _NO_DELIVERY:
            return 400
        return 503 if self.reason in _MISCONFIGURED else 401
