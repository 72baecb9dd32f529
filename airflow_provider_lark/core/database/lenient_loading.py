"""Values that psycopg cannot load do not fail the other rows: they arrive as text, and a codec rejects them by name.

PostgreSQL knows dates that Python does not: ``infinity``, years before 1 and beyond 9999, 24:00. And psycopg reads the
numbers of a JSON document as doubles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from airflow_provider_lark.core.fields.exact_json import load_exact

_DATED = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")
_DOCUMENTS = ("json", "jsonb")


class Unloadable(str):
    """A value as PostgreSQL writes it, which the driver could not load."""

    __slots__ = ()


@contextmanager
def lenient(conn: Connection) -> Iterator[None]:
    """Let *conn* load what it can, exactly; elsewhere than with psycopg 3 nothing is changed.

    It holds for cursors that are opened inside.
    """
    raw: Any = conn.connection.dbapi_connection
    adapters = getattr(raw, "adapters", None)
    if adapters is None or conn.dialect.driver != "psycopg":
        yield
        return
    from psycopg import DataError
    from psycopg.pq import Format

    before = {name: adapters.get_loader(adapters.types[name].oid, Format.TEXT) for name in _DATED + _DOCUMENTS}
    for name in _DATED:
        adapters.register_loader(name, _or_text(before[name], DataError))
    for name in _DOCUMENTS:
        adapters.register_loader(name, _or_text(_ExactLoader, ValueError))
    try:
        yield
    finally:
        for name, loader in before.items():
            adapters.register_loader(name, loader)


class _ExactLoader:
    def __init__(self, oid: int, connection: Any = None) -> None:
        pass

    def load(self, data: Any) -> Any:
        return load_exact(bytes(data))


def _or_text(inner: Any, error: type[Exception]) -> type[Any]:
    """Return a loader that gives the text of what the loader *inner* cannot load."""

    class OrText:
        format = 0

        def __init__(self, oid: int, connection: Any = None) -> None:
            self._load = inner(oid, connection).load

        def load(self, data: Any) -> Any:
            try:
                return self._load(data)
            except error:
                return Unloadable(bytes(data).decode())

    return OrText
