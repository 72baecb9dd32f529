"""A notifier that keeps cards: its connection with a database, and what its chat shows."""

from __future__ import annotations

import json
from types import SimpleNamespace

from airflow.sdk import DAG
from sqlalchemy import text

from airflow_provider_lark.notifications import alert_delivery, base, quick_accounts
from airflow_provider_lark.notifications.lark import LarkNotifier
from tests.skin.conftest import _connection_to
from tests.skin.occasions import task_context


class AlertChat:
    """A chat of the emulator, and the database in which its cards are kept."""

    def __init__(self, emulator, engine):
        self.emulator = emulator
        self.engine = engine
        self.chat_id = emulator.state.add_chat("Data alerts")

    def tell(self, context, dedupe="run", **given):
        LarkNotifier(receive_id="Data alerts", dedupe=dedupe, **given)(context)

    @property
    def cards(self):
        return [json.loads(each.content) for each in self.emulator.messages]

    @property
    def card(self):
        (only,) = self.cards
        return only

    @property
    def shown(self):
        """The one card: its colour, its title, and all of it as text without escapes."""
        (message,) = self.emulator.messages
        header = self.card["header"]
        return SimpleNamespace(
            color=header["template"], title=header["title"]["content"], text=message.content, id=message.message_id
        )

    def calls(self, method):
        return [each for each in self.emulator.log if each.method == method and "/im/v1/messages" in each.path]

    def sql(self, statement, **values):
        with self.engine.begin() as conn:
            done = conn.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else None


def failed(task_id="load", *, run_id="manual__1", **parts):
    """The context of a task's callback."""
    context = task_context(run_id=run_id, **parts)
    context["ti"].task_id = task_id
    return context


def ended(reason, *, run_id="manual__1", last="cleanup"):
    """The context of a DAG's callback, which carries the task instance that ended last."""
    last_ti = failed(last, run_id=run_id, state="success")["ti"]
    return {"dag": DAG("orders"), "run_id": run_id, "reason": reason, "ti": last_ti, "task_instance": last_ti}


def open_chat(emulator, engine, monkeypatch):
    """Return a chat whose cards are kept in the database of *engine*."""
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"store_conn_id": "alerts_db"}}))
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_DB", json.dumps(_connection_to(engine)))
    # what is told depends on no clock: how long it may take is tested where nobody answers
    monkeypatch.setattr(alert_delivery, "SHOW_SECONDS", 100.0)
    monkeypatch.setattr(alert_delivery, "NOTE_SECONDS", 100.0)
    monkeypatch.setattr(base, "BUDGET_SECONDS", 120.0)
    monkeypatch.setattr(quick_accounts, "STORE_SECONDS", 100.0)
    # cards need no key, tokens do
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    return AlertChat(emulator, engine)


def run_forked(count, work):
    """Run ``work(n)`` in *count* processes at once, as forked from this one as Airflow's tasks are from a worker."""
    import multiprocessing
    import warnings

    with warnings.catch_warnings():
        # the emulator's threads stay in this process
        warnings.simplefilter("ignore", DeprecationWarning)
        many = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(count)]
        for each in many:
            each.start()
    for each in many:
        each.join(60)
    assert [each.exitcode for each in many] == [0] * count
