"""A task that sends, killed with SIGKILL in its own process at a boundary, and its second try."""

from __future__ import annotations

import json
import os
import signal
from textwrap import dedent

from tests.skin.task_process import run_task

#: what is sent, to whom, and how many messages that makes; the number makes it another message each time
SENDS = {
    "text to a group by name": ('receive_id="Team", text="kill {number}"', 1),
    "card to two": ('receive_id=["Team", "ann@example.com"], markdown="kill {number}"', 2),
    "file": ('receive_id="Team", file="{folder}/kill {number}.txt"', 1),
}
_DAG = """
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.message import LarkSendMessageOperator

    with DAG("made_in_a_test", schedule=None):
        LarkSendMessageOperator(task_id="tell", {parameters})
"""
# not of the send: the one that names the process, and those that come when they come
_OTHERS = frozenset({"run", "heartbeat"})


class Killer:
    """Counts the boundaries of a task's calls, to Lark and to Airflow, and kills its process at one.

    :param strikes: told of each boundary, its number from 1 and ``before`` or ``after`` with the call.
    :ivar place: where it was killed; empty: it was not.
    """

    def __init__(self, strikes=lambda number, place: False):
        self.strikes = strikes
        self.count = self.pid = 0
        self.place = ""

    def on_airflow(self, step, body):
        if step == "run":
            self.pid = json.loads(body)["pid"]
        if step not in _OTHERS:
            self._tick(f"airflow {step}")

    def on_lark(self, request):
        self._tick(f"{request.method} {request.path}")
        # whoever is dead sends nothing more
        return bool(self.place)

    def _tick(self, call):
        self.count += 1
        place = f"{'before' if self.count % 2 else 'after'} {call}"
        if not self.place and self.strikes(self.count, place):
            self.place = place
            os.kill(self.pid, signal.SIGKILL)


class Sender:
    """Runs tries of the task against an emulator with hands on every request."""

    def __init__(self, monkeypatch, folder, arena):
        self.monkeypatch, self.folder, self.arena = monkeypatch, folder, arena
        self.connections = {"lark_default": {"host": arena.url, "login": arena.app_id, "password": arena.app_secret}}
        arena.state.add_chat("Team", [arena.state.add_user("Ann", "ann@example.com").open_id])

    def kill_once(self, send, number, strikes):
        """Kill the first try at a boundary and let a second one end; return where, or nothing when it survived.

        :raises AssertionError: a message is missing, is there twice, or is not the one that the task tells of.
        """
        parameters, wanted = SENDS[send]
        before = len(self.arena.messages)
        (self.folder / f"kill {number}.txt").write_text(f"kill {number}", encoding="utf-8")
        source = dedent(_DAG).format(parameters=parameters.format(number=number, folder=self.folder))
        store, killer = {}, Killer(strikes)
        told = self._try(source, store, killer, 1)
        if killer.place:
            told = self._try(source, store, Killer(), 2)
        made = [each.message_id for each in self.arena.messages[before:]]
        assert len(made) == wanted, f"{send}, killed {killer.place}: {len(made)} messages, not {wanted}"
        assert all(each in told for each in made), f"{send}, killed {killer.place}: the task tells of other messages"
        return killer.place

    def _try(self, source, store, killer, number):
        self.arena.before = self.arena.after = killer.on_lark
        given = {"retries": 1, "try_number": number, "store": store, "on_call": killer.on_airflow, "level": "INFO"}
        run = run_task(self.monkeypatch, self.folder, source, "tell", self.connections, **given)
        return "\n".join(run.told.get("xcom", ()))
