"""Automations of a base at work: a thread of its own that sends their HTTP requests (lark-api §4.8)."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_provider_lark.emulator.state import workflows
from airflow_provider_lark.emulator.state.accounts import Accounts
from airflow_provider_lark.emulator.tenant.changes import Announcement, RecordsChanged
from airflow_provider_lark.emulator.tenant.endpoint import Post, Unacknowledged
from airflow_provider_lark.emulator.tenant.workflows import Step, Workflow

ANSWER_SECONDS: Final = 10.0
MAX_LOGGED: Final = 10_000


@dataclass
class Run:
    """One run of an automation for one record.

    :param status: of the answer; 0: none came.
    """

    workflow_id: str
    record_id: str
    url: str
    body: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    state: Literal["waiting", "done", "failed"] = "waiting"
    status: int = 0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON, without what it carries."""
        names = ("workflow_id", "record_id", "url", "state", "status", "error")
        return {name: getattr(self, name) for name in names}


class Automations:
    """Starts automations, and sends their requests one after the other, each once."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._log: deque[Run] = deque(maxlen=MAX_LOGGED)
        self._waiting: deque[Run] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._post: Post | None = None
        self._is_sending = False
        self._begun = 0

    def start(self) -> None:
        """Begin to send."""
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="emulator-automations", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, also in the middle of a request; what waits goes on after a start."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._post is not None:
                self._post.cut()
        thread.join(timeout=10)

    def clear(self) -> None:
        """Forget every run."""
        with self._changed:
            self._log.clear()
            self._waiting.clear()
            self._begun = 0
            self._changed.notify_all()

    def log(self) -> list[Run]:
        """All runs, oldest first."""
        with self._changed:
            return list(self._log)

    def settle(self, timeout_seconds: float = 10.0) -> None:
        """Wait until every request was sent.

        :raises TimeoutError: it was not within *timeout_seconds* of real time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._waiting and not self._is_sending, timeout_seconds):
                msg = f"automations still run after {timeout_seconds:g} s"
                raise TimeoutError(msg)

    def announce(self, news: Announcement) -> None:
        """Start what the change of records starts. Under the lock of the state."""
        if not isinstance(news, RecordsChanged):
            return
        switches = self._accounts.switches
        for workflow, trigger in workflows.started(news.base, news.table, news.how, switches):
            for change in news.records:
                # no trigger tells of a delete
                if change.after is not None and workflows.meets(news.table, trigger, change.after):
                    self._begin(workflow, trigger, change.record_id)

    def _begin(self, workflow: Workflow, trigger: Step, record_id: str) -> None:
        most = self._accounts.switches.max_workflow_runs
        if most is not None and self._begun >= most:
            return
        self._begun += 1
        outputs = {"recordId": record_id, "startTime": str(int(self._accounts.clock.now() * 1000))}
        step: Step | None = trigger
        # steps may lead back to one another
        for _ in workflow.steps:
            step = None if step is None else workflow.after(step)
            if step is not None and step["type"] == workflows.HTTP:
                self._add(workflow, step["data"], outputs)

    def _add(self, workflow: Workflow, data: dict[str, Any], outputs: dict[str, str]) -> None:
        headers = {each["key"]: workflows.render(each["value"], outputs) for each in data.get("headers") or []}
        url, body = (workflows.render(data.get(name) or [], outputs) for name in ("url", "raw_body"))
        run = Run(workflow.workflow_id, outputs["recordId"], url, body, headers)
        with self._changed:
            self._log.append(run)
            self._waiting.append(run)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                run, self._is_sending = self._waiting.popleft(), True
            self._send(run)

    def _send(self, run: Run) -> None:
        try:
            with self._changed:
                post = self._post = Post(run.url)
            run.status, _ = post.send(run.body.encode("utf-8", "replace"), run.headers, timeout_seconds=ANSWER_SECONDS)
            run.state = "done" if run.status < 400 else "failed"
            run.error = "" if run.state == "done" else f"{run.url} answered HTTP {run.status}"
        except (Unacknowledged, ValueError) as error:
            run.state, run.error = "failed", str(error)
        with self._changed:
            self._post, self._is_sending = None, False
            self._changed.notify_all()
