"""Airflow is given its home before a test of this folder imports it."""

from __future__ import annotations

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[1] / "airflow_home.py"))["prepare"]()
