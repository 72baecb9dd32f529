"""Chats by name: all that the app's bot is in, read once and kept for a time."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches

from airflow_provider_lark.core.api.calls.locks import (
    FIRST_LOOK_SECONDS,
    LOCKS,
    LONGEST_LOOK_SECONDS,
    LONGEST_WAIT_SECONDS,
)
from airflow_provider_lark.core.api.calls.memory import ChatNames
from airflow_provider_lark.core.api.calls.session import Session
from airflow_provider_lark.core.api.wire.answers import data_of, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Wait
from airflow_provider_lark.core.api.wire.limits import (
    CHAT_NAMES_FRESH_SECONDS,
    CHAT_NAMES_MAX,
    CHAT_NAMES_SECONDS,
    LIST_PAGE_MAX,
)
from airflow_provider_lark.core.api.wire.routes import LIST_CHATS
from airflow_provider_lark.core.errors import BadRequest, NotFound, UnexpectedAnswer

_NEAR = 3
"""Names that an error tells."""

_ADVICE = "add the app's bot to the group, or give the chat_id (oc_…); for a user_id set receiver_id_type='user_id'"


def plain_name(name: str) -> str:
    """Return *name* as it is compared: without blanks around it, each character in one form; case counts."""
    return unicodedata.normalize("NFC", name).strip()


def find_chat_id(session: Session, name: str) -> Flow[str]:
    """Return the chat_id of the one chat that is called exactly *name*.

    :raises NotFound: the bot is in no such chat; the message tells the nearest names.
    :raises BadRequest: several chats are called so; the message tells their chat_ids.
    """
    wanted = plain_name(name)
    known = yield from _known_names(session, wanted)
    ids = known.ids.get(wanted, ())
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise BadRequest(f"{len(ids)} chats are named {wanted!r}: use one of their chat_ids instead: {', '.join(ids)}")
    near = _nearest(wanted, known)
    told = f"; similar names: {', '.join(repr(each) for each in near)}" if near else ""
    raise NotFound(f"the app's bot is not in a chat named {wanted[:100]!r}{told}; {_ADVICE}")


def _nearest(wanted: str, known: ChatNames) -> list[str]:
    close = get_close_matches(wanted, known.ids, n=_NEAR)
    parts = [each for each in known.ids if wanted.casefold() in each.casefold() or each.casefold() in wanted.casefold()]
    return list(dict.fromkeys([*close, *sorted(parts, key=len)]))[:_NEAR]


def _known_names(session: Session, wanted: str) -> Flow[ChatNames]:
    """Return the names; read by one call of the process while the others wait."""
    settings, cache = session.settings, session.chat_names
    whose = settings.app.user, settings.app.tenant_key
    place = f"chat names of {settings.app.host} {settings.app.app_id} {whose}"
    waited, pause = 0.0, FIRST_LOOK_SECONDS
    while True:
        known = cache.get(whose)
        if known is not None and _serves(known, wanted, settings.clock.monotonic()):
            return known
        lock = LOCKS.acquire(place)
        if lock is not None or waited >= LONGEST_WAIT_SECONDS:
            break
        yield Wait(pause)
        waited, pause = waited + pause, min(pause * 2, LONGEST_LOOK_SECONDS)
    try:
        names = yield from _read_names(session, wanted, known)
        cache.keep(whose, names)
        return names
    finally:
        # also when the call is cancelled
        if lock is not None:
            LOCKS.release(place, lock)


def _serves(known: ChatNames, wanted: str, now: float) -> bool:
    age_seconds = now - known.read_at
    if wanted in known.ids:
        return age_seconds < CHAT_NAMES_SECONDS
    # the bot may have been added since
    return known.is_whole and age_seconds < CHAT_NAMES_FRESH_SECONDS


def _read_names(session: Session, wanted: str, before: ChatNames | None) -> Flow[ChatNames]:
    """Read all names; beyond the bound those only that somebody has looked for."""
    known = {wanted} if before is None or len(before.ids) > 2 * CHAT_NAMES_MAX else {wanted, *before.ids}
    read_at = session.settings.clock.monotonic()
    ids: dict[str, tuple[str, ...]] = {}
    count, is_whole = 0, True
    token, used = None, set[str]()
    while True:
        body = yield from session.call(
            LIST_CHATS, query={"page_size": LIST_PAGE_MAX, "page_token": token}, subject="the bot's chats"
        )
        data = data_of(body)
        for item in pick_objects(data, "items", {"chat_id": str}, endpoint=LIST_CHATS.endpoint):
            name = plain_name(str(item.get("name") or ""))
            # a name that is kept at all has all its chats, or one of two would pass for the only one
            if count >= CHAT_NAMES_MAX and name not in ids and name not in known:
                is_whole = False
            elif item["chat_id"] not in ids.get(name, ()):
                ids[name] = (*ids.get(name, ()), item["chat_id"])
                count += 1
        if not data["has_more"]:
            break
        token = data.get("page_token")
        if not token or token in used:
            # a list that ends early would make a chat unknown, or one of two the only one
            raise UnexpectedAnswer("the bot's chats: Lark reports more results but no new page_token; try again")
        used.add(token)
    return ChatNames(ids, read_at, is_whole)
