"""Tasks that send, change and read messages: their connection, context and memory."""

from __future__ import annotations

import json
from types import SimpleNamespace


class StateStore(dict):
    """What Airflow keeps for a task instance over its tries: JSON by key."""

    def get(self, key, default=None):
        return json.loads(super().get(key, json.dumps(default)))

    def set(self, key, value, *, retention=None):
        self[key] = json.dumps(value)


def connect(monkeypatch, url, emulator, **extra):
    parts = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(parts | ({"extra": extra} if extra else {})))


def context(store=None, *, task_id="tell", run_id="manual__1", map_index=-1):
    ti = SimpleNamespace(dag_id="d", task_id=task_id, map_index=map_index)
    return {"ti": ti, "run_id": run_id} | ({} if store is None else {"task_state_store": store})


class Killed(BaseException):
    """What ends a task at once: nothing that catches errors catches it."""


class Reaper:
    """Kills at the n-th boundary: before and after each request, and each look into the state store."""

    def __init__(self):
        self.kill_at, self.count = None, 0

    def arm(self, kill_at):
        self.kill_at, self.count = kill_at, 0

    def around(self, function):
        def call(*args, **kwargs):
            self.tick()
            result = function(*args, **kwargs)
            self.tick()
            return result

        return call

    def tick(self):
        self.count += 1
        if self.count == self.kill_at:
            raise Killed
