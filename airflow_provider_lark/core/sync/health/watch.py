"""One look at a mapping: what is wrong is judged, and its card brought up to date."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from uuid import uuid4

from sqlalchemy import Engine

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.codes.messages import CARD_TOO_OLD, UNCHANGEABLE_CARD
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import BadRequest, LarkError, NotFound
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.ledger.alarms import Alarms
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.health.alarm import Alarm, act_of, move, note_shown, uuid_again, words_shown
from airflow_provider_lark.core.sync.health.card import green_card, red_card, trouble_words
from airflow_provider_lark.core.sync.health.limits import Limits, Trouble, judge
from airflow_provider_lark.core.sync.report import Report
from airflow_provider_lark.core.sync.status import looping_keys, read_status

log = logging.getLogger(__name__)

LOOP_SECONDS = 3600.0
"""For so long a row that loops is left alone, where that is asked for."""

_LOOPS_MAX = 1000


@dataclass(slots=True)
class HealthReport(Report):
    """What a look found.

    :param is_well: nothing is over its limit now.
    :param is_alarmed: the card is red: also for the checks after the last trouble that it waits for.
    :param troubles: what is over its limit, in words.
    :param blacklisted: rows in a loop that were put on the blacklist.
    """

    is_well: bool = True
    is_alarmed: bool = False
    troubles: list[str] = field(default_factory=list)
    blacklisted: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What looks at one mapping.

    :param table_name: the SQL table as the ledger has it.
    :param receive_id: chat or person that has the card; None: no card.
    :param good_wanted: so many checks in a row find nothing before the card turns green.
    :param blacklists_loops: whether rows in a loop are left alone for an hour.
    """

    mapping: str
    table_name: str
    limits: Limits
    receive_id: str | None = None
    good_wanted: int = 3
    blacklists_loops: bool = False

    def check(self, client: LarkClient, engine: Engine, clock: Clock) -> HealthReport:
        """Look once.

        :raises SchemaMismatch: the database has no ledger yet, or one of another version.
        :raises LarkError: Lark did not take the card; the next look tries again.
        """
        report = HealthReport(self.mapping, "health")
        before, calls = clock.monotonic(), client.calls.snapshot()
        now_ms = int(clock.now() * 1000)
        with write_transaction(engine) as conn:
            migrate.require_current(conn)
            ledger = Ledger(conn, self.table_name)
            troubles = judge(read_status(ledger), self.limits)
            report.blacklisted = self._stop_loops(ledger) if self.blacklists_loops else 0
        report.troubles = [trouble_words(each) for each in troubles]
        for text in report.troubles:
            log.warning("%s: %s", self.mapping, text)
        if report.blacklisted:
            report.warnings.append(f"{counted(report.blacklisted, 'row')} in a loop left alone for an hour")
        place = self._place(client)
        known, alarm = self._move(engine, place, is_bad=bool(troubles), now_ms=now_ms)
        report.is_well, report.is_alarmed = not troubles, alarm.is_red
        if self.receive_id is not None:
            try:
                self._show(client, engine, place, known, alarm, troubles, now_ms)
            except LarkError as exc:
                if troubles:
                    exc.add_note(f"not told of mapping {self.mapping!r}: {'; '.join(report.troubles)}")
                raise
        report.seconds = round(clock.monotonic() - before, 3)
        report.api_calls = client.calls.since(calls)
        report.api_calls["total"] = sum(report.api_calls.values())
        return report

    def _place(self, client: LarkClient) -> str:
        parts = json.dumps([client.app_id, self.receive_id, self.mapping, self.table_name])
        return blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _stop_loops(self, ledger: Ledger) -> int:
        keys = [Key(key) for key in looping_keys(ledger, limit=_LOOPS_MAX)]
        known = ledger.blacklist.among(keys)
        fresh = [key for key in keys if key not in known]
        if fresh:
            ledger.blacklist.add(fresh, reason="synced more than ten times within an hour", seconds=LOOP_SECONDS)
        return len(fresh)

    def _move(self, engine: Engine, place: str, *, is_bad: bool, now_ms: int) -> tuple[Alarm, Alarm]:
        """Return what was known of the card, and what is from now on."""
        if is_bad:
            with write_transaction(engine) as conn:
                Ledger(conn, self.table_name).alarms.make(place)
        with self._locked(engine, place) as (alarms, before):
            after = move(before, is_bad=is_bad, good_wanted=self.good_wanted, now_ms=now_ms, uuid=str(uuid4()))
            if after != before:
                alarms.write(place, **asdict(after))
        return before, after

    @contextmanager
    def _locked(self, engine: Engine, place: str) -> Iterator[tuple[Alarms, Alarm]]:
        """Give what is known of the card, while nobody else changes it."""
        with write_transaction(engine) as conn:
            alarms = Ledger(conn, self.table_name).alarms
            kept = alarms.lock(place)
            yield alarms, Alarm() if kept is None else Alarm(**kept)

    def _show(
        self,
        client: LarkClient,
        engine: Engine,
        place: str,
        known: Alarm,
        alarm: Alarm,
        troubles: Sequence[Trouble],
        now_ms: int,
    ) -> None:
        if alarm.is_red and not troubles:
            # the card keeps what it says until it turns green
            return
        shown = words_shown(is_red=alarm.is_red, troubles=troubles)
        act = act_of(alarm, shown)
        if act == "nothing":
            return
        if alarm.is_red:
            card = red_card(self.mapping, troubles, since_ms=alarm.red_ms)
        else:
            card = green_card(self.mapping, since_ms=alarm.red_ms, until_ms=now_ms)
        if act == "send":
            # what an earlier look sent in vain, as it seemed, may have arrived, and says what that one found
            is_certain = known.uuid != alarm.uuid
            sent = self._send(client, alarm, card, shown if is_certain else "")
        else:
            sent = self._update(client, alarm, card, shown)
        with self._locked(engine, place) as (alarms, kept):
            alarms.write(place, **asdict(note_shown(kept, alarm, sent)))

    def _send(self, client: LarkClient, alarm: Alarm, card: Json, shown: str) -> Alarm:
        said = content.card(card)
        sent = client.messaging.send(receiver_id=str(self.receive_id), content=said, uuid=alarm.uuid)
        return replace(alarm, message_id=sent.message_id, shown=shown)

    def _update(self, client: LarkClient, alarm: Alarm, card: Json, shown: str) -> Alarm:
        try:
            client.messaging.update_card(message_id=alarm.message_id, card=content.card(card), sent_form="2.0")
        except (BadRequest, NotFound) as exc:
            if exc.code not in UNCHANGEABLE_CARD:
                raise
            if not alarm.is_red and exc.code != CARD_TOO_OLD:
                # nobody sees the red one any more
                return replace(alarm, shown=shown)
            # trouble that goes on is told anew, and so is the end of one whose card stays red
            log.info("%s: the card of before cannot be changed: %s", self.mapping, exc)
            return self._send(client, replace(alarm, uuid=uuid_again(alarm.uuid)), card, "")
        return replace(alarm, shown=shown)
