"""Lark's error codes: which error each one becomes, and what to do about it.

Sources: open.feishu.cn server documentation, "Generic error codes" and the error table of each Bitable page, read
2026-11.  The same code comes with HTTP 200 on one route and 4xx on another, so the code decides, never the status.
"""

from __future__ import annotations

from functools import cache

from airflow_provider_lark.core.api.codes.cards import CARD_CODES, explain_card
from airflow_provider_lark.core.api.codes.long_connection import CONNECTION_MEANINGS, ENDPOINT
from airflow_provider_lark.core.api.codes.meaning import LATER, REPORT, WHICH_RECORD, Meaning
from airflow_provider_lark.core.api.codes.messages import AT_ENDPOINT, MESSAGE_MEANINGS
from airflow_provider_lark.core.api.codes.schema import SCHEMA_MEANINGS
from airflow_provider_lark.core.api.codes.services import SERVICE_INTERNAL_CODES, SERVICE_MEANINGS
from airflow_provider_lark.core.api.codes.webhooks import WEBHOOK_MEANINGS
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ClientTokenConflict,
    FieldNotFound,
    LimitReached,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    RecordNotFound,
    ServerBusy,
    ServerFailed,
    TooLarge,
    UnexpectedAnswer,
    ValueRefused,
)

STALE_TOKEN_CODES = frozenset({20005, 99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677})
"""The token is missing, malformed or too old: ask for a new one, once. 20005 is user_info's word for it."""

_BY_WORDS = {
    99991668: (
        "not support",
        Meaning(AccessDenied, "this API does not accept user tokens", "use a client without `user`"),
    ),
    1254002: (
        "size exceed",
        Meaning(TooLarge, "the request contains too many changes", "send fewer or smaller records per request"),
    ),
    230001: (
        "not a card",
        Meaning(BadRequest, "the message is not a card", "only cards can be replaced; edit a text or post instead"),
    ),
}
"""Codes that mean something else where Lark's text has these words; the documents tell them apart so too."""

_INTERNAL_CODES = SERVICE_INTERNAL_CODES | {2200, 131001, 1254002, 1254200, 1255001, 1255002, 1255003, 1255004, 1255005}

_GATEWAY_TIMEOUT = 504
_TIMEOUT = Meaning(OutcomeUnknown, "Lark timed out", LATER)

_CREDENTIALS = (
    "check App ID and App Secret on the app's credentials page of the developer console, that the app is released "
    "and enabled in the tenant, and that the host is the right one (Feishu or Lark)"
)
_ADD_APP = "open the base, choose … > More > Add document app, and give the app edit permission"
_ADD_BOT = "add the Bot feature in the developer console, then release a new version of the app"
_MANAGE = "the base has advanced permissions; give the app permission to manage it"
_WIKI = "the token in a /wiki/ address is a wiki node, not an app_token; give the full address, or look up the node"
_SIGN_IN = "have the user authorise the app again (client.auth.authorize_url)"
_READ_FIELDS = "read the fields again; one may have been renamed or deleted"
_CHECK_PATH = "check the spelling of the path, and the host"
_CHECK_METHOD = "check the method, the spelling of the path, and the host"
_LIMIT = "delete data that is no longer needed, or use another table"

