"""Reading answers: an :class:`HttpResponse` becomes its JSON object or an error, by Lark's code first."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from airflow_provider_lark.core.api.codes import explain
from airflow_provider_lark.core.api.codes.meaning import WHICH_RECORD, Meaning
from airflow_provider_lark.core.api.codes.services import FILE_STATUSES
from airflow_provider_lark.core.api.wire.flow import HttpRequest, HttpResponse
from airflow_provider_lark.core.errors import (
    AccessDenied,
    LarkError,
    OutcomeUnknown,
    RateLimited,
    ReadFailed,
    ServerBusy,
    ServerFailed,
    UnexpectedAnswer,
)

T = TypeVar("T")
JsonObject = dict[str, Any]

# whole words: what goes on with a digit may be a token
_LEADING_WORDS = re.compile(r"[A-Za-z][A-Za-z _.-]{0,79}(?![^\s:,;()\[\]'\"!])")
_WORD_MAX = 40

_LARKS_OWN = frozenset(
    re.findall(
        r"\w+",
        "a access an and app app_id app_secret are authorization body by can cannot code convert denied disabled does "
        "error exceed exist expired fail failed failure field for forbidden found id illegal in incorrect internal "
        "invalid is key length limit link match missing name not of on or param params permission record refused "
        "request required secret server table tenant the this to token too type unknown user value with wrong",
    )
)
"""Words that stand in Lark's messages whatever was sent: showing them tells nothing of a secret that holds them."""


def read_answer(response: HttpResponse, *, request: HttpRequest, subject: str, is_write: bool) -> JsonObject:
    """Return the answer's JSON object, ``code`` 0.

    :param request: what was asked.
    :param subject: on what: ``table tbl… of base …``.
    :param is_write: whether a failure inside Lark leaves the outcome open.
    :raises LarkError: the error that Lark's code stands for.
    """
    try:
        body = json.loads(response.body)
    except ValueError:
        error = _unreadable(response, subject=subject, endpoint=request.endpoint, is_write=is_write)
    else:
        code = body.get("code") if isinstance(body, dict) else None
        if type(code) is not int:
            error = _foreign(response, subject=subject, endpoint=request.endpoint)
        elif code == 0:
            return cast("JsonObject", body)
        else:
            error = _refusal(code, body, response, request=request, subject=subject, is_write=is_write)
        # a traceback with locals shows what is in reach, and what Lark quotes may be a secret
        del body
    raise error


def read_file(response: HttpResponse, *, request: HttpRequest, subject: str, is_write: bool) -> HttpResponse:
    """Return an answer that is a file or a part of one; a refusal comes as JSON in its place.

    :raises LarkError: the error that Lark's code stands for.
    """
    kind = response.headers.get("content-type", "")
    # a file may be JSON itself; then it comes with its name
    is_file = "content-disposition" in response.headers or not kind.startswith("application/json")
    if response.status in (206, 416) or (response.status == 200 and is_file):
        return response
    bare = _bare_refusal(response, subject=subject, endpoint=request.endpoint)
    if bare is not None:
        raise bare
    read_answer(response, request=request, subject=subject, is_write=is_write)
    raise UnexpectedAnswer(
        f"{subject}: Lark did not return a file; check the file_token and the path", endpoint=request.endpoint
    )


def _bare_refusal(response: HttpResponse, *, subject: str, endpoint: str) -> LarkError | None:
    """Return the refusal of a file that says no more than its status, which is all that is documented."""
    meaning = FILE_STATUSES.get(response.status)
    log_id = response.headers.get("x-tt-logid")
    # a proxy's page has a body, and no log id
    if meaning is None or (response.body and not log_id) or response.body[:1] == b"{":
        return None
    what = f"{subject}: {meaning.what} (HTTP {response.status}); {meaning.hint}"
    return meaning.error(what, log_id=log_id, endpoint=endpoint)


def _foreign(response: HttpResponse, *, subject: str, endpoint: str) -> LarkError:
    return UnexpectedAnswer(
        f"{subject}: the response (HTTP {response.status}) is JSON but does not come from Lark; check the host and the "
        "proxy",
        endpoint=endpoint,
    )


def _refusal(
    code: int, body: JsonObject, response: HttpResponse, *, request: HttpRequest, subject: str, is_write: bool
) -> LarkError:
    details = body.get("error")
    details = details if isinstance(details, dict) else {}
    meaning = explain(code, response.status, f"{body.get('msg')} {details.get('message')}", request.endpoint)
    if meaning.hint == WHICH_RECORD and _is_of_one_record(request):
        meaning = replace(meaning, hint="change the value or the field's type")
    log_id = details.get("log_id") or details.get("logid") or response.headers.get("x-tt-logid")
    facts: dict[str, Any] = {
        "code": code,
        "endpoint": request.endpoint,
        "log_id": log_id if isinstance(log_id, str) else None,
    }
    # the OAuth endpoint has no msg, and a name as its error
    message = _message(meaning, _quotable(body.get("msg") or body.get("error"), request), details, subject)
    if meaning.error is RateLimited:
        return RateLimited(message, retry_after_seconds=retry_after(response.headers), **facts)
    if meaning.error is AccessDenied:
        return AccessDenied(message, scopes=_scopes(details), **facts)
    if issubclass(meaning.error, OutcomeUnknown) and not is_write:
        return (ReadFailed if meaning.error is ServerFailed else ServerBusy)(message, **facts)
    return meaning.error(message, **facts)


