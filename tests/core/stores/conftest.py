"""The stores are tested on real databases."""

from __future__ import annotations

import runpy
from pathlib import Path

_databases = runpy.run_path(str(Path(__file__).parents[2] / "databases.py"))
new_database, ledger_database, engine = (_databases[name] for name in ("new_database", "ledger_database", "engine"))
