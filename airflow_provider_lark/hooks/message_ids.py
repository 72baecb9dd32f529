"""Ids of messages, as tasks are given them: themselves, or in what a task that sends returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_json, read_list


def read_message_ids(given: Any) -> list[str]:
    """Return ids of messages, each once: of one, of a list, or of what an operator that sends returns.

    :raises ConfigError: no id is given, or something is not an id.
    """
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = read_json(given, "message_id")
    if isinstance(given, Mapping):
        # what was sent to several is all of it, not the first
        given = given.get("messages") or [given]
    many = read_list(given, "message_id") or []
    ids = [_read_id(each, "message_id" if len(many) == 1 else f"message_id[{at}]") for at, each in enumerate(many)]
    if not ids:
        raise ConfigError(_EMPTY.format("message_id"))
    return list(dict.fromkeys(ids))


_EMPTY = "{}: is empty; give a message_id (om_…) or the output of the task that sent the message"


def _read_id(given: Any, where: str) -> str:
    text = str((given.get("message_id") if isinstance(given, Mapping) else given) or "").strip()
    if text in ("", "None"):
        raise ConfigError(_EMPTY.format(where))
    if not text.startswith("om_"):
        raise ConfigError(
            f"{where}: {text[:50]!r} is not a message_id (om_…); to pass the output of the task that sent the message "
            "through a template, add `| tojson`"
        )
    return text
