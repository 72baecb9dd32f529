"""What a lagging replica still shows (reference §2.3 ``ignore_consistency_check``, §2.8, §10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_lark.emulator.state.model import Record, Table

if TYPE_CHECKING:
    from airflow_provider_lark.emulator.state.platform import State


def remember(table: Table, record_id: str, replaced: Record | None, now_ms: int) -> None:
    """Keep the version that readers may still see; ``None``: the record was not there."""
    table.history.setdefault(record_id, []).append((now_ms, replaced))


def is_young(state: State, created_ms: int) -> bool:
    """Whether something made at *created_ms* may still be unknown to a replica (§2.8)."""
    lag_ms = state.switches.replica_lag_seconds * 1000
    return lag_ms > 0 and state.now_ms - created_ms < lag_ms


def is_unborn(state: State, table: Table, record_id: str) -> bool:
    """Whether readers do not see the record yet."""
    horizon = state.now_ms - state.switches.replica_lag_seconds * 1000
    unseen = [version for at, version in table.history.get(record_id, ()) if at > horizon]
    return bool(unseen) and unseen[0] is None


def visible_records(state: State, table: Table) -> list[Record]:
    """The records as a reader finds them now."""
    if not table.history:
        return list(table.records.values())
    horizon = state.now_ms - state.switches.replica_lag_seconds * 1000
    old: dict[str, Record | None] = {}
    for record_id, versions in list(table.history.items()):
        unseen = [each for each in versions if each[0] > horizon]
        if unseen:
            table.history[record_id] = unseen
            old[record_id] = unseen[0][1]
        else:
            del table.history[record_id]
    shown = [old.get(record_id, record) for record_id, record in table.records.items()]
    shown += [record for record_id, record in old.items() if record_id not in table.records]
    return [each for each in shown if each is not None]
