"""A table of orders in the emulator, an Airflow connection to it, and what a task finds around it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

FIELDS = [
    {"field_name": "code", "type": 1},
    {"field_name": "qty", "type": 2},
    {"field_name": "status", "type": 3, "property": {"options": [{"name": "open"}, {"name": "done"}]}},
    {"field_name": "tags", "type": 4},
    {"field_name": "due", "type": 5},
    {"field_name": "paid", "type": 7},
    {"field_name": "made", "type": 1001},
]
TABLE = "/open-apis/bitable/v1/apps/:app_token/tables/:table_id"


class Orders:
    """A table of orders in the emulator."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.base = emulator.state.create_base("Shop").app_token
        self.table_id = emulator.state.create_table(self.base, "orders", FIELDS).table_id

    @property
    def ids(self):
        return {"app_token": self.base, "table_id": self.table_id}

    def add(self, *rows):
        return self.emulator.person.add_records(self.base, self.table_id, rows)

    def cells(self, name="code"):
        records = self.emulator.person.records(self.base, self.table_id)
        return [_plain(record["fields"].get(name)) for record in records]

    def calls(self, action):
        """How often the emulator was asked for ``records/…`` since the last reset of the log."""
        return self.emulator.counters().get(f"POST {TABLE}/records/{action}", 0)


def _plain(cell):
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else cell


def open_orders(emulator, monkeypatch):
    """Make the table, and the connection lark_default that names its base MyDB."""
    place = Orders(emulator)
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    lark["extra"] = {"bases": {"MyDB": place.base}}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    return place


def context(run_id="manual__1", map_index=-1, try_number=1):
    ti = SimpleNamespace(dag_id="orders", task_id="t", map_index=map_index, try_number=try_number)
    return {"run_id": run_id, "ti": ti, "outlet_events": OutletEventAccessors()}


def run(operator, *, ctx=None, **parameters):
    """Execute an operator on the table, and return what it returns."""
    parameters = {"task_id": "t", "table": "MyDB:orders"} | parameters
    return operator(**parameters).execute(ctx or context())


def fails(operator, *, kind=AirflowFailException, **parameters):
    """Execute an operator that fails in that way, and return why."""
    with pytest.raises(AirflowException) as caught:
        run(operator, **parameters)
    assert type(caught.value) is kind
    return str(caught.value)
