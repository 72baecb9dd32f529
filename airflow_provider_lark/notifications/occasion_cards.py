"""What a notifier sends for an occasion: the ready-made card for it, with long texts shortened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_lark.notifications.context import Occasion

if TYPE_CHECKING:
    from airflow_provider_lark.core.cards.ready.run import FailedTask
    from airflow_provider_lark.core.cards.writing import Carrier


def make_card(
    occasion: Occasion, given: Mapping[str, Any], locale: Literal["en_us", "zh_cn"] | None, carrier: Carrier
) -> dict[str, Any]:
    """Return the ready card for *occasion*.

    :param given: further facts.
    """
    from airflow_provider_lark.core.cards.ready import deadline, run, task

    makers: dict[str, tuple[Any, Any]] = {
        "task_failed": (task.TaskFacts, task.task_failed_card),
        "task_retrying": (task.TaskFacts, task.task_retrying_card),
        "task_succeeded": (task.TaskFacts, task.task_succeeded_card),
        "task_other": (task.TaskFacts, partial(task.task_state_card, state=occasion.state)),
        "run_failed": (run.RunFacts, run.run_failed_card),
        "run_succeeded": (run.RunFacts, run.run_succeeded_card),
        "deadline": (deadline.DeadlineFacts, deadline.deadline_card),
    }
    kind, make = makers[occasion.kind]
    known = {each.name for each in fields(kind)}
    told = {**occasion.facts, **given, "failures": _failures(occasion)}
    facts = {name: value for name, value in told.items() if name in known}
    card: dict[str, Any] = make(kind(**facts), locale=locale, carrier=carrier)
    return card


def _failures(occasion: Occasion) -> tuple[FailedTask, ...]:
    """Return the tasks that failed, those that only could not run apart."""
    from airflow_provider_lark.core.cards.ready.run import FailedTask

    failed: dict[str, list[int]] = {}
    total: dict[str, int] = {}
    for (task_id, index), state in sorted((occasion.states or {}).items()):
        total[task_id] = total.get(task_id, 0) + (index >= 0)
        if state == "failed":
            failed.setdefault(task_id, []).append(index)
    return tuple(
        FailedTask(
            task_id=task_id,
            failed=len(found),
            total=total[task_id] or None,
            map_indexes=tuple(index for index in found if index >= 0),
        )
        for task_id, found in failed.items()
    )


def shorten_title(text: str) -> str:
    """Return *text* as a title can hold it: an exception in one would cost the whole card."""
    from airflow_provider_lark.core.cards.ready.parts import VALUE_BYTES
    from airflow_provider_lark.core.cards.shortening import cut_end
    from airflow_provider_lark.core.cards.text import one_line

    return cut_end(one_line(text), VALUE_BYTES)


def shorten_text(text: str, max_bytes: int, *, twice: bool = False) -> str:
    """Return *text* as a message can hold it, in at most *max_bytes* as it is sent, cut in its middle.

    :param twice: it is sent within JSON within JSON, as all that an app sends.
    """
    from airflow_provider_lark.core.cards.shortening import cut_middle
    from airflow_provider_lark.core.cards.text import clean_text

    text, room = clean_text(text), max_bytes
    while _sent_bytes(text, twice) > max_bytes:
        # quotes and line breaks take more bytes in JSON
        text, room = cut_middle(text, room, gap=lambda count: f"[… {count} …]"), int(room * 0.8)
    return text


def _sent_bytes(text: str, twice: bool) -> int:
    written = json.dumps(text, ensure_ascii=False)
    return len((json.dumps(written, ensure_ascii=False) if twice else written).encode())
