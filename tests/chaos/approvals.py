"""From a click on a card to the task that goes on, in a real Airflow: how long, and that kill -9 loses nothing.

All components run singly. A task asks on a card and waits in the triggerer; somebody presses the card on the emulator;
the receiver decides, the triggerer sees it, and the task runs again. Then each process is killed in turn while a
question waits, the card is pressed while it is dead, and it is started again; and tasks are killed while they ask, and
while they go on. Each question is asked once, answered once, and its card is closed:

    python -m tests.chaos.approvals --clicks 20 --by webhook,standalone,long-connection
"""

from __future__ import annotations

import argparse
import random
import sys
from itertools import pairwise
from typing import Final

import httpx
from rich.console import Console

from airflow_provider_lark.core.clock import SystemClock
from tests.chaos.live.doors import RECEIVING, killed_with, open_door
from tests.chaos.live.figures import Figures, tell_load, tell_steps
from tests.chaos.live.presses import Presses, open_chat
from tests.chaos.live.processes import WORKERS
from tests.chaos.live.stage import KILLED, open_stage, seconds_of

DAG_FILES: Final = {
    "approval": """
from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_provider_lark.operators.approval import LarkApprovalOperator

RETRIES = {"retries": 5, "retry_delay": timedelta(seconds=2)}

with DAG("ask", schedule=None, default_args=RETRIES):

    @task
    def go_on():
        return "went on"

    LarkApprovalOperator(
        task_id="ask", receive_id="Approvals", title="Go on with {{ run_id }}?", deferrable=True
    ) >> go_on()
""",
    "sensor": """
from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_provider_lark.operators.message import LarkSendMessageOperator
from airflow_provider_lark.sensors.callback import LarkCardCallbackSensor

RETRIES = {"retries": 5, "retry_delay": timedelta(seconds=2)}
BUTTON = {
    "tag": "button",
    "text": {"tag": "plain_text", "content": "Approve"},
    "behaviors": [{"type": "callback", "value": {"choice": "Approve"}}],
}
TEXT = {"tag": "markdown", "content": "Go on with {{ run_id }}?"}
CARD = {"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": [TEXT, BUTTON]}}

with DAG("ask", schedule=None, default_args=RETRIES):

    @task
    def go_on():
        return "went on"

    sent = LarkSendMessageOperator(task_id="send", receive_id="Approvals", card=CARD)
    LarkCardCallbackSensor(task_id="ask", message_id=sent.output, deferrable=True) >> go_on()
""",
}
STEPS: Final = (
    "click to toast: emulator, receiver",
    "toast to fired trigger: looks every few seconds",
    "trigger to queued task: scheduler",
    "queued to running task: worker starts it",
    "running task to its end: imports, card",
    "end to the next task running: scheduler, worker",
)


