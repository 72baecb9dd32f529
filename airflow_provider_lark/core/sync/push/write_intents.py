"""Write intents: updates and deletes are recorded before they are sent, so that one whose answer is lost is not taken
for a person's edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.errors import ClientTokenConflict, LarkError, OutcomeUnknown, UnexpectedAnswer
from airflow_provider_lark.core.fields.canonical import dump_values, load_values
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.ledger.intents import Intent, Kind
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, Values
from airflow_provider_lark.core.sync.pull.own_writes import (
    MARGIN_MS,
    is_ours,
    lark_now_ms,
    look_at_own_writes,
    note_sent,
)
from airflow_provider_lark.core.sync.run.base_lease import hold_base
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Write:
    """One record's update (*values*) or delete (none).

    :param held: what the row holds instead, where the two agree to differ.
    """

    key: Key
    record_id: RecordId
    values: Values
    held: Values = field(default_factory=dict)


class OpenIntents:
    """The intents of batches whose outcome is not known."""

    def __init__(self) -> None:
        self._divided: list[str] = []

    def add(self, token: str, size: int) -> None:
        """Keep the intent of a batch of *size* records that was sent in vain."""
        if size > 1:
            self._divided.append(token)

    def close_divided(self, tx: Transaction) -> None:
        """Finish the intents of batches that were sent again in parts: each part has its own."""
        for token in self._divided:
            tx.intents.finish(token)
        self._divided.clear()


def is_void(error: LarkError) -> bool:
    """Tell whether a batch that ended with *error* certainly wrote nothing."""
    return not isinstance(error, (OutcomeUnknown, UnexpectedAnswer, ClientTokenConflict))


def send_with_intent(
    run: Run, kind: Kind, writes: Sequence[Write], send: Callable[[], object], open_intents: OpenIntents | None = None
) -> str:
    """Send a batch and return the token of its intent, which the caller finishes in its own transaction.

    A refused batch wrote nothing, so its intent is void. After any other failure the intent stays, and the next
    run looks.

    :param open_intents: is told of an intent that stays open.
    """
    token = run.new_token()
    intent = Intent(
        client_token=token,
        keys=tuple(write.key for write in writes),
        payload=[_noted(write) for write in writes],
        created_ms=int(run.clock.now() * 1000),
        kind=kind,
    )
    run.transact(lambda tx: tx.intents.begin(intent))
    try:
        with hold_base(run):
            send()
    except LarkError as error:
        if is_void(error):
            run.transact(lambda tx: tx.intents.finish(token))
        elif open_intents is not None:
            open_intents.add(token, len(writes))
        raise
    return token


def _noted(write: Write) -> dict[str, str]:
    held = {"held": dump_values(write.held)} if write.held else {}
    return {"record_id": write.record_id, "values": dump_values(write.values), **held}


def settle_writes(run: Run, intents: Iterable[Intent]) -> None:
    """Look what became of updates and deletes whose answer was lost, and take what Lark shows of them for ours."""
    for intent in intents:
        fates = run.lark.table.look_up([entry["record_id"] for entry in intent.payload], automatic_fields=True)
        rows = [run.lark.decode(record) for record in fates.shown]
        absent = set(fates.gone)
        since_ms, until_ms = intent.created_ms + (run.client.server_offset_ms or 0), lark_now_ms(run) + MARGIN_MS
        ours = {
            RecordId(record["record_id"])
            for record in fates.shown
            if intent.kind == "update" and is_ours(run, record, since_ms - MARGIN_MS, until_ms)
        }
        run.transact(_record_seen, run, intent, rows, absent, ours)
        look_at_own_writes(run, [row for row in rows if row.id in ours])


def _record_seen(
    tx: Transaction, run: Run, intent: Intent, shown: Sequence[LarkRow], absent: set[RecordId], ours: set[RecordId]
) -> None:
    """Store what became of a write.

    :param ours: records whose last change it was: what they show otherwise, Lark has made of what was sent.
    """
    rows = {row.id: row for row in run.links.to_keys(tx, shown)}
    known = tx.pairs.by_records([RecordId(entry["record_id"]) for entry in intent.payload])
    if intent.kind == "delete":
        ended = [known[id_] for id_ in absent if id_ in known]
        # a tombstone stands for a record that an undo has deleted: its row stays alone
        tx.pairs.forget([pair.key for pair in ended if not pair.tombstone])
        tx.note_changes([_deleted(pair) for pair in ended if pair.base is not None])
    else:
        seen: list[Pair] = []
        told: list[RowChange] = []
        for entry in intent.payload:
            id_ = RecordId(entry["record_id"])
            if id_ in known and id_ in rows:
                sent = load_values(entry["values"])
                base, shows = known[id_].base or {}, rows[id_].values
                # a run that was killed before it sent anything has left all as it was
                held = load_values(entry["held"]) if "held" in entry else {}
                if id_ in ours and any(shows.get(name) != base.get(name) for name in sent):
                    seen.append(_written(run, known[id_], sent, intent.created_ms))
                else:
                    seen.append(_agreed(known[id_], sent, rows[id_].values))
                after = seen[-1].base or {}
                arrived = {name: value for name, value in sent.items() if name in after and after[name] == value}
                seen[-1] = _apart(seen[-1], {name: value for name, value in held.items() if name in arrived})
                told += _told(known[id_], arrived, held)
        tx.pairs.save(seen)
        tx.note_changes(told)
    tx.intents.finish(intent.client_token)


def _deleted(pair: Pair) -> RowChange:
    return RowChange(pair.key, pair.record_id, "lark", "DELETE", base=pair.base, lark=None, sql=None)


def _told(pair: Pair, arrived: Values, held: Values) -> list[RowChange]:
    """Return what the history keeps of an update that an interrupted run has sent."""
    base = pair.base or {}
    new = {name: value for name, value in arrived.items() if name not in base or base[name] != value}
    if not new:
        return []
    before = {name: base[name] for name in new if name in base}
    sql = {**new, **{name: held[name] for name in new if name in held}}
    return [RowChange(pair.key, pair.record_id, "lark", "UPDATE", base=before, lark=None, sql=sql, new=new)]


def _apart(pair: Pair, held: Values) -> Pair:
    return replace(pair, near={**(pair.near or {}), **held}) if held else pair


def _written(run: Run, pair: Pair, sent: Values, created_ms: int) -> Pair:
    base = pair.base or {}
    before = {name: base.get(name) for name in sent}
    near = {name: value for name, value in (pair.near or {}).items() if name not in sent}
    note = note_sent(run, created_ms + (run.client.server_offset_ms or 0), before, 0)
    return replace(pair, base={**base, **sent}, near=near or None, sent=note, tombstone=False)


def _agreed(pair: Pair, sent: Values, shown: Values) -> Pair:
    ours = {name: value for name, value in sent.items() if name in shown and shown[name] == value}
    return replace(pair, base={**(pair.base or {}), **ours}, tombstone=pair.tombstone and not ours)
