"""The worker's clock is set back or forth by an hour in mid-work: nothing waits for it, and nothing is late by it."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from tests.clocks import JumpingClock
from tests.sync.world import World

HOUR = 3600.0
UPDATE = "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_update"


class SetClock(JumpingClock):
    """Is set anew in every wait; no wait lasts."""

    def __init__(self, jump: float) -> None:
        super().__init__()
        self.jump, self.shift = jump, 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return super().now() + self.shift

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.waits.append(seconds)
        self.shift += self.jump


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_clock_that_is_set_in_every_wait_delays_nothing_and_loses_no_lease(world: World, jump: float) -> None:
    """O51: a rate wait, a backoff, a token's life, a lease, an entry's next attempt, a retention."""
    world.ready(retention_days=1)
    lines = world.ask("SELECT count(*) FROM sync_log")
    clock = SetClock(jump)
    with LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, clock=clock) as client:
        engine = SyncEngine(client, world.sql, world.mapping(), clock=clock, lease_wait_seconds=0)
        world.update(1, name="limited")
        world.emu.faults.add(UPDATE, code=99991400, reset_seconds=3)
        world.emu.faults.add(UPDATE, code=1254607)
        assert engine.incremental().status == "ok"
        assert len(clock.waits) >= 2
        assert max(clock.waits) < 10
        # the jump passed between two runs, too; the token is renewed once at most
        clock.shift += jump
        world.edit(2, Name="edited")
        world.update(3, name="late")
        # a refusal of the row: it waits for its next attempt, by the database's clock
        world.emu.faults.add(UPDATE, code=1254015, times=9)
        engine.incremental()
        [waits] = world.ask("SELECT EXTRACT(EPOCH FROM max(next_attempt_at) - clock_timestamp()) FROM sync_queue")
        assert 0 < waits[0] < 600
        world.execute("UPDATE sync_queue SET next_attempt_at = NULL")
        world.emu.faults.clear()
        engine.full()
    world.assert_in_step()
    # nothing was thrown away before its time
    assert world.ask("SELECT count(*) FROM sync_log")[0] >= lines[0]
    assert world.ask("SELECT count(*) FROM sync_lease") == [(0,)]
