"""What an automation says of itself, whatever somebody or another program has written into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.api.services.workflows import Workflow
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.sync.feed.automation import Wanted, all_records, faults, read, steps_of

WANTED = Wanted("cli_1", "bas1", "tbl1", 'a "b" \\ 商店', "https://airflow.example/feed/x", Secret("canary-token"))
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def told_of(steps: Any) -> Any:
    return read(Workflow("wkf1", "x", True, steps=tuple(steps)))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _paths(value[name], (*path, name))


CONDITIONED = steps_of(WANTED, all_records("Name"))
PATHS = list(_paths(CONDITIONED))


def test_what_is_made_is_as_it_should_be() -> None:
    for conditions in (None, all_records("Name"), all_records("Name")[::-1]):
        assert faults(told_of(steps_of(WANTED, conditions)), WANTED) == []
    # as Lark may write it back: other ids, other spelling, nothing where there was null
    text = (
        json.dumps(steps_of(WANTED, None))
        .replace("airflow_feed_", "step")
        .replace("X-Lark-Feed-Token", "x-lark-feed-token")
    )
    steps = json.loads(text)
    steps[0]["data"]["condition_list"], steps[1]["next"] = [], ""
    steps[0]["data"]["trigger_control_list"].reverse()
    assert faults(told_of(steps), WANTED) == []


def test_conditions_that_let_only_some_records_through_are_said() -> None:
    pair = all_records("Name")
    for some in (pair[:1], pair[1:], [pair[0], *all_records("Qty")[1:]], [{"conditions": []}]):
        assert faults(told_of(steps_of(WANTED, some)), WANTED) == ["its conditions pass some records over"], some


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), value=ODD)
def test_any_value_in_any_place_is_read(path: tuple[Any, ...], value: Any) -> None:
    steps = json.loads(json.dumps(CONDITIONED))
    holder = steps
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    told = told_of([each for each in steps if isinstance(each, dict)])
    found = [] if told is None else faults(told, WANTED)
    assert "canary" not in " ".join(found)
    assert all(len(each) < 1000 for each in found)


def test_what_is_shown_of_a_text_that_somebody_wrote_is_short() -> None:
    other = replace(WANTED, table_name="t" * 10_000, address=f"https://airflow.example/{'x' * 10_000}")
    assert max(map(len, faults(told_of(steps_of(other, None)), WANTED))) < 400
