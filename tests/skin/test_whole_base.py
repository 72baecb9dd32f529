"""A mapping of every table of a base, in tasks: which mappings it becomes, and what becomes of those that cannot be."""

from __future__ import annotations

import pytest
import yaml
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.operators.mapping_source import list_mappings
from airflow_provider_lark.operators.sync import BitableFullSyncOperator, BitableIncrementalSyncOperator

PLAIN = {"lark": {"base": "MyDB", "tables": "*"}, "sql": {"conn_id": "shop_db", "table": "*"}}


@pytest.fixture
def file(shop, tmp_path):
    file = tmp_path / "whole.yaml"
    file.write_text(yaml.safe_dump(PLAIN))
    return str(file)


@pytest.fixture
def in_a_task(monkeypatch):
    """Let it look as if a task ran."""
    monkeypatch.setattr("airflow.sdk.get_current_context", lambda: {"dag": DAG("d", schedule=None)})


def full(mapping, **parameters):
    return BitableFullSyncOperator(task_id="t", mapping=mapping, **parameters).execute({"run_id": "manual__1"})


def add_table(shop, name):
    fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
    return shop.emulator.state.create_table(shop.app_token, name, fields).table_id


def test_whole_base_follows_new_renamed_and_deleted_tables(shop, file, in_a_task, caplog):
    assert [mapping["name"] for mapping in list_mappings(file)] == ["areas"]
    full(list_mappings(file)[0])
    # a new one is there in the next run, and one that was renamed keeps its SQL table
    add_table(shop, "streets")
    shop.emulator.person.rename_table(shop.app_token, shop.table_id, "地区")
    assert [mapping["name"] for mapping in list_mappings(file)] == ["areas"]
    assert "'streets' (tbl" in caplog.text
    shop.execute("CREATE TABLE streets (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")
    shop.execute("INSERT INTO streets VALUES ('1', 'x')")
    found = {mapping["name"]: mapping for mapping in list_mappings(file)}
    assert set(found) == {"areas", "streets"}
    assert full(found["streets"])["to_lark"]["created"] == 1
    del shop.emulator.state.bases[shop.app_token].tables[shop.table_id]
    assert [mapping["name"] for mapping in list_mappings(file)] == ["streets"]
    assert "keeps its rows" in caplog.text


def test_whole_base_refuses_in_a_task_of_its_own_so_that_the_others_run(shop, file, in_a_task):
    """O36."""
    shop.execute("CREATE TABLE goods (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")
    add_table(shop, "goods")
    ids = [add_table(shop, "twin"), ""]
    shop.execute("CREATE TABLE twin (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")
    # Lark refuses a second table of the name; one with a blank is one here
    ids[1] = add_table(shop, "twin2")
    shop.emulator.state.bases[shop.app_token].tables[ids[1]].name = " twin"
    found = list_mappings(file)
    assert [mapping["name"] for mapping in found if "refused" not in mapping] == ["areas", "goods"]
    refused = [mapping for mapping in found if "refused" in mapping]
    assert len(refused) == 2
    for mapping in refused:
        with pytest.raises(AirflowFailException, match="would use the same SQL table") as caught:
            full(mapping)
        assert all(id_ in str(caught.value) for id_ in ids)
    assert full(found[1])["status"] == "ok"


def test_whole_base_is_run_by_the_name_of_one_table(shop, file):
    shop.execute("INSERT INTO areas VALUES ('1', 'x')")
    assert full(file, mapping_name="areas")["to_lark"]["created"] == 1
    with pytest.raises(AirflowFailException, match="unknown mapping 'area'; known: areas"):
        full(file, mapping_name="area")


def test_whole_base_is_not_asked_for_while_a_dag_is_parsed(shop, file):
    before = len(shop.emulator.log)
    with (
        DAG("made_in_a_test", schedule=None),
        pytest.raises(AirflowFailException, match="call list_mappings in a task"),
    ):
        list_mappings(file)
    assert len(shop.emulator.log) == before


def test_names_with_braces_are_no_templates_in_mapped_tasks(shop, tmp_path, in_a_task):
    """O37: what a mapping file says is not rendered, by path or in a mapping that a task hands on."""
    shop.emulator.person.rename_field(shop.app_token, shop.table_id, "name", "{{ run_id }}")
    file = tmp_path / "braces.yaml"
    fields = [{"field": "code", "column": "code"}, {"field": "{{ run_id }}", "column": "name"}]
    file.write_text(yaml.safe_dump({**shop.mapping, "fields": fields}))
    task = BitableIncrementalSyncOperator(task_id="t", mapping=str(file))
    task.render_template_fields({"run_id": "manual__1"})
    shop.execute("INSERT INTO areas VALUES ('1', 'x')")
    assert task.execute({"run_id": "manual__1"})["to_lark"]["created"] == 1
