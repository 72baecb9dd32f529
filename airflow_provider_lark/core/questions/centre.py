"""The approval centre brought to show what the database says, and looked at for what was missed.

A push carries a time that the row gave out, which only grows, so neither two workers at once nor a clock that is off
bring back what was before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.approval import InstanceState
from airflow_provider_lark.core.errors import ConfigError, OutcomeUnknown
from airflow_provider_lark.core.questions.centre_terms import CentreTerms, task_id_of
from airflow_provider_lark.core.questions.centre_view import centre_view
from airflow_provider_lark.core.questions.click import read_decision_click
from airflow_provider_lark.core.questions.question import Question
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.receiving.approval_door import Decision

log = logging.getLogger(__name__)

PUSHES_MAX = 4
"""Each goes above what the centre has; more would mean that somebody else pushes the same instance."""


class Centre:
    """Pushes questions, and looks what became of them.

    :param client: of the app whose questions they are.
    """

    def __init__(self, client: LarkClient, questions: QuestionStore) -> None:
        self._client = client
        self._questions = questions

    def show(self, question_id: str) -> Question:
        """Let the centre show a question as it stands; what it has is looked at afterwards.

        :raises OutcomeUnknown: the centre goes on having something newer.
        """
        above_ms = 0
        for _ in range(PUSHES_MAX):
            question = self._questions.stamp(question_id, above_ms=above_ms)
            self._client.approval.push_instance(centre_view(question, _centre_of(question)))
            told = self._client.approval.check_instances([_state_of(question)])
            if not told:
                return question
            above_ms = _newest_ms(told)
            now = self._questions.read(question_id)
            if now.pushed_ms > question.pushed_ms:
                # another worker has pushed a later state, which is what the centre has
                return now
        raise OutcomeUnknown(
            f"approval instance {question.instance_id}: the approval centre has a state that is newer than ours after "
            f"{PUSHES_MAX} pushes; check that no other program pushes this instance"
        )

    def reconcile(self, question_id: str) -> Question:
        """Look at what the centre has: push again what it lost, and take in what was decided there without a word."""
        question = self._questions.read(question_id)
        told = self._client.approval.check_instances([_state_of(question)])
        if not told:
            return question
        if _newest_ms(told) > question.pushed_ms and question.state == "open":
            self._take_in(question)
        return self.show(question_id)

    def _take_in(self, question: Question) -> None:
        people = _centre_of(question).approvers
        by_task = {task_id_of(question.instance_id, at): person for at, person in enumerate(people)}
        for page in self._client.approval.task_pages(instance_ids=[question.instance_id]):
            for task in (task for each in page.items for task in each.tasks):
                person = by_task.get(task.task_id)
                if person is None or task.status not in ("APPROVED", "REJECTED"):
                    continue
                action, id_ = ("APPROVE" if task.status == "APPROVED" else "REJECT"), question.instance_id
                decision = Decision(action, id_, task.task_id, person.user_id, id_)  # type: ignore[arg-type]
                answered = self._questions.answer(read_decision_click(decision, None))
                log.info(
                    "%s: found in the approval centre that task %s is %s (%s)",
                    *(id_, task.task_id, task.status, answered and answered.verdict.reason),
                )


def _centre_of(question: Question) -> CentreTerms:
    if question.terms.centre is None:
        raise ConfigError(f"question {question.id} is not asked in the approval centre")
    return question.terms.centre


def _newest_ms(told: Sequence[InstanceState]) -> int:
    return max([each.updated_ms for each in told] + [at for each in told for at in each.tasks.values()])


def _state_of(question: Question) -> InstanceState:
    ids = [task_id_of(question.instance_id, at) for at in range(len(_centre_of(question).approvers))]
    return InstanceState(question.instance_id, question.pushed_ms, dict.fromkeys(ids, question.pushed_ms))
