"""A real PgBouncer in transaction mode before the PostgreSQL of the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@contextmanager
def pgbouncer(url: URL, place: Path) -> Iterator[URL]:
    """Give the address under which a PgBouncer with few connections leads to the database of *url*."""
    program = shutil.which("pgbouncer", path=PATHS)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("NOT TESTED behind PgBouncer: it is not installed")
        pytest.skip("NOT TESTED behind PgBouncer: install pgbouncer")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    password = f" password={url.password}" if url.password else ""
    (place / "users.txt").write_text(f'"{url.username}" "{url.password or ""}"\n')
    (place / "pgbouncer.ini").write_text(
        f"[databases]\n{url.database} = host={url.host} port={url.port} dbname={url.database} "
        f"user={url.username}{password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = transaction\n"
        f"auth_type = trust\nauth_file = {place / 'users.txt'}\nlogfile = {place / 'log'}\n"
        # the least recently used connection next: two transactions never meet on one by luck
        "default_pool_size = 3\nserver_round_robin = 1\nmax_client_conn = 50\n"
    )
    # it refuses to run as root
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    for path in (place, *place.iterdir()):
        path.chmod(0o777)
    process = subprocess.Popen([program, *as_nobody, str(place / "pgbouncer.ini")], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield url.set(host="127.0.0.1", port=port)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            pause.wait(0.02)
        else:
            return
    raise AssertionError("PgBouncer has ended")
