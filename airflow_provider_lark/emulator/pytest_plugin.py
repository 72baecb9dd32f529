"""Pytest fixtures for testing your own DAGs against the emulator; ``docs/testing-dags.md`` shows how.

In the ``conftest.py`` at the top of your tests::

    pytest_plugins = ["airflow_provider_lark.emulator.pytest_plugin"]
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import pytest

from airflow_provider_lark.emulator.emulator import Emulator
from airflow_provider_lark.emulator.tenant.kinds import FieldType

CONN_ID: Final = "lark_default"
WEBHOOK_CONN_ID: Final = "lark_webhook_default"
BASE_NAME: Final = "Test"

FieldDefinition = str | int | Mapping[str, Any]
"""A type by name (``"text"``, ``"single_select"``…) or number, or members of Lark's field object."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class EmulatedTable:
    """A table in the emulator, as a colleague at the web page sees and edits it."""

    emulator: Emulator = field(repr=False)
    app_token: str
    table_id: str

    @property
    def url(self) -> str:
        """The address of the table, for ``table=…`` of an operator."""
        return f"https://emulator.feishu.cn/base/{self.app_token}?table={self.table_id}"

    def rows(self) -> list[dict[str, Any]]:
        """The records in order of creation, by field name; an empty cell is None, text is joined, a date is ms.

        Other cells are as Lark returns them.
        """
        names = self.emulator.person.fields(self.app_token, self.table_id)
        return [{name: _plain(cells.get(name)) for name in names} for cells in self._cells()]

    def record_ids(self) -> list[str]:
        """The ids of the records, in order of creation."""
        return [each["record_id"] for each in self._records()]

    def add(self, *rows: Mapping[str, Any]) -> list[str]:
        """Add records and return their ids."""
        return self.emulator.person.add_records(self.app_token, self.table_id, rows)

    def edit(self, record_id: str, **fields: Any) -> None:
        """Change fields of a record; None clears."""
        self.emulator.person.edit_record(self.app_token, self.table_id, record_id, fields)

    def delete(self, *record_ids: str) -> None:
        """Delete records."""
        self.emulator.person.delete_records(self.app_token, self.table_id, record_ids)

    def _records(self) -> list[dict[str, Any]]:
        return self.emulator.person.records(self.app_token, self.table_id)

    def _cells(self) -> list[dict[str, Any]]:
        return [each["fields"] for each in self._records()]


@dataclass(frozen=True)
class EmulatedWebhook:
    """A webhook bot in the emulator, and the Airflow connection that leads to it."""

    emulator: Emulator = field(repr=False)
    conn_id: str
    hook_id: str
    chat_id: str

    def texts(self) -> list[str]:
        """What stands in its group, oldest first: the words of each message that people read."""
        return [each.text for each in self.emulator.messages if each.chat_id == self.chat_id]

    def contents(self) -> list[Any]:
        """The same as it was sent: the ``content``, or the ``card``, of each message."""
        return [json.loads(each.content) for each in self.emulator.messages if each.chat_id == self.chat_id]


