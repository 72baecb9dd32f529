"""A small forward proxy in a process of its own: ``python tests/forward_proxy.py proxy.log [user:password]``.

It prints its port, and writes a line for each request that it lets through. Where it wants a user and a password, it
answers 407 to a request without them.
"""

from __future__ import annotations

import base64
import http.client
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

_OF_ONE_LEG = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "transfer-encoding", "host"}


class RunningProxy:
    """A proxy that runs.

    :param port: where it listens.
    """

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def url(self, login: str = "") -> str:
        """Its address, with user and password."""
        return f"http://{login}{'@' if login else ''}127.0.0.1:{self.port}"

    @property
    def passed(self) -> list[str]:
        """Method and path of what it let through; of a tunnel, its host and port."""
        return self._log.read_text(encoding="utf-8").splitlines()


@contextmanager
def running_proxy(folder: Path, login: str = "") -> Iterator[RunningProxy]:
    """Run a proxy until the block ends.

    :param login: what it wants: ``user:password``.
    """
    log = folder / "proxy.log"
    log.touch()
    command = [sys.executable, __file__, str(log), *([login] if login else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield RunningProxy(int(process.stdout.readline()), log)
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log: Path
    login = ""

    def _is_refused(self) -> bool:
        wanted = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if not self.login or self.headers.get("proxy-authorization") == wanted:
            return False
        self.send_response(407)
        self.send_header("content-length", "0")
        self.end_headers()
        return True

    def _note(self, passed: str) -> None:
        with self.log.open("a", encoding="utf-8") as lines:
            lines.write(f"{self.command} {passed}\n")

    def do_CONNECT(self) -> None:
        """Carry bytes both ways until one side ends."""
        if self._is_refused():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as target:
            self._note(self.path)
            self.send_response(200)
            self.end_headers()
            ways = {self.connection: target, target: self.connection}
            while ready := select.select(list(ways), [], [])[0]:
                for source in ready:
                    data = source.recv(65_536)
                    if not data:
                        self.close_connection = True
                        return
                    ways[source].sendall(data)

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self._is_refused():
            return
        to = urlsplit(self.path)
        target = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_LEG}
        target.request(self.command, f"{to.path}?{to.query}" if to.query else to.path, body, headers)
        answer = target.getresponse()
        content = answer.read()
        self._note(to.path)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_ONE_LEG | {"content-length"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        target.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - http.server names them

    def log_message(self, *_: object) -> None:
        """Say nothing but what it let through."""


def main(log: str, login: str = "") -> None:
    """Serve until it is ended."""
    _Handler.log, _Handler.login = Path(log), login
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:3])
