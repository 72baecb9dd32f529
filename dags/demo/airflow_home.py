"""A hermetic Airflow: a home of its own under .demo, with a metadata database that is migrated once and then copied.

Call :func:`prepare` before anything imports Airflow.
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"
DEMO = ROOT / ".demo"


def prepare(name: str, **settings: str) -> Path:
    """Give this process, and those that it starts, the home ``.demo/<name>`` with an empty migrated database.

    :param settings: more of Airflow's configuration, as ``section__option=value``.
    """
    home = DEMO / name
    home.mkdir(parents=True, exist_ok=True)
    (home / "plugins").mkdir(exist_ok=True)
    for variable in [each for each in os.environ if each.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
        del os.environ[variable]
    # fresh keys for each start: nothing that they protect is kept
    given = {
        "core__dags_folder": str(DAGS),
        "core__plugins_folder": str(home / "plugins"),
        "core__load_examples": "False",
        "core__fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "database__sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}",
        "api_auth__jwt_secret": secrets.token_hex(64),
        "api__secret_key": secrets.token_hex(32),
        "logging__base_log_folder": str(home / "logs"),
        "usage_data_collection__enabled": "False",
    }
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ.update({f"AIRFLOW__{option.upper()}": value for option, value in (given | settings).items()})
    # compiled modules halve the time that Airflow takes to start
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    _copy_database(home)
    return home


def set_connections(connections: Mapping[str, Mapping[str, Any]]) -> None:
    """Make *connections* known as environment variables."""
    for conn_id, parts in connections.items():
        os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(parts)


def template() -> Path:
    """Return where the migrated, empty database of this Airflow version lies."""
    return DEMO / f"airflow-{importlib.metadata.version('apache-airflow-core')}.db"


def _copy_database(home: Path) -> None:
    database = home / "airflow.db"
    for leftover in home.glob(f"{database.name}*"):
        leftover.unlink()
    if not template().exists():
        _migrate(home)
        shutil.copyfile(database, template().with_suffix(".new"))
        template().with_suffix(".new").rename(template())
    shutil.copyfile(template(), database)


def _migrate(home: Path) -> None:
    log = home / "migrate.log"
    # in a process of its own: this one need not import what only a migration needs
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise RuntimeError(f"airflow db migrate failed; see {log}")
