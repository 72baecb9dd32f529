"""What the address for long connections refuses, and what a handshake does: the codes are the same (lark-api §5.5)."""

from __future__ import annotations

from airflow_provider_lark.core.api.codes.meaning import LATER, Meaning
from airflow_provider_lark.core.errors import AccessDenied, ConfigError, LimitReached, NotAuthorized, ServerBusy

ENDPOINT = "POST /callback/ws/endpoint"

_CREDENTIALS = Meaning(
    NotAuthorized,
    "Lark rejected App ID or App Secret",
    "copy both again from the developer console into the connection, and check that host is the platform of the app",
)
_TOO_MANY = 1000040350

CONNECTION_MEANINGS: dict[int, Meaning] = {
    1: Meaning(ServerBusy, "Lark is busy", LATER),
    403: Meaning(
        AccessDenied,
        "Lark does not allow the app a long connection",
        "check that it is a self-built app, that it is enabled, and that a version of it is released",
    ),
    514: _CREDENTIALS,
    1000040343: Meaning(ServerBusy, "Lark failed", LATER),
    1000040344: _CREDENTIALS,
    _TOO_MANY: Meaning(
        LimitReached,
        "the app already has 50 long connections, the most that Lark allows",
        "stop the other programs that receive its events: each event goes to one of them at random",
    ),
    1000040351: Meaning(
        ConfigError,
        "this app belongs to the other platform",
        "set the host of the connection: https://open.feishu.cn for Feishu, https://open.larksuite.com for Lark",
    ),
}


def explain_handshake(status: str, code: str) -> Meaning:
    """Return what a refused handshake means.

    :param status: the header ``Handshake-Status``, ``code`` the header ``Handshake-Autherrcode``; empty if absent.
    """
    if status == "403":
        return CONNECTION_MEANINGS[403]
    if status == "514" and code == str(_TOO_MANY):
        return CONNECTION_MEANINGS[_TOO_MANY]
    return Meaning(ServerBusy, "Lark refused the connection", LATER)
