"""Many callbacks while the store fails: ``python -m tests.chaos.callbacks --callbacks 10000 --rate 200``.

``airflow lark receive`` runs as a process of its own. Events and clicks come at a fixed rate, as Lark sends them: each
has three seconds, some come twice at once, an event that was not taken comes again after 15 seconds, and whoever was
told that a click was not recorded presses again. In the middle the store is stopped for ten seconds. At the end
everything that was answered with "taken" stands in the inbox, once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import httpx
from cryptography.fernet import Fernet
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, BrokerAddress, QueueNames
from airflow_provider_lark.emulator.tenant import crypto
from tests.clocks import wait_until
from tests.databases import server_database
from tests.rabbitmq import Node, running_node
from tests.tap import Tap, tapped

KEY = "campaign key"
STORES = ("postgresql", "rabbitmq", "rabbitmq-broker")
"""What is stopped: the inbox's database without RabbitMQ, the same behind RabbitMQ, and RabbitMQ itself."""

ANSWER_SECONDS = 3.0
CLICKS_EVERY = 10
TWICE_EVERY = 20
_CLOCK = SystemClock()


@dataclass(frozen=True)
class Plan:
    """How many, how fast, and for how long the store is away.

    :param again_seconds: after so long what was not taken is sent again; Lark's first time is 15 s.
    """

    callbacks: int = 10_000
    rate: float = 200.0
    stop_seconds: float = 10.0
    again_seconds: float = 15.0


@dataclass
class Outcome:
    """What Lark and the persons who clicked have met.

    :param kept_late: clicks that were kept although the person was told, in time, to press again.
    :param lag: how far the sender fell behind, seconds: so much of a long answer may be its own.
    """

    seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    lost: int = 0
    double: int = 0
    kept_late: int = 0
    lag: float = 0.0

    @property
    def late(self) -> int:
        """How many answers took longer than Lark waits."""
        return sum(each > ANSWER_SECONDS for each in self.seconds)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {count:,}" for name, count in sorted(self.answers.items()))
        return (
            f"{len(self.seconds):,} requests ({shown}); answered in {self.quantile(0.5) * 1000:.0f} ms (p50), "
            f"{self.quantile(0.99) * 1000:.0f} ms (p99), {max(self.seconds):.2f} s (longest), late {self.late}; "
            f"entries {self.entries:,}, lost {self.lost}, double {self.double}, kept late {self.kept_late}; the sender "
            f"lagged {self.lag:.2f} s at most"
        )


class Sender:
    """Sends as Lark does, until each callback was taken."""

    def __init__(self, url: str, app_id: str, plan: Plan) -> None:
        self._url = url
        self._app_id = app_id
        self._plan = plan
        self._client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=400))
        self.outcome = Outcome()
        self.taken: set[str] = set()

    async def run(self, during: Callable[[float], object]) -> None:
        """Send everything; *during* is told how much of it has begun."""
        began = perf_counter()
        tasks = []
        async with self._client:
            for number in range(self._plan.callbacks):
                due = began + number / self._plan.rate
                await asyncio.sleep(max(0.0, due - perf_counter()))
                self.outcome.lag = max(self.outcome.lag, perf_counter() - due)
                tasks.append(asyncio.create_task(self._bring(number)))
                if number % TWICE_EVERY == 0:
                    tasks.append(asyncio.create_task(self._bring(number)))
                during(number / self._plan.callbacks)
            await asyncio.gather(*tasks)

    async def _bring(self, number: int) -> None:
        is_click = number % CLICKS_EVERY == 0
        tries = 0
        while not await self._send(number, is_click=is_click, tries=tries):
            await asyncio.sleep(self._plan.again_seconds)
            # a person's next press is another click, Lark's next try the same event
            tries += is_click
        self.taken.add(str(number))

    async def _send(self, number: int, *, is_click: bool, tries: int) -> bool:
        body, headers = seal(callback(self._app_id, number, is_click=is_click, tries=tries))
        began = perf_counter()
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.TransportError as exc:
            self.outcome.answers[type(exc).__name__] += 1
            return False
        self.outcome.seconds.append(perf_counter() - began)
        if answer.status_code != 200:
            self.outcome.answers[str(answer.status_code)] += 1
            return False
        is_refused = is_click and answer.json()["toast"]["type"] == "error"
        self.outcome.answers["press again" if is_refused else "taken"] += 1
        return not is_refused


def callback(app_id: str, number: int, *, is_click: bool, tries: int) -> dict[str, object]:
    """Return one callback; its number stands in its event id."""
    header = {"app_id": app_id, "token": "", "tenant_key": "t", "event_id": f"{number}"}
    if not is_click:
        event = {"file_type": "bitable", "file_token": "bas1", "table_id": f"tbl{number % 20}", "action_list": []}
        header |= {"event_type": "drive.file.bitable_record_changed_v1", "create_time": str(int(_CLOCK.now() * 1000))}
        return {"schema": "2.0", "header": header, "event": event}
    header |= {"event_type": "card.action.trigger", "event_id": f"{number}.{tries}"}
    header["create_time"] = str(int(_CLOCK.now() * 1_000_000))
    event = {
        "operator": {"open_id": "ou_1"},
        "action": {"value": {"number": number, "press": tries}, "tag": "button"},
        "context": {"open_message_id": f"om_{number}"},
    }
    return {"schema": "2.0", "header": header, "event": event}


def seal(body: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    """Return *body* as Lark sends it: encrypted and signed."""
    sealed = json.dumps({"encrypt": crypto.encrypt(json.dumps(body).encode(), KEY, secrets.token_bytes(16))}).encode()
    at, nonce = str(int(_CLOCK.now())), secrets.token_hex(5)
    signature = crypto.sign(at, nonce, KEY, sealed)
    names = ("X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature")
    return sealed, dict(zip(names, (at, nonce, signature), strict=True))


@contextmanager
def receiving(env: dict[str, str]) -> Iterator[str]:
    """Run the receiver on a free port, and give the address for the connection."""
    command = [sys.executable, "-m", "airflow", "lark", "receive", "--http", "127.0.0.1:0"]
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"POST (http://127\.0\.0\.1:[1-9]\d*/lark_default)", line):
                yield found[1]
                break
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)


def run(store: str, plan: Plan, broker_url: str, node: Node | None = None) -> Outcome:
    """Run the campaign on one kind of store.

    :param node: which is stopped with the store ``rabbitmq-broker``.
    """
    app_id = f"cli_{secrets.token_hex(8)}"
    with ExitStack() as stack:
        name = f"lark_callbacks_{os.getpid()}_{secrets.token_hex(2)}"
        url = stack.enter_context(server_database("postgresql", name))
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
        address = stack.enter_context(receiving(env))
        sender = Sender(address, app_id, plan)
        asyncio.run(_send_all(sender, plan, stop, start))
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
    args = parser.parse_args()
    from tests.airflow_home import prepare

    prepare()
    failed = 0
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="lark-callbacks-"))
        node = stack.enter_context(running_node(Path(home)))
        for store in args.stores.split(","):
            outcome = run(store, Plan(args.callbacks, args.rate), f"amqp://guest:guest@127.0.0.1:{node.port}", node)
            print(f"{store}: {outcome}", flush=True)
            failed += bool(outcome.lost or outcome.double or outcome.late)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
