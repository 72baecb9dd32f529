"""What the platform refuses: code, HTTP status and message (reference §1.4, §2.9)."""

from __future__ import annotations

from typing import Any, Final, Literal

StatusFamily = Literal["record", "search", "strict", "making", "oauth"]
"""``record``: errors mostly with HTTP 200; ``search``, ``strict`` (batch_get: 400 and 404) and ``making`` (bases and
tables): with what differs there (§2.9); ``oauth``: errors in the form of OAuth (§1.3)."""

_DIFFERS: Final[dict[StatusFamily, dict[int, int]]] = {
    "search": {1254302: 200, 1254303: 200},
    "strict": {1254002: 500, 1254302: 400, 1254303: 400, 1254607: 500},
    "making": {1254012: 400, 1254014: 400, 1254021: 400, 1254022: 400, 1254031: 400},
}
"""HTTP statuses of codes in one family of routes (§2.9: the counts in the HTTP column)."""

_CODES: Final[dict[int, tuple[str, int]]] = {
    # gateway and generic codes, §1.4
    2200: ("Internal Error", 500),
    9499: ("Bad Request", 400),
    10003: ("invalid param", 200),
    10005: ("app id unauthorized", 200),
    10012: ("get app access token fail", 200),
    10013: ("get tenant access token fail", 200),
    10014: ("app id not exists", 200),
    10015: ("app secret invalid", 200),
    10016: ("app ticket resend refused", 200),
    # OAuth, §1.3
    20001: ("a required parameter is missing", 400),
    20002: ("the client secret is invalid", 400),
    20003: ("the authorization code is not found", 400),
    20004: ("the authorization code has expired", 400),
    20008: ("the user does not exist", 400),
    20009: ("the app is not installed in the tenant", 400),
    20010: ("the user has no permission to use the app", 400),
    20024: ("the code or refresh token belongs to another app", 400),
    20026: ("the refresh token is invalid", 400),
    20036: ("the grant_type is not supported", 400),
    20037: ("the refresh token has expired", 400),
    20048: ("the app does not exist", 400),
    20049: ("PKCE verification failed", 400),
    20050: ("an internal error occurred, please try again later", 500),
    20063: ("the request is malformed", 400),
    20064: ("the refresh token has been revoked", 400),
    20065: ("the authorization code has been used", 400),
    20066: ("the status of the user is invalid", 400),
    20067: ("the scope list has duplicates", 400),
    20068: ("the scope list has scopes that are not permitted", 400),
    20069: ("the app is not enabled", 400),
    20070: ("more than one way of authentication was used", 400),
    20071: ("the redirect_uri does not match", 400),
    20072: ("the server is overloaded", 503),
    20073: ("the refresh token has been used", 400),
    20074: ("refresh tokens are not enabled for the app", 400),
    91402: ("NOTEXIST", 400),
    91403: ("Forbidden", 403),
    99991201: ("resource not find", 404),
    99991301: ("method not allowed", 405),
    99991400: ("request trigger frequency limit", 429),
    99991401: ("ip is denied", 400),
    99991403: ("the API quota of this month is used up", 400),
    99991543: ("app_id or app_secret is wrong", 400),
    99991662: ("app is disabled", 400),
    99991661: ("Missing access token for authorization. Please make a request with token attached", 400),
    99991663: ("Invalid access token for authorization. Please make a request with token attached", 400),
    99991664: ("Invalid app access token", 400),
    99991673: ("the app is not installed in the tenant", 400),
    99991676: ("this kind of access token may not call the API", 400),
    99991677: ("the user access token has expired", 400),
    99991679: ("Unauthorized. The user did not grant one of the required scopes", 400),
    99991668: ("Invalid access token for authorization. Please make a request with token attached", 400),
    99991671: ("Invalid access token for authorization. The token must start with t- or u-", 400),
    99991672: ("Access denied. One of the following scopes is required", 400),
    99991665: ("Invalid tenant code", 400),
    99991669: ("Invalid user refresh token", 400),
    99992351: ("the ids do not exist", 400),
    99992402: ("field validation failed", 400),
    # Bitable, §2.9
    1254000: ("WrongRequestJson", 200),
    1254001: ("WrongRequestBody", 200),
    1254002: ("Fail", 200),
    1254003: ("WrongBaseToken", 200),
    1254004: ("WrongTableId", 200),
    1254005: ("WrongViewId", 200),
    1254006: ("WrongRecordId", 200),
    1254009: ("WrongFieldId", 200),
    1254007: ("EmptyValue", 200),
    1254008: ("EmptyView", 200),
    1254010: ("ReqConvError", 200),
    1254011: ("InvalidPageSize", 400),
    1254012: ("NotSupportFieldOrView", 200),
    1254013: ("TableNameDuplicated", 200),
    1254014: ("FieldNameDuplicated", 200),
    1254015: ("Field types do not match", 400),
    1254016: ("InvalidSort", 200),
    1254018: ("InvalidFilter", 200),
    1254019: ("InvalidViewType", 200),
    1254020: ("ViewNameDuplicated", 200),
    1254021: ("EmptyViewName", 200),
    1254022: ("InvalidViewName", 200),
    1254023: ("LastViewNotAllowDelete", 200),
    1254024: ("InvalidFieldNames", 200),
    1254026: ("EmptyOptionName", 200),
    1254027: ("UploadAttachNotAllowed", 403),
    1254028: ("EmptyFieldName", 400),
    1254029: ("InvalidFieldName", 400),
    1254030: ("TooLargeResponse", 200),
    1254031: ("InvalidAppName", 200),
    1254034: ("LastTableNotAllowDelete", 403),
    1254036: ("Base is copying, please try again later", 400),
    1254037: ("Invalid client token", 400),
    1254040: ("BaseTokenNotFound", 200),
    1254041: ("TableIdNotFound", 200),
    1254042: ("ViewIdNotFound", 200),
    1254043: ("RecordIdNotFound", 200),
    1254044: ("FieldIdNotFound", 200),
    1254045: ("FieldNameNotFound", 200),
    1254046: ("PrimaryFieldNotAllowDelete", 200),
    1254060: ("TextFieldConvFail", 200),
    1254061: ("NumberFieldConvFail", 200),
    1254062: ("SingleSelectFieldConvFail", 200),
    1254063: ("MultiSelectFieldConvFail", 200),
    1254064: ("DatetimeFieldConvFail", 200),
    1254065: ("CheckboxFieldConvFail", 200),
    1254066: ("UserFieldConvFail", 200),
    1254067: ("LinkFieldConvFail", 200),
    1254068: ("URLFieldConvFail", 200),
    1254069: ("AttachFieldConvFail", 200),
    1254072: ("PhoneFieldConvFail", 200),
    1254074: ("DuplexLinkFieldConvFail", 400),
    1254080: ("TextFieldPropertyError", 400),
    1254081: ("NumberFieldPropertyError", 400),
    1254082: ("SingleSelectFieldPropertyError", 400),
    1254083: ("MultiSelectFieldPropertyError", 400),
    1254084: ("DateTimeFieldPropertyError", 400),
    1254085: ("CheckboxFieldPropertyError", 400),
    1254086: ("UserFieldPropertyError", 400),
    1254087: ("URLFieldPropertyError", 400),
    1254088: ("AttachFieldPropertyError", 400),
    1254089: ("LinkFieldPropertyError", 400),
    1254090: ("LookupFieldPropertyError", 400),
    1254091: ("FormulaFieldPropertyError", 400),
    1254092: ("DuplexLinkFieldPropertyError", 400),
    1254093: ("CreatedTimeFieldPropertyError", 400),
    1254094: ("ModifiedTimeFieldPropertyError", 400),
    1254095: ("CreatedUserFieldPropertyError", 400),
    1254096: ("ModifiedUserFieldPropertyError", 400),
    1254100: ("TableExceedLimit", 200),
    1254101: ("ViewExceedLimit", 200),
    1254102: ("FileExceedLimit", 200),
    1254103: ("RecordExceedLimit", 200),
    1254104: ("RecordAddOnceExceedLimit, limit 500", 200),
    1254105: ("ColumnExceedLimit", 200),
    1254106: ("AttachExceedLimit", 200),
    1254107: ("FilterLengthExceedLimit", 200),
    1254108: ("SortLengthExceedLimit", 200),
    1254109: ("FormulaTableSizeExceedLimit", 200),
    1254112: ("TooManyRequestInSingleBase", 200),
    1254130: ("TooLargeCell", 200),
    1254200: ("InternalError", 500),
    1254290: ("TooManyRequest", 200),
    1254291: ("Write conflict", 200),
    1254301: ("OperationTypeError", 200),
    1254302: ("Permission denied.", 403),
    1254303: ("AttachPermNotAllow", 403),
    1254304: ("Permission denied.", 403),
    1254305: ("PermControl", 403),
    1254306: ("Tenant plan limit", 403),
    1254606: ("DataNotChange", 200),
    1254607: ("Data not ready, please try again later", 400),
    1254608: ("Same API requests are submitted repeatedly", 403),
    1254701: ("no permission on the drive node", 403),
    1254702: ("the drive node does not exist", 404),
    1254800: ("InvalidParameter", 400),
    1255001: ("InternalError", 500),
    1255002: ("RpcError", 500),
    1255003: ("MarshalError", 500),
    1255004: ("UnMarshalError", 500),
    1255005: ("ConvError", 500),
    1255006: ("Client token conflict, please generate a new client token and try again", 400),
    1255040: ("Request timed out, please try again later", 504),
    # wiki, §7.3
    131001: ("rpc fail", 400),
    131002: ("param err", 400),
    131004: ("invalid user", 400),
    131005: ("not found", 400),
    131006: ("permission denied", 400),
    131007: ("internal err", 400),
    # file events, §5.1
    1069601: ("fail", 500),
    1069602: ("param error", 400),
    1069603: ("forbidden", 403),
    1069604: ("the document does not exist", 400),
    1069605: ("Unsubscribe", 400),
    # messages, §6.3
    230001: ("Your request contains an invalid request parameter.", 400),
    230002: ("Bot/User can NOT be out of the chat.", 400),
    230006: ("Bot ability is not activated.", 400),
    230013: ("Bot has NO availability to this user.", 400),
    230020: ("This operation triggers the frequency limit.", 400),
    230025: ("The length of the message content reaches its limit.", 400),
    230034: ("The receive_id is invalid.", 400),
    # drive, §7.4
    1061001: ("internal error.", 200),
    1061002: ("params error.", 400),
    1061003: ("not found.", 404),
    1061004: ("forbidden.", 403),
    1061005: ("auth failed.", 401),
    1061006: ("internal timeout.", 200),
    1061007: ("file has been delete.", 404),
    1061008: ("illegal file name.", 400),
    1061021: ("upload id expire.", 400),
    1061041: ("parent node has been deleted.", 400),
    1061042: ("too many media of this parent node.", 400),
    1061043: ("file size beyond limit.", 400),
    1061044: ("parent node not exist.", 400),
    1061045: ("can retry.", 200),
    1061061: ("user quota exceeded.", 400),
    1061073: ("no scope auth.", 403),
    1061101: ("file quota exceeded.", 400),
    1061109: ("file name cqc not passed.", 400),
    1061113: ("file cqc not passed.", 400),
    1062007: ("upload user not match.", 400),
    1062008: ("checksum param Invalid.", 400),
    1062009: ("the actual size is inconsistent with the parameter declaration size.", 400),
    1062010: ("block missing, please upload all blocks.", 400),
    1062011: ("block num out of bounds.", 400),
}


def message_of(code: int) -> str:
    """The platform's short message for *code*."""
    return _CODES.get(code, ("error", 200))[0]


def status_of(code: int, family: StatusFamily = "record") -> int:
    """The HTTP status that *code* arrives with in routes of *family*."""
    status = _DIFFERS.get(family, {}).get(code) or _CODES.get(code, ("error", 200))[1]
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
        raise invalid(name, given, f"{name} must be a text")
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
