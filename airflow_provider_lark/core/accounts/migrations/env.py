"""Alembic's entry to the accounts' migrations."""

from __future__ import annotations

from airflow_provider_lark.core.database.migration import run_in_alembic

run_in_alembic()
