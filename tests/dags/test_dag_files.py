"""The DAG files as Airflow reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"
DAG_IDS = [
    "etl_to_lark",
    "example_bitable_operators",
    "example_transfers",
    "lark_card_approval",
    "lark_consistency_check",
    "lark_daily_report",
    "lark_event_sync",
    "lark_failure_notifier",
    "lark_full_sync",
    "lark_hitl_approval",
    "lark_hitl_bridge",
    "lark_incremental_sync",
    "lark_sync_alerts",
]


def test_dag_files_import_without_errors_or_warnings(dag_bag):
    assert dag_bag.import_errors == {}
    assert dag_bag.captured_warnings == {}
    assert sorted(dag_bag.dags) == DAG_IDS


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_runs_one_at_a_time_and_catches_nothing_up(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert "lark" in dag.tags
    assert "airflow pools set" in dag.doc_md


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_survives_serialisation(dag_bag, dag_id):
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(DagSerialization.to_dict(dag_bag.dags[dag_id]))
    assert sorted(again.task_dict) == sorted(dag_bag.dags[dag_id].task_dict)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_can_be_started_from_the_form_as_it_opens(dag_bag, dag_id):
    """Airflow's form disables Trigger while a param whose type allows no null is null or empty.

    The rule is the UI's own, of FlexibleForm; ``make browser`` looks at the real one.
    """
    from airflow.serialization.serialized_objects import DagSerialization

    params = DagSerialization.from_dict(DagSerialization.to_dict(dag_bag.dags[dag_id])).params
    empty = [name for name, value in params.dump().items() if value in (None, "") and _is_required(params, name)]
    # its Params are those of the task, which people fill in
    assert (len(params) > 0, empty) == (dag_id != "lark_hitl_approval", [])


def _is_required(params, name):
    types = params.get_param(name).schema.get("type") or "null"
    return "null" not in ([types] if isinstance(types, str) else types)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_file_is_marked_for_the_docs(dag_id):
    text = (DAGS / f"{dag_id}.py").read_text(encoding="utf-8")
    assert text.index(f"# [START {dag_id}]") < text.index(f"# [END {dag_id}]")


def test_example_mapping_file_can_be_read():
    from airflow_provider_lark.core import load_mappings

    mappings = load_mappings(DAGS / "lark_sync.yaml")
    assert [(m.name, m.lark.label, m.sql.conn_id) for m in mappings] == [
        ("areas", "MyDB:areas", "shop_db"),
        ("users", "MyDB:users", "shop_db"),
    ]
