"""The example of the transfers run by Airflow, twice, with a person's remark and file in between."""

from __future__ import annotations

import json

from sqlalchemy import text

from tests.databases import open_sqlite

ORDERS = """
CREATE TABLE orders (code VARCHAR(20) PRIMARY KEY, customer VARCHAR(80), total NUMERIC(10, 2), ordered_at TIMESTAMP);
INSERT INTO orders VALUES ('A-1', '陈', 120.5, '2026-11-01 09:00:00');
INSERT INTO orders VALUES ('A-2', '王', 80, '2026-11-02 09:00:00');
INSERT INTO orders VALUES ('A-3', NULL, 300, NULL);
"""


def test_example_of_transfers_publishes_collects_and_keeps_files(run_dag, monkeypatch, tmp_path):
    from airflow_provider_lark.emulator import Emulator

    database = tmp_path / "shop.db"
    engine = open_sqlite(database)
    with engine.begin() as conn:
        for statement in ORDERS.strip().split(";\n"):
            conn.execute(text(statement.rstrip(";")))

    def collected():
        with engine.connect() as conn:
            rows = conn.execute(text("SELECT code, total, remark FROM large_orders ORDER BY code")).all()
        return [tuple(row) for row in rows]

    with Emulator() as emulator:
        base = emulator.state.create_base("Shop").app_token
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"bases": {"MyDB": base}}}))
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))
        folder = f"file://{tmp_path}/files"

        state, states, values = run_dag("example_transfers", folder=folder)
        assert (state, set(states.values())) == ("success", {"success"})
        assert (values["publish", -1]["created"], values["collect", -1]["created"]) == (2, 2)
        assert collected() == [("A-1", 120.5, None), ("A-3", 300, None)]

        (table,) = [each for each in emulator.state.bases[base].tables.values() if each.name == "Large orders"]
        first = emulator.person.records(base, table.table_id)[0]["record_id"]
        file_token = emulator.state.add_file(base, "offer.txt", content=b"an offer")
        note = {"Remark": "paid", "Files": [{"file_token": file_token}]}
        emulator.person.edit_record(base, table.table_id, first, note)

        state, states, values = run_dag("example_transfers", folder=folder, least=50)
    assert (state, set(states.values())) == ("success", {"success"})
    publish = values["publish", -1]
    assert (publish["created"], publish["updated"], publish["unchanged"]) == (1, 0, 2)
    assert collected() == [("A-1", 120.5, "paid"), ("A-2", 80, None), ("A-3", 300, None)]
    assert values["keep_files", -1]["transferred"] == 1
    assert (tmp_path / "files" / first / "offer.txt").read_bytes() == b"an offer"
    engine.dispose()
