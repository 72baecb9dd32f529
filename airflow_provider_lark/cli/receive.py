"""``airflow lark receive``: a process that receives events and card clicks, and stores them in the inbox of each app.

Over HTTP, or with ``--long-connection`` over a connection that this side opens; never both: an app has one of them.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn

from airflow_provider_lark.cli.command import service
from airflow_provider_lark.core.doors.overload import keep_loop_quick
from airflow_provider_lark.core.doors.web_app import Receiver, make_app
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.receiving.api_server import address_of
from airflow_provider_lark.hooks.receiving.background import stop_all
from airflow_provider_lark.hooks.receiving.inbox import open_served
from airflow_provider_lark.hooks.receiving.long_connection import open_receiver

if TYPE_CHECKING:
    from airflow_provider_lark.core.doors.intake import Counts
    from airflow_provider_lark.core.doors.long_connection.receiver import LongConnectionReceiver

DEFAULT_ADDRESS = "127.0.0.1:8765"

_GRACE_SECONDS = 5


@service
def receive(args: Namespace) -> None:
    """Serve until SIGTERM or Ctrl-C; what is being answered then is finished."""
    conn_ids = list(dict.fromkeys(args.conn_id or ["lark_default"]))
    if not args.long_connection:
        _serve_http(DEFAULT_ADDRESS if args.http is None else args.http, conn_ids)
        return
    if args.http is not None:
        raise ConfigError(
            "--http and --long-connection exclude each other: in the developer console, an app gets its events in one "
            "way; start one process for each"
        )
    asyncio.run(_serve_connections(conn_ids))


async def _serve_connections(conn_ids: Sequence[str]) -> None:
    """Keep the long connection of each app; one that Lark refuses for good ends all."""
    _show_log()
    receivers = [await open_receiver(conn_id) for conn_id in conn_ids]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_all, receivers)
    for conn_id, receiver in zip(conn_ids, receivers, strict=True):
        print(f"Receiving the events of app {receiver.app_id} (connection {conn_id}) over its long connection")
    sys.stdout.flush()
    running = [asyncio.create_task(receiver.run()) for receiver in receivers]
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        _stop_all(receivers)
        ended = await asyncio.gather(*running, return_exceptions=True)
        for conn_id, receiver in zip(conn_ids, receivers, strict=True):
            print(f"Stopped {conn_id}; {_tell(receiver.counts)}")
    for each in ended:
        if isinstance(each, BaseException):
            raise each


def _stop_all(receivers: Sequence[LongConnectionReceiver]) -> None:
    for receiver in receivers:
        receiver.stop()


def _serve_http(address: str, conn_ids: Sequence[str]) -> None:
    host, port = _read_address(address)
    served = {conn_id: open_served(conn_id) for conn_id in conn_ids}
    try:
        sock = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as exc:
        raise ConfigError(f"--http {address}: cannot listen there: {exc.strerror or exc}") from None
    where = f"[{host}]" if ":" in host else host
    for conn_id in served:
        base = f"POST http://{where}:{sock.getsockname()[1]}"
        print(f"{address_of(base, conn_id)} takes what Lark sends for this connection")
        print(f"{address_of(base, conn_id, 'approval')} takes what the approval centre sends")
        print(f"{address_of(base, conn_id, 'feed')} takes what automations of `airflow lark feed install` send")
    sys.stdout.flush()
    _show_log()
    keep_loop_quick()
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
        stop_all()
        print(f"Stopped; {_tell(receiver.counts)}")


def _show_log() -> None:
    logging.getLogger("airflow_provider_lark").setLevel(logging.INFO)


def _tell(counts: Counts) -> str:
    told = ", ".join(f"{outcome} {number}" for outcome, number in counts.by_outcome.most_common())
    return told or "nothing came"


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--http {text!r}: expected HOST:PORT, such as 127.0.0.1:8765 or 0.0.0.0:8765")
    return host.strip("[]"), int(port)
