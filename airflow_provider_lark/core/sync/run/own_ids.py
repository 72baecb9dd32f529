"""Under which ids Lark shows what this client writes."""

from __future__ import annotations

import logging

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.errors import LarkError

log = logging.getLogger(__name__)


def own_ids(client: LarkClient) -> frozenset[str]:
    """Return the ids under which Lark shows who wrote what *client* writes; empty where they cannot be known."""
    if client.known_as:
        return client.known_as
    try:
        return frozenset({client.bot.info().open_id, client.app_id})
    except LarkError as error:
        log.info("cannot determine the app's own user id, because it has no bot: %s", error)
        return frozenset()