@dataclass
class EmulatedTaskInstance:
    """What operators ask a task instance for; what they return under other keys stands in *xcom*."""

    dag_id: str = "dag"
    task_id: str = "task"
    map_index: int = -1
    try_number: int = 1
    xcom: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep a value."""
        self.xcom[key] = value


@dataclass
class EmulatedOutletEvent:
    """What a task tells about an asset that it updated."""

    extra: dict[str, Any] = field(default_factory=dict)


class TableFactory(Protocol):
    """What the fixture ``lark_table`` is."""

    def __call__(
        self,
        fields: Mapping[str, FieldDefinition],
        rows: Sequence[Mapping[str, Any]] = (),
        *,
        name: str = "table",
        app_token: str | None = None,
    ) -> EmulatedTable:
        """Make a table.

        :param fields: types by field name; the first one is the primary field.
        :param rows: its first records.
        :param app_token: the base; None: one base for all tables of the test.
        """
        ...


def connection_json(emulator: Emulator, **extra: Any) -> str:
    """The value of an ``AIRFLOW_CONN_…`` variable that points at *emulator*.

    :param extra: further keys of the connection's extra: ``bases={"Shop": app_token}``.
    """
    parts = {
        "conn_type": "lark",
        "host": emulator.url,
        "login": emulator.app_id,
        "password": emulator.app_secret,
        "extra": extra,
    }
    return json.dumps(parts)


@pytest.fixture(scope="session")
def _lark_server() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def lark_emulator(_lark_server: Emulator) -> Iterator[Emulator]:
    """An emulator that holds nothing but one app; the server is shared by all tests, what it holds is not."""
    # clients share tokens by app within a process: with an app of its own no test meets those of another
    _lark_server.app_id = f"cli_test{next(_numbers)}"
    _lark_server.reset()
    yield _lark_server
    _lark_server.reset()


@pytest.fixture
def lark_connection(lark_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an Airflow connection to the emulator, which the environment holds during the test."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", connection_json(lark_emulator))
    return CONN_ID


class WebhookFactory(Protocol):
    """What the fixture ``lark_webhook`` is."""

    def __call__(
        self, *, conn_id: str = WEBHOOK_CONN_ID, secret: str = "", keywords: Sequence[str] = (), **extra: Any
    ) -> EmulatedWebhook:
        """Make a webhook bot and a connection of type ``lark_webhook`` to it.

        :param secret: with which messages must be signed; the connection has it too.
        :param keywords: of which a message must hold one; the connection has the first.
        :param extra: further keys of the connection's extra.
        """
        ...


@pytest.fixture
def lark_webhook(lark_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> WebhookFactory:
    """Makes webhook bots: ``lark_webhook(secret="demo")``; each writes into a group of its own."""

    def make(
        *, conn_id: str = WEBHOOK_CONN_ID, secret: str = "", keywords: Sequence[str] = (), **extra: Any
    ) -> EmulatedWebhook:
        hook = lark_emulator.state.add_webhook(secret=secret, keywords=keywords)
        given = {"signing_secret": secret, "keyword": next(iter(keywords), "")}
        parts = {
            "conn_type": "lark_webhook",
            "password": hook.url,
            # no test waits for a rush to pass
            "extra": {"avoid_peak_seconds": 0, **{name: value for name, value in given.items() if value}, **extra},
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(parts))
        return EmulatedWebhook(lark_emulator, conn_id, hook.hook_id, hook.chat_id)

    return make


@pytest.fixture
def lark_context() -> dict[str, Any]:
    """What ``execute`` of an operator wants; the same context again is the same task, tried again."""
    return {
        "run_id": "test",
        "ti": EmulatedTaskInstance(),
        "outlet_events": defaultdict(EmulatedOutletEvent),
    }


@pytest.fixture
def lark_table(lark_emulator: Emulator) -> TableFactory:
    """Makes tables: ``lark_table({"Name": "text", "Qty": "number"}, [{"Name": "a"}])``."""
    bases: list[str] = []

    def make(
        fields: Mapping[str, FieldDefinition],
        rows: Sequence[Mapping[str, Any]] = (),
        *,
        name: str = "table",
        app_token: str | None = None,
    ) -> EmulatedTable:
        if app_token is None:
            bases.extend([lark_emulator.state.create_base(BASE_NAME).app_token] if not bases else [])
            app_token = bases[0]
        definitions = [_definition(*each) for each in fields.items()]
        table = lark_emulator.state.create_table(app_token, name, definitions)
        made = EmulatedTable(lark_emulator, app_token, table.table_id)
        if rows:
            made.add(*rows)
        return made

    return make


def _definition(name: str, given: FieldDefinition) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {"field_name": name, **given}
    if isinstance(given, int):
        return {"field_name": name, "type": given}
    try:
        return {"field_name": name, "type": FieldType[given.upper()].value}
    except KeyError:
        known = ", ".join(each.name.lower() for each in FieldType)
        msg = f"field {name!r}: unknown type {given!r}; known: {known}"
        raise ValueError(msg) from None


def _plain(cell: Any) -> Any:
    is_text = isinstance(cell, list) and cell and all(isinstance(each, dict) and "text" in each for each in cell)
    return "".join(each["text"] for each in cell) if is_text else cell
