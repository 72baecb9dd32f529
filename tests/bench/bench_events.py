"""How long an edit in Lark takes to its row in SQL: by Lark's event, and by polling alone.

100 edits each, one at a time, at random moments. The optimum of the event is half the time between two looks at the
inbox plus one run; that of polling is half the interval plus one run.
"""

from __future__ import annotations

import asyncio
import random
import socket
import statistics
import tempfile
import threading
from pathlib import Path

import sqlalchemy as sa
import uvicorn
from cryptography.fernet import Fernet

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api.stop import StopFlag, StoppableClock
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.doors.web_app import Receiver, Served, make_app
from airflow_provider_lark.core.errors import Stopped
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.hints import TableHints
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.door import Door
from airflow_provider_lark.core.sync.continuous import LOOK_SECONDS, ContinuousSync
from airflow_provider_lark.emulator import Emulator

EDITS = 100
POLL_SECONDS = 5.0
KEY = "encrypt key"
CLOCK = SystemClock()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Emulator() as emu:
        shop = sa.create_engine(f"sqlite:///{Path(folder) / 'shop.db'}")
        with shop.begin() as conn:
            conn.execute(sa.text("CREATE TABLE areas (code INTEGER PRIMARY KEY, name VARCHAR(80))"))
        base = emu.state.create_base("Shop").app_token
        fields = [{"field_name": "name", "type": 1}, {"field_name": "code", "type": 2}]
        table = emu.state.create_table(base, "areas", fields).table_id
        record = emu.person.add_record(base, table, {"name": "start", "code": 1})
        inbox = SqlInbox(
            sa.create_engine(f"sqlite:///{Path(folder) / 'inbox.db'}"),
            Keyring.from_text(Fernet.generate_key().decode()),
            emu.app_id,
        )
        receiver = Receiver({"shop": Served(Door(emu.app_id, encrypt_key=Secret(KEY)), GroupCommit(inbox))})
        sock = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(make_app(receiver), log_level="warning", lifespan="off"))
        threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True).start()
        emu.state.set_event_url(emu.app_id, f"http://127.0.0.1:{sock.getsockname()[1]}/shop", encrypt_key=KEY)
        mapping = TableMapping.from_dict({"lark": {"app_token": base, "table_id": table}, "sql": {"table": "areas"}})

        def edit(name: str) -> float:
            """Edit the record, and return how long its row took."""
            began = CLOCK.monotonic()
            emu.person.edit_record(base, table, record, {"name": name})
            while True:
                with shop.connect() as conn:
                    if conn.scalar(sa.text("SELECT name FROM areas")) == name:
                        return CLOCK.monotonic() - began
                CLOCK.sleep(0.005)

        print(f"{'way':24} {'edits':>5} {'p50 s':>7} {'p95 s':>7} {'max s':>7} {'calls':>6}   optimum p50")
        for way, poll, events in (("event", 3600.0, True), (f"poll of {POLL_SECONDS:g} s", POLL_SECONDS, False)):
            flag = StopFlag()
            clock = StoppableClock(flag)
            with LarkClient(emu.app_id, emu.app_secret, emu.url) as client:
                engine = SyncEngine(client, shop, mapping, clock=clock)
                engine.incremental()
                hints = None
                if events:
                    client.drive.subscribe(app_token=base)
                    hints = TableHints(inbox, lambda engine=engine: "/".join(engine.table or ()))
                else:
                    client.drive.unsubscribe(app_token=base)
                sync = ContinuousSync("areas", engine.incremental, poll, hints, clock)
                worker = threading.Thread(target=_stay, args=(sync,))
                worker.start()
                CLOCK.sleep(1.0)
                before = client.calls.snapshot()
                chance, took = random.Random(1), []
                for number in range(EDITS):
                    took.append(edit(f"{way} {number}"))
                    CLOCK.sleep(chance.uniform(0.1, 1.0))
                calls = sum(client.calls.since(before).values())
                flag.set()
                worker.join()
            took.sort()
            p50, p95 = statistics.median(took), took[int(0.95 * EDITS)]
            optimum = LOOK_SECONDS / 2 if events else POLL_SECONDS / 2
            print(f"{way:24} {EDITS:5} {p50:7.2f} {p95:7.2f} {took[-1]:7.2f} {calls:6}   {optimum:.2f} + one run")
        server.should_exit = True


def _stay(sync: ContinuousSync) -> None:
    try:
        sync.run_for(86_400)
    except Stopped:
        return


if __name__ == "__main__":
    main()