_MEANINGS: dict[int, Meaning] = {
    # whole gateway
    9499: Meaning(BadRequest, "Lark cannot parse the request", REPORT),
    99991400: Meaning(RateLimited, "too many calls", LATER),
    99991403: Meaning(
        QuotaExhausted, "the tenant's monthly quota of API calls is used up", "poll less often or upgrade the plan"
    ),
    99991401: Meaning(
        AccessDenied, "Lark does not allow this machine's IP address", "add it to the app's IP allow-list"
    ),
    99991672: Meaning(
        AccessDenied,
        "the app lacks a scope",
        "add it under Permissions & Scopes, then release a new version of the app",
    ),
    99991676: Meaning(AccessDenied, "this type of token is not allowed to use the API", "use a self-built app"),
    99991679: Meaning(AccessDenied, "the user did not grant a scope", f"{_SIGN_IN} with this scope"),
    99991201: Meaning(UnexpectedAnswer, "the host does not know this API", _CHECK_PATH),
    99991301: Meaning(UnexpectedAnswer, "the host does not support this method for this API", _CHECK_METHOD),
    99992402: Meaning(BadRequest, "Lark's validation rejected a part of the request", "check the parts it names"),
    # credentials
    10003: Meaning(NotAuthorized, "App ID or App Secret is malformed", _CREDENTIALS),
    10005: Meaning(
        NotAuthorized,
        "the App ID is not authorised here",
        f"{_CREDENTIALS}; a store app needs the tenant_key of a tenant that has installed it, a self-built app must "
        "not have one",
    ),
    10012: Meaning(NotAuthorized, "Lark did not issue an app token", _CREDENTIALS),
    10013: Meaning(NotAuthorized, "Lark did not issue a tenant token", _CREDENTIALS),
    10014: Meaning(NotAuthorized, "App ID or App Secret is wrong, or the app is disabled", _CREDENTIALS),
    10016: Meaning(
        NotAuthorized, "Lark has no app ticket for this app", "only store apps have one; leave tenant_key out"
    ),
    10015: Meaning(NotAuthorized, "the App Secret is wrong", _CREDENTIALS),
    99991543: Meaning(NotAuthorized, "App ID and App Secret do not belong together", _CREDENTIALS),
    99991662: Meaning(NotAuthorized, "the app is disabled", _CREDENTIALS),
    99991673: Meaning(NotAuthorized, "the app is not installed in this tenant", _CREDENTIALS),
    11205: Meaning(AccessDenied, "the app has no bot", _ADD_BOT),
    # documents
    91402: Meaning(NotFound, "the document does not exist", _WIKI),
    91403: Meaning(AccessDenied, "the app cannot access the document", _ADD_APP),
    131005: Meaning(NotFound, "the wiki node does not exist", "check the address"),
    131006: Meaning(AccessDenied, "the app cannot access the wiki node", "add the app to the wiki page or its space"),
    # places in a base, and the right to them
    1254003: Meaning(NotFound, "the app_token is malformed", _WIKI),
    1254004: Meaning(NotFound, "the table_id is malformed", "it is the part after ?table= in the address"),
    1254040: Meaning(NotFound, "the base does not exist", _WIKI),
    1254041: Meaning(NotFound, "the table does not exist", "it is the part after ?table= in the address"),
    1254042: Meaning(NotFound, "the view does not exist", "check the view_id"),
    1254043: Meaning(RecordNotFound, "a record does not exist", "it was deleted; read the records again"),
    1254009: Meaning(FieldNotFound, "a field_id is malformed", _READ_FIELDS),
    1254024: Meaning(FieldNotFound, "a field name is unknown", _READ_FIELDS),
    1254044: Meaning(FieldNotFound, "a field does not exist", _READ_FIELDS),
    1254045: Meaning(FieldNotFound, "a field name does not exist", _READ_FIELDS),
    1254301: Meaning(AccessDenied, "the operation is not allowed on this base", _MANAGE),
    1254302: Meaning(AccessDenied, "the app does not have permission", _MANAGE),
    1254304: Meaning(AccessDenied, "the app does not have permission", _MANAGE),
    1254305: Meaning(AccessDenied, "the app does not have permission", _MANAGE),
    1254306: Meaning(AccessDenied, "the tenant's plan does not allow it", "upgrade the plan"),
    # a base under load
    1254036: Meaning(ServerBusy, "the base is being copied", LATER),
    1254112: Meaning(ServerBusy, "too many requests to one base", LATER),
    1254290: Meaning(ServerBusy, "too many requests", LATER),
    1254291: Meaning(ServerBusy, "another write is in progress on the table", LATER),
    1254607: Meaning(ServerBusy, "earlier writes are still being processed", "try again later; smaller batches help"),
    18121: Meaning(OutcomeUnknown, "an identical message is still being sent", LATER),
    1254608: Meaning(OutcomeUnknown, "an identical request is still being processed", LATER),
    1255006: Meaning(
        ClientTokenConflict,
        "the client_token was used for another request",
        "check whether the records exist before sending them with a new token",
    ),
    1255040: _TIMEOUT,
    # sizes of requests and answers
    1254030: Meaning(TooLarge, "the response is too large, or the page_token is invalid", "request less data at once"),
    1254104: Meaning(TooLarge, "too many records in one request", "send at most 500"),
    1254103: Meaning(LimitReached, "the table is full", _LIMIT),
    1254107: Meaning(BadRequest, "the filter is too long", "at most 2,000 characters"),
    1254108: Meaning(BadRequest, "the sort is too long", "at most 1,000 characters"),
    # values, and the form of a request
    1254015: Meaning(ValueRefused, "a value does not fit its field's type", WHICH_RECORD),
    1254027: Meaning(ValueRefused, "an attachment was not uploaded to this base", "upload it to this base first"),
    1254130: Meaning(ValueRefused, "a cell is too large", WHICH_RECORD),
    1254303: Meaning(ValueRefused, "an attachment belongs to another base", "upload it to this base first"),
    1254037: Meaning(BadRequest, "the client_token is not a version 4 UUID", "use str(uuid.uuid4())"),
    1254016: Meaning(BadRequest, "the sort is invalid", _READ_FIELDS),
    1254018: Meaning(BadRequest, "the filter is invalid", _READ_FIELDS),
}

_MEANINGS |= SCHEMA_MEANINGS
_MEANINGS |= SERVICE_MEANINGS
_MEANINGS |= WEBHOOK_MEANINGS
_MEANINGS |= MESSAGE_MEANINGS

