"""Alembic's entry to the ledger's migrations."""

from __future__ import annotations

from airflow_provider_lark.core.database.migration import run_in_alembic

run_in_alembic()
