"""Staying with a table: runs follow hints and the clock, failures pass, and nothing is lost in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import create_engine

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import AccessDenied, LeaseHeld, NotFound, ServerBusy, Stopped
from airflow_provider_lark.core.inbox.hints import Hint, TableHints
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.inbox.waiting import WaitingEvents
from airflow_provider_lark.core.receiving.envelope import read_delivery
from airflow_provider_lark.core.sync.continuous import FAILURES_MAX, ContinuousSync, run_once
from airflow_provider_lark.core.sync.report import SyncReport, Writes
from tests.core.receiving.sealing import event
from tests.sync.world import World


class Steps:
    """A clock that moves by its sleeps alone, and tells them."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.naps: list[float] = []

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class Script:
    """Runs that end as they are told to, one after the other; the last one again and again."""

    def __init__(self, clock: Steps, *ends: BaseException | SyncReport, seconds: float = 0.0) -> None:
        self.clock = clock
        self.ends = list(ends) or [SyncReport("areas", "incremental")]
        self.seconds = seconds
        self.began: list[float] = []

    def __call__(self, tell_deleted: Any) -> SyncReport:
        self.began.append(self.clock.seconds - 1_000.0)
        self.clock.seconds += self.seconds
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, BaseException):
            raise end
        return end


class Given:
    """Hints that come at certain moments."""

    def __init__(self, clock: Steps, *moments: float) -> None:
        self.clock = clock
        self.moments = list(moments)
        self.followed: list[int] = []
        self.returned: list[int] = []

    def begin(self) -> None:
        pass

    def take(self) -> Sequence[Hint]:
        come = [each for each in self.moments if each <= self.clock.seconds - 1_000.0]
        self.moments = [each for each in self.moments if each not in come]
        return [Hint(int(each)) for each in come]

    def done(self, ids: Sequence[int]) -> None:
        self.followed.extend(ids)

    def give_back(self, ids: Sequence[int], error: str) -> None:
        self.returned.extend(ids)
        self.moments.extend(ids)


def keep(run: Callable[[Any], SyncReport], clock: Clock, seconds: float, poll: float = 5.0, hints: Any = None) -> Any:
    return ContinuousSync("areas", run, poll, hints, clock).run_for(seconds)


def test_runs_follow_the_clock() -> None:
    clock = Steps()
    run = Script(clock)
    assert keep(run, clock, 20).runs == 4
    assert run.began == [0, 5, 10, 15]
    assert clock.naps == [5, 5, 5, 5]


def test_time_between_runs_counts_from_their_end() -> None:
    clock = Steps()
    run = Script(clock, seconds=7)
    keep(run, clock, 30)
    assert run.began == [0, 12, 24]


def test_run_that_is_under_way_at_the_end_is_finished() -> None:
    clock = Steps()
    run = Script(clock, seconds=100)
    assert keep(run, clock, 10).runs == 1


def test_hint_makes_the_next_run_begin_at_once() -> None:
    clock = Steps()
    run, hints = Script(clock), Given(clock, 7.2, 20)
    report = keep(run, clock, 30, poll=3600, hints=hints)
    assert run.began == [0, 7.5, 20]
    assert (report.runs, report.hints, hints.followed) == (3, 2, [7, 20])


def test_many_hints_at_once_are_one_run() -> None:
    clock = Steps()
    run, hints = Script(clock), Given(clock, *[2.6 + n / 1_000 for n in range(301)])
    report = keep(run, clock, 10, poll=3600, hints=hints)
    assert (report.runs, report.hints) == (2, 301)


def test_hints_of_a_run_that_failed_are_followed_by_the_next() -> None:
    clock = Steps()
    run = Script(clock, SyncReport("areas", "incremental"), ServerBusy("busy"), SyncReport("areas", "incremental"))
    hints = Given(clock, 2)
    report = keep(run, clock, 10, poll=3600, hints=hints)
    assert (hints.returned, hints.followed) == ([2], [2])
    assert (report.runs, report.failed_runs) == (2, 1)


def test_hints_do_not_hurry_runs_that_fail() -> None:
    clock = Steps()
    fine = SyncReport("areas", "incremental")
    run = Script(clock, fine, *[ServerBusy("busy")] * 4, fine)
    report = keep(run, clock, 30, poll=3600, hints=Given(clock, 2))
    assert run.began == [0, 2, 3, 5, 9, 17]
    assert (report.runs, report.failed_runs) == (2, 4)


