"""The callback of a click on a card: the current form, and the old one (lark-api §5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.emulator.events.payload import envelope
from airflow_provider_lark.emulator.tenant.directory import User

CARD_ACTION = "card.action.trigger"


@dataclass(frozen=True)
class Click:
    """A click of a person on a card.

    :param action: what was pressed and filled in.
    :param token: with which the card can be changed later.
    """

    user: User
    message_id: str
    chat_id: str
    action: dict[str, Any]
    token: str
    at: float


def new_callback(
    click: Click, *, event_id: str, app_id: str, verification_token: str, tenant_key: str
) -> dict[str, Any]:
    """``card.action.trigger``; its ``create_time`` is in µs."""
    user = click.user
    event = {
        "operator": {
            "tenant_key": tenant_key,
            "user_id": user.user_id,
            "open_id": user.open_id,
            "union_id": user.union_id,
        },
        "token": click.token,
        "action": click.action,
        "host": "im_message",
        "context": {"open_message_id": click.message_id, "open_chat_id": click.chat_id},
    }
    return envelope(
        CARD_ACTION,
        event,
        event_id=event_id,
        create_time=str(int(click.at * 1_000_000)),
        token=verification_token,
        app_id=app_id,
        tenant_key=tenant_key,
    )


def old_callback(click: Click, *, tenant_key: str) -> dict[str, Any]:
    """``card.action.trigger_v1``: flat, without an id and without a time."""
    known = ("value", "tag", "option", "timezone")
    return {
        "open_id": click.user.open_id,
        "user_id": click.user.user_id,
        "open_message_id": click.message_id,
        "open_chat_id": click.chat_id,
        "tenant_key": tenant_key,
        "token": click.token,
        "action": {name: value for name, value in click.action.items() if name in known},
    }
