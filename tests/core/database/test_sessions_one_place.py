"""Sessions are opened in one place, where they are set to what everything else relies on."""

from __future__ import annotations

import re
from pathlib import Path

import airflow_provider_lark

PACKAGE = Path(airflow_provider_lark.__file__).parent
#: open a session: an engine's own methods, and what makes engines
OPENING = re.compile(
    r"engine\.(connect|begin|raw_connection)\(|\bcreate_engine\(|inspect\((\w+\.)*_?engine\)|autoload_with=engine"
)
ALLOWED = {
    "core/database/connections.py",  # the place
    "core/database/blockers.py",  # asks who holds a lock, for the message of a session that failed
    "core/sync/plan/database.py",  # a temporary file of its own, which no other program knows
    "hooks/sql_connect.py",  # makes the engine of an Airflow connection
}


def test_no_session_is_opened_elsewhere():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if OPENING.search(line) and not line.lstrip().startswith((">>>", "#"))
    }
    assert found == ALLOWED
