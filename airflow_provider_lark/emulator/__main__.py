"""``python -m airflow_provider_lark.emulator``: run the emulator until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow_provider_lark.emulator.clock import ManualClock, SystemClock
from airflow_provider_lark.emulator.control import PREFIX
from airflow_provider_lark.emulator.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_lark.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8787, help="0: any free port")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same ids")
    parser.add_argument("--app-id", default=DEFAULT_APP_ID)
    parser.add_argument("--app-secret", default=DEFAULT_APP_SECRET)
    parser.add_argument(
        "--switches", metavar="FILE", type=Path, help="JSON of switches, or what `airflow lark probe` has written"
    )
    parser.add_argument("--rate-limits", action="store_true", help="enforce the documented rates")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another host name by which the page and the control routes may be called; repeatable",
    )
    parser.add_argument("--manual-clock", action="store_true", help="time advances only by POST /_emulator/clock")
    return parser


def _read_switches(path: Path) -> dict[str, Any]:
    """Read switches by name, which may stand under ``switches``.

    :raises ValueError: the file holds something else.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(given, dict) and isinstance(given.get("switches"), dict):
        given = given["switches"]
    if not isinstance(given, dict):
        msg = "expected a JSON object of switches by name"
        raise ValueError(msg)
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    options = _parser().parse_args(argv)
    emulator = Emulator(
        options.port,
        host=options.host,
        seed=options.seed,
        clock=ManualClock() if options.manual_clock else SystemClock(),
        app_id=options.app_id,
        app_secret=options.app_secret,
        rate_limits=options.rate_limits,
        allowed_hosts=options.allow_host,
    )
    if options.switches is not None:
        try:
            emulator.switches.update(_read_switches(options.switches))
        except (OSError, ValueError) as error:
            sys.stderr.write(f"--switches {options.switches}: {error}\n")
            return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        emulator.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    # the address first and alone on its line, so that a script can read it; a secret of the caller's may be a real one
    secret = DEFAULT_APP_SECRET if options.app_secret == DEFAULT_APP_SECRET else "as given"
    page = f"{emulator.url}{PREFIX}"
    sys.stdout.write(f"{emulator.url}\napp_id {options.app_id}\napp_secret {secret}\npage {page}\n")
    sys.stdout.flush()
    stopped.wait()
    emulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
