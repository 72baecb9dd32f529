"""What becomes of a question whose task ends without its answer: closed for good, or left to the next try."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_provider_lark.core.errors import LarkError, NotFound, Stopped
from airflow_provider_lark.hooks.errors import lark_error_of

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)

_FINAL = (AirflowFailException, AirflowSensorTimeout, AirflowSkipException)


@contextmanager
def closing_what_nobody_awaits(
    open_hook: Callable[[], LarkHook], context: Mapping[str, Any], purpose: str
) -> Iterator[None]:
    """Close the question of the task, and let its cards say so, when the block ends the task for good.

    So it ends by its ``execution_timeout``, by an error, or because somebody ended it by hand. Where another try
    follows, the question waits for that.

    :param purpose: as for :func:`.question_key`.
    """
    try:
        yield
    except (AirflowTaskTimeout, Exception) as exc:
        if _ends_for_good(exc, context["ti"]):
            _close(open_hook, context, purpose, is_over=isinstance(exc, AirflowSensorTimeout))
        raise


def is_waiting(ti: Any, state: str) -> bool:
    """Tell whether Airflow still has the task in *state*: then a worker or triggerer shuts down, and it goes on later.

    True also where Airflow does not tell: the next question of the task closes this one.

    :param ti: the task instance; None: not known.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    if ti is None:
        return True
    try:
        told = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id, map_index=ti.map_index, task_ids=[ti.task_id], run_ids=[ti.run_id]
        )
    except Exception as exc:  # noqa: BLE001 - whatever keeps Airflow from telling, the task is being killed
        log.warning("Airflow does not tell the state of task %s, whose question stays open: %s", ti.task_id, exc)
        return True
    states = [value for by_task in told.values() for value in by_task.values()]
    return state in states


def _ends_for_good(exc: BaseException, ti: Any) -> bool:
    if isinstance(exc, AirflowRescheduleException):
        return False
    if isinstance(lark_error_of(exc), Stopped):
        # a worker that shuts down leaves the question to the next try; who ended the task by hand wants no answer
        return not is_waiting(ti, "running")
    return isinstance(exc, _FINAL) or getattr(ti, "try_number", 1) > getattr(ti, "max_tries", 0)


def _close(open_hook: Callable[[], LarkHook], context: Mapping[str, Any], purpose: str, *, is_over: bool) -> None:
    from airflow_provider_lark.hooks.receiving.questions import QuestionDesk, question_key

    try:
        # without the flag that stops the task: this is its last deed
        hook = open_hook()
        desk = QuestionDesk.of(hook)
        question = desk.questions.last(question_key(context, purpose))
        desk.close(hook, question.id, show=True, is_over=is_over)
    except NotFound:
        # it ended before anybody was asked
        return
    except LarkError as exc:
        log.warning("the question of this task could not be closed: %s", exc)
