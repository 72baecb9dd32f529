"""A task's question in the approval centre: asked, waited for and taken back, over one Lark connection."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.configuration import conf

from airflow_provider_lark.core.errors import ConfigError, LarkError, NotFound
from airflow_provider_lark.hooks.receiving.inbox import approval_secrets, name_store, open_inbox

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core.api.client import LarkClient
    from airflow_provider_lark.core.api.services.approval import DecisionCallback
    from airflow_provider_lark.core.approval_centre.ask import Approver
    from airflow_provider_lark.core.approval_centre.centre import Centre
    from airflow_provider_lark.core.approval_centre.rows import Question
    from airflow_provider_lark.core.approval_centre.store import ApprovalStore, Asker
    from airflow_provider_lark.core.inbox.inbox import Inbox
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)

RECONCILE_SECONDS = 60.0
"""So often the centre is asked what it has: for a push that it lost, or a decision whose callback did."""


@dataclass(frozen=True, slots=True)
class OpenCentre:
    """The centre, the questions of an app, and the inbox to which decisions come."""

    client: LarkClient
    store: ApprovalStore
    inbox: Inbox
    centre: Centre


@contextmanager
def opened_centre(hook: LarkHook, **options: Any) -> Iterator[OpenCentre]:
    """Open what a question needs.

    :param options: of the client.
    :raises ConfigError: the connection has no token store.
    """
    from airflow_provider_lark.core.approval_centre.centre import Centre
    from airflow_provider_lark.core.approval_centre.store import ApprovalStore
    from airflow_provider_lark.hooks.database import opened_engine

    inbox = open_inbox(hook)
    conn_id = name_store(hook.lark_conn_id, hook.settings.token_store_conn_id)
    with opened_engine(conn_id) as engine, hook.client(**options) as client:
        store = ApprovalStore(engine, hook.settings.app_id, clock=hook.clock)
        yield OpenCentre(client, store, inbox, Centre(client, store))


def asker_of(context: Context) -> Asker:
    """Return who asks: all tries of a task instance are one, and each time that it is cleared is another."""
    from airflow_provider_lark.core.approval_centre.store import Asker

    ti = context["ti"]
    place = [ti.dag_id, context["run_id"], ti.task_id, ti.map_index]
    # a retry leaves it as it is, a clearing moves it
    turn = getattr(ti, "max_tries", 0)
    digest = hashlib.sha256(json.dumps([str(each) for each in place]).encode()).hexdigest()
    return Asker(digest, str(turn))


def callback_of(hook: LarkHook, receiver_url: str | None) -> DecisionCallback:
    """Return where the centre tells decisions.

    :param receiver_url: below which the receiver answers, without the connection; default: ``[lark] receiver_url``.
    :raises ConfigError: neither is given.
    """
    from airflow_provider_lark.core.api.services.approval import DecisionCallback

    base = (receiver_url or conf.get("lark", "receiver_url", fallback="") or "").strip().rstrip("/")
    if not base:
        raise ConfigError(
            "receiver_url: is empty, so the approval centre could not tell what people decide; set [lark] receiver_url "
            "to the address at which Lark reaches the receiver, such as https://airflow.example.com/lark"
        )
    secrets = approval_secrets(hook)
    return DecisionCallback(f"{base}/approval/{hook.lark_conn_id}", secrets.token, secrets.key)


def find_approvers(hook: LarkHook, client: LarkClient, people: Sequence[str]) -> tuple[Approver, ...]:
    """Return people by e-mail address, mobile number or open_id, each once, with the ids that callbacks name.

    :raises NotFound: Lark knows nobody of that address or id.
    :raises ConfigError: Lark does not show user_ids to the app.
    """
    from airflow_provider_lark.core.approval_centre.ask import Approver

    found: dict[str, Approver] = {}
    for open_id in _open_ids(hook, client, people):
        user = client.contact.get_user(user_id=open_id)
        if not user.user_id:
            raise ConfigError(
                f"connection {hook.lark_conn_id!r}: Lark does not tell the user_id of {user.name or open_id}, by which "
                "the approval centre names who decided; add the scope contact:user.employee_id:readonly to the app "
                "and release a new version"
            )
        found.setdefault(user.user_id, Approver(open_id, user.user_id, user.name))
    return tuple(found.values())


def find_person(hook: LarkHook, client: LarkClient, person: str) -> str:
    """Return the open_id of one person; as :func:`find_approvers`."""
    return _open_ids(hook, client, [person])[0]


def _open_ids(hook: LarkHook, client: LarkClient, people: Sequence[str]) -> list[str]:
    known = [each.strip() for each in people]
    contacts = [each for each in known if not each.startswith("ou_")]
    told = hook.user_directory(client).find_contacts(contacts) if contacts else {}
    missing = [each for each in contacts if not told.get(each)]
    if missing:
        raise NotFound(
            f"approvers: Lark knows nobody by {', '.join(missing)}; give the e-mail address or mobile number of their "
            "Lark account, or an open_id"
        )
    return [told.get(each) or each for each in known]


def look(opened: OpenCentre, instance_id: str, *, reconcile: bool) -> Question:
    """Take in what people decided, and return how the question stands.

    :param reconcile: whether to ask the centre, too. That it does not answer is only said: decisions come all the same.
    """
    from airflow_provider_lark.core.approval_centre.settling import settle_decisions

    settle_decisions(opened.inbox, opened.store)
    if reconcile:
        _try("look at", instance_id, partial(opened.centre.reconcile, instance_id))
    return opened.store.get(instance_id)


def expire(opened: OpenCentre, instance_id: str) -> Question:
    """Look a last time, and close the question if it is still open."""
    question = look(opened, instance_id, reconcile=True)
    return question if question.status != "PENDING" else opened.store.close(instance_id, "EXPIRED")


def show_end(opened: OpenCentre, instance_id: str) -> bool:
    """Let the centre show how a question ended; False where it does not answer, which changes nothing about the end."""
    return _try("update", instance_id, partial(opened.centre.show, instance_id))


def withdraw(opened: OpenCentre, instance_id: str) -> None:
    """Take a question back whose task no longer waits."""
    opened.store.close(instance_id, "CANCELED")
    show_end(opened, instance_id)


def _try(what: str, instance_id: str, call: Any) -> bool:
    try:
        call()
    except LarkError as exc:
        log.warning("cannot %s approval instance %s in the approval centre now: %s", what, instance_id, exc)
        return False
    return True
