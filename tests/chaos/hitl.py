"""People answer Airflow's own tasks on cards, in a real Airflow: how long it takes, and that kill -9 loses nothing.

All components run singly. A task asks through ``LarkHITLNotifier``, somebody presses the card on the emulator, the
api-server's receiver decides, ``lark_hitl_bridge`` passes it on from the triggerer, and the task ends. Then the same
with triggerer, scheduler and api-server killed between the click and the end.

    python -m tests.chaos.hitl --clicks 20
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "dags" / "demo"))

import airflow_home
import httpx
import ui
from components import Components, free_port
from rest import AirflowApi
from rich.console import Console

from airflow_provider_lark.emulator import Emulator

PATIENCE_SECONDS = 1800.0
KEY, TOKEN = "encrypt key", "verification token"
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
COMPONENTS = {
    "triggerer": ("triggerer",),
    "scheduler": ("scheduler",),
    "api-server": ("api-server", "--host", "127.0.0.1", "--port"),
}


class Scene:
    """A running Airflow, and a person who presses cards."""

    def __init__(self, emulator: Emulator, lin: str, components: Components, url: str, password: str) -> None:
        self.emulator = emulator
        self.lin = lin
        self.components = components
        self.http = httpx.Client(base_url=url, timeout=60.0, trust_env=False)
        self.login = {"username": ui.USER, "password": password}
        self._nap = threading.Event()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        token = self.http.post("/auth/token", json=self.login).raise_for_status().json()["access_token"]
        sent = {"Authorization": f"Bearer {token}"}
        return self.http.request(method, f"/api/v2{path}", json=body, headers=sent).raise_for_status().json()

    def wait(self, what: str, is_so: Any) -> Any:
        end = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if found := is_so():
                    return found
            except httpx.HTTPError:
                # the api-server was killed: not yet
                pass
            if monotonic() > end:
                raise TimeoutError(what)
            self._nap.wait(0.1)

    def card(self, run_id: str, word: str) -> Any:
        """The card of a run's task that can be pressed."""
        cards = [each for each in self.emulator.messages if f"{word} {run_id}?" in each.content]
        return next((each for each in cards if '"callback"' in each.content), None)

    def press(self, run_id: str, word: str, label: str, **how: Any) -> str:
        """Press a card as soon as it is there, again while nobody answers; return its message."""

        def card_or_end() -> Any:
            if self.call("GET", f"/dags/pay/dagRuns/{run_id}")["state"] == "failed":
                raise AssertionError(f"{run_id} has failed")
            return self.card(run_id, word)

        card = self.wait(f"card of {run_id}", card_or_end)

        def is_recorded() -> bool:
            seen = self.emulator.clicks.press(card.message_id, self.lin, label=label, **how)
            said = str((seen["toast"] or {}).get("content"))
            return said.startswith(("Recorded", "Your answer was already"))

        self.wait(f"{label} is recorded", is_recorded)
        return str(card.message_id)

    def wait_for_state(self, run_id: str, task_id: str) -> str:
        path = f"/dags/pay/dagRuns/{run_id}/taskInstances/{task_id}"
        ended = ("success", "failed", "upstream_failed", "skipped")
        return str(
            self.wait(f"{task_id} of {run_id} ends", lambda: (s := self.call("GET", path)["state"]) in ended and s)
        )

    def start(self, run_id: str) -> None:
        self.wait("a run", lambda: self.call("POST", "/dags/pay/dagRuns", {"dag_run_id": run_id, "logical_date": None}))

    def measure(self, number: int) -> float:
        """Answer both tasks of a run; return how long the approval took from the click to its end."""
        run_id = f"run-{number}"
        self.start(run_id)
        self.wait(f"{run_id} waits", lambda: self.card(run_id, "Pay"))
        self.press(run_id, "Pay", "Approve")
        began = monotonic()
        self._expect(run_id, "approve")
        took = monotonic() - began
        message = self.press(run_id, "How much for", "OK", form={"amount": "7"})
        self._expect(run_id, "enter")
        value = self.call("GET", f"/dags/pay/dagRuns/{run_id}/taskInstances/enter/xcomEntries/return_value")["value"]
        if "'amount': 7" not in str(value) and '"amount": 7' not in str(value):
            raise AssertionError(value)
        self.wait("the card is told", lambda: "Recorded in Airflow" in self._content(message))
        return took

    def kill(self, name: str, port: str) -> float:
        """Kill a component between the click and the end of the task, and return how long that took."""
        run_id = f"kill-{name}"
        self.start(run_id)
        message = self.press(run_id, "Pay", "Approve")
        began = monotonic()
        child = self.components._running[name]
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        self._nap.wait(1.0)
        self.components.start(name, *COMPONENTS[name], *((port,) if name == "api-server" else ()))
        self._expect(run_id, "approve")
        took = monotonic() - began
        self.wait("the card is told", lambda: "Recorded in Airflow" in self._content(message))
        return took

    def _expect(self, run_id: str, task_id: str) -> None:
        state = self.wait_for_state(run_id, task_id)
        if state != "success":
            raise AssertionError(f"{task_id} of {run_id}: {state}")

    def _content(self, message_id: str) -> str:
        return str(next(each.content for each in self.emulator.messages if each.message_id == message_id))


