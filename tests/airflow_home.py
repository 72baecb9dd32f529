"""A hermetic Airflow for the tests: a home of its own, set before anything imports Airflow.

The conftests of the folders whose tests import Airflow run this file; the first one in a process makes the home.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

_MARK = "LARK_TEST_AIRFLOW_HOME"


def prepare() -> Path:
    """Return the home that Airflow uses in this process, made on the first call.

    :raises RuntimeError: Airflow was imported before, so that its settings are fixed already.
    """
    owner, _, home = os.environ.get(_MARK, "").partition(":")
    # a worker of a parallel run inherits the mark, but must not share the home
    return Path(home) if owner == str(os.getpid()) else _make_home()


def migrate() -> None:
    """Make the tables of Airflow's own database in this home."""
    from airflow.utils.db import initdb

    with warnings.catch_warnings():
        # Airflow leaves connections of its migration to the garbage collector, which Python 3.13 reports
        warnings.simplefilter("ignore", ResourceWarning)
        initdb()
        gc.collect()


def _make_home() -> Path:
    if "airflow.configuration" in sys.modules or "airflow.sdk.configuration" in sys.modules:
        raise RuntimeError("airflow was imported before the tests gave it a home of its own")
    home = Path(tempfile.mkdtemp(prefix="lark-airflow-home-"))
    atexit.register(_remove, home, os.getpid())
    (home / "dags").mkdir()
    (home / "plugins").mkdir()
    for name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
        del os.environ[name]
    os.environ |= {
        _MARK: f"{os.getpid()}:{home}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__FERNET_KEY": "cM2yqfY6xJ0Lx2yTq9m3rJ2a1jZxkq3Nf4m5nXo0a1E=",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API_AUTH__JWT_SECRET": "t" * 64,
        "AIRFLOW__API__SECRET_KEY": "t" * 64,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return home


def _remove(home: Path, owner: int) -> None:
    # a forked task ends in the same interpreter and must leave the home alone
    if os.getpid() == owner:
        shutil.rmtree(home, ignore_errors=True)
