"""A pipe before a server, which tests can close and open again: the server is down then, for one test only."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 65_536


class Tap:
    """Passes on what comes to its port; :meth:`shut` refuses and cuts all, :meth:`open` lets it through again."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = (host, port)
        self._tls = tls
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse new connections, and cut those that are open."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # closing alone does not wake the thread that waits in accept
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            cut = list(self._sockets)
        for each in cut:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        try:
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            server = socket.create_connection(self._target, timeout=30)
        except OSError:
            client.close()
            return
        pair = {client: server, server: client}
        with self._lock:
            self._sockets.update(pair)
        try:
            _pump(pair)
        finally:
            with self._lock:
                self._sockets.difference_update(pair)
            for each in pair:
                each.close()


def _pump(pair: dict[socket.socket, socket.socket]) -> None:
    with selectors.DefaultSelector() as selector:
        for each in pair:
            selector.register(each, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                try:
                    # what TLS has decrypted already wakes no selector
                    data = source.recv(_CHUNK)
                    if not data:
                        return
                    while data:
                        pair[source].sendall(data)
                        pending = source.pending() if isinstance(source, ssl.SSLSocket) else 0
                        data = source.recv(pending) if pending else b""
                except OSError:
                    return


@contextmanager
def tapped(host: str, port: int, tls: ssl.SSLContext | None = None) -> Iterator[Tap]:
    """Give a pipe before a server, and close it afterwards.

    :param tls: speak TLS towards the client.
    """
    tap = Tap(host, port, tls)
    try:
        yield tap
    finally:
        tap.shut()