def run(clicks: int, kills: bool, console: Console) -> None:
    home, address, password = ui.configure(
        "hitl",
        scheduler__task_instance_heartbeat_timeout="30",
        scheduler__task_instance_heartbeat_timeout_detection_interval="5",
        scheduler__orphaned_tasks_check_interval="15",
    )
    dags = home / "dags"
    dags.mkdir(exist_ok=True)
    (dags / "pay.py").write_text(DAG_FILE)
    (dags / "lark_hitl_bridge.py").write_text((airflow_home.DAGS / "lark_hitl_bridge.py").read_text())
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
    with (
        Emulator(port=free_port(8787)) as emulator,
        Components(home) as components,
        closing(AirflowApi(address, ui.USER, password)) as api,
    ):
        lin = emulator.state.add_user("Lin", "lin@example.com").open_id
        emulator.state.add_chat("Approvals", [lin])
        emulator.switches.ack_seconds = 60.0
        store = home / "store.db"
        store.unlink(missing_ok=True)
        extra = {"store_conn_id": "lark_store", "event_encrypt_key_secret": KEY, "event_verification_token": TOKEN}
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        airflow_home.set_connections(
            {
                "lark_default": lark | {"extra": json.dumps(extra)},
                "lark_store": {"conn_type": "sqlite", "host": str(store)},
                "airflow_api": {"conn_type": "http", "host": address, "login": ui.USER, "password": password},
            }
        )
        screen = ui.Ui(console, components, threading.Event())
        ui.start_airflow(components, address)
        screen.wait_for("Airflow is healthy", lambda: not api.find_unhealthy(), seconds=PATIENCE_SECONDS)
        api.log_in()
        for dag_id in ("pay", "lark_hitl_bridge"):
            screen.wait_for(f"{dag_id} is there", lambda dag_id=dag_id: api.has_dag(dag_id), seconds=PATIENCE_SECONDS)
            api.unpause(dag_id)
        url = f"{address}/lark/events/lark_default"
        emulator.state.set_callback_url(emulator.app_id, url, encrypt_key=KEY, verification_token=TOKEN, verify=False)
        scene = Scene(emulator, lin, components, address, password)
        console.print(f"first answer: {scene.measure(0):.1f} s from the click to the end of the task")
        took = sorted(scene.measure(each + 1) for each in range(clicks))
        if took:
            p50, p95 = statistics.median(took), took[int(0.95 * len(took))]
            load = os.getloadavg()[0]
            console.print(f"{clicks} answers: p50 {p50:.2f} s, p95 {p95:.2f} s, max {took[-1]:.2f} s (load {load:.1f})")
        for name in COMPONENTS if kills else ():
            seconds = scene.kill(name, address.rpartition(":")[2])
            console.print(f"kill -9 of the {name} after the click: not lost, the task ended after {seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--no-kills", action="store_true")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        run(given.clicks, not given.no_kills, console)
    except (TimeoutError, AssertionError, ui.Stopped, httpx.HTTPError) as error:
        console.print(f"[red]✗[/] {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
