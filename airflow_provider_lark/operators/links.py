"""The button of a task that opens its table in Lark; sensors have it too, so it lives beside the hook."""

from __future__ import annotations

from airflow_provider_lark.hooks.table_place import BitableTableLink

__all__ = ["BitableTableLink"]
