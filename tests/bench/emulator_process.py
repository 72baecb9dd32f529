"""An emulator in a process of its own, so that a benchmark's processor time and memory are its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def running_emulator(*options: str) -> Iterator[dict[str, str]]:
    """Give host, app_id and app_secret.

    :param options: of the command line, such as ``--rate-limits``.
    """
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        host, app_id, app_secret = (process.stdout.readline().split()[-1] for _ in range(3))
        try:
            yield {"host": host, "app_id": app_id, "app_secret": app_secret}
        finally:
            process.terminate()
