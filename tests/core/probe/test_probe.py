"""The probe against an emulator under each reading: it has to find out which one is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.probe import base_v3, fields, filters, reads, writes
from airflow_provider_lark.core.probe.finding import Finding
from airflow_provider_lark.core.probe.run import EXPERIMENTS, Experiment, probe, scratch_base
from airflow_provider_lark.core.probe.scratch import Scratch
from airflow_provider_lark.emulator import Emulator
from tests.clocks import JumpingClock

TOKENS = iter(f"00000000-0000-4000-8000-{number:012}" for number in range(10_000_000))

#: the switches that each experiment settles, with their values
SETTLED: list[tuple[Experiment, str, tuple[Any, ...]]] = [
    (filters.days, "greater_excludes_day", (False, True)),
    (filters.days, "date_range_operators", ("empty", "error")),
    (filters.unknown_field, "unknown_filter_field", ("error", "empty")),
    (filters.odd_texts, "odd_texts_match", (True, False)),
    (filters.several_options, "contains_all", (False, True)),
    (filters.children, "conditions_beside_children", (True, False)),
    (fields.descriptions, "update_keeps_description", (False, True)),
    (fields.long_names, "max_field_name", (100, 1000)),
    (fields.links, "far_field_stays", (False, True)),
    (fields.links, "keeps_dead_links", (False, True)),
    (fields.links, "empty_links", ("absent", "empty")),
    (fields.options, "empty_option", ("clears", "error")),
    (fields.options, "repeated_options", ("create", "merge")),
    (fields.addresses, "splits_urls", (False, True)),
    (reads.order, "unsorted", ("oldest_first", "newest_first")),
    (reads.order, "sort_ms_exact", (True, False)),
    (reads.pages, "oversize_page", ("1254011", "99992402", "clamp")),
    (reads.pages, "page_token_binds_page_size", (True, False)),
    (reads.pages, "bad_page_token_code", (1254030, 1254002)),
    (reads.pages, "oversize_code", (1254104, 99992402)),
    (writes.client_tokens, "uuid_strict", (True, False)),
    (writes.client_tokens, "token_on_single_update", (True, False)),
    (writes.touches, "noop_update_touches", (True, False)),
    (writes.touches, "back_link_touches", (True, False)),
    (writes.batches, "batch_write_max", (1000, 500)),
    (writes.authors, "app_email", ("empty", "absent")),
    (base_v3.newer_paths, "serves_workflows", (True, False)),
    (base_v3.pages, "v3_records", ("served", "missing", "forbidden", "failing")),
    (base_v3.pages, "v3_page_max", (2000, 500, 200)),
    (base_v3.pages, "v3_times", ("seconds", "zoned", "milliseconds")),
    (base_v3.pages, "v3_rev", ("told", "absent", "zero")),
]


@pytest.fixture(scope="module")
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture(scope="module")
def emu(clock: JumpingClock) -> Iterator[Emulator]:
    with Emulator(clock=clock) as emu:
        yield emu


@pytest.fixture
def scratch(emu: Emulator, clock: JumpingClock) -> Iterator[Scratch]:
    with LarkClient(emu.app_id, emu.app_secret, emu.url, clock=clock) as client:
        yield Scratch.make(client, clock, "Scratch", lambda: next(TOKENS))
    emu.faults.clear()
    emu.switches.restore()


@pytest.mark.parametrize(("experiment", "switch", "values"), SETTLED, ids=[switch for _, switch, _ in SETTLED])
def test_reading_that_is_set_is_found(
    emu: Emulator, scratch: Scratch, experiment: Experiment, switch: str, values: tuple[Any, ...]
) -> None:
    for value in values:
        emu.switches.update({switch: value})
        # tables of the try before have the same names
        again = Scratch.make(scratch.client, scratch.clock, "Scratch", scratch.new_token)
        (found,) = [each for each in probe(again, [experiment]) if each.switch == switch]
        assert (found.is_settled, found.value) == (True, value), found


def test_all_experiments_settle_something_and_leave_no_base(emu: Emulator, clock: JumpingClock) -> None:
    told: list[str] = []
    before = set(emu.state.bases)
    with (
        LarkClient(emu.app_id, emu.app_secret, emu.url, clock=clock) as client,
        scratch_base(client, clock, told.append, lambda: next(TOKENS)) as made,
    ):
        assert made.app_token in emu.state.bases
        found = list(probe(made))
    assert (told, set(emu.state.bases)) == ([], before)
    settled = {each.switch: each.value for each in found if each.value is not None}
    emu.switches.update(settled)
    defaults = type(emu.switches)()
    assert {name: getattr(defaults, name) for name in settled} == settled
    assert {switch for _, switch, _ in SETTLED} == set(settled)
    assert len({each.question for each in found}) == len(found) >= len(EXPERIMENTS)


def test_experiment_that_is_refused_stops_no_other(emu: Emulator, scratch: Scratch) -> None:
    emu.faults.add("batch_create", code=1254302, times=1)
    found = list(probe(scratch, [filters.odd_texts, filters.unknown_field]))
    assert [(each.is_settled, each.answer) for each in found] == [
        (False, "not settled: code 1254302"),
        (True, "code 1254018"),
    ]


def test_answer_of_another_shape_is_told_as_not_settled(emu: Emulator, scratch: Scratch) -> None:
    emu.faults.add("search", action="no_data", times=1)
    (found,) = probe(scratch, [fields.addresses])
    assert isinstance(found, Finding)
    assert not found.is_settled


def test_base_that_cannot_be_removed_is_told_with_what_is_missing(emu: Emulator, clock: JumpingClock) -> None:
    told: list[str] = []
    emu.faults.add("drive/v1/files", code=1061004, times=None)
    try:
        with (
            LarkClient(emu.app_id, emu.app_secret, emu.url, clock=clock) as client,
            scratch_base(client, clock, told.append, lambda: next(TOKENS)) as made,
        ):
            pass
    finally:
        emu.faults.clear()
    assert len(told) == 1
    assert made.app_token in told[0]
    assert "space:document:delete" in told[0]
