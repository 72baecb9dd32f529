"""A request as it arrived and an answer as it leaves, apart from sockets and from state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import socket
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, StatusFamily, invalid, status_of
from airflow_provider_lark.emulator.faults import Fault
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_json
from airflow_provider_lark.emulator.formats.multipart import Part, parse_form
from airflow_provider_lark.emulator.state.accounts import App
from airflow_provider_lark.emulator.state.history import Reader
from airflow_provider_lark.emulator.state.tokens import Token
from airflow_provider_lark.emulator.tenant.model import UserIdType

JSON_TYPE: Final = "application/json; charset=utf-8"
_BITABLE: Final = "/open-apis/bitable/"
_IM: Final = "/open-apis/im/"


@dataclass
class Request:
    """One HTTP request; header names are lower case, the body is parsed once on demand."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    params: dict[str, str] = field(default_factory=dict)
    app: App | None = None
    token: Token | None = None
    records: int = 0
    """How many records the request wrote or read; for the log."""
    peer: str = ""
    """The caller's IP address."""
    repeated: Mapping[str, list[str]] = field(default_factory=dict)
    """Every value of each query parameter; :attr:`query` holds the last."""
    near_misses: Sequence[Fault] = ()
    """What the request does otherwise than it is asked, with success."""
    stale: str | None = None
    """Which record's last change the read misses; empty: the table's last write; see :class:`Reader`."""
    _json: Any = field(default=None, repr=False)

    @property
    def reader(self) -> Reader:
        """Who reads, and from how good a replica."""
        return Reader(self.member_id, self.stale)

    @property
    def caller(self) -> App:
        """The app behind the token; only in routes behind the gate."""
        if self.app is None:
            msg = "the route has no caller: it is not behind the gate"
            raise RuntimeError(msg)
        return self.app

    @property
    def actor(self) -> str:
        """The open_id that edits count as: a user token's person, or the app's bot."""
        return self.member_id if self.is_by_user else self.caller.open_id

    @property
    def member_id(self) -> str:
        """Who must be a collaborator: a user token's person by open_id, or the app by app_id."""
        return self.token.open_id if self.token is not None and self.token.open_id else self.caller.app_id

    @property
    def tenant_app(self) -> str:
        """The app in its tenant: what rates are counted by (lark-api §1.5)."""
        return f"{self.caller.app_id}@{self.token.tenant_key if self.token is not None else ''}"

    @property
    def is_by_user(self) -> bool:
        """Whether a user token asks."""
        return self.token is not None and self.token.kind == "user"

    @property
    def user_id_type(self) -> UserIdType:
        """The kind of user ids in and out (§2.3)."""
        return parse_user_id_type(self.query.get("user_id_type"))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        :raises ApiError: 9499 when empty (§2.4); for what is no JSON object 1254000 and 1254001 of Bitable, and 9499
            of the other services (§1.4, §2.9).
        """
        if self._json is None:
            if not self.body:
                raise ApiError(9499, "the body is empty: send at least {}")
            is_bitable = self.path.startswith(_BITABLE)
            try:
                parsed = parse_json(self.body)
            except ValueError as exc:
                raise ApiError(1254000 if is_bitable else 9499, "the body is not JSON") from exc
            if not isinstance(parsed, dict):
                raise ApiError(1254001 if is_bitable else 9499, "the body must be a JSON object")
            self._json = parsed
        result: dict[str, Any] = self._json
        return result

    def form(self) -> dict[str, Part]:
        """The body as a form, by the names of its parts (§7.4).

        :raises ApiError: 1061002 of drive and 234001 of messages, it is none.
        """
        try:
            return parse_form(self.headers.get("content-type", ""), self.body)
        except ValueError as exc:
            raise ApiError(234001 if self.path.startswith(_IM) else 1061002, str(exc)) from exc


def parse_user_id_type(given: object) -> UserIdType:
    """open_id (default), union_id or user_id."""
    match given:
        case None | "" | "open_id":
            return "open_id"
        case "union_id":
            return "union_id"
        case "user_id":
            return "user_id"
        case _:
            raise invalid("user_id_type", given, "user_id_type must be open_id, union_id or user_id")


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    code: int = 0


@dataclass(frozen=True)
class Cut:
    """No answer: the connection is closed, at once or when the caller stops waiting."""

    hold: bool = False


@dataclass(frozen=True)
class Upgrade:
    """No answer either: the connection speaks another protocol from here on, as long as *converse* runs."""

    converse: Callable[[socket], None] = field(repr=False)


@dataclass
class Flat:
    """A success whose members stand beside ``code`` (§1.4: tokens, bot info)."""

    members: dict[str, Any]
    msg: str = "ok"


@dataclass
class Raw:
    """A success that is no JSON: the bytes of a file (§1.4)."""

    body: bytes
    headers: dict[str, str]
    status: int = 200


Outcome = dict[str, Any] | Flat | Raw
"""What a route gives: ``data``, members beside ``code``, or bytes."""


def success(data: Outcome) -> Answer:
    """The success envelope, where there is one (§1.4)."""
    if isinstance(data, Raw):
        return Answer(data.status, data.body, dict(data.headers))
    if isinstance(data, Flat):
        return Answer(200, dump({"code": 0, "msg": data.msg, **data.members}))
    return Answer(200, dump({"code": 0, "msg": "success", "data": data}))


def _oauth_error(code: int) -> str:
    # the names of RFC 6749, as the reference lists codes only (§1.3)
    if code in {20001, 20063, 20070}:
        return "invalid_request"
    if code in {20002, 20048, 20069}:
        return "invalid_client"
    if code == 20036:
        return "unsupported_grant_type"
    if code in {20067, 20068}:
        return "invalid_scope"
    return {20050: "server_error", 20072: "temporarily_unavailable"}.get(code, "invalid_grant")


def failure(error: ApiError, log_id: str, family: StatusFamily = "record") -> Answer:
    """The error envelope; ``error.log_id`` repeats the header (§1.4, §10)."""
    status = error.status if error.status is not None else status_of(error.code, family)
    if family == "oauth":
        told = {"code": error.code, "error": _oauth_error(error.code), "error_description": error.detail or error.msg}
        return Answer(status, dump(told), dict(error.headers), error.code)
    if family == "hook":
        told = {"code": error.code, "msg": error.msg, "data": {}}
        return Answer(status, dump(told), dict(error.headers), error.code)
    body: dict[str, Any] = {"code": error.code, "msg": error.msg}
    if error.code == 10003:
        body["data"] = {}  # §1.2
    else:
        troubleshooter = f"https://open.feishu.cn/search?log_id={log_id}&code={error.code}"
        body["error"] = {
            "message": error.detail or error.msg,
            "log_id": log_id,
            "troubleshooter": troubleshooter,
            **error.extra,
        }
    return Answer(status, dump(body), dict(error.headers), error.code)
