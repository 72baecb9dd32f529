"""The DAGs of the documentation are parsed and run in a hermetic Airflow."""

from __future__ import annotations

from tests.airflow_home import prepare

prepare()
