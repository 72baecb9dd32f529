"""A call that is made in the triggerer: which may be, how its answer comes back, and how its failure does.

A triggerer that dies, or is thought dead, leaves its calls to another one, which makes them again: so only those go
there that may be made twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core import errors
from airflow_provider_lark.core.errors import ConfigError, LarkError, OutcomeUnknown, UnexpectedAnswer
from airflow_provider_lark.hooks.xcom_size import XCOM_BYTES_MAX, json_size

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.calls.api_call import AnyCall
    from airflow_provider_lark.hooks.lark import LarkHook

TOKEN_SECONDS = 3300.0
"""How long after it was deferred a call with a token may begin once more: Lark heeds a ``uuid`` for an hour."""

_FACTS = ("code", "log_id", "endpoint", "retry_after_seconds", "scopes")


class QuietEvent(dict[str, Any]):
    """An event whose answer Airflow does not write into the log when it tells of the event."""

    def __repr__(self) -> str:
        return f"{{'status': {self.get('status')!r}, …}}"

    __str__ = __repr__


def why_on_worker(call: AnyCall, hook: LarkHook) -> str | None:
    """Return why a call may not be made in the triggerer; None: it may.

    :raises BadRequest: the call's path is none of Lark's.
    """
    if call.effect(hook.settings.host) == "once":
        return (
            "a triggerer that restarts would repeat the call and its effect; add a client_token to query or a uuid to "
            "json if the API supports one"
        )
    try:
        hook.calls.to_plain()
    except ConfigError as exc:
        return exc.message
    try:
        size = json_size(call.to_plain())
    except (TypeError, ValueError, RecursionError):
        # the client says what is wrong with it
        return "its body is not plain JSON"
    return f"its body is {size:,} bytes, more than a trigger should carry" if size > XCOM_BYTES_MAX else None


def latest_start(call: AnyCall, hook: LarkHook) -> float | None:
    """Return until when the call may begin, in seconds since the epoch; None: at any time."""
    if call.effect(hook.settings.host) != "replayable":
        return None
    return hook.clock.now() + TOKEN_SECONDS


def refuse_late(call: Mapping[str, Any], not_after: float | None, now: float) -> None:
    """Refuse a call that begins so late that Lark may have forgotten its token.

    :raises OutcomeUnknown: it does.
    """
    if not_after is not None and now > not_after:
        raise OutcomeUnknown(
            f"{str(call['path']).partition('?')[0]}: the triggerer picked up the call more than "
            f"{TOKEN_SECONDS / 60:.0f} minutes after the task was deferred. An earlier triggerer may have made it, and "
            "Lark may have forgotten its token, so the call was not repeated; check in Lark whether it was made, and "
            "if not, run the task again"
        )


def answer_event(result: Any) -> QuietEvent:
    """Return the event that brings *result* to the task."""
    return QuietEvent(status="success", result=result)


def failure_event(exc: Exception) -> dict[str, Any]:
    """Return the event that brings *exc* to the task."""
    if not isinstance(exc, LarkError):
        return {
            "status": "error",
            "kind": "",
            "message": f"the trigger failed with {type(exc).__name__}; see the triggerer's log",
            "facts": {},
        }
    notes = "".join(f" ({note})" for note in getattr(exc, "__notes__", ()))
    facts = {name: value for name in _FACTS if (value := getattr(exc, name, None)) is not None}
    return {"status": "error", "kind": type(exc).__name__, "message": f"{exc.message}{notes}", "facts": facts}


def read_event(event: Mapping[str, Any] | None) -> Any:
    """Return the answer that an event brings.

    :raises LarkError: it brings a failure, the one that the trigger met.
    """
    if event is None or event.get("status") not in ("success", "error"):
        raise OutcomeUnknown(
            "the trigger ended without a result, so the call may or may not have been made; check in Lark before "
            "running the task again"
        )
    if event["status"] == "success":
        return event.get("result")
    kind = getattr(errors, str(event.get("kind")), None)
    message, facts = str(event.get("message")), dict(event.get("facts") or {})
    if not (isinstance(kind, type) and issubclass(kind, LarkError)):
        raise OutcomeUnknown(message)
    if "scopes" in facts:
        facts["scopes"] = tuple(facts["scopes"])
    try:
        error = kind(message, **facts)
    except TypeError:
        error = UnexpectedAnswer(message)
    raise error
