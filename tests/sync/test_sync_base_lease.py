"""Four mappings of one base in parallel: their writes take turns, so that Lark refuses none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.api.calls import session
from airflow_provider_lark.core.ledger.lease import Lease
from airflow_provider_lark.core.sync.run import base_lease
from tests.sync.world import World

TABLES = ["a", "b", "c", "d"]


class NoLocks:
    """What another process knows of this one's locks."""

    def acquire(self, name: str) -> object:
        return object()

    def release(self, name: str, holder: object) -> None:
        pass


def conflicts(world: World) -> int:
    return sum(entry.code == 1254291 for entry in world.emu.log)


def mappings(world: World) -> list[Any]:
    made = []
    for name in TABLES:
        world.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, n INTEGER)")
        fields = [{"field_name": "id", "type": 2}, {"field_name": "n", "type": 2}]
        table = world.emu.state.create_table(world.app_token, name, fields)
        target = {"app_token": world.app_token, "table_id": table.table_id}
        made.append(world.mapping(name=name, lark=target, sql=name, fields=None, batch_size=5, direction="to_lark"))
    return made


def run_all(world: World, mappings: list[Any], operation: str) -> None:
    def run(mapping: Any) -> Any:
        with LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, rate_share=None) as client:
            return getattr(SyncEngine(client, world.sql, mapping), operation)()

    with ThreadPoolExecutor(len(mappings)) as pool:
        assert {report.status for report in pool.map(run, mappings)} == {"ok"}


@pytest.mark.parametrize("others", ["in this process", "in other processes"])
def test_parallel_mappings_of_one_base_never_meet(world: World, monkeypatch: pytest.MonkeyPatch, others: str) -> None:
    made = mappings(world)
    for mapping in made:
        SyncEngine(world.client, world.sql, mapping).full()
    for name in TABLES:
        for n in range(15):
            world.execute(f"INSERT INTO {name} VALUES ({n}, 1)")
    if others == "in other processes":
        monkeypatch.setattr(session, "LOCKS", NoLocks())
    else:
        monkeypatch.setattr(Lease, "acquire", _only_tables(Lease.acquire))
    world.emu.switches.lock_whole_base = True
    world.emu.switches.write_seconds = 0.02
    before = conflicts(world)
    run_all(world, made, "incremental")
    assert conflicts(world) == before
    assert [len(world.emu.person.records(world.app_token, each.lark.table_id)) for each in made] == [15] * 4
    assert world.ask("SELECT count(*) FROM sync_lease") == [(0,)]


def _only_tables(acquire: Any) -> Any:
    def only(lease: Lease, ttl_seconds: float) -> bool:
        return lease.resource.endswith("/*") or bool(acquire(lease, ttl_seconds))

    return only


def test_worker_that_died_in_its_turn_holds_nobody_up_for_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_lease, "WAIT_SECONDS", 0.2)
    made = mappings(world)[:2]
    for mapping in made:
        SyncEngine(world.client, world.sql, mapping).full()
    with world.sql.begin() as conn:
        Lease(conn, f"{world.app_token}/*", "dead#1#x").acquire(60)
    world.execute("INSERT INTO a VALUES (1, 1)")
    assert SyncEngine(world.client, world.sql, made[0]).incremental().to_lark.created == 1


def test_mapping_that_has_its_base_for_itself_asks_for_no_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = world.ready()
    asked: list[str] = []
    acquire = Lease.acquire
    monkeypatch.setattr(
        Lease, "acquire", lambda lease, ttl_seconds: asked.append(lease.resource) or acquire(lease, ttl_seconds)
    )
    world.update(1, name="new")
    assert engine.incremental().to_lark.updated == 1
    assert asked == [f"{world.app_token}/{world.table_id}"]


def test_mapping_that_another_joins_amid_its_run_takes_turns_from_then_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = mappings(world)[:2]
    for n in range(15):
        world.execute(f"INSERT INTO a VALUES ({n}, 1)")
    asked: list[tuple[str, int]] = []
    acquire = Lease.acquire

    def made() -> int:
        return len(world.emu.person.records(world.app_token, first.lark.table_id))

    def noted(lease: Lease, ttl_seconds: float) -> bool:
        asked.append((lease.resource, made()))
        return acquire(lease, ttl_seconds)

    def new_token() -> str:
        if made() == 5 and not joined:
            joined.append(SyncEngine(world.client, world.sql, second).setup().status)
        return str(uuid4())

    joined: list[str] = []
    monkeypatch.setattr(Lease, "acquire", noted)
    assert SyncEngine(world.client, world.sql, first, new_token=new_token).full().to_lark.created == 15
    assert joined == ["ok"]
    assert [at for resource, at in asked if resource == f"{world.app_token}/*"] == [5, 10]
