"""Updating the approval centre from the database, and polling it for decisions whose callback was missed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.approval import InstanceState
from airflow_provider_lark.core.approval_centre.ask import task_id_of
from airflow_provider_lark.core.approval_centre.rows import Question
from airflow_provider_lark.core.approval_centre.rules import Status
from airflow_provider_lark.core.approval_centre.shown import show
from airflow_provider_lark.core.approval_centre.store import ApprovalStore
from airflow_provider_lark.core.errors import OutcomeUnknown
from airflow_provider_lark.core.receiving.approval_door import Decision

log = logging.getLogger(__name__)

PUSHES_MAX = 4
"""Each goes above what the centre has; more would mean that somebody else pushes the same instance."""


class Centre:
    """Pushes questions, and takes them back.

    :param client: of the app whose questions they are.
    """

    def __init__(self, client: LarkClient, store: ApprovalStore) -> None:
        self._client = client
        self._store = store

    def show(self, instance_id: str) -> Question:
        """Let the centre show a question as it stands; what it has is looked at afterwards.

        :raises OutcomeUnknown: the centre goes on having something newer.
        """
        above_ms = 0
        for _ in range(PUSHES_MAX):
            question = self._store.stamp(instance_id, above_ms=above_ms)
            self._client.approval.push_instance(
                show(
                    question.ask,
                    question.status,
                    question.votes,
                    instance_id=instance_id,
                    opened_ms=question.opened_ms,
                    closed_ms=question.closed_ms,
                    updated_ms=question.pushed_ms,
                )
            )
            told = self._client.approval.check_instances([_state_of(question)])
            if not told:
                return question
            above_ms = max([each.updated_ms for each in told] + [at for each in told for at in each.tasks.values()])
            if self._store.get(instance_id).pushed_ms > question.pushed_ms:
                # another worker has pushed a later state, which is what the centre has
                return self._store.get(instance_id)
        raise OutcomeUnknown(
            f"approval instance {instance_id}: the approval centre has a state that is newer than ours after "
            f"{PUSHES_MAX} pushes; check that no other program pushes this instance"
        )

    def reconcile(self, instance_id: str) -> Question:
        """Look at what the centre has: push again what it lost, and take in what was decided there without a word."""
        question = self._store.get(instance_id)
        told = self._client.approval.check_instances([_state_of(question)])
        if not told:
            return question
        newest = max([each.updated_ms for each in told] + [at for each in told for at in each.tasks.values()])
        if newest > question.pushed_ms and question.status == "PENDING":
            self._take_in(question)
        return self.show(instance_id)

    def withdraw(self, instance_id: str, status: Status = "CANCELED") -> Question:
        """Take a question back, unless it is decided, and let the centre show how it ended."""
        self._store.close(instance_id, status)
        return self.show(instance_id)

    def _take_in(self, question: Question) -> None:
        by_task = {task_id_of(question.instance_id, at): person for at, person in enumerate(question.ask.approvers)}
        for page in self._client.approval.task_pages(instance_ids=[question.instance_id]):
            for task in (task for each in page.items for task in each.tasks):
                person = by_task.get(task.task_id)
                if person is None or task.status not in ("APPROVED", "REJECTED"):
                    continue
                id_ = question.instance_id
                is_approval = task.status == "APPROVED"
                verdict = self._store.record(
                    Decision("APPROVE" if is_approval else "REJECT", id_, task.task_id, person.user_id, id_)
                )
                log.info(
                    "approval instance %s: found in the approval centre that task %s is %s (%s)",
                    question.instance_id,
                    task.task_id,
                    task.status,
                    verdict.outcome,
                )


def _state_of(question: Question) -> InstanceState:
    ids: Sequence[str] = [task_id_of(question.instance_id, at) for at in range(len(question.ask.approvers))]
    return InstanceState(question.instance_id, question.pushed_ms, dict.fromkeys(ids, question.pushed_ms))
