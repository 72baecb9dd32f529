"""Messages through webhook bots (lark-api §6.4, "Custom bot usage guide"): no token, the address opens the group."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from airflow_provider_lark.emulator.cards.checks import Surroundings, check_card
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_json
from airflow_provider_lark.emulator.routes.router import Route
from airflow_provider_lark.emulator.state.messaging.hooks import HALF_HOUR_SECONDS, Hook
from airflow_provider_lark.emulator.state.messaging.messages import Written
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.wire import Flat, Outcome, Raw, Request

_READ: Final = frozenset({"text", "title", "content"})
"""Members whose text counts for the keyword; addresses of links do not."""
_MEMBERS: Final = frozenset({"timestamp", "sign", "msg_type", "content", "card"})
_POST_TAGS: Final = frozenset({"text", "a", "at", "img"})
_LOCALES: Final = re.compile(r"[a-z]{2}_[a-z]{2}")


def send_by_hook(state: State, request: Request) -> Outcome:
    """Send a message into the bot's group."""
    hook = state.hooks.find(request.params["hook_id"])
    if hook is None:
        # whatever the body is
        raise ApiError(19001, "there is no bot with this URL")
    if not hook.is_enabled:
        raise ApiError(19007, "the bot is disabled")
    if not hook.admits(request.peer):
        raise ApiError(19022, f"{request.peer} is not on the bot's list")
    body = _parse(state, request)
    if state.switches.hook_signs_first:
        _check_signature(state, hook, body)
    content = _read(state, hook, body)
    if not state.switches.hook_signs_first:
        _check_signature(state, hook, body)
    texts = list(_texts(content))
    if not hook.takes(texts):
        raise ApiError(19024, "no text or title contains one of the bot's keywords")
    _check_pace(state, hook)
    # receivers know the sender of such a message as the bot, and no app
    written = Written(str(body["msg_type"]), json.dumps(content, ensure_ascii=False), "\n".join(texts))
    state.messages.add(written, chat_id=hook.chat_id, app_id=hook.hook_id, sender=hook.hook_id)
    return _success(state)


def _success(state: State) -> Outcome:
    old = {"StatusCode": 0, "StatusMessage": "success"}
    match state.switches.hook_answer:
        case "both":
            return Flat({"data": {}, **old}, msg="success")
        case "code":
            return Flat({"data": {}}, msg="success")
        case "status":
            return Raw(dump(old), {})


def _unreadable(state: State, detail: str) -> ApiError:
    return ApiError(9499, detail, status=state.switches.hook_bad_request_status)


def _parse(state: State, request: Request) -> dict[str, Any]:
    if len(request.body) > state.switches.max_hook_bytes:
        raise _unreadable(state, f"a request may have at most {state.switches.max_hook_bytes} bytes")
    try:
        body = parse_json(request.body)
    except ValueError as exc:
        raise _unreadable(state, "the body is not JSON") from exc
    if not isinstance(body, dict):
        raise _unreadable(state, "the body must be a JSON object")
    if state.switches.strict_parameters and (unknown := sorted(set(body) - _MEMBERS)):
        raise _unreadable(state, f"a message has no {unknown[0]}")
    return body


def _check_signature(state: State, hook: Hook, body: dict[str, Any]) -> None:
    if not hook.accepts(body.get("timestamp"), body.get("sign"), state.clock.now()):
        raise ApiError(19021, "sign match fail or timestamp is not within one hour from current time")


def _check_pace(state: State, hook: Hook) -> None:
    switches, now = state.switches, state.clock.now()
    if switches.hook_peak_seconds and now % HALF_HOUR_SECONDS < switches.hook_peak_seconds:
        raise ApiError(11232, "overloaded after a full or half hour")
    if switches.rate_limits and hook.is_too_fast(now):
        raise ApiError(11232, "the limit is 5 messages a second and 100 a minute")
    hook.sent_at.append(now)


def _read(state: State, hook: Hook, body: dict[str, Any]) -> dict[str, Any]:
    msg_type = body.get("msg_type")
    if not msg_type:
        raise ApiError(19002, "params error, msg_type need", msg="params error, msg_type need")
    check = _KINDS.get(msg_type) if isinstance(msg_type, str) else None
    if check is None:
        raise _unreadable(state, f"msg_type {msg_type!r} is not known")
    content = body.get("card" if msg_type == "interactive" else "content")
    if not isinstance(content, dict):
        raise _unreadable(state, "the content must be an object")
    wrong = check(content, hook, state.switches)
    if wrong is not None:
        raise _unreadable(state, wrong)
    return content


def _check_text(content: dict[str, Any], _hook: Hook, _: Switches) -> str | None:
    text = content.get("text")
    return None if isinstance(text, str) and text else "content.text must be a string"


def _check_post(content: dict[str, Any], _hook: Hook, _: Switches) -> str | None:
    post = content.get("post")
    if not isinstance(post, dict) or not post:
        return "content.post needs at least one language"
    for locale, part in post.items():
        lines = part.get("content") if isinstance(part, dict) else None
        if not _LOCALES.fullmatch(locale) or not isinstance(lines, list) or not lines:
            return f"content.post.{locale} must have a content"
        elements = [each for line in lines for each in (line if isinstance(line, list) else [line])]
        if not all(_is_known(each) for each in elements):
            return f"content.post.{locale} has an unknown element, or a link that is not a URL"
    return None


def _is_known(element: Any) -> bool:
    if not isinstance(element, dict) or element.get("tag") not in _POST_TAGS:
        return False
    return element["tag"] != "a" or "://" in str(element.get("href"))


def _check_image(content: dict[str, Any], _hook: Hook, _: Switches) -> str | None:
    key = content.get("image_key")
    return None if isinstance(key, str) and key.startswith("img_") else "content.image_key must be an image_key"


def _check_chat(content: dict[str, Any], hook: Hook, _: Switches) -> str | None:
    own = content.get("share_chat_id") == hook.chat_id
    return None if own else "content.share_chat_id must be the bot's own group"


def _check_card(card: dict[str, Any], _hook: Hook, switches: Switches) -> str | None:
    if card.get("type") == "template":
        template = card.get("data")
        known = isinstance(template, dict) and isinstance(template.get("template_id"), str)
        return None if known else "card.data.template_id must be a string"
    about = Surroundings(
        # nobody is looked up: who is not in the group is shown by name, and an e-mail address is no id
        person=lambda user_id: None if "@" in user_id else user_id,
        has_image=lambda key: key.startswith("img_"),
        has_audio=lambda key: key.startswith("file_"),
        code=11246,
        takes_wide_screen=switches.takes_wide_screen,
    )
    check_card(card, about)
    return None


_KINDS: Final[dict[str, Callable[[dict[str, Any], Hook, Switches], str | None]]] = {
    "text": _check_text,
    "post": _check_post,
    "image": _check_image,
    "share_chat": _check_chat,
    "interactive": _check_card,
}


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for name, each in content.items():
            if name in _READ and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)
    elif isinstance(content, list):
        for each in content:
            yield from _texts(each)


ROUTES: Final = (
    Route(
        "POST",
        "/open-apis/bot/v2/hook/:hook_id",
        send_by_hook,
        needs_token=False,
        family="hook",
        coverage="partly",
        note="all message types, signature, keywords, IP list, size and rates; cards as for apps, templates unchecked",
    ),
)
