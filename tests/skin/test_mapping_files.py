"""Where the operators look for a mapping file, and what they do about tables and fields that people renamed."""

from __future__ import annotations

import pytest
import yaml
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.operators.mapping_source import list_mappings
from airflow_provider_lark.operators.sync import (
    BitableConsistencyCheckOperator,
    BitableFullSyncOperator,
    BitableSyncSetupOperator,
)


def run(operator, **parameters):
    return operator(task_id="t", **parameters).execute({"run_id": "manual__1"})


@pytest.fixture
def dag(tmp_path):
    """A DAG whose file lies in a folder of its own."""
    (tmp_path / "dags").mkdir()
    dag = DAG("made_in_a_test", schedule=None)
    dag.fileloc = str(tmp_path / "dags" / "dag.py")
    return dag


def test_relative_mapping_path_starts_at_the_folder_of_the_dag(shop, dag, tmp_path):
    (tmp_path / "dags" / "表格.yaml").write_text(yaml.safe_dump([shop.mapping]), encoding="utf-8")
    assert run(BitableSyncSetupOperator, mapping="表格.yaml", dag=dag)["mapping"] == "areas"


def test_relative_mapping_path_may_start_at_the_working_directory(shop, dag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables.yaml").write_text(yaml.safe_dump([shop.mapping]))
    assert run(BitableSyncSetupOperator, mapping="tables.yaml", dag=dag)["mapping"] == "areas"


def test_relative_mapping_path_that_leads_nowhere_says_where_was_looked(shop, dag, tmp_path):
    with pytest.raises(AirflowFailException) as caught:
        run(BitableSyncSetupOperator, mapping="sub/tabels.yaml", dag=dag)
    assert f"file 'sub/tabels.yaml' not found; tried {tmp_path}/dags/sub/tabels.yaml and " in str(caught.value)


def test_list_of_mappings_starts_at_the_folder_of_the_dag_that_is_made(shop, dag, tmp_path):
    (tmp_path / "dags" / "tables.yaml").write_text(yaml.safe_dump([shop.mapping]))
    with dag:
        assert [mapping["name"] for mapping in list_mappings("tables.yaml")] == ["areas"]
    with pytest.raises(AirflowFailException, match=r"file 'tables.yaml' not found; tried /"):
        list_mappings("tables.yaml")


def test_parameters_left_empty_in_the_form_mean_the_mappings_own(shop):
    # an optional Param without a value is None, which a template writes as the word
    report = run(BitableSyncSetupOperator, mapping=shop.mapping, sql_conn_id="None", mapping_name="None")
    assert report["status"] == "ok"


@pytest.fixture
def by_name(shop):
    """A mapping that names its table by name."""
    return {"lark": {"base": "MyDB", "table": "areas"}, "sql": {"conn_id": "shop_db", "table": "areas"}}


def test_setup_follows_a_table_that_was_renamed_and_says_so(shop, by_name):
    run(BitableFullSyncOperator, mapping=by_name)
    shop.emulator.person.rename_table(shop.app_token, shop.table_id, "地区")
    shop.execute("INSERT INTO areas VALUES ('1101', '北京')")
    report = run(BitableSyncSetupOperator, mapping=by_name)
    assert (report["status"], report["table_id"]) == ("ok", shop.table_id)
    (warning,) = report["warnings"]
    assert "'areas' has been renamed to '地区'" in warning
    assert run(BitableFullSyncOperator, mapping=by_name)["to_lark"]["created"] == 1
    assert run(BitableConsistencyCheckOperator, mapping=by_name)["in_step"]


def test_setup_does_not_take_a_new_table_of_the_old_name(shop, by_name):
    run(BitableSyncSetupOperator, mapping=by_name)
    shop.emulator.person.rename_table(shop.app_token, shop.table_id, "地区")
    shop.emulator.state.create_table(shop.app_token, "areas", [{"field_name": "code", "type": 1}])
    with pytest.raises(AirflowFailException, match="is already paired with another Bitable table"):
        run(BitableSyncSetupOperator, mapping=by_name)


def test_table_that_is_gone_is_still_named_with_those_that_are_there(shop, by_name):
    run(BitableSyncSetupOperator, mapping=by_name)
    shop.emulator.state.create_table(shop.app_token, "城市", [{"field_name": "code", "type": 1}])
    with LarkHook().client() as client:
        client.bitable.delete_table(app_token=shop.app_token, table_id=shop.table_id)
    with pytest.raises(AirflowFailException, match="has no table named 'areas'; its tables: 城市"):
        run(BitableSyncSetupOperator, mapping=by_name)


@pytest.mark.parametrize("given", [True, "True"])
def test_setup_takes_a_new_field_for_a_deleted_one_where_it_is_told_to(shop, given):
    shop.execute("INSERT INTO areas VALUES ('1101', '北京')")
    run(BitableFullSyncOperator, mapping=shop.mapping)
    shop.emulator.person.delete_field(shop.app_token, shop.table_id, "name")
    shop.emulator.person.add_field(shop.app_token, shop.table_id, {"field_name": "name", "type": 1})
    with pytest.raises(AirflowFailException, match="run the setup with adopt_fields=True"):
        run(BitableSyncSetupOperator, mapping=shop.mapping, adopt_fields="False")
    run(BitableSyncSetupOperator, mapping=shop.mapping, adopt_fields=given)
    run(BitableFullSyncOperator, mapping=shop.mapping)
    assert shop.lark_names() == shop.sql_names() == {"1101": "北京"}
