"""The page on the operators of tables and records tells every class and parameter, and its snippets run."""

from __future__ import annotations

import json
from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest

from tests.docs.pages import page

PAGE = "docs/bitable-operators.md"
ORDERS = [
    {"field_name": "code", "type": 1},
    {"field_name": "amount", "type": 2},
    {"field_name": "state", "type": 3},
    {"field_name": "due", "type": 5},
    {"field_name": "owner", "type": 11},
]


def test_every_class_and_parameter_is_told() -> None:
    from airflow_provider_lark.operators import bitable_records, bitable_tables
    from airflow_provider_lark.operators.records import base
    from airflow_provider_lark.sensors.bitable import BitableRecordSensor

    told = page(PAGE).code()
    shared = (name for name in dir(base) if name.startswith("Bitable") and name.endswith("Operator"))
    bases = {getattr(base, name) for name in shared}
    modules = (bitable_records, bitable_tables)
    classes = {getattr(module, name) for module in modules for name in dir(module) if name.startswith("Bitable")}
    classes |= {BitableRecordSensor, *BitableRecordSensor.__mro__[1:2]}
    names = {name for each in classes | bases for name in signature(each.__init__).parameters}
    assert sorted(names - set(told) - {"self", "args", "kwargs"}) == []
    shown = {each.__name__ for each in classes - bases if each.__name__.startswith("Bitable")}
    assert sorted(name for name in shown if name not in told) == []


def test_snippets_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    from airflow_provider_lark.emulator import Emulator

    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1)
    context: Any = {"run_id": "r", "ti": ti, "outlet_events": OutletEventAccessors()}
    with Emulator() as emulator:
        base = emulator.state.create_base("Shop").app_token
        table_id = emulator.state.create_table(base, "orders", ORDERS).table_id
        emulator.state.directory.add_user("Ann", email="ann@example.com")
        emulator.person.add_record(base, table_id, {"code": "A-0", "state": "approved"})
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"bases": {"MyDB": base}}}))
        done: dict[str, Any] = {}
        for block in page(PAGE).blocks("python"):
            head, *calls = block.text.split("\n\n", 1)
            # each call of a snippet is an operator: run it where the reader's DAG would
            names: dict[str, Any] = {}
            exec(head, names)
            for call in _calls(calls[0]):
                operator = eval(call, names)
                done[operator.task_id] = operator.execute(context)
    assert (done["add_orders"]["created"], done["late_orders"]["total"]) == (1, 0)
    assert (done["load_orders"]["created"], done["load_orders"]["updated"]) == (1, 1)
    assert (done["approved"]["total"], done["create_table"]["created"], done["add_an_option"]["updated"]) == (1, 0, 1)


def _calls(text: str) -> list[str]:
    import ast

    return [ast.unparse(node) for node in ast.parse(text).body]