def test_failures_that_pass_are_waited_for_longer_and_longer() -> None:
    clock = Steps()
    run = Script(clock, *[ServerBusy("busy")] * 4, SyncReport("areas", "incremental"))
    report = keep(run, clock, 30)
    assert run.began == [0, 1, 3, 7, 15, 20, 25]
    assert (report.runs, report.failed_runs, report.status) == (3, 4, "ok")


def test_failures_without_end_are_raised() -> None:
    clock = Steps()
    run = Script(clock, ServerBusy("busy"))
    with pytest.raises(ServerBusy):
        keep(run, clock, 86_400)
    assert len(run.began) == FAILURES_MAX


def test_failure_that_does_not_pass_is_raised_at_once() -> None:
    clock = Steps()
    run = Script(clock, NotFound("the table is gone"))
    with pytest.raises(NotFound):
        keep(run, clock, 100)
    assert run.began == [0]


def test_another_worker_is_no_failure() -> None:
    clock = Steps()
    run = Script(clock, LeaseHeld("another worker"), SyncReport("areas", "incremental"))
    assert keep(run, clock, 4).failed_runs == 0


@pytest.mark.parametrize("end", [Stopped("stopped on request"), KeyboardInterrupt()])
def test_word_to_stop_ends_it_and_gives_the_hints_back(end: BaseException) -> None:
    clock = Steps()
    hints = Given(clock, 0)
    with pytest.raises(type(end)):
        keep(Script(clock, end), clock, 100, hints=hints)
    assert hints.returned == [0]


def test_reports_are_added_up() -> None:
    clock = Steps()
    first = SyncReport("areas", "incremental", to_sql=Writes(1, 2, 3), failed=2, problems=["a"], api_calls={"x": 1})
    second = SyncReport("areas", "incremental", to_sql=Writes(1, 0, 0), failed=1, problems=["a", "b"])
    second.api_calls = {"x": 2, "total": 2}
    report = keep(Script(clock, first, second), clock, 10)
    assert report.to_sql == Writes(2, 2, 3)
    assert (report.failed, report.problems, report.api_calls) == (1, ["a", "b"], {"x": 3, "total": 2})
    assert report.seconds == 10


def change(number: int, app_token: str, table_id: str) -> Any:
    body = event(event_id=f"e{number}")
    body["event"] = {"file_type": "bitable", "file_token": app_token, "table_id": table_id, "action_list": []}
    return read_delivery(body, now_ms=0)


def test_edits_arrive_by_hints_without_a_poll(world: World) -> None:
    """The engine, the inbox and the tables are real; what is scripted is when the person edits."""
    engine = world.ready(3)
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")
    edits = iter([lambda: world.add(Name="new", Code=9), lambda: world.edit(2, Name="other"), lambda: world.remove(1)])
    clock = Steps()

    class Editing(TableHints):
        def take(self) -> Sequence[Hint]:
            edit = next(edits, None) if clock.seconds >= 1_002 else None
            if edit is not None:
                edit()
                inbox.put(change(id(edit), world.app_token, world.table_id))
            return super().take()

    hints = Editing(inbox, lambda: "/".join(engine.table) if engine.table else None)
    report = ContinuousSync("people", engine.incremental, 3600, hints, clock).run_for(10)
    assert report.to_sql == Writes(1, 1, 1)
    assert (report.hints, inbox.count().completed) == (3, 3)
    world.assert_in_step()


def test_inbox_that_is_down_is_said_once_and_the_table_is_polled(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    engine = world.ready(1)
    down = SqlInbox(
        create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), Keyring.from_text("A" * 43 + "="), "cli_1"
    )
    world.edit(1, Name="other")
    report = ContinuousSync("people", engine.incremental, 2, TableHints(down, lambda: "bas/tbl"), Steps()).run_for(5)
    assert report.to_sql.updated == 1
    assert [record.message for record in caplog.records if "the table is polled" in record.message][1:] == []


def test_subscription_that_lark_refuses_is_a_warning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")

    def refuse() -> None:
        raise AccessDenied("the app may not manage the base")

    hints = TableHints(inbox, lambda: "bas/tbl", refuse)
    assert [list(hints.take()), list(hints.take())] == [[], []]
    assert [record.message for record in caplog.records if "may not manage the base" in record.message][1:] == []
    assert "may not manage the base" in caplog.text


