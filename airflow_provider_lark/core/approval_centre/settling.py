"""From the inbox to the questions: each received decision is evaluated once, whichever worker claims it."""

from __future__ import annotations

import logging
from collections import Counter
from uuid import uuid4

from airflow_provider_lark.core.approval_centre.rules import SAID
from airflow_provider_lark.core.approval_centre.store import ApprovalStore
from airflow_provider_lark.core.inbox.inbox import Entry, Inbox
from airflow_provider_lark.core.receiving.approval_door import read_decision
from airflow_provider_lark.core.receiving.refusal import Refused

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
TAKEN_AT_ONCE = 100


def settle_decisions(inbox: Inbox, store: ApprovalStore) -> Counter[str]:
    """Judge all decisions that wait, of any question of the app, and return how many there were by outcome.

    One that does not count is set aside in the inbox with the reason. A process that dies in between leaves it to the
    next one: a decision that is judged twice counts once.
    """
    outcomes: Counter[str] = Counter()
    token = uuid4().hex
    while True:
        entries = inbox.claim(limit=TAKEN_AT_ONCE, token=token, lease_seconds=LEASE_SECONDS, kind="approval")
        for entry in entries:
            outcomes[_settle(inbox, store, entry, token)] += 1
        if len(entries) < TAKEN_AT_ONCE:
            return outcomes


def _settle(inbox: Inbox, store: ApprovalStore, entry: Entry, token: str) -> str:
    try:
        decision = read_decision(entry.event)
    except Refused as refused:
        inbox.give_up(entry.id, token=token, error=refused.message)
        return refused.reason
    verdict = store.record(decision)
    if verdict.outcome in ("accepted", "repeated"):
        inbox.complete([entry.id], token=token)
        return verdict.outcome
    said = SAID[verdict.outcome]
    log.warning("a decision of the approval centre on instance %s does not count: %s", decision.instance_id, said)
    inbox.give_up(entry.id, token=token, error=f"instance {decision.instance_id}: {said}")
    return verdict.outcome
