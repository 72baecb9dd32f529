"""The part that runs without Airflow: Lark client, field codecs, both sides and the sync engine.

>>> from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping

The names are loaded when first used, so that importing one part does not pay for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.async_client import AsyncLarkClient
    from airflow_provider_lark.core.api.client import LarkClient
    from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient, WebhookClient
    from airflow_provider_lark.core.sync.engine import SyncEngine
    from airflow_provider_lark.core.sync.mapping.file import load_mappings, parse_mappings
    from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping

_HOMES = {
    "AsyncLarkClient": "api.async_client",
    "AsyncWebhookClient": "api.webhook.client",
    "LarkClient": "api.client",
    "SyncEngine": "sync.engine",
    "TableMapping": "sync.mapping.table_mapping",
    "WebhookClient": "api.webhook.client",
    "load_mappings": "sync.mapping.file",
    "parse_mappings": "sync.mapping.file",
}

__all__ = [
    "AsyncLarkClient",
    "AsyncWebhookClient",
    "LarkClient",
    "SyncEngine",
    "TableMapping",
    "WebhookClient",
    "load_mappings",
    "parse_mappings",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
