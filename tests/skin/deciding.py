"""People who answer tasks: a chat, the approval centre, an app that hears of both, and the database that decides."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from tests.skin.message_tasks import connect

RING = "A" * 43 + "="
KEY, TOKEN = "encrypt key", "verification token"


class Decisions:
    """A chat with Lin, Wei and Ann; *press* lets one of them press a button of a card, *decide* one in the centre."""

    def __init__(self, emulator, store):
        self.emulator = emulator
        self.store_path = store
        people = {name: emulator.state.add_user(name, f"{name.lower()}@example.com") for name in ("Lin", "Wei", "Ann")}
        self.people = {name: user.open_id for name, user in people.items()}
        self.users = people
        self.chat_id = emulator.state.add_chat("Approvals", list(self.people.values()))

    def cards(self):
        return [each for each in self.emulator.messages if each.msg_type == "interactive"]

    def press(self, who, label="Approve", *, card=-1, **how):
        return self.emulator.clicks.press(self.cards()[card].message_id, self.people[who], label=label, **how)

    def toast(self, who, label="Approve", **how):
        return self.press(who, label, **how)["toast"]["content"]

    def shown(self, card=-1):
        return self.cards()[card].content

    def instances(self):
        """The instances of the approval centre: how each stands, and the tasks in it by person."""
        names = {open_id: name for name, open_id in self.people.items()}
        with self.emulator.state.lock:
            return [
                (each.status, {names[one.open_id]: one.status for one in each.tasks.values()})
                for each in self.emulator.state.approvals.all()
            ]

    def decide(self, who, action="APPROVE", *, by=None, at=-1, reason=""):
        """Let somebody press a button of a task in the approval centre, and return what they are shown."""
        with self.emulator.state.lock:
            instance = self.emulator.state.approvals.all()[at]
            (task,) = [each for each in instance.tasks.values() if each.open_id == self.people[who]]
        presser = None if by is None else self.people[by]
        found = self.emulator.decisions.press(instance.instance_id, task.task_id, action, reason=reason, by=presser)
        return found.shown

    def execute(self, sql):
        from sqlalchemy import text

        from tests.databases import open_sqlite

        engine = open_sqlite(self.store_path)
        with engine.begin() as conn:
            done = conn.execute(text(sql))
            rows = [tuple(row) for row in done] if done.returns_rows else []
        engine.dispose()
        return rows


@cache
def _migrated():
    """A database with the tables, made once: the migrations take a second."""
    from airflow_provider_lark.core.accounts.migrate import upgrade
    from tests.databases import open_sqlite

    with TemporaryDirectory() as directory:
        path = Path(directory) / "store.db"
        engine = open_sqlite(path)
        upgrade(engine)
        engine.dispose()
        return path.read_bytes()


@contextmanager
def decisions(emulator, tmp_path, monkeypatch):
    """Serve clicks as ``airflow lark receive`` does, in this process."""
    from airflow_provider_lark.hooks.receiving.inbox import open_served

    store = tmp_path / "store.db"
    store.write_bytes(_migrated())
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", RING)
    monkeypatch.setenv("AIRFLOW_CONN_LARK_STORE", json.dumps({"conn_type": "sqlite", "host": str(store)}))
    keys = {"event_encrypt_key_secret": KEY, "event_verification_token": TOKEN}
    connect(monkeypatch, emulator.url, emulator, store_conn_id="lark_store", **keys)
    emulator.switches.ack_seconds = 60.0
    with serve(open_served("lark_default")) as url:
        base = url.removesuffix("/lark_default")
        monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", base)
        emulator.state.set_callback_url(emulator.app_id, url, encrypt_key=KEY, verification_token=TOKEN, verify=False)
        yield Decisions(emulator, store)


@contextmanager
def serve(served):
    """Run a receiver on a free port, in a thread with a loop of its own."""
    import uvicorn

    from airflow_provider_lark.core.doors.web_app import Receiver, make_app
    from airflow_provider_lark.hooks.receiving.background import stop_all

    receiver = Receiver({"lark_default": served}, answer_seconds=60.0)
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(receiver), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/lark_default"
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        stop_all()
        sock.close()


def task_context(task, *, run_id="manual__1"):
    ti = SimpleNamespace(dag_id="d", run_id=run_id, task_id=task.task_id, map_index=-1, log_url="https://a.example/d")
    return {"ti": ti, "run_id": run_id, "task": task}
