"""A team that decides in the approval centre: the emulator, a receiver, a store, and a connection to all of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager

import uvicorn
from cryptography.fernet import Fernet

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.doors.web_app import Receiver, make_app


class Team:
    """People, and what they do.

    :param url: where the receiver answers.
    """

    def __init__(self, emulator, url):
        self.emulator = emulator
        self.url = url
        self.people = {
            name: emulator.state.add_user(name.title(), f"{name}@example.com") for name in ("lin", "wei", "bob")
        }

    def instances(self):
        with self.emulator.state.lock:
            return self.emulator.state.approvals.all()

    def wait_for(self, is_so):
        clock = SystemClock()
        give_up = clock.monotonic() + 120
        while not (found := is_so()):
            assert clock.monotonic() < give_up
            clock.sleep(0.02)
        return found

    def press(self, action="APPROVE", *, who="lin", by=None, reason=""):
        """Let somebody press a button of the newest instance, as soon as there is one that waits."""

        def task():
            waiting = [each for each in self.instances() if each.status == "PENDING"]
            mine = [
                (each.instance_id, one.task_id)
                for each in waiting
                for one in each.tasks.values()
                if one.open_id == self.people[who].open_id
            ]
            return mine[-1] if mine else None

        instance_id, task_id = self.wait_for(task)
        presser = None if by is None else self.people[by].open_id
        return self.emulator.decisions.press(instance_id, task_id, action, reason=reason, by=presser)


@contextmanager
def running_team(emulator, tmp_path, monkeypatch):
    """Run a receiver in a thread, with a connection that has everything a question needs."""
    from airflow_provider_lark.hooks.receiving.inbox import open_served

    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", Fernet.generate_key().decode())
    store = {"conn_type": "sqlite", "host": str(tmp_path / "store.db")}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_STORE", json.dumps(store))
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    lark["extra"] = {"store_conn_id": "lark_store", "event_encrypt_key_secret": "encrypt key"}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", url)
    receiver = Receiver({"lark_default": open_served("lark_default")})
    server = uvicorn.Server(uvicorn.Config(make_app(receiver), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    try:
        yield Team(emulator, url)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        receiver.close()
        sock.close()
