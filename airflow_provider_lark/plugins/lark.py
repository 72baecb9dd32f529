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


def make_fastapi_apps() -> list[dict[str, Any]]:
    """Return what the api-server serves: the page where there are mapping files, the receiver where it is wanted."""
    return [*_page_apps(), *_receiver_apps()]


def make_views() -> list[dict[str, Any]]:
    """Return what Airflow's UI shows: the page where there are mapping files."""
    if not _has_mapping_files():
        return []
    from airflow_provider_lark.plugins.sync_page.mounting import read_views

    return read_views()


def _page_apps() -> list[dict[str, Any]]:
    if not _has_mapping_files():
        return []
    from airflow_provider_lark.plugins.sync_page.mounting import read_apps

    return read_apps()


def _has_mapping_files() -> bool:
    return bool((conf.get("lark", "mapping_files", fallback="") or "").strip())


def _receiver_apps() -> list[dict[str, Any]]:
    if str(conf.get("lark", "receiver_enabled", fallback="") or "").strip().lower() in ("", "0", "f", "false"):
        return []
    from airflow_provider_lark.plugins.receiver import read_apps

    return read_apps()


class LarkPlugin(AirflowPlugin):
    """Notifications for a whole installation, a receiver for what Lark sends, and a page about what is synced."""

    name = "lark"
    listeners = make_listeners()
    fastapi_apps = make_fastapi_apps()
    external_views = make_views()
