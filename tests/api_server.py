"""A real api-server: a process of its own, which Airflow starts and whose plugins it loads."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from airflow_provider_lark.core.clock import SystemClock

START_SECONDS = 300


@contextmanager
def start_api_server(log: Path, *, prefix: str = "", **env: str) -> Iterator[tuple[str, int]]:
    """Run ``airflow api-server`` until the block ends; wait until it answers, and give its address and process.

    :param prefix: of all paths, as ``base_url`` has it behind a proxy.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}{prefix}"
    if prefix:
        env["AIRFLOW__API__BASE_URL"] = url
    command = [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            env={**os.environ, **env},
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: answers(url) or process.poll() is not None, log)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    """Tell whether an api-server answers there."""
    try:
        return httpx.get(f"{url}/api/v2/version", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(is_so: Callable[[], Any], log: Path | None = None) -> Any:
    """Wait for what the api-server does, and return it; show its log where that takes too long."""
    give_up = monotonic() + START_SECONDS
    while not (found := is_so()):
        assert monotonic() < give_up, log and log.read_text(encoding="utf-8")
        SystemClock().sleep(0.2)
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
