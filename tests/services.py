"""Before the tests: are the database servers there? Where Docker runs, compose.yaml starts them.

Addresses: ``LARK_TEST_POSTGRES_URL`` and ``LARK_TEST_MYSQL_URL``, SQLAlchemy URLs without a database.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from sqlalchemy import make_url

DEFAULTS = {
    "LARK_TEST_POSTGRES_URL": "postgresql+psycopg://postgres@127.0.0.1:5432",
    "LARK_TEST_MYSQL_URL": "mysql+mysqldb://root@127.0.0.1:3306",
}


def missing() -> list[str]:
    found = []
    for variable, default in DEFAULTS.items():
        url = make_url(os.environ.get(variable) or default)
        try:
            socket.create_connection((url.host or "127.0.0.1", url.port or 0), timeout=3).close()
        except OSError:
            found.append(f"{variable} ({url.render_as_string(hide_password=True)})")
    return found


def main() -> int:
    absent = missing()
    docker = shutil.which("docker")
    if absent and docker and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0:
        print("Starting the database servers of compose.yaml")
        subprocess.run([docker, "compose", "up", "-d", "--wait"], cwd=Path(__file__).parent.parent, check=False)
        absent = missing()
    for one in absent:
        print(f"!! NO SERVER at {one}: its tests do NOT run", file=sys.stderr)
    return 1 if absent and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
