"""From a delivery's JSON to a :class:`Delivery`: the new envelope, the old one, and clicks of both kinds.

Every event type is taken, known or not: an app that refuses one makes Lark send it again and again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from airflow_provider_lark.core.receiving.refusal import Reason, Refused

JsonObject: TypeAlias = dict[str, Any]

CARD_ACTION = "card.action.trigger"
OLD_CARD_ACTION = "card.action.trigger_v1"
MESSAGE_RECEIVED = "im.message.receive_v1"

#: levels of nesting; the deepest delivery of Lark's documents has eleven
DEPTH_MAX = 60

_HALF = b"\\ud"
"""Begins an escaped half of a surrogate pair; two that belong together are one letter after reading."""

Kind = Literal["event", "card", "approval"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that Lark told.

    :param kind: ``card`` for a click and ``approval`` for a decision in the approval centre, for which a person waits;
        ``event`` for all else.
    :param type: Lark's event type; :data:`OLD_CARD_ACTION` for the old kind of click.
    :param event_id: Lark's own id, empty where it gave none.
    :param created_ms: when it happened, UTC milliseconds, where Lark tells.
    :param body: the whole delivery, decrypted.
    :param identities: digests; deliveries that share one are the same one, delivered twice.
    """

    kind: Kind
    type: str
    event_id: str
    app_id: str
    tenant_key: str
    created_ms: int | None
    body: JsonObject = field(repr=False)
    identities: tuple[str, ...] = field(repr=False)

    @property
    def event(self) -> JsonObject:
        """What happened; for the old kind of click the body itself."""
        event = self.body.get("event")
        return event if isinstance(event, dict) else self.body

    @property
    def subject(self) -> str:
        """What it concerns: ``app_token/table_id`` of a change, the message of a click, the instance of a decision."""
        event = self.event
        if self.kind == "card":
            return _text(_object(event.get("context")).get("open_message_id")) or _text(event.get("open_message_id"))
        if self.kind == "approval":
            return _text(event.get("instance_id"))
        if _text(event.get("file_type")) == "bitable":
            return f"{_text(event.get('file_token'))}/{_text(event.get('table_id'))}"
        return ""


def parse_object(raw: bytes) -> JsonObject:
    """Read a JSON object.

    :raises Refused: it is none, or it is nested deeper than :data:`DEPTH_MAX`.
    """
    try:
        value = json.loads(raw.decode("utf-8"))
    except RecursionError as exc:
        raise Refused(Reason.TOO_DEEP, "the body is nested too deeply to be read") from exc
    except ValueError as exc:
        raise Refused(Reason.NOT_JSON, "the body is not JSON in UTF-8") from exc
    if not isinstance(value, dict):
        raise Refused(Reason.NOT_JSON, "the body is JSON, but not an object")
    if _depth_exceeds(value, DEPTH_MAX):
        raise Refused(Reason.TOO_DEEP, f"the body is nested deeper than {DEPTH_MAX} levels")
    return _whole(value) if _HALF in raw.lower() else value


