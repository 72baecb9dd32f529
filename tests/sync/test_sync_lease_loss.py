"""A lease that lasts as long as the work, and a worker that was stopped while another took over: never two writers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.errors import LeaseHeld
from airflow_provider_lark.core.sync.run import lease
from tests.clocks import wait_until
from tests.sync.world import World

ROOT = Path(__file__).parents[2]
CREATE = "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_create"
ROWS = 40


def created(world: World) -> int:
    return world.emu.counters().get(CREATE, 0)


pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def test_lease_is_renewed_while_one_write_takes_longer_than_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """O47: a lease of 0.9 s, a write of 3 s; another worker tries all the time."""
    engine = world.ready()
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.9)
    world.update(1, name="slow")
    world.emu.switches.write_seconds = 3.0
    reports: list[Any] = []
    slow = threading.Thread(target=lambda: reports.append(engine.incremental()))
    slow.start()
    wait_until(lambda: world.ask("SELECT count(*) FROM sync_lease") == [(1,)])
    refused = 0
    while slow.is_alive():
        try:
            with LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url) as client:
                SyncEngine(client, world.sql, world.mapping(), lease_wait_seconds=0).incremental()
        except LeaseHeld:
            refused += 1
    slow.join()
    assert refused > 3
    assert (reports[0].status, reports[0].to_lark.updated) == ("ok", 1)


def test_stopped_worker_gives_up_before_its_next_write_and_leaves_the_others_lease(world: World) -> None:
    """O47: SIGSTOP until another has taken over, SIGCONT while that one writes."""
    world.ready()
    world.insert(*({"code": 100 + n, "name": f"n{n}"} for n in range(ROWS)))
    world.emu.switches.write_seconds = 0.03
    before = created(world)
    given = {
        "database": world.sql.url.render_as_string(hide_password=False),
        "app": [world.emu.app_id, world.emu.app_secret, world.emu.url],
        "mapping": world.mapping(batch_size=1).to_dict(),
    }
    command = [sys.executable, "-m", "tests.sync.test_sync_lease_loss", json.dumps(given)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as stopped:
        wait_until(lambda: created(world) >= before + 5)
        os.kill(stopped.pid, signal.SIGSTOP)
        mine = created(world) - before
        taken_over = SyncEngine(world.client, world.sql, world.mapping(batch_size=1), lease_wait_seconds=60)
        reports: list[Any] = []
        other = threading.Thread(target=lambda: reports.append(taken_over.incremental()))
        other.start()
        wait_until(lambda: created(world) >= before + mine + 5)
        os.kill(stopped.pid, signal.SIGCONT)
        told = json.loads(stopped.communicate(timeout=60)[0])
        assert world.ask("SELECT count(*) FROM sync_lease") == [(1,)] or not other.is_alive()
        other.join()
    assert told["error"] == "LeaseHeld"
    # at most the one that was on its way when it was stopped
    assert told["creates"] <= mine + 1
    assert reports[0].status == "ok"
    world.engine().incremental()
    world.assert_in_step()


def main(given: dict[str, Any]) -> None:
    lease.LEASE_SECONDS = 1.0
    engine = create_engine(given["database"], poolclass=NullPool)
    error = ""
    with LarkClient(*given["app"]) as client:
        try:
            SyncEngine(client, engine, TableMapping.from_dict(given["mapping"])).incremental()
        except LeaseHeld as exc:
            error = type(exc).__name__
        print(json.dumps({"error": error, "creates": client.calls.by_kind.get("create", 0)}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
