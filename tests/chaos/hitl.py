"""People answer Airflow's own tasks on cards, in a real Airflow: how long it takes, and that kill -9 loses nothing.

All components run singly. A task asks through ``LarkHITLNotifier``, somebody presses the card on the emulator, the
api-server's receiver decides, ``lark_hitl_bridge`` passes it on from the triggerer, and the task ends. Then the same
with triggerer, scheduler and api-server killed between the click and the end.

    python -m tests.chaos.hitl --clicks 20
"""

from __future__ import annotations

import argparse
import sys
from time import monotonic

import httpx
from rich.console import Console

from tests.chaos.live.doors import open_door
from tests.chaos.live.figures import Figures, tell_load
from tests.chaos.live.presses import Presses, open_chat
from tests.chaos.live.processes import WORKERS
from tests.chaos.live.stage import KILLED, example, open_stage

DAG_FILE = """
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLEntryOperator
from airflow.sdk import DAG, Param

from airflow_provider_lark.notifications.hitl import LarkHITLNotifier

with DAG("pay", schedule=None):
    ApprovalOperator(
        task_id="approve", subject="Pay {{ run_id }}?", notifiers=[LarkHITLNotifier(receive_id="Approvals")]
    ) >> HITLEntryOperator(
        task_id="enter",
        subject="How much for {{ run_id }}?",
        params={"amount": Param(1, type="integer", minimum=1)},
        notifiers=[LarkHITLNotifier(receive_id="Approvals")],
    )
"""


class Scene(Presses):
    """Runs of ``pay``, whose tasks ask for an approval and for an amount."""

    def measure(self, number: int) -> float:
        """Answer both tasks of a run; return how long the approval took from the click to its end."""
        run_id = f"run-{number}"
        self.start(run_id)
        approval = self.wait_for_card(run_id, f"Pay {run_id}?")
        began = monotonic()
        self.press_until_counted(approval, "Approve")
        self.wait_for_end(run_id, "approve")
        took = monotonic() - began
        form = self.wait_for_card(run_id, f"How much for {run_id}?")
        self.press_until_counted(form, "OK", form={"amount": "7"})
        self.wait_for_end(run_id, "enter")
        value = self.result(run_id, "enter")
        if "'amount': 7" not in str(value) and '"amount": 7' not in str(value):
            raise AssertionError(value)
        self._wait_for_word(form)
        return took

    def kill(self, name: str) -> float:
        """Kill a process between the click and the end of the task, and return how long that took."""
        run_id = f"kill-{name.replace(' ', '-')}"
        self.start(run_id)
        approval = self.wait_for_card(run_id, f"Pay {run_id}?")
        began = monotonic()
        self.press_until_counted(approval, "Approve")
        self.stage.kill(name)
        self.stage.nap(1.0)
        self.stage.start_again(name)
        self.wait_for_end(run_id, "approve")
        took = monotonic() - began
        self._wait_for_word(approval)
        return took

    def _wait_for_word(self, message_id: str) -> None:
        self.stage.wait("the card is told", lambda: "Recorded in Airflow" in self.content(message_id))


def run(clicks: int, kills: bool, console: Console) -> None:
    """Measure, and kill."""
    dags = {"pay.py": DAG_FILE, "lark_hitl_bridge.py": example("lark_hitl_bridge")}
    with open_stage("hitl", console, dags) as stage, open_chat(stage) as (emulator, lin):
        stage.start()
        stage.unpause("pay", "lark_hitl_bridge")
        open_door("webhook", stage, emulator)
        scene = Scene(emulator, stage, lin, "pay")
        console.print(f"first answer: {scene.measure(0):.1f} s from the click to the end of the task")
        if clicks:
            took = Figures.of(scene.measure(each + 1) for each in range(clicks))
            console.print(f"{clicks} answers: {took} ({tell_load()})")
        for name in [each for each in KILLED if each not in WORKERS] if kills else ():
            seconds = scene.kill(name)
            console.print(f"kill -9 of the {name} after the click: not lost, the task ended after {seconds:.1f} s")


def main() -> int:
    """Measure; 1 when an answer was lost, or something ended by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--no-kills", action="store_true")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        run(given.clicks, not given.no_kills, console)
    except (TimeoutError, AssertionError, RuntimeError, httpx.HTTPError) as error:
        console.print(f"[red]✗[/] {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
