"""Asset events as Airflow stores them: of tables with Chinese names, and of changes only."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from sqlalchemy import create_engine, text

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator
from tests.dags.conftest import outcome_of, register


class Approvals:
    def __init__(self, emulator, folder):
        self.emulator = emulator
        self.engine = create_engine(f"sqlite:///{folder / 'shop.db'}")
        self.base = emulator.state.create_base("客户库").app_token
        fields = [{"field_name": "编号", "type": 1}, {"field_name": "名称", "type": 1}]
        self.table_id = emulator.state.create_table(self.base, "审批", fields).table_id
        self.execute("CREATE TABLE 审批单 (编号 VARCHAR(20) NOT NULL PRIMARY KEY, 名称 VARCHAR(80))")

    def execute(self, sql):
        with self.engine.begin() as conn:
            conn.execute(text(sql))


@pytest.fixture
def approvals(tmp_path, monkeypatch, airflow_db):
    with Emulator() as emulator:
        place = Approvals(emulator, tmp_path)
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        lark["extra"] = {"bases": {"客户库": place.base}}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        database = {"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(database))
        yield place
        place.engine.dispose()


def waiting():
    """The DAGs that the scheduler will start for the events that it has."""
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    with create_session() as session:
        found = set(session.scalars(select(AssetDagRunQueue.target_dag_id)))
        session.execute(delete(AssetDagRunQueue))
    return found


def activate(*dags):
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    for dag in dags:
        register(dag)
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False, is_stale=False))


def test_dags_with_chinese_names_are_stored_and_told_of_changes_only(approvals):
    from airflow.models.serialized_dag import SerializedDagModel

    table = Asset("lark://客户库/审批")
    # Airflow's dag.test() itself takes no other ids than ASCII ones
    with DAG("sync_approvals", schedule=None) as producer:
        BitableIncrementalSyncOperator(
            task_id="sync",
            mapping={"客户库:审批": "审批单"},
            sql_conn_id="shop_db",
            outlets=[table, AssetAlias("审批有变")],
        )
    with DAG("每次", schedule=[table]) as always:
        pass
    with DAG("有变", schedule=[AssetAlias("审批有变")]) as changed:
        pass
    with DAG("同步审批", schedule=None) as chinese:
        BitableIncrementalSyncOperator(task_id="同步", mapping={"客户库:审批": "审批单"}, outlets=[table])
    activate(chinese, always, changed, producer)
    assert all(SerializedDagModel.has_dag(dag.dag_id) for dag in (producer, always, changed, chinese))

    approvals.execute("INSERT INTO 审批单 VALUES ('1', '甲')")
    told = []
    for _ in range(2):
        state, _, values = outcome_of(producer.test())
        assert state == "success"
        told.append((values["sync", -1]["to_lark"]["created"], waiting()))
    # the first run meets the alias unknown to the consumer's asset, and its event reaches both all the same
    assert told == [(1, {"每次", "有变"}), (0, {"每次"})]
