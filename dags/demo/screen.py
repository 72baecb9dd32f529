"""What the user sees: progress on the terminal, while everything that Airflow prints goes to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

PIPE_WIDTH = 118


@contextmanager
def quiet(log: Path) -> Iterator[Console]:
    """Send standard output and error of this process to *log*, and yield a console on the terminal.

    Whole file descriptors are moved, because loggers and child processes keep their own handles.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("wb") as sink, os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace") as terminal:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield Console(file=terminal, highlight=False, width=None if terminal.isatty() else PIPE_WIDTH)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            for each in kept:
                os.close(each)
