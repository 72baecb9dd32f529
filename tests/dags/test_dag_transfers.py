"""Both transfers and both attachment operators run by Airflow, against the emulator over HTTP."""

from __future__ import annotations

import json

from sqlalchemy import create_engine, text


def test_transfers_run_one_after_the_other(run_tasks, monkeypatch, tmp_path):
    from airflow.sdk import Asset

    from airflow_provider_lark.emulator import Emulator
    from airflow_provider_lark.operators.bitable import (
        BitableDownloadAttachmentsOperator,
        BitableUploadAttachmentsOperator,
    )
    from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
    from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator

    (tmp_path / "a.txt").write_bytes(b"hello")
    database = tmp_path / "shop.db"
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE orders (code TEXT PRIMARY KEY, qty INTEGER)"))
        conn.execute(text("INSERT INTO orders VALUES ('A-1', 1), ('A-2', 2), ('A-3', 3)"))
    with Emulator() as emulator:
        base = emulator.state.create_base("Shop").app_token
        fields = [{"field_name": "code", "type": 1}, {"field_name": "qty", "type": 2}, {"field_name": "f", "type": 17}]
        table_id = emulator.state.create_table(base, "orders", fields).table_id
        (record_id,) = emulator.person.add_records(base, table_id, [{"code": "A-0", "qty": 0}])
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"bases": {"MyDB": base}}}))
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))

        def make_tasks():
            shared = {"table": "MyDB:orders", "sql_conn_id": "shop_db"}
            there = SqlToBitableOperator(
                task_id="there",
                sql="SELECT code, qty FROM orders WHERE qty > :least ORDER BY code",
                parameters={"least": "{{ 1 + 0 }}"},
                outlets=[Asset("lark://MyDB/orders")],
                **shared,
            )
            back = BitableToSqlOperator(
                task_id="back", target_table="copy", create_table=True, fields=["code", "qty"], **shared
            )
            files = {record_id: f"file://{tmp_path}/a.txt"}
            up = BitableUploadAttachmentsOperator(task_id="up", table="MyDB:orders", field="f", files=files)
            down = BitableDownloadAttachmentsOperator(
                task_id="down", table="MyDB:orders", field="f", path=f"file://{tmp_path}/out"
            )
            there >> back >> up >> down

        state, states, values = run_tasks(make_tasks)
    assert (state, set(states.values())) == ("success", {"success"})
    assert (values["there", -1]["created"], values["back", -1]["created"]) == (2, 3)
    assert (values["up", -1]["transferred"], values["down", -1]["transferred"]) == (1, 1)
    assert (tmp_path / "out" / record_id / "a.txt").read_bytes() == b"hello"
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT code, qty FROM copy ORDER BY code")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("A-0", 0.0), ("A-2", 2.0), ("A-3", 3.0)]
