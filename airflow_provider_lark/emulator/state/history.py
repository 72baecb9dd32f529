"""What a lagging replica still shows (lark-api §2.3 ``ignore_consistency_check``, §2.8, §10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_lark.emulator.tenant.model import Record, Table, Version

if TYPE_CHECKING:
    from airflow_provider_lark.emulator.state.platform import State

_MOST_REPLACED: Final = 5_000
_MOST_VERSIONS: Final = 100


@dataclass(frozen=True)
class Reader:
    """Who reads, and from how good a replica.

    :param member_id: the caller, for row rights; empty: a person, who sees everything.
    :param stale: None: an up-to-date replica; a record_id: one that missed its last change; empty: one that missed the
        table's last write.
    """

    member_id: str = ""
    stale: str | None = None


EVERYTHING: Final = Reader()


def keep_replaced(table: Table, record_id: str, replaced: Record | None) -> None:
    """Keep the version before a record's last change, for replicas that are scripted to miss it."""
    table.replaced[record_id] = (table.revision, replaced)
    table.replaced.move_to_end(record_id)
    if len(table.replaced) > _MOST_REPLACED:
        table.replaced.popitem(last=False)


def keep_version(table: Table, record_id: str, version: Version) -> None:
    """Keep who changed a record, and how (§4.9)."""
    kept = table.versions.setdefault(record_id, [])
    kept.append(version)
    del kept[:-_MOST_VERSIONS]
    table.versions.move_to_end(record_id)
    if len(table.versions) > _MOST_REPLACED:
        table.versions.popitem(last=False)


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


def visible_records(state: State, table: Table, reader: Reader = EVERYTHING) -> list[Record]:
    """The records as a reader finds them now."""
    shown = list(table.records.values()) if not table.history else _lagging(state, table)
    if reader.stale is not None:
        shown = _stale(table, reader.stale, shown)
    if table.hidden and reader.member_id:
        shown = [each for each in shown if not table.hides(each.record_id, reader.member_id)]
    return shown


def is_plain(table: Table, reader: Reader) -> bool:
    """Whether the reader finds just what the table holds."""
    return not table.history and reader.stale is None and not (table.hidden and reader.member_id)


def _stale(table: Table, record_id: str, shown: list[Record]) -> list[Record]:
    newest = max((revision for revision, _ in table.replaced.values()), default=0)
    missed = {
        each: version
        for each, (revision, version) in table.replaced.items()
        if each == record_id or (not record_id and revision == newest)
    }
    found = {each.record_id: each for each in shown}
    for each, version in missed.items():
        if version is None:
            found.pop(each, None)
        else:
            found[each] = version
    return list(found.values())


def _lagging(state: State, table: Table) -> list[Record]:
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
