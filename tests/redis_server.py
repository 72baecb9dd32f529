"""A Redis of a test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rabbitmq import wait_for_port


@contextmanager
def running_redis(home: Path, *options: str) -> Iterator[int]:
    """Give the port of a Redis that keeps nothing.

    :param options: of its command line, such as ``--requirepass``.
    """
    port = free_port()
    process = start_redis(home, port, *options)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def start_redis(home: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    """Start a Redis and return when it takes connections; skip the test where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        reason = "NOT TESTED on Redis: install redis-server"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for_port(port)
    return process


def free_port() -> int:
    """Return a port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