def test_lark_is_asked_for_events_before_the_table_is_read_for_the_first_time(world: World) -> None:
    world.ready(1)
    engine = world.engine()
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")
    # what is edited before that, the reading finds; after it, an event comes
    hints = TableHints(inbox, lambda: engine.table and "/".join(engine.table), lambda: world.edit(1, Qty=77))
    ContinuousSync("people", engine.incremental, 3600, hints, Steps()).run_for(1)
    assert world.rows()[1]["qty"] == 77


def test_delete_that_an_event_tells_is_taken_over_by_its_id(world: World) -> None:
    engine = world.ready(20)
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")
    hints = TableHints(inbox, lambda: "/".join(engine.table) if engine.table else None)
    told = event(event_id="gone")
    actions = [{"record_id": world.record_id(7), "action": "record_deleted"}, {"action": "record_deleted"}, "odd", None]
    told["event"] = {
        "file_type": "bitable",
        "file_token": world.app_token,
        "table_id": world.table_id,
        "action_list": actions,
    }
    world.remove(7)
    inbox.put(read_delivery(told, now_ms=0))
    report = run_once(engine.incremental, hints)
    assert (report.to_sql.deleted, report.api_calls["total"]) == (1, 3)
    assert inbox.count().completed == 1


def test_events_of_records_that_did_not_change_write_nothing_and_are_taken_by_one_run(world: World) -> None:
    """Input 7.40: 300 events are told, half of them of the sync's own writes, and no value differs."""
    engine = world.ready(300)
    engine.incremental()
    world.execute(world.table.update().where(world.table.c.code <= 150).values(qty=1000))
    assert engine.incremental().to_lark.updated == 150
    ids = {code: str(record["id"]) for code, record in world.by_code().items()}
    for code in range(151, 301):
        world.emu.person.edit_record(world.app_token, world.table_id, ids[code], {"Name": f"n{code}"})
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")
    for code, id_ in ids.items():
        told = change(code, world.app_token, world.table_id)
        told.body["event"]["action_list"] = [{"record_id": id_, "action": "record_edited"}]
        inbox.put(read_delivery(told.body, now_ms=0))
    waiting = WaitingEvents(world.sql, "cli_1", ["drive.file.bitable_record_changed_v1"])
    assert [each.entries for each in waiting.look().by_subject.values()] == [300]

    def run() -> SyncReport:
        report = run_once(engine.incremental, TableHints(inbox, lambda: "/".join(engine.table or ()) or None))
        assert (report.to_sql.total, report.to_lark.total, report.conflicts) == (0, 0, 0)
        assert not waiting.look().by_subject
        return report

    # one page, and the fields; what was started for the others finds nothing left, and costs one call more than none
    assert run().api_calls["total"] <= 3
    assert inbox.count().completed == 300
    for _ in range(3):
        assert run().api_calls["total"] <= 2
    world.edit(300, Qty=8)
    assert run_once(engine.incremental, TableHints(inbox, lambda: None)).to_sql.updated == 1


def test_change_of_a_field_begins_a_run_that_reads_the_fields_anew(world: World) -> None:
    engine = world.ready(3)
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")
    clock = Steps()
    (field,) = [each for each in world.client.bitable.list_fields(**_table(world)) if each["field_name"] == "Qty"]

    def rename() -> None:
        world.client.bitable.update_field(
            **_table(world), field_id=field["field_id"], field={"field_name": "Quantity", "type": 2}
        )
        told = change(1, world.app_token, world.table_id)
        told.body["header"]["event_type"] = "drive.file.bitable_field_changed_v1"
        inbox.put(read_delivery(told.body, now_ms=0))

    renames = iter([rename])

    class Renaming(TableHints):
        def take(self) -> Sequence[Hint]:
            if clock.seconds >= 1_002 and (step := next(renames, None)):
                step()
                world.edit(1, Quantity=77)
            return super().take()

    hints = Renaming(inbox, lambda: "/".join(engine.table) if engine.table else None)
    report = ContinuousSync("people", engine.incremental, 3600, hints, clock).run_for(10)
    assert (report.runs, report.to_sql.updated, world.rows()[1]["qty"]) == (2, 1, 77)


