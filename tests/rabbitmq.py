"""A RabbitMQ node of the tests' own, so that they may stop it, fill its memory and limit its queues.

It needs Debian's package ``rabbitmq-server``, and runs as whoever runs the tests. Where it is missing, its tests are
skipped, loudly; under ``CI=true`` they fail.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clocks import wait_until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 180.0
DISK_BYTES = 50_000_000
"""So much free disk RabbitMQ wants by default."""


@dataclass
class Node:
    """A node that runs. It is asked with Erlang's ``erl_call``: `rabbitmqctl` needs seconds for each command."""

    port: int
    name: str
    home: Path
    process: subprocess.Popen[bytes]

    def ask(self, call: str) -> str:
        """Evaluate an expression of Erlang in the node."""
        cookie = (self.home / ".erlang.cookie").read_text()
        command = ["erl_call", "-n", self.name, "-c", cookie, "-e"]
        env = {**os.environ, "HOME": str(self.home)}
        done = subprocess.run(
            command, input=f"{call}.\n", capture_output=True, text=True, timeout=START_SECONDS, env=env, check=False
        )
        assert done.stdout.startswith("{ok,"), done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        """Stop the broker; its node stays."""
        self.ask("rabbit:stop()")

    def start(self) -> None:
        self.ask("rabbit:start()")
        wait_for_port(self.port)

    def set_memory_limit(self, share: float) -> None:
        """Let the broker use this share of the memory, and wait until it has noticed; with 0 there is an alarm."""
        self.ask(f"vm_memory_monitor:set_vm_memory_high_watermark({share})")
        alarms = "[]" if share else "[{{resource_limit,memory,node()},[]}]"
        wait_until(lambda: self.ask(f"rabbit_alarm:get_alarms() == {alarms}") == "{ok, true}")

    def set_disk_limit(self, free_bytes: int) -> None:
        """Let the broker want so much free disk, and wait until it has noticed; with more than there is, an alarm."""
        self.ask(f"rabbit_disk_monitor:set_disk_free_limit({free_bytes})")
        alarms = "[{{resource_limit,disk,node()},[]}]" if free_bytes > DISK_BYTES else "[]"
        wait_until(lambda: self.ask(f"rabbit_alarm:get_alarms() == {alarms}") == "{ok, true}")

    def limit_queue(self, queue: str, length: int) -> None:
        """Let a queue refuse what comes when it holds *length* messages."""
        definition = f'{{\\"max-length\\": {length}}}'
        arguments = f'<<"/">>, <<"{queue}">>, <<"^{queue}$">>, <<"{definition}">>, "0", <<"queues">>, <<"tests">>'
        self.ask(f"ok = rabbit_policy:parse_set({arguments})")


def wait_for_port(port: int) -> None:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < give_up, f"nothing listens on port {port}"
            time.sleep(0.05)  # noqa: TID251 - for another process


@contextmanager
def running_node(home: Path) -> Iterator[Node]:
    """Run a node whose files lie in *home*, and end it."""
    if not SERVER.exists() or shutil.which("erl_call") is None:
        reason = "NOT TESTED on RabbitMQ: install rabbitmq-server and erlang-base"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    port, distribution_port = _free_port(), _free_port()
    name = f"lark-{os.getpid()}-{port}@localhost"
    (home / "plugins").write_text("[].")
    (home / "rabbitmq.conf").write_text("log.console = false\nnum_acceptors.tcp = 4\n")
    env = {
        **os.environ,
        "HOME": str(home),
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    }
    with (home / "out").open("wb") as out:
        process = subprocess.Popen([str(SERVER)], env=env, stdout=out, stderr=out, start_new_session=True)
        try:
            wait_for_port(port)
            yield Node(port, name, home, process)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Give a node that the tests of this process share."""
    with running_node(tmp_path_factory.mktemp("rabbitmq")) as node:
        yield node


@pytest.fixture(scope="session")
def rabbitmq_url(request: pytest.FixtureRequest) -> str:
    """Give the address of any broker: the machine's where one runs, for tests that only use it."""
    url = os.environ.get("LARK_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 5672), timeout=5).close()
    except OSError:
        node: Node = request.getfixturevalue("rabbitmq")
        return f"amqp://guest:guest@127.0.0.1:{node.port}"
    return url
