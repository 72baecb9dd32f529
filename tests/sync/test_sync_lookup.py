"""Creates whose answer is lost are found by their key, whatever the key is made of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.errors import OutcomeUnknown
from tests.sync.world import World

KEYS = {
    "quotes": [f"{n} {chr(34) * 90}" for n in range(20)],
    "backslashes": [f"{n} {chr(92) * 90}" for n in range(20)],
    "markup": [f"{n} <b>&amp;</b>" * 6 for n in range(20)],
    "long": [f"{n}" + "x" * 97 for n in range(20)],
    "Chinese": [f"{n}" + "中" * 90 for n in range(20)],
}


def hasty(world: World) -> LarkClient:
    return LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, max_attempts=1)


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_lost_creates_are_found_by_any_key(world: World, keys: Sequence[str]) -> None:
    world.execute("CREATE TABLE notes (code VARCHAR(100) PRIMARY KEY, n INTEGER)")
    table = world.emu.state.create_table(
        world.app_token, "notes", [{"field_name": "code", "type": 1}, {"field_name": "n", "type": 2}]
    )
    target = {"app_token": world.app_token, "table_id": table.table_id}
    mapping = world.mapping(lark=target, sql="notes", fields=None)
    SyncEngine(world.client, world.sql, mapping).full()
    for n, key in enumerate(keys):
        world.execute("INSERT INTO notes VALUES (:code, :n)", {"code": key, "n": n})
    world.emu.faults.add("batch_create", action="drop_after")
    with hasty(world) as client, pytest.raises(OutcomeUnknown):
        SyncEngine(client, world.sql, mapping).incremental()
    report = SyncEngine(world.client, world.sql, mapping).incremental()
    assert report.to_lark.created == len(keys)
    assert len(world.emu.person.records(world.app_token, table.table_id)) == len(keys)
    assert SyncEngine(world.client, world.sql, mapping).check().in_step


def test_lost_creates_of_a_composite_key_are_found_by_filters(world: World) -> None:
    world.execute("CREATE TABLE parts (kind VARCHAR(20), nr INTEGER, n INTEGER, PRIMARY KEY (kind, nr))")
    fields = [{"field_name": "kind", "type": 1}, {"field_name": "nr", "type": 2}, {"field_name": "n", "type": 2}]
    table = world.emu.state.create_table(world.app_token, "parts", fields)
    target = {"app_token": world.app_token, "table_id": table.table_id}
    mapping = world.mapping(lark=target, sql="parts", fields=None)
    engine = SyncEngine(world.client, world.sql, mapping)
    engine.full()
    for n in range(5):
        world.execute("INSERT INTO parts VALUES ('a\"b', :nr, 1)", {"nr": n})
    world.emu.faults.add("batch_create", action="drop_after")
    with hasty(world) as client, pytest.raises(OutcomeUnknown):
        SyncEngine(client, world.sql, mapping).incremental()
    assert engine.incremental().to_lark.created == 5
    assert len(world.emu.person.records(world.app_token, table.table_id)) == 5
