"""``airflow lark receive``: a process that takes what Lark sends by itself, and keeps it in the inbox of each app."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from argparse import Namespace

import uvicorn

from airflow_provider_lark.cli.command import service
from airflow_provider_lark.core.doors.web_app import Receiver, make_app
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.inbox import open_served

_GRACE_SECONDS = 5


@service
def receive(args: Namespace) -> None:
    """Serve until SIGTERM or Ctrl-C; what is being answered then is finished."""
    host, port = _read_address(args.http)
    served = {conn_id: open_served(conn_id) for conn_id in dict.fromkeys(args.conn_id or ["lark_default"])}
    try:
        sock = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as exc:
        raise ConfigError(f"--http {args.http}: cannot listen there: {exc.strerror or exc}") from None
    where = f"[{host}]" if ":" in host else host
    for conn_id in served:
        address = f"POST http://{where}:{sock.getsockname()[1]}"
        print(f"{address}/{conn_id} takes what Lark sends for this connection")
        print(f"{address}/approval/{conn_id} takes what the approval centre sends")
    sys.stdout.flush()
    logging.getLogger("airflow_provider_lark").setLevel(logging.INFO)
    receiver = Receiver(served)
    config = uvicorn.Config(
        make_app(receiver), log_level="warning", lifespan="off", timeout_graceful_shutdown=_GRACE_SECONDS
    )
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    # for a SIGTERM before uvicorn listens for it; and uvicorn raises it again afterwards, for whoever called it
    before = signal.signal(signal.SIGTERM, stop)
    try:
        server.run([sock])
    finally:
        signal.signal(signal.SIGTERM, before)
        receiver.close()
        counts = ", ".join(f"{outcome} {number}" for outcome, number in receiver.counts.by_outcome.most_common())
        print(f"Stopped; {counts or 'nothing came'}")


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--http {text!r}: expected HOST:PORT, such as 127.0.0.1:8765 or 0.0.0.0:8765")
    return host.strip("[]"), int(port)
