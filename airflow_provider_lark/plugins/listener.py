"""Tells of tasks and runs that fail anywhere in the installation, and of their recovery.

In the process of a task it tells before the process ends, within the notifier's nine seconds. Elsewhere (the scheduler
tells of runs and of tasks whose process was lost, the API server of what people mark) it hands over to a thread, and
no error of its own ever reaches Airflow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker

from airflow_provider_lark.plugins.notify_settings import NotifySettings

if TYPE_CHECKING:
    from airflow_provider_lark.notifications.context import Occasion
    from airflow_provider_lark.plugins.outbox import Outbox
    from airflow_provider_lark.plugins.quiet_notifier import QuietNotifier

log = logging.getLogger(__name__)
hookimpl = HookimplMarker("airflow")


class NotifyListener:
    """Listens where *settings* want it."""

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings
        self._outbox: Outbox | None = None

    @hookimpl
    def on_starting(self, component: Any) -> None:
        """Import, before the scheduler's loop begins, what the thread needs.

        The scheduler forks its workers at any time, and one that is made while a thread imports a module waits for
        ever when it imports the same.
        """
        if getattr(component, "job_type", None) == "SchedulerJob":
            _safely(_import_what_sends)

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """Tell of a try that failed, if it is to be told."""
        _safely(lambda: self._task(task_instance, previous_state, {"exception": error}))

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """Tell of a task that has recovered: one that made it at its first try, and by itself, has nothing to."""
        is_first = previous_state is not None and getattr(task_instance, "try_number", 1) == 1
        if self._settings.dedupe is not None and not is_first:
            _safely(lambda: self._task(task_instance, previous_state, {}))

    @hookimpl
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:
        """Tell of a task that failed before and was skipped then: nothing is wrong with it any more."""
        self.on_task_instance_success(previous_state, task_instance)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Tell of a run that failed."""
        if "run_failed" in self._settings.occasions:
            _safely(lambda: self._run(dag_run, msg))

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Tell of a run that has recovered: it has a card only if it failed before."""
        # by hand, or cleared; whose tasks only took several tries has recovered with them
        is_first = msg == "success" and not getattr(dag_run, "clear_number", 0)
        if self._settings.dedupe is not None and not is_first:
            _safely(lambda: self._run(dag_run, "success"))

    @hookimpl
    def before_stopping(self, component: Any) -> None:
        """Let what waits be told, for five seconds at most."""
        if (outbox := self._outbox) is not None:
            _safely(outbox.drain)

    def _task(self, task_instance: Any, previous_state: Any, more: Mapping[str, Any]) -> None:
        if not self._settings.includes(task_instance.dag_id, task_instance.task_id):
            return
        task = getattr(task_instance, "task", None)
        context = {
            "ti": task_instance,
            "task": task,
            "dag": getattr(task, "dag", None),
            "run_id": task_instance.run_id,
            **more,
        }
        is_in_task = type(task_instance).__module__.startswith("airflow.sdk.")
        # of what people mark, Airflow tells no state before
        self._tell(context, is_in_task=is_in_task, by_hand=previous_state is None)

    def _run(self, dag_run: Any, reason: str) -> None:
        if self._settings.includes(dag_run.dag_id):
            context = {"dag_run": dag_run, "dag": getattr(dag_run, "dag", None), "run_id": dag_run.run_id}
            self._tell({**context, "reason": reason}, is_in_task=False)

    def _tell(self, context: Mapping[str, Any], *, is_in_task: bool, by_hand: bool = False) -> None:
        from airflow_provider_lark.notifications.context import is_bad, read_occasion
        from airflow_provider_lark.notifications.run_states import ask_about_run

        # now: what belongs to a session of the scheduler may be changed or gone when the thread comes to it
        occasion = replace(read_occasion(context), by_hand=by_hand)
        if is_bad(occasion) and occasion.kind not in self._settings.occasions:
            return
        notifier = self._notifier()
        if is_in_task:
            from airflow_provider_lark.notifications.base import BUDGET_SECONDS

            asked = ask_about_run(occasion, context, also_good=self._settings.dedupe is not None)
            notifier.deliver(asked, BUDGET_SECONDS)
        else:
            self._hand_over(notifier, occasion)

    def _hand_over(self, notifier: QuietNotifier, occasion: Occasion) -> None:
        from airflow_provider_lark.notifications.base import BUDGET_SECONDS
        from airflow_provider_lark.plugins.outbox import Outbox
        from airflow_provider_lark.plugins.run_rows import with_states

        if self._outbox is None:
            self._outbox = Outbox()
        self._outbox.put(lambda: notifier.deliver(with_states(occasion), BUDGET_SECONDS))

    def _notifier(self) -> QuietNotifier:
        from airflow_provider_lark.plugins.quiet_notifier import QuietNotifier

        settings = self._settings
        return QuietNotifier(dedupe=settings.dedupe, mention_owner=settings.mention_owner, locale=settings.locale)


def _import_what_sends() -> None:
    from airflow_provider_lark.notifications.lark import SENDS_WITH
    from airflow_provider_lark.notifications.within import load

    load(SENDS_WITH)
    load(
        (
            "airflow_provider_lark.hooks.database",
            "airflow_provider_lark.notifications.alert_delivery",
            "airflow_provider_lark.plugins.outbox",
            "airflow_provider_lark.plugins.quiet_notifier",
            "airflow_provider_lark.plugins.run_rows",
        )
    )


def _safely(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as exc:  # noqa: BLE001 - Airflow's own loop is behind this
        log.warning("a notification could not be prepared: %s", type(exc).__name__)
