"""LarkApprovalCentreOperator: a task that waits where people look for approvals, under 审批 → 待办."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, DownstreamTasksSkipped

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import airflow_errors, told
from airflow_provider_lark.hooks.parameters import (
    is_known_at_parse_time,
    read_count,
    read_names,
    read_seconds,
    read_text,
    read_values,
)
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core.approval_centre.ask import Ask
    from airflow_provider_lark.core.approval_centre.rows import Question
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.approval_centre import OpenCentre

APPROVE, REJECT = "Approve", "Reject"
DEFAULT_CODE = "airflow.approval"
DEFAULT_NAME = {"zh-CN": "Airflow 审批", "en-US": "Airflow approval"}
_WAIT_MAX_SECONDS = 366 * 86_400.0
_SETTINGS = ("subject", "approvers", "form", "requester", "needed", "approval_code", "approval_name", "lark_conn_id")


class AskingOperator(CallingOperator):
    """Asks people in the approval centre.

    :param subject: what is asked; people read it in the list.
    :param approvers: who may decide: e-mail addresses, mobile numbers or open_ids. Each gets a task of their own.
    :param form: up to three names and values that the list shows below the subject.
    :param requester: who asks, as in *approvers*; default: "Airflow".
    :param needed: so many approvals decide, 1 by default; one rejection always does.
    :param reason: whether people are asked why: ``optional``, ``on_reject`` (they must, when they reject) or ``none``.
    :param approval_code: of the definition, which is made or replaced; one code for each kind of approval.
    :param approval_name: what the definition is called; a text, or one in each language.
    :param lark_conn_id: connection of type ``lark``, with a token store and the keys for events.
    """

    template_fields: Sequence[str] = (*_SETTINGS, *CallingOperator.template_fields)
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        subject: str,
        approvers: Sequence[str] | str,
        form: Mapping[str, Any] | str | None = None,
        requester: str | None = None,
        needed: int | str = 1,
        reason: Literal["optional", "on_reject", "none"] = "optional",
        approval_code: str = DEFAULT_CODE,
        approval_name: Mapping[str, str] | str | None = None,
        lark_conn_id: str = "lark_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if is_known_at_parse_time(approvers) and not approvers:
            raise ConfigError("approvers is empty; name at least one person who may decide")
        self.subject = subject
        self.approvers = approvers
        self.form = form
        self.requester = requester
        self.needed = needed
        self.reason = reason
        self.approval_code = approval_code
        self.approval_name = approval_name
        self.lark_conn_id = lark_conn_id

    def _hook(self) -> LarkHook:
        from airflow_provider_lark.hooks.lark import LarkHook

        return LarkHook(self.lark_conn_id, **self.call_settings)

    def _ask(self, hook: LarkHook, opened: OpenCentre, context: Context) -> Ask:
        from airflow_provider_lark.core.approval_centre.ask import Ask
        from airflow_provider_lark.hooks.receiving.approval_centre import find_approvers, find_person

        people = [str(each) for each in read_names(self.approvers, "approvers")]
        if not people:
            raise ConfigError("approvers is empty; name at least one person who may decide")
        requester = read_text(self.requester)
        form = read_values(self.form, "form") or {}
        return Ask(
            self.approval_code,
            self.subject,
            str(context["ti"].log_url),
            find_approvers(hook, opened.client, people),
            needed=read_count(self.needed, "needed") or 1,
            form=tuple((str(name), str(value)) for name, value in form.items()),
            reason=self.reason,
            requester=find_person(hook, opened.client, requester) if requester else "",
        )

    def _open(self, hook: LarkHook, opened: OpenCentre, context: Context, receiver_url: str | None) -> Question:
        """Ask, unless an earlier try of this task has asked; questions from before a clearing are taken back."""
        from airflow_provider_lark.core.api.services.approval import Definition
        from airflow_provider_lark.hooks.receiving.approval_centre import asker_of, callback_of, withdraw

        asker = asker_of(context)
        for before in opened.store.find_others(asker):
            withdraw(opened, before)
        callback = callback_of(hook, receiver_url)
        ask = self._ask(hook, opened, context)
        name = self.approval_name or DEFAULT_NAME
        opened.client.approval.upsert_definition(Definition(self.approval_code, name, callback=callback))
        return opened.centre.show(opened.store.open_live(asker, ask).instance_id)


class LarkApprovalCentreOperator(AskingOperator):
    """Waits until people approve or reject in Lark's approval centre (审批 → 待办), and returns who did, when and why.

    Rejected, the tasks directly downstream are skipped, as by Airflow's ``ApprovalOperator``. The first decision that
    is allowed counts; later ones, and those of others, are kept in the audit table. A retry of the task waits for the
    same question; clearing the task takes it back and asks anew.

    Returns ``{"decision": "Approve" or "Reject", "instance_id", "decided_at", "timed_out", "votes": [{"action",
    "open_id", "name", "reason", "at"}]}``, times in ISO 8601.

    :param response_timeout: after so long *default* decides; a ``timedelta`` or seconds; None: never.
    :param default: ``Approve`` or ``Reject`` after *response_timeout*; None: the task fails.
    :param fail_on_reject: let the task fail when it is rejected.
    :param ignore_downstream_trigger_rules: skip all tasks downstream, not only those directly below.
    :param receiver_url: where Lark reaches the receiver, without the connection; default: ``[lark] receiver_url``.
    :param poll_interval: seconds between two looks into the inbox.
    :param deferrable: wait in the triggerer, without a worker slot; default: as ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = (
        *("response_timeout", "receiver_url", "poll_interval"),
        *AskingOperator.template_fields,
    )

    def __init__(
        self,
        *,
        response_timeout: timedelta | float | str | None = None,
        default: Literal["Approve", "Reject"] | None = None,
        fail_on_reject: bool = False,
        ignore_downstream_trigger_rules: bool = False,
        receiver_url: str | None = None,
        poll_interval: float | str = 3,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if default not in (None, APPROVE, REJECT):
            raise ConfigError(f"default is {default!r}; expected {APPROVE!r}, {REJECT!r} or None")
        self.response_timeout = response_timeout
        self.default = default
        self.fail_on_reject = fail_on_reject
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules
        self.receiver_url = receiver_url
        self.poll_interval = poll_interval
        self.deferrable = deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, and wait."""
        from airflow_provider_lark.hooks.receiving.approval_centre import opened_centre

        with airflow_errors():
            hook = self._hook()
            poll_seconds = read_seconds(self.poll_interval, "poll_interval", longest=3600.0) or 3.0
            with opened_centre(hook, stop=self.stop_flag) as opened:
                question = self._open(hook, opened, context, read_text(self.receiver_url))
                self.log.info(
                    "asked %d people in the approval centre: instance %s is %s",
                    len(question.ask.approvers),
                    question.instance_id,
                    question.status,
                )
                deadline_ms = self._deadline_ms(question)
                if question.status == "PENDING" and not self.deferrable:
                    question = self._wait(hook, opened, question.instance_id, deadline_ms, poll_seconds)
        if question.status == "PENDING":
            self._defer(question.instance_id, deadline_ms, poll_seconds)
        return self._finish(context, question)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Go on when the trigger has fired: what was decided stands in the database."""
        from airflow_provider_lark.hooks.receiving.approval_centre import opened_centre, show_end

        if event is None or event.get("status") != "success":
            answer = event or {}
            kind = AirflowFailException if answer.get("permanent") else AirflowException
            raise told(kind(str(answer.get("message") or "the trigger ended without a result")))
        with airflow_errors(), opened_centre(self._hook()) as opened:
            question = opened.store.get(event["instance_id"])
            show_end(opened, question.instance_id)
        return self._finish(context, question)

    def _defer(self, instance_id: str, deadline_ms: int | None, poll_seconds: float) -> None:
        from airflow_provider_lark.triggers.approval_centre import ApprovalCentreTrigger

        trigger = ApprovalCentreTrigger(
            lark_conn_id=self.lark_conn_id,
            instance_id=instance_id,
            deadline_ms=deadline_ms,
            calls=self.call_settings,
            poll_interval_seconds=poll_seconds,
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def _deadline_ms(self, question: Question) -> int | None:
        given = self.response_timeout
        if isinstance(given, timedelta):
            given = given.total_seconds()
        seconds = read_seconds(given, "response_timeout", longest=_WAIT_MAX_SECONDS)
        # from the first asking on, whatever happened to the task since
        return None if seconds is None else question.opened_ms + int(seconds * 1000)

    def _wait(
        self, hook: LarkHook, opened: OpenCentre, instance_id: str, deadline_ms: int | None, poll_seconds: float
    ) -> Question:
        from airflow_provider_lark.hooks.receiving.approval_centre import RECONCILE_SECONDS, expire, look, show_end

        looked_at = hook.clock.monotonic()
        while True:
            if deadline_ms is not None and hook.clock.now() * 1000 >= deadline_ms:
                question = expire(opened, instance_id)
            else:
                is_due = hook.clock.monotonic() - looked_at >= RECONCILE_SECONDS
                looked_at = hook.clock.monotonic() if is_due else looked_at
                question = look(opened, instance_id, reconcile=is_due)
            if question.status != "PENDING":
                show_end(opened, instance_id)
                return question
            # a killed task leaves its question: a retry goes on waiting for it
            self.stop_flag.sleep(hook.clock, poll_seconds)

    def _finish(self, context: Context, question: Question) -> dict[str, Any]:
        if question.status == "CANCELED":
            # somebody cleared the task while it waited, and this try has met the end of the one before
            return self.execute(context)
        timed_out = question.status == "EXPIRED"
        decision = self.default if timed_out else {"APPROVED": APPROVE, "REJECTED": REJECT}[question.status]
        if decision is None:
            raise told(AirflowFailException(f"nobody decided in time on approval instance {question.instance_id}"))
        result = {
            "decision": decision,
            "instance_id": question.instance_id,
            "decided_at": _iso(question.closed_ms or question.opened_ms),
            "timed_out": timed_out,
            "votes": [
                {
                    "action": APPROVE if each.action == "APPROVE" else REJECT,
                    "open_id": each.open_id,
                    "name": each.name,
                    "reason": each.reason,
                    "at": _iso(each.at_ms),
                }
                for each in question.votes
            ],
        }
        self.log.info("approval instance %s: %s%s", question.instance_id, decision, " (timed out)" if timed_out else "")
        if decision == REJECT:
            self._reject(context, result)
        return result

    def _reject(self, context: Context, result: dict[str, Any]) -> None:
        if self.fail_on_reject:
            raise told(AirflowFailException(f"approval instance {result['instance_id']} was rejected"))
        task = context["task"]
        below = (
            task.get_flat_relatives(upstream=False)
            if self.ignore_downstream_trigger_rules
            else task.get_direct_relatives(upstream=False)
        )
        skipped = [each.task_id for each in below if not each.is_teardown]
        if skipped:
            # what ends the task here also ends what would store the result
            context["ti"].xcom_push(key="return_value", value=result)
            raise DownstreamTasksSkipped(tasks=skipped)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