_CONVERSIONS = {
    1254060: "Text",
    1254061: "Number",
    1254062: "SingleSelect",
    1254063: "MultiSelect",
    1254064: "DateTime",
    1254065: "Checkbox",
    1254066: "User",
    1254067: "link",
    1254068: "Url",
    1254069: "Attachment",
    1254072: "Phone",
    1254074: "DuplexLink",
}
_USER_HINT = "ids issued to another app or of another type (open_id, union_id, user_id) are not valid; " + WHICH_RECORD

_MEANINGS |= {
    code: Meaning(
        ValueRefused,
        f"a value does not fit its field of type {name}",
        _USER_HINT if name == "User" else WHICH_RECORD,
    )
    for code, name in _CONVERSIONS.items()
}
_MEANINGS |= {
    code: Meaning(NotAuthorized, "Lark rejected the token that it has just issued", _CREDENTIALS)
    for code in STALE_TOKEN_CODES
}
_MEANINGS |= {
    code: Meaning(NotAuthorized, "Lark rejected the user's token", _SIGN_IN)
    for code in (20005, 99991668, 99991669, 99991677)
}
# the same code for a token of the wrong kind
_MEANINGS[99991663] = Meaning(
    NotAuthorized,
    "Lark rejected the token that it has just issued",
    f"{_CREDENTIALS}; some APIs only accept user tokens, for which the client needs `user`",
)
# a write may have been carried out before it broke
_INTERNAL = Meaning(ServerFailed, "Lark reported an internal error", LATER)

# /authen/v2/oauth/token
_MEANINGS |= {
    20050: _INTERNAL,
    20072: Meaning(ServerBusy, "Lark's sign-in is overloaded", LATER),
}
_MEANINGS |= {
    code: Meaning(BadRequest, "Lark rejected the request for a user token", "check App ID, scopes and redirect_uri")
    for code in (20001, 20036, 20063, 20067, 20068, 20070)
}
_MEANINGS |= {
    code: Meaning(NotAuthorized, what, _CREDENTIALS)
    for code, what in {
        20002: "the App Secret is wrong",
        20009: "the app is not installed in the user's tenant",
        20010: "the user may not use the app",
        20048: "the app does not exist",
        20069: "the app is disabled",
    }.items()
}
_MEANINGS |= {
    code: Meaning(NotAuthorized, what, _SIGN_IN)
    for code, what in {
        20003: "the code is unknown or was already used",
        20004: "the code has expired; it is valid for 5 minutes",
        20008: "the user does not exist",
        20021: "the user has left the tenant",
        20022: "the user is frozen",
        20023: "the user has not completed registration",
        20024: "the code or token belongs to another app",
        20026: "the refresh token is invalid",
        20037: "the refresh token has expired",
        20049: "the code_verifier does not match the authorisation",
        20064: "the refresh token was revoked",
        20065: "the code was already used",
        20066: "the user cannot sign in",
        20071: "the redirect_uri does not match the authorisation",
        20073: "the refresh token was already used",
        20074: "refreshing user tokens is disabled for the app",
    }.items()
}


def explain(code: int, status: int, text: str = "", endpoint: str = "") -> Meaning:
    """Return what *code* means; for one that is not known, what the HTTP *status* suggests.

    :param text: what Lark says, for the few codes that have two meanings.
    :param endpoint: who says it, for the few codes that have another meaning there.

    :class:`.OutcomeUnknown` holds for writes; a read that failed so has simply failed.
    """
    if (endpoint, code) in AT_ENDPOINT:
        return AT_ENDPOINT[endpoint, code]
    if endpoint == ENDPOINT and code in CONNECTION_MEANINGS:
        return CONNECTION_MEANINGS[code]
    if code in CARD_CODES and "ErrCode" in text:
        return explain_card(text)
    words, second = _BY_WORDS.get(code, ("", None))
    if second is not None and words in text.lower():
        return second
    known = _MEANINGS.get(code)
    if known is not None:
        return known
    if code in _INTERNAL_CODES or status >= 500:
        return _INTERNAL if status != _GATEWAY_TIMEOUT else _TIMEOUT
    return _explain_status(status)


def _explain_status(status: int) -> Meaning:
    if status == 429:
        return Meaning(RateLimited, "too many calls", LATER)
    if status == 401:
        return Meaning(NotAuthorized, "Lark rejected the token", _CREDENTIALS)
    if status == 403:
        return Meaning(AccessDenied, "Lark denied access", _ADD_APP)
    if status == 404:
        return Meaning(NotFound, "not found in Lark", "check the ids")
    return Meaning(BadRequest, "Lark rejected the request", "look the code up in Lark's documentation")


def known_codes() -> frozenset[int]:
    """Return the codes that have a meaning of their own."""
    return frozenset(_MEANINGS) | _INTERNAL_CODES


@cache
def refusal_codes() -> frozenset[int]:
    """Return the codes that say, as documented, that the request was not carried out."""
    found = [*_MEANINGS.items(), *((code, meaning) for (_, code), meaning in AT_ENDPOINT.items())]
    unknown = {code for code, meaning in found if issubclass(meaning.error, OutcomeUnknown)}
    return frozenset(code for code, _ in found) - unknown - _INTERNAL_CODES
