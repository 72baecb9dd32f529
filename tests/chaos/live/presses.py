"""A person who presses cards that tasks of a running Airflow have sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from airflow_provider_lark.emulator import Emulator
from tests.chaos.live.stage import Stage

sys.path.insert(0, str(Path(__file__).parents[3] / "dags" / "demo"))

import airflow_home
import ui
from world import APPROVALS, EVENT_KEY

COUNTED: Final = ("Recorded", "Your answer was already", "Received")
"""What a toast begins with when the press counts, or will."""


class Presses:
    """A person in the chat :data:`APPROVALS`, who presses as the emulator's page does.

    :param dag_id: of which runs are started; their cards name the run.
    """

    def __init__(self, emulator: Emulator, stage: Stage, lin: str, dag_id: str) -> None:
        self.emulator = emulator
        self.stage = stage
        self.lin = lin
        self.dag_id = dag_id
        self._http = httpx.Client(base_url=emulator.url, timeout=90.0, trust_env=False)

    def start(self, run_id: str) -> None:
        """Start a run."""
        given = {"dag_run_id": run_id, "logical_date": None}
        self.stage.wait(f"{run_id} is made", lambda: self.stage.call("POST", f"/dags/{self.dag_id}/dagRuns", given))

    def cards(self, words: str) -> list[Any]:
        """Return the cards with these words on them, oldest first."""
        return [each for each in self.emulator.messages if each.msg_type == "interactive" and words in each.content]

    def wait_for_card(self, run_id: str, words: str) -> str:
        """Wait until a card with these words can be pressed, and return its message.

        :raises AssertionError: the run has failed.
        """

        def look() -> str | None:
            if self.state(run_id) == "failed":
                raise AssertionError(f"{run_id} has failed")
            return next((each.message_id for each in self.cards(words) if '"callback"' in each.content), None)

        return str(self.stage.wait(f"the card of {run_id}", look))

    def press(self, message_id: str, label: str, **filled: Any) -> str:
        """Press a button once, and return what the person reads."""
        given = {"message_id": message_id, "open_id": self.lin, "label": label, **filled}
        seen = self._http.post("/_emulator/click", json=given).raise_for_status().json()["result"]
        return str(seen["error"] or (seen["toast"] or {}).get("content"))

    def press_until_counted(self, message_id: str, label: str, **filled: Any) -> int:
        """Press, and again as the person is asked to; return how often it took."""
        read: list[str] = []

        def is_counted() -> bool:
            read.append(self.press(message_id, label, **filled))
            return read[-1].startswith(COUNTED)

        self.stage.wait(f"{label} counts", is_counted, every_seconds=0.5)
        return len(read)

    def state(self, run_id: str, task_id: str | None = None) -> str:
        """Return the state of a run, or of its task, by Airflow's database; an empty text while it has none."""
        table, more = ("dag_run", "") if task_id is None else ("task_instance", " AND task_id = ?")
        values = (self.dag_id, run_id) if task_id is None else (self.dag_id, run_id, task_id)
        found = self.stage.ask(f"SELECT state FROM {table} WHERE dag_id = ? AND run_id = ?{more}", *values)
        return str(found[0][0] or "") if found else ""

    def wait_for_end(self, run_id: str, task_id: str | None = None) -> None:
        """Wait until a run, or its task, has ended well.

        :raises AssertionError: it has ended otherwise.
        """
        ended = ("success", "failed", "upstream_failed", "skipped")
        what = f"{task_id or 'all'} of {run_id}"
        self.stage.wait(f"{what} ends", lambda: self.state(run_id, task_id) in ended)
        if (state := self.state(run_id, task_id)) != "success":
            raise AssertionError(f"{what}: {state}")

    def result(self, run_id: str, task_id: str) -> Any:
        """Return what a task has returned."""
        path = f"/dags/{self.dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.stage.wait("the result", lambda: self.stage.call("GET", path))["value"]

    def content(self, message_id: str) -> str:
        """Return what a card shows now."""
        return str(next(each.content for each in self.emulator.messages if each.message_id == message_id))


@contextmanager
def open_chat(stage: Stage) -> Iterator[tuple[Emulator, str]]:
    """Start an emulator with the chat and a person in it, and give Airflow the connections ``lark_default`` to it and
    ``airflow_api`` to itself."""
    with Emulator() as emulator:
        lin = emulator.state.add_user("Lin", "lin@example.com").open_id
        emulator.state.add_chat(APPROVALS, [lin])
        # a busy machine answers late
        emulator.switches.ack_seconds = 60.0
        store = stage.home / "lark_store.db"
        for old in stage.home.glob(f"{store.name}*"):
            old.unlink()
        extra = {"store_conn_id": "lark_store", "event_encrypt_key_secret": EVENT_KEY}
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        airflow_home.set_connections(
            {
                "lark_default": lark | {"extra": json.dumps(extra)},
                "lark_store": {"conn_type": "sqlite", "host": str(store)},
                "airflow_api": {"conn_type": "http", "host": stage.url, "login": ui.USER, "password": stage.password},
            }
        )
        yield emulator, lin
