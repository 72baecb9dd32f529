"""The command line of an Airflow in which parts of the provider cannot be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(
    ("absent", "arguments", "extra"),
    [
        (("redis",), ("receive", "--long-connection"), "redis"),
        (("amqp", "airflow_provider_lark.core.inbox.rabbitmq.broker"), ("inbox", "status"), "rabbitmq"),
        (("airflow.providers.postgres.hooks.postgres",), ("sync", "status", "--sql-conn-id", "shop_pg"), "postgres"),
    ],
)
def test_command_that_needs_what_is_not_installed_names_the_extra(
    airflow, connect, shop, monkeypatch, absent, arguments, extra
):
    """O7: exit 1 and one line."""
    monkeypatch.setenv("AIRFLOW_CONN_QUICK", json.dumps({"conn_type": "redis", "host": "127.0.0.1", "port": 1}))
    monkeypatch.setenv("AIRFLOW_CONN_BROKER", json.dumps({"conn_type": "amqp", "host": "127.0.0.1", "port": 1}))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_PG", json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1}))
    connect(**{"redis": {"redis_conn_id": "quick"}, "rabbitmq": {"rabbitmq_conn_id": "broker"}}.get(extra, {}))
    monkeypatch.setenv("AIRFLOW__LARK__MAPPING_FILES", shop)
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    done = airflow(*arguments)
    assert (done.status, done.out) == (1, "")
    assert f"install airflow-provider-lark[{extra}]" in done.err
    assert len(done.err.splitlines()) == 1
