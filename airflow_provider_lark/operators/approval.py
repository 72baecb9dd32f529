"""LarkApprovalOperator: people decide, on a card or in the approval centre, whether, and how, a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

from airflow.sdk import conf
from airflow.sdk.bases.skipmixin import SkipMixin
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.core.errors import ConfigError, RetriableError, Stopped
from airflow_provider_lark.hooks.errors import airflow_errors, told
from airflow_provider_lark.hooks.parameters import read_seconds, read_text
from airflow_provider_lark.hooks.receiving.ended import closing_what_nobody_awaits
from airflow_provider_lark.operators.approvals.asking import PURPOSE, AskingOperator
from airflow_provider_lark.operators.approvals.outcome import Outcome, outcome_of
from airflow_provider_lark.operators.approvals.schedule import Step, next_step, read_steps
from airflow_provider_lark.operators.approvals.skipping import skip

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.hooks.receiving.questions import QuestionDesk
    from airflow_provider_lark.hooks.receiving.watching import Watch

T = TypeVar("T")

_TOLD_EACH = 60


class LarkApprovalOperator(AskingOperator, SkipMixin):
    """Asks people on a card, in Lark's approval centre (审批 → 待办) or both, and returns who decided what and when.

    It is one question, wherever people answer it. *Approve* lets the run go on, *Reject* skips what is downstream, as
    Airflow's ``ApprovalOperator`` does. It is asked once: a task that is tried again goes on with the question that is
    there, and a decision that was made meanwhile counts. Asked otherwise, or cleared, the task closes the old question
    and asks anew. Needs the token store, and a receiver: ``airflow lark receive``, or the api-server.

    Returns ``{"decision", "is_approved", "by", "answers": [{"open_id", "user_id", "union_id", "name", "answered_at",
    "choice", "values", "message_id", "via"}], "values", "question_id", "message_ids"}``: *by* is ``people`` or
    ``time-out``, *values* are those of the form of the last answer, *via* is ``card`` or ``centre``.

    :param receive_id: who gets a card, see :class:`.LarkSendMessageOperator`; default: nobody, with *centre*.
    :param centre: ask in the approval centre, too: True, or its settings, ``{"code", "name", "requester", "entries",
        "receiver_url"}``, see :class:`.InCentre`. Needs *allowed*, and two *options*.
    :param title: of the card, at most about 100 characters.
    :param body: Markdown below it.
    :param options: the answers.
    :param rejecting: those of *options* that reject.
    :param form: fields that are filled in with the answer: ``{"name": "reason", "type": "text", "required": True}``;
        types ``text``, ``multiline``, ``integer``, ``number``, ``option``, ``options``, ``date``, ``time``,
        ``datetime``, ``person``, ``persons``, ``checked``; members ``label``, ``options``, ``default``,
        ``placeholder``, ``minimum``, ``maximum``, ``max_length``. What is required is so for those who approve, and
        with ``"on_reject"`` for those who reject. The approval centre asks only for one that is named ``reason``.
    :param allowed: who may answer: ids, e-mail addresses, mobile numbers (``+86…``), a chat (``oc_…``) for its members,
        a department (``od-…``) for the people in it and below it, or a user group (``group:…``) for the people and
        departments in it, all as they are when the question is asked; default: everybody who sees the card, which says
        so.
    :param needed: how many have to make the same choice: a number, or ``all`` of *allowed*, of whom one can reject.
    :param response_timeout: how long people have; default: two weeks, as long as Lark lets a card be pressed.
    :param default: the answer when that time is over; default: the task fails.
    :param remind_after: after how long those who have not answered are reminded; or a list.
    :param remind_by: ``app``, ``sms`` or ``phone``; the latter two cost money.
    :param escalate_after: after how long others may answer too, and get the card.
    :param escalate_to: those people, as *allowed* names them.
    :param fail_on_reject: fail, and not skip what is downstream.
    :param ignore_downstream_trigger_rules: skip all that is downstream, whatever its trigger rule.
    :param poll_interval: seconds between two looks at the database.
    :param deferrable: wait in the triggerer and free the worker; by default as ``[operators] default_deferrable`` says.
    """

    template_fields: Sequence[str] = (
        *AskingOperator.template_fields,
        *("default", "poll_interval", "remind_after", "remind_by", "escalate_after", "escalate_to"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"body": "md", "form": "json"}
    inherits_from_skipmixin = True

    def __init__(
        self,
        *,
        default: str | None = None,
        remind_after: timedelta | float | Sequence[Any] | str | None = None,
        remind_by: Literal["app", "sms", "phone"] = "app",
        escalate_after: timedelta | float | str | None = None,
        escalate_to: Sequence[str] | str | None = None,
        fail_on_reject: bool = False,
        ignore_downstream_trigger_rules: bool = False,
        poll_interval: float | str = 2.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (escalate_after is None) != (escalate_to is None):
            raise ValueError("escalate_after and escalate_to: give both, or none")
        self.default = default
        self.remind_after = remind_after
        self.remind_by = remind_by
        self.escalate_after = escalate_after
        self.escalate_to = escalate_to
        self.fail_on_reject = fail_on_reject
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules
        self.poll_interval = poll_interval
        self.deferrable = deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, and wait for the decision."""
        with closing_what_nobody_awaits(self.open_hook, cast("Any", context), PURPOSE):
            with airflow_errors():
                self._check()
                desk, hook = self.open_desk(), self.open_hook()
                with hook.client(stop=self.stop_flag) as client:
                    question = self.ask(desk, hook, client, context)
            return self._wait(desk, question, context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the triggerer has waited, or could not."""
        with closing_what_nobody_awaits(self.open_hook, cast("Any", context), PURPOSE):
            return super().resume_execution(next_method, next_kwargs, context)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Go on after the triggerer has waited.

        :raises AirflowException: the question could not be looked at, time and again.
        """
        if event is None or event.get("status") != "success":
            answer = event or {}
            kind = AirflowFailException if answer.get("permanent") else AirflowException
            raise told(kind(str(answer.get("message") or "the trigger ended without a result")))
        with airflow_errors():
            desk = self.open_desk()
        question = self._patiently(partial(desk.questions.read, event["question_id"]))
        return self._wait(desk, question, context)

    def _wait(self, desk: QuestionDesk, question: Question, context: Context) -> dict[str, Any]:
        watch = self._patiently(partial(self._watch, question))
        while True:
            state, now_ms = self._patiently(watch.look)
            question = self._patiently(partial(desk.questions.read, question.id))
            with airflow_errors():
                step = next_step(self._steps(), question)
            if state == "open" and step is not None and step.at_ms <= now_ms:
                self._patiently(partial(self._take, step, desk, question))
                question = self._patiently(partial(desk.questions.read, question.id))
                watch = self._patiently(partial(self._watch, question))
                continue
            if state != "open":
                return self._finish(desk, question, context)
            if self.deferrable:
                self._defer(question, step)
            self._pause()

    def _patiently(self, act: Callable[[], T]) -> T:
        """Return what *act* returns, once it can: as in the triggerer, a database that is down ends nothing.

        :raises AirflowException: something is wrong that does not pass by itself; or the task is to stop.
        """
        failures = 0
        while True:
            with airflow_errors():
                try:
                    return act()
                except Stopped:
                    raise
                except RetriableError as exc:
                    failures += 1
                    if failures == 1 or failures % _TOLD_EACH == 0:
                        self.log.warning("the question waits, and is looked at again (%d failed): %s", failures, exc)
            self._pause()

    def _pause(self) -> None:
        from airflow_provider_lark.hooks.calls.calling import CallingHook

        with airflow_errors():
            self.stop_flag.sleep(CallingHook.clock, self._pause_seconds())

    def _watch(self, question: Question) -> Watch:
        from airflow_provider_lark.hooks.receiving.watching import Watch

        calls = self.call_settings
        return Watch(self.lark_conn_id, question.id, question.subjects, calls=calls, stop=self.stop_flag)

    def _defer(self, question: Question, step: Step | None) -> None:
        from airflow_provider_lark.triggers.callback import LarkCardCallbackTrigger

        self.defer(
            trigger=LarkCardCallbackTrigger(
                lark_conn_id=self.lark_conn_id,
                question_id=question.id,
                message_ids=question.subjects,
                wake_at_ms=None if step is None else step.at_ms,
                owns_cards=True,
                calls=self.call_settings,
                poll_interval_seconds=self._pause_seconds(),
                # a database that is down for a while ends nothing: people may take days
                max_failures=None,
            ),
            method_name="execute_complete",
        )

    def _take(self, step: Step, desk: QuestionDesk, question: Question) -> None:
        """Remind, or escalate; what fails is told, and not tried again."""
        from airflow_provider_lark.operators.approvals import steps

        if not desk.questions.has_clicks():
            self.log.warning(
                "no click on a card of this app has ever arrived: check that its callbacks are switched on in the "
                "developer console and published (`airflow lark doctor --events`)"
            )
        desk.questions.note_reminded(question.id, step.number)
        hook = self.open_hook()
        with hook.client(stop=self.stop_flag) as client:
            if step.kind == "remind":
                steps.remind(client, question, self.remind_by)
            else:
                steps.escalate(hook, client, desk, question, self.escalate_to)

    def _finish(self, desk: QuestionDesk, question: Question, context: Context) -> dict[str, Any]:
        if question.state in ("withdrawn", "replaced"):
            # somebody cleared the task while it waited, and this try has met the end of the one before
            return self.execute(context)
        outcome = outcome_of(question, self._default_choice())
        if not question.is_shown:
            self._patiently(partial(self._show, desk, question, outcome))
        self.sent_chat_id = question.cards[0][1] if question.cards else ""
        if outcome.decision is None:
            raise told(AirflowFailException(outcome.why))
        self.log.info("decided: %s, by %s", outcome.decision, outcome.by)
        result = outcome.to_plain(question)
        self._go_on_or_skip(outcome, result, context)
        return result

    def _show(self, desk: QuestionDesk, question: Question, outcome: Outcome) -> None:
        if outcome.ending is not None:
            # kept, so that it is also what somebody is told who presses later
            terms = replace(question.terms, ending=outcome.ending, ended_at_ms=question.closed_ms)
            desk.questions.change_terms(question.id, terms)
            question = desk.questions.read(question.id)
        with self.open_hook().client(stop=self.stop_flag) as client:
            desk.show(client, question)

    def _go_on_or_skip(self, outcome: Outcome, result: dict[str, Any], context: Context) -> None:
        if outcome.is_approved:
            return
        if self.fail_on_reject:
            raise told(AirflowFailException(f"rejected: {outcome.decision}, by {outcome.by}"))
        task, ti = cast("Any", context)["task"], cast("Any", context)["ti"]
        flat = self.ignore_downstream_trigger_rules
        found = task.get_flat_relatives(upstream=False) if flat else task.get_direct_relatives(upstream=False)
        skipped = [each for each in found if not each.is_teardown]
        if skipped:
            self.log.info("skipping %d tasks downstream", len(skipped))
            # skipping ends the task here, and what it returns would be lost
            ti.xcom_push(key="return_value", value=result)
            skip(self, ti, skipped)

    def _pause_seconds(self) -> float:
        return max(read_seconds(self.poll_interval, "poll_interval", longest=3600.0) or 0.0, 1.0)

    def _default_choice(self) -> str | None:
        return None if read_text(self.default) is None else str(self.default)

    def _steps(self) -> list[Step]:
        return read_steps(self.remind_after, self.escalate_after)

    def _check(self) -> None:
        """Refuse before the card is sent what would be found out days later."""
        self._steps()
        self._pause_seconds()
        default, options = self._default_choice(), self.choice_values()
        if default is not None and default not in options:
            raise ConfigError(f"default: {default!r} is not one of the options {', '.join(options)}")
        if self.remind_by not in ("app", "sms", "phone"):
            raise ConfigError(f"remind_by: expected app, sms or phone, got {self.remind_by!r}")