def test_hints_of_a_run_that_fails_are_given_back(world: World) -> None:
    engine = world.ready(1)
    inbox = SqlInbox(world.sql, Keyring.from_text("A" * 43 + "="), "cli_1")
    inbox.put(change(1, world.app_token, world.table_id))
    hints = TableHints(inbox, lambda: "/".join(engine.table) if engine.table else None)

    def run(tell_deleted: Any) -> SyncReport:
        engine.incremental(tell_deleted)
        raise ServerBusy("busy")

    with pytest.raises(ServerBusy):
        run_once(run, hints)
    assert (inbox.count().pending, inbox.count().completed) == (1, 0)
    run_once(engine.incremental, hints)
    assert inbox.count().completed == 1


def _table(world: World) -> dict[str, str]:
    return {"app_token": world.app_token, "table_id": world.table_id}


def found(*records: str, at: float = 1_100.0) -> SyncReport:
    return SyncReport("areas", "incremental", found_changed={record: int(at * 1000) for record in records})


class Telling:
    """Hints of certain records at certain moments."""

    def __init__(self, clock: Steps, *told: tuple[float, str]) -> None:
        self.clock = clock
        self.told = list(told)

    def begin(self) -> None:
        pass

    def take(self) -> Sequence[Hint]:
        come = [each for each in self.told if each[0] <= self.clock.seconds - 1_000.0]
        self.told = [each for each in self.told if each not in come]
        return [Hint(1, records=(record,), changed_at=1_100.0) for _, record in come]

    def done(self, ids: Sequence[int]) -> None:
        pass

    def give_back(self, ids: Sequence[int], error: str) -> None:
        pass


@pytest.mark.parametrize(
    ("told", "lost"),
    [
        pytest.param([], 1, id="never"),
        pytest.param([(100.0, "rec1")], 0, id="in time"),
        pytest.param([(110.5, "rec1")], 0, id="a little after the poll"),
        pytest.param([(450.0, "rec1")], 0, id="with the second redelivery"),
        pytest.param([(490.0, "rec1")], 1, id="too late"),
        pytest.param([(100.0, "rec2")], 1, id="of another record"),
    ],
)
def test_record_that_a_poll_finds_without_an_event_in_time_counts_as_lost(
    told: list[tuple[float, str]], lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Steps()

    class Once(Script):
        def __call__(self, tell_deleted: Any) -> SyncReport:
            super().__call__(tell_deleted)
            is_it = clock.seconds >= 1_100.0 and not self.done
            self.done = self.done or is_it
            return found("rec1") if is_it else found()

        done = False

    hints = Telling(clock, *told)
    told_lost: list[int] = []
    sync = ContinuousSync("areas", Once(clock), 10.0, hints, clock, tell_lost=told_lost.append)
    report = sync.run_for(1_000)
    assert report.lost_events == sum(told_lost) == lost
    # which one, so that a person can look it up in Lark's console
    assert ("polling found them (1 so far): rec1" in caplog.text) == bool(lost)
    assert not {"found_changed", "found_deleted"} & report.to_dict().keys()


def test_what_the_first_run_finds_and_runs_without_events_count_nothing_as_lost() -> None:
    clock = Steps()
    first = Script(clock, found("rec1", "rec2"), found())
    assert ContinuousSync("areas", first, 10.0, Telling(clock), clock).run_for(1_000).lost_events == 0
    every = Script(clock, found("rec1"))
    assert ContinuousSync("areas", every, 10.0, None, clock).run_for(1_000).lost_events == 0


def test_new_long_connection_makes_every_table_run_at_once(new_database: Callable[[str], Any]) -> None:
    inbox = SqlInbox(new_database("sqlite"), Keyring.from_text("A" * 43 + "="), "cli_1")
    clock, made = Steps(), [0]
    script = Script(clock)

    def generation() -> int:
        made[0] = 3 if clock.seconds < 1_050 else 4
        return made[0]

    hints = TableHints(inbox, lambda: "app/tbl", generation=generation)
    report = ContinuousSync("areas", script, 1_000.0, hints, clock).run_for(900)
    assert script.began == [0.0, 50.0]
    assert (report.hints, report.reconnects) == (0, 1)
