"""Many callbacks while the store fails: ``python -m tests.chaos.callbacks --callbacks 10000 --rate 200``.

A receiver runs as a process of its own: ``airflow lark receive``, or an api-server with the plugin. Events and clicks
come at a fixed rate, as Lark sends them: each has three seconds, some come twice at once, an event that was not taken
comes again after 15 seconds, and whoever was told that a click was not recorded presses again. In the middle the store
is stopped for ten seconds. At the end everything that was answered with "taken" stands in the inbox, once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import psutil
from cryptography.fernet import Fernet
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, BrokerAddress, QueueNames
from tests.api_server import start_api_server
from tests.chaos.callback_sender import KEY, Outcome, Plan, Sender
from tests.clocks import wait_until
from tests.databases import server_database
from tests.rabbitmq import Node, running_node
from tests.tap import Tap, tapped

STORES = ("postgresql", "rabbitmq", "rabbitmq-broker")
"""What is stopped: the inbox's database without RabbitMQ, the same behind RabbitMQ, and RabbitMQ itself."""


@dataclass(frozen=True)
class Door:
    """A receiver that runs.

    :param pid: of its process; None: it is this one.
    """

    url: str
    pid: int | None

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used, with the processes that it has started."""
        process = psutil.Process(self.pid)
        family = [process, *(process.children(recursive=True) if self.pid is not None else ())]
        return sum(each.cpu_times().user + each.cpu_times().system for each in family)


@contextmanager
def standalone(env: dict[str, str]) -> Iterator[Door]:
    """Run ``airflow lark receive`` on a free port."""
    command = [sys.executable, "-m", "airflow", "lark", "receive", "--http", "127.0.0.1:0"]
    # into a file: who writes to a pipe that nobody empties stands still
    with tempfile.NamedTemporaryFile(prefix="lark-callbacks-", suffix=".log") as log:
        told = Path(log.name)
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = re.compile(r"POST (http://127\.0\.0\.1:[1-9]\d*/lark_default)")
            wait_until(lambda: address.search(told.read_text()) or process.poll() is not None)
            found = address.search(told.read_text())
            assert found is not None, told.read_text()
            yield Door(found[1], process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


@contextmanager
def plugin(env: dict[str, str]) -> Iterator[Door]:
    """Run an api-server that receives."""
    with tempfile.TemporaryDirectory(prefix="lark-callbacks-") as home:
        env = {**env, "AIRFLOW__LARK__RECEIVER_ENABLED": "True"}
        with start_api_server(Path(home) / "api-server.log", **env) as (url, pid):
            yield Door(f"{url}/lark/events/lark_default", pid)


@contextmanager
def in_process(env: dict[str, str]) -> Iterator[Door]:
    """Receive in a thread of this process: what a process of its own would add is tested elsewhere."""
    import uvicorn

    from airflow_provider_lark.core.doors.web_app import Receiver, make_app
    from airflow_provider_lark.hooks.receiving.background import stop_all
    from airflow_provider_lark.hooks.receiving.inbox import open_served

    with patch.dict(os.environ, env), socket.create_server(("127.0.0.1", 0)) as sock:
        app = make_app(Receiver({"lark_default": open_served("lark_default")}))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
        thread.start()
        yield Door(f"http://127.0.0.1:{sock.getsockname()[1]}/lark_default", None)
        server.should_exit = True
        thread.join(timeout=60)
        stop_all()


DOORS: dict[str, tuple[Callable[[dict[str, str]], AbstractContextManager[Door]], float]] = {
    "standalone": (standalone, 3.0),
    "plugin": (plugin, 3.0),
    "in-process": (in_process, 3.0),
}
"""What receives, and how long Lark waits for its answers."""


def run(store: str, plan: Plan, broker_url: str, node: Node | None = None, *, door: str = "standalone") -> Outcome:
    """Run the campaign on one kind of store.

    :param node: which is stopped with the store ``rabbitmq-broker``.
    """
    open_door, limit_seconds = DOORS[door]
    app_id = f"cli_{secrets.token_hex(8)}"
    with ExitStack() as stack:
        name = f"lark_callbacks_{os.getpid()}_{secrets.token_hex(2)}"
        url = stack.enter_context(server_database("postgresql", name))
        _prepare_store(url, plan)
        tap = stack.enter_context(tapped(url.host or "127.0.0.1", url.port or 5432))
        env = _connections(app_id, url, tap)
        stop, start = tap.shut, tap.open
        if store != "postgresql":
            env |= {"AIRFLOW_CONN_BROKER": broker_url}
            env["AIRFLOW_CONN_LARK_DEFAULT"] = _with_broker(env["AIRFLOW_CONN_LARK_DEFAULT"])
            stack.callback(_delete_queues, broker_url, app_id)
        if store == "rabbitmq-broker":
            assert node is not None
            stop, start = node.stop, node.start
        opened = stack.enter_context(open_door(env))
        sender = Sender(opened.url, app_id, plan, limit_seconds=limit_seconds)
        before = opened.cpu_seconds()
        asyncio.run(_send_all(sender, plan, stop, start))
        sender.outcome.cpu_seconds = opened.cpu_seconds() - before
        _count(sender, url)
        return sender.outcome


async def _send_all(sender: Sender, plan: Plan, stop: Callable[[], object], start: Callable[[], object]) -> None:
    loop, outage = asyncio.get_running_loop(), list[asyncio.Task[None]]()

    async def interrupt() -> None:
        # what stops a broker takes its time, and must not hold up the sending
        await loop.run_in_executor(None, stop)
        await asyncio.sleep(plan.stop_seconds)
        await loop.run_in_executor(None, start)

    def during(share: float) -> None:
        if share >= 1 / 3 and not outage:
            outage.append(asyncio.create_task(interrupt()))

    await sender.run(during)
    await asyncio.gather(*outage)


def _count(sender: Sender, url: URL) -> None:
    """Compare what was promised with what stands in the inbox."""
    engine = create_engine(url, poolclass=NullPool)

    def read() -> list[str]:
        with engine.connect() as conn:
            return list(conn.scalars(text("SELECT event_id FROM lark_inbox")))

    # RabbitMQ's queue is emptied after the last answer
    wait_until(lambda: sender.taken <= {each.split(".")[0] for each in read()})
    found, outcome = read(), sender.outcome
    numbers = {each.split(".")[0] for each in found}
    outcome.entries = len(found)
    outcome.lost = len(sender.taken - numbers)
    outcome.double = len(found) - len(set(found))
    outcome.kept_late = len(set(found)) - len(numbers)
    engine.dispose()


def _prepare_store(url: URL, plan: Plan) -> None:
    engine = create_engine(url, poolclass=NullPool)
    upgrade(engine)
    if plan.is_durable:
        # as PostgreSQL does by default, and the databases of tests do not
        with engine.begin() as conn:
            conn.execute(text(f"ALTER DATABASE {url.database} SET synchronous_commit = on"))
    engine.dispose()


def _connections(app_id: str, url: URL, tap: Tap) -> dict[str, str]:
    extra = {"store_conn_id": "lark_store", "event_encrypt_key_secret": KEY}
    lark = {"conn_type": "lark", "login": app_id, "password": "secret", "host": "http://127.0.0.1:9", "extra": extra}
    store = {"conn_type": "postgres", "host": "127.0.0.1", "port": tap.port, "login": url.username}
    return {
        "AIRFLOW_CONN_LARK_DEFAULT": json.dumps(lark),
        "AIRFLOW_CONN_LARK_STORE": json.dumps({**store, "password": url.password, "schema": url.database}),
        "LARK_CONFIG_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    }


def _with_broker(text_: str) -> str:
    lark = json.loads(text_)
    return json.dumps({**lark, "extra": {**lark["extra"], "rabbitmq_conn_id": "broker"}})


def _delete_queues(broker_url: str, app_id: str) -> None:
    parts, names = urlsplit(broker_url), QueueNames(app_id)
    user, password = parts.username or "guest", Secret(parts.password or "guest")
    broker = Broker(BrokerAddress(parts.hostname or "", parts.port or 5672, user, password))
    connection = broker.connect(seconds=60)
    for name in (names.main, names.dead):
        connection.channel().queue_delete(name)
    connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callbacks", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--stores", default=",".join(STORES))
    parser.add_argument("--doors", default="standalone,plugin")
    parser.add_argument(
        "--new-connections", action="store_true", help="send each callback over a connection of its own"
    )
    args = parser.parse_args()
    from tests import airflow_home

    airflow_home.prepare()
    if "plugin" in args.doors:
        airflow_home.migrate()
    failed = 0
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="lark-callbacks-"))
        node = stack.enter_context(running_node(Path(home)))
        url, plan = (
            f"amqp://guest:guest@127.0.0.1:{node.port}",
            Plan(args.callbacks, args.rate, keeps_lines=not args.new_connections),
        )
        for door in args.doors.split(","):
            for store in args.stores.split(","):
                outcome = run(store, plan, url, node, door=door)
                print(f"{door}, {store}: {outcome}", flush=True)
                failed += bool(outcome.lost or outcome.double or outcome.late)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
