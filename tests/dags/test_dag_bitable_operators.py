"""The example of the record operators run by Airflow, its sensor deferred, against the emulator over HTTP."""

from __future__ import annotations

import json

from tests.clocks import RecordedClock


def test_example_of_bitable_operators_runs_and_tells_of_its_table(run_dag, monkeypatch):
    from airflow.models.asset import AssetEvent
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from airflow_provider_lark.emulator import Emulator
    from airflow_provider_lark.hooks.calls.calling import CallingHook

    with Emulator() as emulator:
        base = emulator.state.create_base("Shop").app_token
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"bases": {"MyDB": base}}}))

        def pause(number):
            # meanwhile somebody approves an order in Lark
            if number == 2:
                (table,) = [each for each in emulator.state.bases[base].tables.values() if each.name == "orders"]
                first = emulator.person.records(base, table.table_id)[0]
                emulator.person.edit_record(base, table.table_id, first["record_id"], {"state": "approved"})

        clock = RecordedClock(pause)
        monkeypatch.setattr(CallingHook, "clock", clock)
        state, states, values = run_dag("example_bitable_operators")

        assert (state, set(states.values()), clock.pauses) == ("success", {"success"}, [300.0, 300.0])
        assert (values["create_table", -1]["created"], values["load", -1]["created"]) == (1, 2)
        found = values["wait_for_approval", -1]
        assert (found["total"], found["records"][0]["fields"]) == (1, {"code": "A-1"})
        assert (values["close", -1]["updated"], values["delete_closed", -1]["deleted"]) == (1, 1)
        assert [record["fields"]["code"] for record in values["list_open", -1]["records"]] == ["A-2"]

        page = f"{emulator.url}/base/{base}?table={found['table_id']}"
        with create_session() as session:
            (event,) = session.scalars(select(AssetEvent).where(AssetEvent.source_task_id == "load")).all()
            assert event.extra == {"created": 2, "updated": 0, "unchanged": 0}
            links = session.execute(
                select(XComModel.task_id, XComModel.value).where(
                    XComModel.dag_id == "example_bitable_operators", XComModel.key == "_link_BitableTableLink"
                )
            ).all()
        tasks = ["create_table", "load", "wait_for_approval", "close", "list_open", "delete_closed"]
        assert dict(links) == dict.fromkeys(tasks, page)
