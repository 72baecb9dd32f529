"""Where Airflow's stats go: a StatsD server on UDP, and a collector of OpenTelemetry on HTTP."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.clocks import wait_until


class StatsdServer:
    """Keeps every line that it gets."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._lines = []
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while (data := self._socket.recv(65_535)) != b"close":
            self._lines += data.decode("ascii").splitlines()

    def _say(self, word):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(word, ("127.0.0.1", self.port))

    def take(self):
        """Return the lines about Lark since the last time; what was sent before is there."""
        self._say(b"mark")
        wait_until(lambda: "mark" in self._lines)
        lines = self._lines[: self._lines.index("mark")]
        del self._lines[: len(lines) + 1]
        return [line for line in lines if line.startswith("airflow.lark.")]

    def close(self):
        if not self._thread.is_alive():
            return
        self._say(b"close")
        self._thread.join()
        self._socket.close()


def read_influx(lines):
    """Return counters and gauges of lines with tags of Influx: name and tags to the sum, or to the last value."""
    counters, gauges = Counter(), {}
    for line in lines:
        series, rest = line.removeprefix("airflow.").split(":")
        value, kind = rest.split("|")
        name, *tags = series.split(",")
        key = (name, *(tag.split("=")[1] for tag in tags))
        if kind == "c":
            counters[key] += int(value)
        else:
            gauges[key] = float(value)
    return counters, gauges


def forget_stats():
    """Bring Airflow's stats in this process back to how they are before anybody has set them up."""
    from airflow.sdk.observability import stats

    if hasattr(stats, "initialize"):
        shared = sys.modules[stats.initialize.__module__]
        backend = shared._backend
        shared._factory = shared._backend = None
    else:
        backend = stats.Stats.instance
        type.__setattr__(stats.Stats, "factory", None)
        type.__setattr__(stats.Stats, "instance", None)
    if hasattr(backend, "statsd"):
        # it has a method for that since 4.0
        backend.statsd._sock.close()
    if hasattr(backend, "dogstatsd"):
        backend.dogstatsd.close_socket()


@contextmanager
def otel_collector():
    """Give a collector: its ``url``, and the data points of each request in ``points``: name, tags, value."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    points = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            points.extend(_points(ExportMetricsServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.points, server.url = points, f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _points(request):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in (*metric.sum.data_points, *metric.gauge.data_points):
                    tags = {each.key: each.value.string_value for each in point.attributes}
                    yield metric.name, tags, point.as_int or point.as_double
