"""The plugin that Airflow loads in each of its processes, tasks too: it imports nothing that they do not have."""

from __future__ import annotations

from typing import Any

from airflow.sdk.configuration import conf
from airflow.sdk.plugins_manager import AirflowPlugin


def make_listeners() -> list[Any]:
    """Return what listens: nothing, unless ``[lark]`` names both through which connection and whom to tell."""
    if not all(conf.get("lark", name, fallback=None) for name in ("notify_conn_id", "notify_receive_id")):
        return []
    from airflow_provider_lark.plugins.listener import NotifyListener
    from airflow_provider_lark.plugins.notify_settings import read_settings

    settings = read_settings()
    return [NotifyListener(settings)] if settings.occasions else []


class LarkPlugin(AirflowPlugin):
    """Notifications for a whole installation."""

    name = "lark"
    listeners = make_listeners()
