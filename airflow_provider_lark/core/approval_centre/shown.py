"""A question as the approval centre shows it: each person's task, and the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.api.services.approval import Action, ExternalInstance, ExternalTask
from airflow_provider_lark.core.api.services.approval.instance import InstanceStatus, TaskStatus
from airflow_provider_lark.core.approval_centre.ask import Ask, task_id_of
from airflow_provider_lark.core.approval_centre.rules import Status, Vote

_COMPLETED = {"APPROVED": "approved", "REJECTED": "rejected", "DONE": "others"}


def show(
    ask: Ask,
    status: Status,
    votes: Sequence[Vote],
    *,
    instance_id: str,
    opened_ms: int,
    closed_ms: int | None,
    updated_ms: int,
) -> ExternalInstance:
    """Return the whole state of a question, as it is pushed.

    Who has decided has the task among what is done; when it is decided or withdrawn, nobody else has it to do.
    """
    ended_ms = 0 if status == "PENDING" else closed_ms or updated_ms
    by_person = {each.user_id: each for each in votes}
    tasks = []
    for at, person in enumerate(ask.approvers):
        vote = by_person.get(person.user_id)
        task_status = _task_status(vote, status)
        tasks.append(
            ExternalTask(
                task_id_of(instance_id, at),
                ask.link,
                task_status,
                opened_ms,
                updated_ms,
                open_id=person.open_id,
                ended_ms=vote.at_ms if vote is not None else ended_ms,
                title=ask.title,
                context=instance_id,
                actions=_actions(ask) if task_status == "PENDING" else (),
                complete_reason="recall"
                if status in ("CANCELED", "EXPIRED") and vote is None
                else _COMPLETED.get(task_status, ""),
            )
        )
    return ExternalInstance(
        ask.approval_code,
        instance_id,
        _instance_status(status),
        ask.link,
        opened_ms,
        updated_ms,
        ended_ms=ended_ms,
        title=ask.title,
        form=ask.form,
        open_id=ask.requester,
        user_name="" if ask.requester else ask.requester_name,
        tasks=tuple(tasks),
        default_locale=ask.default_locale,
    )


def _instance_status(status: Status) -> InstanceStatus:
    # of a question that nobody answered in time people see no more than that it was taken back
    return "CANCELED" if status == "EXPIRED" else status


def _task_status(vote: Vote | None, status: Status) -> TaskStatus:
    if vote is not None:
        return "APPROVED" if vote.action == "APPROVE" else "REJECTED"
    return "PENDING" if status == "PENDING" else "DONE"


def _actions(ask: Ask) -> tuple[Action, ...]:
    asks = ask.reason != "none"
    return (
        Action("APPROVE", asks_reason=asks),
        Action("REJECT", asks_reason=asks, needs_reason=ask.reason == "on_reject"),
    )
