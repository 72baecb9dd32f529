"""Tasks that wait in Airflow: its real REST API on a socket, and task instances in its real database.

A task's states are set here as its process and the scheduler set them; what an answer does to them is Airflow's.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import uvicorn
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG
from airflow.utils.state import TaskInstanceState

from airflow_provider_lark.hooks.hitl.bridge import HitlBridge
from airflow_provider_lark.notifications.hitl import LarkHITLNotifier
from tests.dags.conftest import register

AWAITING_INPUT = "awaiting_input" if hasattr(TaskInstanceState, "AWAITING_INPUT") else "deferred"
"""The state in which a task waits for people; before Airflow 3.3 its trigger sees the answer, and lets it go on."""

PASSWORDS = {"bridge": "s3cret-bridge", "bob": "s3cret-bob"}


@contextmanager
def served_api(folder):
    """Run Airflow's api-server in a thread, with the users of PASSWORDS, and give its address."""
    from airflow.api_fastapi.app import create_app, purge_cached_app

    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = "bridge:admin,bob:admin"
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] = str(passwords)
    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(create_app(apps="core"), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        purge_cached_app()
        sock.close()
        for name in ("USERS", "PASSWORDS_FILE"):
            os.environ.pop(f"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_{name}")


class Waiting:
    """One task of a run that asks in a chat, and what happens to it."""

    def __init__(self, room, url, monkeypatch):
        self.room = room
        self.url = url
        parts = {"conn_type": "http", "host": url, "login": "bridge", "password": PASSWORDS["bridge"]}
        monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps(parts))
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=60.0)

    def close(self):
        self._http.close()

    def ask(self, run_id, notifier=None, **given):
        """Begin a run whose task asks; it does not wait yet.

        :param notifier: parameters of the notifier beside the chat.
        """
        with DAG("pay", schedule=None) as dag:
            task = ApprovalOperator(**{"task_id": "approve", "subject": "Pay?"} | given)
        register(dag)
        self.run_id, self.task = run_id, task
        self._call("POST", "/dags/pay/dagRuns", {"dag_run_id": run_id, "logical_date": None})
        self.set("running", try_number=1)
        self._add_detail()
        self.notify(**(notifier or {}))
        return self

    def notify(self, **given):
        with self._instance() as (_, ti):
            seen = SimpleNamespace(
                id=ti.id,
                dag_id=ti.dag_id,
                task_id=ti.task_id,
                run_id=ti.run_id,
                map_index=ti.map_index,
                try_number=ti.try_number,
            )
        context = {"ti": seen, "task_instance": seen, "run_id": self.run_id, "task": self.task}
        LarkHITLNotifier(receive_id=self.room.chat_id, **given)(context)

    def set(self, state, **columns):
        with self._instance() as (_, ti):
            ti.state = state
            for name, value in columns.items():
                setattr(ti, name, value)

    def answer(self, who, option):
        """Answer in Airflow, as its page does."""
        body = {"chosen_options": [option], "params_input": {}}
        path = f"/dags/pay/dagRuns/{quote(self.run_id, safe='')}/taskInstances/approve/-1/hitlDetails"
        return self._call("PATCH", path, body, who=who)

    def time_out(self, option):
        """Take the default, as the scheduler does."""
        from airflow.sdk.timezone import utcnow

        with self._instance() as (session, ti):
            detail = self._detail(session, ti)
            detail.responded_at = utcnow()
            detail.chosen_options = [option]
            ti.state = "scheduled"

    def state(self):
        with self._instance() as (_, ti):
            return None if ti.state is None else str(ti.state)

    def given(self):
        """What Airflow was answered, and by whom."""
        with self._instance() as (session, ti):
            found = self._detail(session, ti)
            return found.chosen_options, (found.responded_by or {}).get("id"), found.params_input

    def answered_at(self):
        """When Airflow was answered."""
        with self._instance() as (session, ti):
            return self._detail(session, ti).responded_at

    def look(self, bridge=None, *, times=1):
        """Let a bridge look, as if time had passed; a new one each time, as after a crash."""
        for _ in range(times):
            self.room.execute("UPDATE lark_hitl_requests SET look_at_ms = 0, parked_ms = parked_ms - 10000")
            with HitlBridge.open("lark_default", "airflow_api") as opened:
                opened.look()
        return self.outcome()

    def shown(self, card=-1):
        """The text of a card, without the escapes of its Markdown."""
        return html.unescape(self.room.shown(card))

    def outcome(self):
        return self.room.execute("SELECT outcome, finished_ms IS NOT NULL FROM lark_hitl_requests")[-1]

    @staticmethod
    def _detail(session, ti):
        from airflow.models.hitl import HITLDetail

        return session.get(HITLDetail, ti.id)

    def _add_detail(self):
        from airflow.models.hitl import HITLDetail

        task = self.task
        with self._instance() as (session, ti):
            session.add(
                HITLDetail(
                    ti_id=ti.id,
                    options=task.options,
                    subject=task.subject,
                    body=task.body,
                    defaults=task.defaults,
                    multiple=task.multiple,
                    params=task.serialized_params,
                    assignees=task.assigned_users or [],
                )
            )

    @contextmanager
    def _instance(self):
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            found = select(TaskInstance).where(TaskInstance.dag_id == "pay", TaskInstance.run_id == self.run_id)
            yield session, session.scalars(found).one()

    def _call(self, method, path, body, *, who="bridge"):
        login = {"username": who, "password": PASSWORDS[who]}
        token = self._http.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        answer = self._http.request(method, f"/api/v2{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()
