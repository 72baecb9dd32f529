"""The command line of an Airflow in which parts of the provider cannot be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

CALLS = """
import importlib.abc, json, sys

absent, calls, ended = sys.argv[2].split(","), json.loads(sys.argv[1]), {}

class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == broken or name.startswith(f"{broken}.") for broken in absent):
            raise ImportError(f"no {name} here")

sys.meta_path.insert(0, Broken())
from airflow.__main__ import main

for arguments in calls:
    sys.argv = ["airflow", *arguments]
    try:
        main()
        ended[" ".join(arguments[:3])] = 0
    except SystemExit as exc:
        ended[" ".join(arguments[:3])] = exc.code or 0
print(json.dumps(ended), file=sys.stderr)
"""


def call(calls: list[list[str]], absent: str, **environ: str) -> tuple[dict[str, Any], Any]:
    """Run commands in a process of their own, in which the modules *absent* cannot be imported; tell how each ended.

    Airflow keeps for the whole life of a process that a hook could not be imported.
    """
    done = subprocess.run(
        [sys.executable, "-c", CALLS, json.dumps(calls), absent],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return json.loads(done.stderr.splitlines()[-1]), done


def test_commands_work_without_redis_and_with_a_page_that_cannot_be_imported(shop, airflow_db):
    # O7: what one part lacks is that part's trouble alone
    calls = [["dags", "list"], ["lark", "--help"], ["lark", "sync", "status", "--sql-conn-id", "shop_db"]]
    ended, done = call(
        [["lark", "sync", "run", *calls[2][3:]], *calls],
        "redis,airflow_provider_lark.plugins.sync_page",
        AIRFLOW__LARK__MAPPING_FILES=str(shop),
    )
    assert ended == {"lark sync run": 0, "dags list": 0, "lark --help": 0, "lark sync status": 0}, done.stderr
    assert "Manage Lark / Feishu connections and syncs" in done.stdout
    assert "areas" in done.stdout.rpartition("Last run")[2]
    assert "no redis here" not in done.stderr


@pytest.mark.parametrize(
    ("absent", "arguments", "extra"),
    [
        (("redis",), ("receive", "--long-connection"), "redis"),
        (("amqp", "airflow_provider_lark.core.inbox.rabbitmq.broker"), ("inbox", "status"), "rabbitmq"),
    ],
)
def test_command_that_needs_what_is_not_installed_names_the_extra(
    airflow, connect, shop, monkeypatch, absent, arguments, extra
):
    """O7: exit 1 and one line."""
    monkeypatch.setenv("AIRFLOW_CONN_QUICK", json.dumps({"conn_type": "redis", "host": "127.0.0.1", "port": 1}))
    monkeypatch.setenv("AIRFLOW_CONN_BROKER", json.dumps({"conn_type": "amqp", "host": "127.0.0.1", "port": 1}))
    connect(**{"redis": {"redis_conn_id": "quick"}, "rabbitmq": {"rabbitmq_conn_id": "broker"}}.get(extra, {}))
    monkeypatch.setenv("AIRFLOW__LARK__MAPPING_FILES", shop)
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    done = airflow(*arguments)
    assert (done.status, done.out) == (1, "")
    assert f"install airflow-provider-lark[{extra}]" in done.err
    assert len(done.err.splitlines()) == 1


def test_command_whose_database_has_no_hook_names_the_extra(shop, airflow_db):
    """O7: exit 1 and one line."""
    ended, done = call(
        [["lark", "sync", "status", "--sql-conn-id", "shop_pg"]],
        "airflow.providers.postgres.hooks.postgres",
        AIRFLOW__LARK__MAPPING_FILES=str(shop),
        AIRFLOW_CONN_SHOP_PG=json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1}),
    )
    # a text that ends a command goes to standard error, and the command ends with 1
    assert "install airflow-provider-lark[postgres]" in ended["lark sync status"]
    assert len(ended["lark sync status"].splitlines()) == 1
    assert done.stdout == ""