def _whole(value: JsonObject) -> JsonObject:
    """Return *value* with a question mark for each half of a surrogate pair, which no database could keep."""
    return dict(json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")))


def is_old_card_action(body: Mapping[str, Any]) -> bool:
    """Tell whether *body* is the old kind of click, which comes without an envelope."""
    return "schema" not in body and "event" not in body and isinstance(body.get("action"), dict)


def token_of(body: Mapping[str, Any]) -> object:
    """Return the verification token that a delivery carries, whatever it is."""
    header = body.get("header")
    return header.get("token") if isinstance(header, dict) else body.get("token")


def read_delivery(body: JsonObject, *, now_ms: int) -> Delivery:
    """Read a delivery whose sender is known.

    :param now_ms: when it arrived: the old kind of click does not say when it happened.
    :raises Refused: it is none of Lark's envelopes.
    """
    if is_old_card_action(body):
        return _old_card_action(body, now_ms)
    header, event = body.get("header"), body.get("event")
    if isinstance(header, dict):
        return _new(body, header, event if isinstance(event, dict) else {})
    if isinstance(event, dict):
        return _old(body, event)
    raise Refused(Reason.NO_ENVELOPE, "the body is JSON, but not a delivery of Lark: it has neither header nor event")


def _new(body: JsonObject, header: JsonObject, event: JsonObject) -> Delivery:
    type_, event_id = _text(header.get("event_type")), _text(header.get("event_id"))
    app_id = _text(header.get("app_id"))
    created_ms = to_ms(header.get("create_time"))
    identities = [_identity(app_id, "id", event_id)] if event_id else []
    if type_ == MESSAGE_RECEIVED:
        message = event.get("message")
        message_id = _text(message.get("message_id")) if isinstance(message, dict) else ""
        # Lark gives one message several event ids, and says to go by the message
        identities += [_identity(app_id, "message", message_id)] if message_id else []
    kind: Kind = "event"
    if type_ == CARD_ACTION:
        kind = "card"
        context, operator = _object(event.get("context")), _object(event.get("operator"))
        identities += _click(
            app_id,
            _text(context.get("open_message_id")),
            _text(operator.get("open_id")),
            _object(event.get("action")),
            created_ms,
        )
    return Delivery(
        kind,
        type_,
        event_id,
        app_id,
        _text(header.get("tenant_key")),
        created_ms,
        body,
        tuple(identities) or (_identity(app_id, "body", _canonical(body)),),
    )


def _old(body: JsonObject, event: JsonObject) -> Delivery:
    event_id, app_id = _text(body.get("uuid")), _text(event.get("app_id"))
    identity = _identity(app_id, "id", event_id) if event_id else _identity(app_id, "body", _canonical(body))
    created_ms = to_ms(body.get("ts"))
    return Delivery(
        "event",
        _text(event.get("type")),
        event_id,
        app_id,
        _text(event.get("tenant_key")),
        created_ms,
        body,
        (identity,),
    )


def _old_card_action(body: JsonObject, now_ms: int) -> Delivery:
    message_id, open_id = _text(body.get("open_message_id")), _text(body.get("open_id"))
    identities = _click("", message_id, open_id, _object(body.get("action")), now_ms)
    identity = identities or [_identity("", "body", _canonical(body))]
    return Delivery("card", OLD_CARD_ACTION, "", "", _text(body.get("tenant_key")), now_ms, body, tuple(identity))


def _click(app_id: str, message_id: str, open_id: str, action: JsonObject, at_ms: int | None) -> list[str]:
    """Return what makes two deliveries one click: the same person, card, choice and content, within a second or two.

    An app with both kinds of callback gets each click twice. Each stands for its second and the next, so that two
    that fall on both sides of a full second still meet.
    """
    if not message_id or not open_id or at_ms is None:
        return []
    content = {name: action[name] for name in _CONTENT if action.get(name) not in (None, "", [], {})}
    second = at_ms // 1000
    # the old kind does not name its app: a message belongs to one
    return [_identity("", "click", _canonical([message_id, open_id, content, second + step])) for step in (0, 1)]


_CONTENT = ("value", "option", "options", "checked", "input_value", "form_value")


def to_ms(value: object) -> int | None:
    """Return a moment of Lark's in milliseconds: it comes in seconds, milliseconds or microseconds, often as text.

    >>> to_ms("1608725989000"), to_ms("1608725989000123"), to_ms("1608725989.5"), to_ms("soon")
    (1608725989000, 1608725989000, 1608725989500, None)
    """
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    if number is None or not 0 < number < 1e17:
        return None
    if number < 1e11:
        return int(number * 1000)
    # a float holds every whole number of this size
    return int(number) if number < 1e14 else int(number // 1000)


def _identity(app_id: str, kind: str, text: str) -> str:
    return hashlib.sha256("\0".join((app_id, kind, text)).encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _depth_exceeds(value: object, limit: int) -> bool:
    level: list[object] = [value]
    for _ in range(limit + 1):
        children: list[object] = []
        for each in level:
            if isinstance(each, dict):
                children.extend(each.values())
            elif isinstance(each, list):
                children.extend(each)
        if not children:
            return False
        level = children
    return True
