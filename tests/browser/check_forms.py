"""The form behind *Trigger*, in a real browser on a real Airflow: ``make browser``.

``tests/dags/test_dag_files.py`` holds every DAG to the form's rule without a browser.
"""

from __future__ import annotations

import pytest

from tests.browser.conftest import wait_until

DAG_IDS = ["lark_full_sync", "lark_incremental_sync", "lark_event_sync", "lark_consistency_check"]


def open_form(page, airflow, dag_id):
    page.goto(f"{airflow.url}/dags/{dag_id}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.locator("#element_config").wait_for()
    return form


def button(form):
    return form.get_by_role("button", name="Trigger", exact=True)


def switch(form, name):
    return form.locator(f"label[id='switch:element_{name}']")


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_form_can_be_sent_as_it_opens_and_after_fields_were_filled_and_emptied(page, airflow, shot, dag_id):
    form = open_form(page, airflow, dag_id)
    assert button(form).is_enabled()
    shot(dag_id)
    for name, text in (("config", "other.yaml"), ("tables", "areas\ncities"), ("sql_conn_id", "shop_db")):
        form.locator(f"#element_{name}").fill(text)
        assert button(form).is_enabled()
        form.locator(f"#element_{name}").fill("")
        assert button(form).is_enabled()
    shot(f"{dag_id}_emptied")


def test_form_without_the_connection_that_a_run_needs_cannot_be_sent(page, airflow):
    form = open_form(page, airflow, "lark_full_sync")
    form.locator("#element_lark_conn_id").fill("")
    page.wait_for_function("() => !![...document.querySelectorAll('[role=dialog] button')].find(b => b.disabled)")
    assert not button(form).is_enabled()


def test_switch_of_the_form_lifts_the_guard_on_deletes_for_the_run(page, airflow, shot):
    records = airflow.person("records")
    ids = [record["record_id"] for record in records["result"]][:1000]
    before = airflow.count_areas()
    airflow.person("delete_records", record_ids=ids)
    form = open_form(page, airflow, "lark_full_sync")
    for _ in range(3):
        # on, off, on: a switch that is off is no empty field
        switch(form, "allow_mass_deletes").click()
        assert button(form).is_enabled()
    form.locator("#element_tables").fill("areas")
    shot("allow_mass_deletes")
    button(form).click()

    newest = "/dags/lark_full_sync/dagRuns?limit=1&order_by=-run_after"
    run = wait_until(
        lambda: next((r for r in airflow.get(newest)["dag_runs"] if r["run_type"] == "manual"), None), "run"
    )
    assert {name: run["conf"][name] for name in ("config", "tables", "allow_mass_deletes")} == {
        "config": None,
        "tables": ["areas"],
        "allow_mass_deletes": True,
    }
    path = f"/dags/lark_full_sync/dagRuns/{run['dag_run_id']}"
    state = wait_until(lambda: {"success", "failed"} & {airflow.get(path)["state"]}, "end of the run")
    assert state == {"success"}
    assert airflow.count_areas() == before - len(ids)
