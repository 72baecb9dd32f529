"""The command line of an Airflow in which parts of the provider cannot be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys

CALLS = """
import importlib.abc, json, sys

class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "redis" or name.startswith("airflow_provider_lark.plugins.sync_page"):
            raise ImportError(f"no {name} here")

sys.meta_path.insert(0, Broken())
from airflow.__main__ import main

ended = {}
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["airflow", *arguments]
    try:
        main()
        ended[" ".join(arguments[:3])] = 0
    except SystemExit as exc:
        ended[" ".join(arguments[:3])] = exc.code or 0
print(json.dumps(ended), file=sys.stderr)
"""


def test_commands_work_without_redis_and_with_a_page_that_cannot_be_imported(shop, airflow_db):
    # O7: what one part lacks is that part's trouble alone
    calls = [["dags", "list"], ["lark", "--help"], ["lark", "sync", "status", "--sql-conn-id", "shop_db"]]
    done = subprocess.run(
        [sys.executable, "-c", CALLS, json.dumps([["lark", "sync", "run", *calls[2][3:]], *calls])],
        env=os.environ | {"AIRFLOW__LARK__MAPPING_FILES": shop},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    ended = json.loads(done.stderr.splitlines()[-1])
    assert ended == {"lark sync run": 0, "dags list": 0, "lark --help": 0, "lark sync status": 0}, done.stderr
    assert "Manage Lark / Feishu connections and syncs" in done.stdout
    assert "areas" in done.stdout.rpartition("Last run")[2]
    assert "no redis here" not in done.stderr
