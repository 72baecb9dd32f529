"""The history of a record, as base/v3 tells it (lark-api §4.9)."""

from __future__ import annotations
