"""A question as the approval centre shows it: each person's task, and the whole. Pure."""

from __future__ import annotations

from airflow_provider_lark.core.api.services.approval import Action, ExternalInstance, ExternalTask
from airflow_provider_lark.core.api.services.approval.instance import InstanceStatus, TaskStatus
from airflow_provider_lark.core.questions.centre_terms import REASON, CentreTerms, task_id_of
from airflow_provider_lark.core.questions.question import Question
from airflow_provider_lark.core.questions.rules import Vote
from airflow_provider_lark.core.questions.terms import Terms

_COMPLETED = {"APPROVED": "approved", "REJECTED": "rejected", "DONE": "others"}


def centre_view(question: Question, centre: CentreTerms) -> ExternalInstance:
    """Return the whole state of a question, as it is pushed.

    Who has decided has the task among what is done; when it is decided or closed, nobody else has it to do.
    """
    by_person = {each.open_id: each for each in question.votes}
    votes = [by_person.get(each.open_id) for each in centre.approvers]
    tasks = [
        _task(question, centre, task_id_of(question.instance_id, at), person.open_id, votes[at])
        for at, person in enumerate(centre.approvers)
    ]
    return ExternalInstance(
        centre.approval_code,
        question.instance_id,
        _instance_status(question),
        centre.link,
        question.asked_ms,
        question.pushed_ms,
        ended_ms=_ended_ms(question),
        title=centre.title,
        form=centre.entries,
        open_id=centre.requester,
        user_name="" if centre.requester else centre.requester_name,
        tasks=tuple(tasks),
        default_locale=centre.default_locale,
    )


def _task(question: Question, centre: CentreTerms, task_id: str, open_id: str, vote: Vote | None) -> ExternalTask:
    status = _task_status(question, vote)
    is_taken_back = vote is None and question.state not in ("open", "answered")
    return ExternalTask(
        task_id,
        centre.link,
        status,
        question.asked_ms,
        question.pushed_ms,
        open_id=open_id,
        ended_ms=_ended_ms(question) if vote is None else vote.at_ms,
        title=centre.title,
        context=question.instance_id,
        actions=_actions(question.terms) if status == "PENDING" else (),
        complete_reason="recall" if is_taken_back else _COMPLETED.get(status, ""),
    )


def _ended_ms(question: Question) -> int:
    return 0 if question.state == "open" else question.closed_ms or question.pushed_ms


def _instance_status(question: Question) -> InstanceStatus:
    if question.state == "answered":
        return "REJECTED" if question.terms.rejects(question.decision or "") else "APPROVED"
    # of a question that nobody answered in time people see no more than that it was taken back
    return "PENDING" if question.state == "open" else "CANCELED"


def _task_status(question: Question, vote: Vote | None) -> TaskStatus:
    if vote is not None:
        return "REJECTED" if question.terms.rejects(vote.choice) else "APPROVED"
    return "PENDING" if question.state == "open" else "DONE"


def _actions(terms: Terms) -> tuple[Action, ...]:
    field = next((each for each in terms.fields if each.name == REASON), None)
    if field is None:
        return Action("APPROVE"), Action("REJECT")
    return (
        Action("APPROVE", asks_reason=True, needs_reason=field.is_required),
        Action("REJECT", asks_reason=True, needs_reason=field.is_required_to_reject),
    )
