"""What Lark made of our own writes, told from what people did.

Lark answers success, and has left a cell out, trimmed a text, rounded a number. Its answer echoes what was sent, so
the first read after a write shows it. A difference is Lark's doing when the record was last changed by ourselves, in
the moment of the write; anything else is somebody's edit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.errors import LarkError, RowError
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.pairs import Pair, Sent
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, Values
from airflow_provider_lark.core.sync.run.dead_letters import MAX_RETRIES, retry_delay_seconds
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

MARGIN_MS = 2000
"""How far Lark's clock may be from where its answers' dates, in whole seconds, put it."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A record that does not show what we wrote; *odd* are the columns."""

    pair: Pair
    row: LarkRow
    odd: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a write.

    :param near: columns in which Lark made something else of what was sent.
    :param left_out: columns that Lark left as they were.
    """

    doubt: Doubt
    near: dict[str, Canonical] = field(default_factory=dict)
    left_out: dict[str, Canonical] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the answer to a write says of one record.

    :param other: columns that it shows otherwise than they were sent.
    :param lacks: it leaves some out.
    """

    sent: Sent
    other: dict[str, Canonical]
    lacks: bool

    def agree(self, pair: Pair, sent: Values) -> tuple[dict[str, Canonical], dict[str, Canonical] | None]:
        """Return base and near misses of *pair* after *sent* was written."""
        base = {**(pair.base or {}), **sent, **self.other}
        near = {name: value for name, value in (pair.near or {}).items() if name not in sent}
        near |= {name: sent[name] for name in self.other}
        return base, near or None


def note_sent(run: Run, since_ms: int, before: Values, tries: int) -> Sent:
    """Return the note of a write that was just answered.

    :param since_ms: when it was begun, by :func:`lark_now_ms`.
    """
    return Sent(since_ms - MARGIN_MS, lark_now_ms(run) + MARGIN_MS, dict(before), tries)


def lark_now_ms(run: Run) -> int:
    """Return the time by Lark's clock."""
    return int(run.clock.now() * 1000) + (run.client.server_offset_ms or 0)


def look_at_own_writes(run: Run, rows: Sequence[LarkRow]) -> None:
    """Look what Lark made of our last writes to *rows*, just read; a call more where it is not what was sent.

    What Lark made of a value becomes the base, so that it neither flows to SQL nor is sent again; a value that was left
    out is a problem of its row.
    """
    doubts = run.transact(_find_doubts, run, rows) if rows else []
    if not doubts:
        return
    fates = run.lark.table.look_up([doubt.row.id for doubt in doubts], automatic_fields=True)
    records = {record["record_id"]: record for record in fates.shown}
    again = run.read(run.links.to_keys, [run.lark.decode(record) for record in fates.shown])
    # what another replica says of an older or a newer state tells nothing about this one
    same = {row.id: row for row in again}
    judgements = [
        _judge(run, doubt, records[doubt.row.id])
        for doubt in doubts
        if doubt.row.id in same and all(same[doubt.row.id].values.get(n) == doubt.row.values[n] for n in doubt.odd)
    ]
    run.transact(_keep, run, judgements)
    for judgement in judgements:
        run.report.near_misses += bool(judgement.near)
        if judgement.left_out:
            run.report.add_failure(judgement.doubt.pair.key, _problem(run, judgement))


def is_ours(run: Run, record: WireRecord, since_ms: int, until_ms: int) -> bool | None:
    """Tell whether the last change of *record* is the write that we made then; None where Lark does not say."""
    changed_ms, writer = record.get("last_modified_time"), _id_of(record.get("last_modified_by"))
    if not isinstance(changed_ms, int):
        return None
    if not since_ms <= changed_ms <= until_ms:
        return False
    own = run.own_ids()
    return writer in own if writer and own else None


def is_by_another(run: Run, record: WireRecord) -> bool:
    """Tell whether somebody else changed *record* last; False where Lark does not say."""
    writer, own = _id_of(record.get("last_modified_by")), run.own_ids()
    return bool(writer and own) and writer not in own


def _find_doubts(tx: Transaction, run: Run, rows: Sequence[LarkRow]) -> list[Doubt]:
    written = tx.pairs.written([row.id for row in rows])
    if not written:
        return []
    as_sent: list[RecordId] = []
    doubts: list[Doubt] = []
    for row in run.links.to_keys(tx, [row for row in rows if row.id in written]):
        pair = written[row.id]
        sent, base = pair.sent, pair.base or {}
        if sent is None or pair.is_given_up:
            continue
        if row.modified_ms is not None and sent.since_ms <= row.modified_ms <= sent.until_ms:
            run.settling.own.add(row.id)
        if row.modified_ms is not None and row.modified_ms > sent.until_ms and run.settling.is_unsettled(row):
            # somebody types in it: what Lark made of ours is looked at once that is over
            continue
        odd = tuple(name for name in sent.before if name in row.values and row.values[name] != base.get(name))
        if odd:
            doubts.append(Doubt(pair, row, odd))
        elif not row.problems and (row.modified_ms is None or row.modified_ms >= sent.since_ms):
            # an older one may come from a replica that has not got the write yet
            as_sent.append(pair.record_id)
    tx.pairs.mark_looked_at(as_sent)
    return doubts


