"""What people choose about conflicts, held deletes and rows that failed, by a command or on the page in Airflow.

Each choice holds for what they saw: what has changed since is refused, and then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_lark.core.errors import ChangedSince, ConfigError
from airflow_provider_lark.core.hints import counted, list_names
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.dead_letters import Seen
from airflow_provider_lark.core.ledger.decisions import Decision, DecisionChoice, DecisionKind
from airflow_provider_lark.core.side import Side

_SIDES: dict[Side, str] = {"lark": "Lark", "sql": "SQL"}
_KINDS: dict[Side, DecisionKind] = {"lark": "held_records", "sql": "held_rows"}


@dataclass(frozen=True, slots=True)
class HeldSet:
    """The deletes that are held on one side: they are decided together.

    :param kept_in: the side that still has what was deleted on the other.
    :param seen: their fingerprint, which a choice about them names.
    :param decided: what the next run does with them; None: they go on being held.
    """

    kept_in: Side
    count: int
    seen: str
    decided: Decision | None


def find_conflict(ledger: Ledger, id_: int) -> Conflict:
    """Return a conflict, open or closed.

    :raises ChangedSince: it has gone, for its values have changed, or it is long closed.
    """
    found = ledger.conflicts.find(id_)
    if found is None:
        raise ChangedSince(
            f"there is no conflict {id_} of {ledger.table_name} any more: its values have changed since, or it is long "
            "closed; nothing was changed (`airflow lark sync conflicts list` shows what is open)"
        )
    return found


def differing_columns(conflict: Conflict) -> list[str]:
    """Return the columns in which the sides differ; none where a side deleted the row."""
    lark, sql = conflict.lark, conflict.sql
    if lark is None or sql is None:
        return []
    return [name for name in lark if name in sql and lark[name] != sql[name]]


def resolve_conflicts(ledger: Ledger, wanted: Mapping[int, str | None], *, take: Side, by: str) -> None:
    """Let one side win from the next run on, over the values that each conflict has now: all of them, or none.

    :param wanted: ids of conflicts, each with the fingerprint that was seen of it, where that is known.
    :raises ConfigError: one is closed.
    :raises ChangedSince: one has changed since it was seen.
    """
    found = {id_: find_conflict(ledger, id_) for id_ in wanted}
    if closed := [id_ for id_, each in found.items() if each.status != "open"]:
        raise ConfigError(f"conflict {list_names(closed)} is closed; nothing was changed")
    if changed := [id_ for id_, each in found.items() if wanted[id_] not in (None, each.fingerprint)]:
        raise ChangedSince(f"conflict {list_names(changed)} has changed since it was shown; nothing was changed")
    for each in found.values():
        ledger.decisions.decide("conflict", each.key, seen=each.fingerprint, choice=take, by=by)


def held_set(ledger: Ledger, kept_in: Side) -> HeldSet:
    """Return what is held on one side now."""
    count = ledger.deletes.count()
    seen = ledger.deletes.fingerprint(pulls=kept_in == "sql")
    open_ = {each.kind: each for each in ledger.decisions.open()}
    mine = open_.get(_KINDS[kept_in])
    is_same = mine is not None and mine.seen == seen
    return HeldSet(kept_in, count.in_lark if kept_in == "lark" else count.in_sql, seen, mine if is_same else None)


def decide_held(ledger: Ledger, held: HeldSet, *, choice: DecisionChoice, by: str, seen: str | None = None) -> None:
    """Let the next run carry out what is held, or undo it where it was deleted.

    :param seen: the fingerprint of what somebody saw, where that is known.
    :raises ChangedSince: other deletes are held now.
    """
    if not held.count or seen not in (None, held.seen):
        raise ChangedSince(
            f"the deletes held in {_SIDES[held.kept_in]} have changed since they were shown: "
            f"{counted(held.count, 'delete')} held now; nothing was decided"
        )
    ledger.decisions.decide(_KINDS[held.kept_in], "", seen=held.seen, choice=choice, by=by)


def retry_failed(ledger: Ledger, *, text: str, seen: Seen) -> int:
    """Let the next run try again the rows that somebody saw, of those whose key or error holds *text*; return how many.

    Rows that came to be among them since stay as they are.

    :raises ChangedSince: more rows are meant now than were shown.
    """
    now = ledger.dead_letters.look(text=text, seen=seen)
    if now.count > seen.count:
        raise ChangedSince(
            f"{counted(now.count, 'failed row')} match now, and {seen.count:,} were shown; nothing was changed"
        )
    return ledger.dead_letters.retry_all(text=text, seen=seen)
