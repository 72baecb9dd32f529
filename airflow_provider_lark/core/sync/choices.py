"""What people choose about conflicts, held deletes and rows that failed, by a command or on the page in Airflow.

Each choice holds for what they saw: what has changed since is refused, and then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_lark.core.errors import ChangedSince, ConfigError
from airflow_provider_lark.core.hints import counted, list_names
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.dead_letters import Seen
from airflow_provider_lark.core.ledger.decisions import Decision, DecisionChoice, DecisionKind
from airflow_provider_lark.core.side import Side

_SIDES: dict[Side, str] = {"lark": "Lark", "sql": "SQL"}
_KINDS: dict[Side, DecisionKind] = {"lark": "held_records", "sql": "held_rows"}
_FATES = {"lark": "Lark wins", "sql": "SQL wins", "release": "they are deleted", "keep": "they are restored"}


class Chosen(NamedTuple):
    """What is chosen already, and waits for the next run.

    :param choice: of a conflict ``lark`` or ``sql``, of held deletes ``release`` or ``keep``.
    :param by: who chose it, or where it stands.
    """

    choice: str
    by: str


class Shown(NamedTuple):
    """How somebody saw what they choose about.

    :param seen: its fingerprint.
    :param chosen: what was chosen about it by then; None: nothing.
    """

    seen: str
    chosen: Chosen | None = None


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

    @property
    def chosen(self) -> Chosen | None:
        """What is chosen about them already."""
        return None if self.decided is None else Chosen(self.decided.choice, self.decided.by)


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


def chosen_winners(ledger: Ledger, conflicts: Sequence[Conflict]) -> dict[str, Chosen]:
    """Return, by key, which side was chosen to win those of *conflicts* about whose values somebody has decided."""
    mine = {each.key: each for each in ledger.decisions.open_of("conflict", [each.key for each in conflicts])}
    found: dict[str, Chosen] = {}
    for each in conflicts:
        decided = mine.get(each.key)
        if each.outcome is not None:
            found[each.key] = Chosen(each.outcome, "sync_conflict.outcome")
        elif decided is not None and decided.seen == each.fingerprint:
            found[each.key] = Chosen(decided.choice, decided.by)
    return found


def resolve_conflicts(ledger: Ledger, wanted: Mapping[int, Shown | None], *, take: Side, by: str) -> None:
    """Let one side win from the next run on, over the values that each conflict has now: all of them, or none.

    :param wanted: ids of conflicts, each as it was seen, where that is known.
    :raises ConfigError: one is closed.
    :raises ChangedSince: one has changed since it was seen, or somebody else has decided it meanwhile.
    """
    # whoever decides about one of them at the same time waits here, and then finds this decision
    ledger.conflicts.lock(list(wanted))
    found = {id_: find_conflict(ledger, id_) for id_ in wanted}
    if closed := [id_ for id_, each in found.items() if each.status != "open"]:
        raise ConfigError(f"conflict {list_names(closed)} is closed; nothing was changed")
    shown = {id_: each for id_, each in wanted.items() if each is not None}
    if changed := [id_ for id_, each in shown.items() if each.seen != found[id_].fingerprint]:
        raise ChangedSince(f"conflict {list_names(changed)} has changed since it was shown; nothing was changed")
    now = chosen_winners(ledger, list(found.values()))
    for id_, each in shown.items():
        _refuse_decided(f"conflict {id_}", now.get(found[id_].key), each)
    for one in found.values():
        ledger.decisions.decide("conflict", one.key, seen=one.fingerprint, choice=take, by=by)


def held_set(ledger: Ledger, kept_in: Side) -> HeldSet:
    """Return what is held on one side now."""
    count = ledger.deletes.count()
    seen = ledger.deletes.fingerprint(pulls=kept_in == "sql")
    mine = next(iter(ledger.decisions.open_of(_KINDS[kept_in], [""])), None)
    is_same = mine is not None and mine.seen == seen
    return HeldSet(kept_in, count.in_lark if kept_in == "lark" else count.in_sql, seen, mine if is_same else None)


def decide_held(
    ledger: Ledger, kept_in: Side, *, choice: DecisionChoice, by: str, shown: Shown | None = None
) -> HeldSet:
    """Let the next run carry out what is held on one side, or undo it where it was deleted; return what that is.

    :param shown: how somebody saw it, where that is known.
    :raises ChangedSince: other deletes are held now, or somebody else has decided about them meanwhile.
    """
    # as for conflicts: of two who decide at the same time one waits here
    ledger.deletes.lock(pulls=kept_in == "sql")
    held = held_set(ledger, kept_in)
    if not held.count or (shown is not None and shown.seen != held.seen):
        raise ChangedSince(
            f"the deletes held in {_SIDES[kept_in]} have changed since they were shown: "
            f"{counted(held.count, 'delete')} held now; nothing was decided"
        )
    if shown is not None:
        _refuse_decided(f"the deletes held in {_SIDES[kept_in]}", held.chosen, shown)
    ledger.decisions.decide(_KINDS[kept_in], "", seen=held.seen, choice=choice, by=by)
    return held


def _refuse_decided(what: str, now: Chosen | None, shown: Shown) -> None:
    if now == shown.chosen:
        return
    fate = "no decision any more" if now is None else f"{_FATES.get(now.choice, now.choice)}, as {now.by} decided"
    raise ChangedSince(f"{what}: {fate} since it was shown; nothing was changed")


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