def _judge(run: Run, doubt: Doubt, record: WireRecord) -> Judgement:
    sent, base = doubt.pair.sent, doubt.pair.base or {}
    if sent is None:
        return Judgement(doubt)
    changed_ms = record.get("last_modified_time", doubt.row.modified_ms)
    ours = is_ours(run, record, sent.since_ms, sent.until_ms)
    untouched = isinstance(changed_ms, int) and changed_ms < sent.since_ms
    judgement = Judgement(doubt)
    for name in doubt.odd:
        shown = doubt.row.values[name]
        is_normal = _is_made_of(shown, base.get(name))
        if ours is False and not untouched:
            # somebody has changed the record since, and may have changed this
            continue
        if shown == sent.before[name] and not is_normal:
            judgement.left_out[name] = shown
        elif ours or (ours is None and is_normal):
            judgement.near[name] = shown
    return judgement


def _is_made_of(shown: Canonical, sent: Canonical) -> bool:
    """Tell whether *shown* is *sent* without outer blanks, with other line ends, rounded, or without some options."""
    if isinstance(sent, str) and (shown is None or isinstance(shown, str)):
        return _plain(shown or "") == _plain(sent)
    if isinstance(shown, tuple) and isinstance(sent, tuple):
        return bool(shown) and set(shown) <= set(sent)
    if isinstance(shown, Decimal | int) and isinstance(sent, Decimal) and not isinstance(shown, bool):
        exponent = Decimal(shown).normalize().as_tuple().exponent
        return isinstance(exponent, int) and abs(sent - shown) < Decimal(1).scaleb(min(exponent, 0))
    return False


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _id_of(person: Any) -> str | None:
    if isinstance(person, list):
        person = person[0] if person else None
    found = person.get("id") if isinstance(person, Mapping) else None
    return found if isinstance(found, str) else None


def _keep(tx: Transaction, run: Run, judgements: Sequence[Judgement]) -> None:
    lines: list[LogLine] = []
    saved: list[Pair] = []
    for judgement in judgements:
        if not judgement.near and not judgement.left_out:
            continue
        pair, sent = judgement.doubt.pair, judgement.doubt.pair.sent
        base = pair.base or {}
        near = {name: value for name, value in (pair.near or {}).items() if name not in judgement.left_out}
        near |= {name: base.get(name) for name in judgement.near}
        shown = judgement.near | judgement.left_out
        tries = 0 if sent is None or not judgement.left_out else sent.tries + 1
        note = None
        if tries >= MAX_RETRIES:
            # no full sync shall send it for ever
            near |= {name: base.get(name) for name in judgement.left_out}
            note = Sent(0, 0, {}, tries)
        saved.append(replace(pair, base={**base, **shown}, near=near or None, sent=note))
        if judgement.near:
            lines.append(near_miss_line(run, pair.key, judgement.near))
        if judgement.left_out:
            delay = retry_delay_seconds(tries) if tries < MAX_RETRIES else None
            text = str(_problem(run, judgement))
            tx.dead_letters.add(pair.key, error=text, delay_seconds=delay, operation="UPDATE", retry_count=tries)
            lines.append(LogLine(pair.key, "to_lark", "UPDATE", "failed", text))
    tx.pairs.save(saved)
    tx.log(lines)


def near_miss_line(run: Run, key: Key, columns: Mapping[str, Canonical]) -> LogLine:
    """Return what the log says of values of which Lark made something else."""
    return LogLine(
        key, "to_lark", "UPDATE", "near_miss", f"Lark stored different values than were sent in {_fields(run, columns)}"
    )


def _problem(run: Run, judgement: Judgement) -> RowError:
    return RowError(
        f"row {judgement.doubt.pair.key!r}: Lark reported success but did not change "
        f"{_fields(run, judgement.left_out)}; the value is sent up to three times. If it still fails, check the "
        "field's settings and permissions in Lark"
    )


def _fields(run: Run, columns: Mapping[str, Canonical]) -> str:
    fields = run.binding.fields
    return ", ".join(f"field {fields[name].describe()}" for name in sorted(columns))


def told_otherwise(
    run: Run, record: WireRecord, body: Mapping[str, Any], sent: Values
) -> tuple[dict[str, Canonical], bool]:
    """Compare the answer to a write with what was sent: the columns that it shows otherwise, and whether it lacks some.

    :param body: the wire values that were sent, by field name.
    :param sent: the same as canonical values by column, as Lark's half of the codecs reads them.
    """
    # only the id is demanded of what a write answers
    fields: Any = record.get("fields")
    if not isinstance(fields, dict) or not fields or fields == body:
        return {}, False
    other: dict[str, Canonical] = {}
    lacks = False
    for column, value in sent.items():
        name = run.binding.fields[column].name
        if name not in fields:
            lacks = lacks or (name in body and value not in (None, False))
        elif column in run.telling and fields[name] != body.get(name):
            try:
                shown = run.binding.codecs[column].from_lark(fields[name])
            except LarkError:
                continue
            if shown != value:
                other[column] = shown
    return other, lacks