def _is_of_one_record(request: HttpRequest) -> bool:
    records = request.json.get("records") if isinstance(request.json, dict) else None
    return isinstance(records, list) and len(records) == 1


def _message(meaning: Meaning, words: str, details: JsonObject, subject: str) -> str:
    what = f'{meaning.what} ("{words}")' if words else meaning.what
    needed = ", ".join(_scopes(details))
    named = ", ".join(_violated_fields(details))
    what += f"; one of these scopes is required: {needed}" if needed else ""
    what += f"; rejected parts: {named}" if named else ""
    return f"{subject}: {what}; {meaning.hint}"


def _quotable(msg: object, request: HttpRequest) -> str:
    """Return the beginning of Lark's own text, up to the first word that may be a cell or a secret of the request."""
    found = _LEADING_WORDS.match(msg) if isinstance(msg, str) else None
    if found is None:
        return ""
    sent = request.words().lower()
    words = itertools.takewhile(
        lambda word: (
            word.lower().strip("._-") in _LARKS_OWN or (len(word) <= _WORD_MAX and word.lower().encode() not in sent)
        ),
        found[0].split(),
    )
    return " ".join(words)


def _scopes(details: JsonObject) -> tuple[str, ...]:
    # the documents say {scope}, real answers {subject}
    found = (item.get("subject") or item.get("scope") for item in _dicts(details.get("permission_violations")))
    return tuple(str(scope) for scope in found if scope)


def _violated_fields(details: JsonObject) -> list[str]:
    # neither value nor description: both may quote a cell
    return [str(item["field"]) for item in _dicts(details.get("field_violations")) if item.get("field")]


def _dicts(value: object) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return what the headers of a limited answer say, None where they say nothing."""
    for name in ("x-ogw-ratelimit-reset", "retry-after"):
        try:
            seconds = float(headers.get(name, ""))
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _unreadable(response: HttpResponse, *, subject: str, endpoint: str, is_write: bool) -> LarkError:
    status = response.status
    if status == 429:
        return RateLimited(
            f"{subject}: too many calls (HTTP 429)",
            retry_after_seconds=retry_after(response.headers),
            endpoint=endpoint,
        )
    is_cut = status < 300 and response.body[:1] in (b"{", b"")
    if is_cut or status >= 500:
        what = "the response is incomplete" if is_cut else f"a gateway or proxy returned HTTP {status}"
        return (OutcomeUnknown if is_write else ServerBusy)(f"{subject}: {what}; try again later", endpoint=endpoint)
    kind = response.headers.get("content-type", "no content type").partition(";")[0][:60]
    check = "the path, the host and the proxy" if status == 404 else "the host and the proxy"
    return UnexpectedAnswer(
        f"{subject}: the response (HTTP {status}, {kind}) does not come from Lark; check {check}",
        endpoint=endpoint,
    )


class Nullable(NamedTuple):
    """A member that has to be there and may be null: Lark writes empty lists so."""

    kind: type


Gives: TypeAlias = Mapping[str, type | Nullable]
"""The members that an answer has to have, by name, and what each of them is."""


def demand(holder: object, gives: Gives, *, subject: str, endpoint: str) -> None:
    """Check that an answer has the members that its endpoint promises.

    An answer that says success and holds nothing would pass for an empty page, the last one, or for a write of which
    nothing is to be told.

    :param holder: the answer's ``data``, or the answer itself where the payload stands beside the code.
    :raises UnexpectedAnswer: one is missing or of another kind.
    """
    for name, kind in gives.items():
        value = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(kind, Nullable) and value is None and isinstance(holder, dict) and name in holder:
            continue
        wanted = kind.kind if isinstance(kind, Nullable) else kind
        # true is an int in Python, and no number in JSON
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise UnexpectedAnswer(
                f"{subject}: Lark reported success, but the response has no {name}, so the outcome is open; try again",
                endpoint=endpoint,
            )


def data_of(body: JsonObject) -> JsonObject:
    """Return the ``data`` of an answer, empty where it has none; what has to be in it, the route says."""
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def pick(data: Mapping[str, Any], name: str, kind: type[T], *, endpoint: str) -> T:
    """Return the member *name* of an answer.

    :raises UnexpectedAnswer: it is missing or of another kind.
    """
    value = data.get(name)
    if not isinstance(value, kind):
        raise UnexpectedAnswer(f"the response has no {name}", endpoint=endpoint)
    return value


def pick_list(data: Mapping[str, Any], name: str, *, endpoint: str) -> list[Any]:
    """Return the list *name* of an answer; Lark leaves empty ones out or writes null."""
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnexpectedAnswer(f"{name} in the response is not a list", endpoint=endpoint)
    return value


def pick_objects(data: Mapping[str, Any], name: str, gives: Gives, *, endpoint: str) -> list[Any]:
    """Return the list *name* of an answer, each of its items an object with the members *gives*.

    :raises UnexpectedAnswer: an item is not of the expected form.
    """
    items = pick_list(data, name, endpoint=endpoint)
    for item in items:
        # the quick look first: a page has 500
        if type(item) is not dict or any(type(item.get(member)) is not kind for member, kind in gives.items()):
            demand(item, gives, subject=f"an item of {name}", endpoint=endpoint)
    return items