class Scene(Presses):
    """Questions of the task ``ask``, each in a run of its own."""

    clock = SystemClock()

    def wait_for_question(self, run_id: str) -> str:
        """Start a run, and wait until its task waits in the triggerer; return its card."""
        self.start(run_id)
        message_id = self.wait_for_card(run_id, f"with {run_id}?")
        sql = (
            "SELECT 1 FROM task_instance i JOIN trigger t ON t.id = i.trigger_id"
            " WHERE i.run_id = ? AND i.state = 'deferred' AND t.triggerer_id IS NOT NULL"
        )
        self.stage.wait(f"{run_id} waits", lambda: self.stage.ask(sql, run_id))
        return message_id

    def measure(self, run_id: str) -> tuple[float, ...]:
        """Answer a question, and return how long each of :data:`STEPS` took."""
        message_id = self.wait_for_question(run_id)
        # at any moment between two looks of the trigger
        self.stage.nap(random.uniform(0.0, 5.0))
        pressed = self.clock.now()
        self.press_until_counted(message_id, "Approve")
        told = self.clock.now()
        self.wait_for_end(run_id)
        self.check(run_id, message_id)
        ((fired, queued, ended),) = self.stage.ask(
            "SELECT scheduled_dttm, queued_dttm, end_date FROM task_instance WHERE run_id = ? AND task_id = 'ask'",
            run_id,
        )
        running = {
            task_id: seconds_of(at)
            for task_id, at in self.stage.ask(
                "SELECT task_id, max(dttm) FROM log WHERE event = 'running' AND run_id = ? GROUP BY task_id", run_id
            )
        }
        marks = (pressed, told, *map(seconds_of, (fired, queued)), running["ask"], seconds_of(ended), running["go_on"])
        return tuple(after - before for before, after in pairwise(marks))

    def check(self, run_id: str, message_id: str) -> None:
        """Check that it was asked once and answered once, and that the card is closed.

        :raises AssertionError: it is not so.
        """
        cards = self.cards(f"with {run_id}?")
        if [each.message_id for each in cards] != [message_id]:
            raise AssertionError(f"{run_id}: asked on {len(cards)} cards")
        found = self.result(run_id, "ask")
        answers = found.get("answers", [found])
        if [each["choice"] for each in answers] != ["Approve"]:
            raise AssertionError(f"{run_id}: {answers}")
        self.stage.wait(f"the card of {run_id} is closed", lambda: '"callback"' not in self.content(message_id))

    def kill_waiting(self, name: str) -> tuple[float, int]:
        """Kill a process while a question waits, press the card while it is dead, start it again; return how long the
        run took from the first press to its end, and how often the person had to press."""
        run_id = f"kill-{name.replace(' ', '-')}"
        message_id = self.wait_for_question(run_id)
        self.stage.kill(name)
        began = self.clock.now()
        presses = 1
        is_counted = self.press(message_id, "Approve").startswith("Recorded")
        self.stage.nap(5.0)
        self.stage.start_again(name)
        if not is_counted:
            presses += self.press_until_counted(message_id, "Approve")
        self.wait_for_end(run_id)
        self.check(run_id, message_id)
        return self.clock.now() - began, presses

    def kill_asking(self, name: str, seconds: float) -> None:
        """Kill a worker *seconds* after it has begun to ask."""
        run_id = f"kill-{name}-asks-{seconds:g}"
        self.start(run_id)
        self._kill_amid(name, seconds)
        message_id = self.wait_for_card(run_id, f"with {run_id}?")
        self.press_until_counted(message_id, "Approve")
        self.wait_for_end(run_id)
        self.check(run_id, message_id)

    def kill_going_on(self, name: str, seconds: float) -> None:
        """Kill a worker *seconds* after its task has begun to go on."""
        run_id = f"kill-{name}-goes-on-{seconds:g}"
        message_id = self.wait_for_question(run_id)
        self.press_until_counted(message_id, "Approve")
        self._kill_amid(name, seconds)
        self.wait_for_end(run_id)
        self.check(run_id, message_id)

    def _kill_amid(self, name: str, seconds: float) -> None:
        tasks = self.stage.wait("a worker is amid a task", self.stage.running_tasks, every_seconds=0.02)
        self.stage.nap(seconds)
        # the task may have ended meanwhile: then nobody is killed
        self.stage.processes.kill_worker(name, tasks)


def run(by: str, asks: str, clicks: int, kills: bool, console: Console) -> None:
    """Measure one way, and kill."""
    console.print(f"[bold]{by}[/], {asks}")
    with (
        open_stage("approvals", console, {"ask.py": DAG_FILES[asks]}, receives=by == "webhook") as stage,
        open_chat(stage) as (emulator, lin),
    ):
        stage.start()
        stage.unpause("ask")
        open_door(by, stage, emulator)
        scene = Scene(emulator, stage, lin, "ask")
        console.print(f"first answer: {sum(scene.measure('run-0')[:4]):.1f} s from the click to the running task")
        steps = [scene.measure(f"run-{each + 1}") for each in range(clicks)]
        if steps:
            to_running = Figures.of(sum(each[:4]) for each in steps)
            console.print(f"{by}, {asks}: {clicks} clicks to the running task: {to_running} ({tell_load()})")
            console.print(f"  to the next task running: {Figures.of(map(sum, steps))}")
            console.print("\n".join(tell_steps(STEPS, steps)), markup=False)
        if not kills:
            return
        for name in (*killed_with(by), *(each for each in KILLED if each not in WORKERS)):
            seconds, presses = scene.kill_waiting(name)
            console.print(
                f"{by}, {asks}: kill -9 of the {name} while a question waits: answered once, {seconds:.1f} s from the "
                f"first of {presses} presses to the end of the run ({tell_load()})"
            )
        for name in WORKERS:
            for each in (0.0, 1.0, 2.0):
                scene.kill_asking(name, each)
                scene.kill_going_on(name, each)
            console.print(f"{by}, {asks}: kill -9 of the {name} that asks or goes on, 6 times: asked and answered once")


def main() -> int:
    """Measure each way; 1 when an answer was lost, or something ended by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--no-kills", action="store_true")
    parser.add_argument("--by", default="webhook", help=f"some of {','.join(RECEIVING)}")
    parser.add_argument("--asks", default="approval,sensor", help=f"some of {','.join(DAG_FILES)}")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    ways, asks = given.by.split(","), given.asks.split(",")
    if unknown := (set(ways) - set(RECEIVING)) | (set(asks) - set(DAG_FILES)):
        parser.error(f"unknown {sorted(unknown)}; known: {', '.join((*RECEIVING, *DAG_FILES))}")
    try:
        for by in ways:
            for each in asks:
                run(by, each, given.clicks, not given.no_kills, console)
    except (TimeoutError, AssertionError, RuntimeError, httpx.HTTPError) as error:
        console.print(f"[red]✗[/] {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
