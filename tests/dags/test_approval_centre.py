"""A task that waits in the approval centre, deferred and resumed by Airflow, and what becomes of the tasks below it."""

from __future__ import annotations

import threading

import pytest

from airflow_provider_lark.emulator import Emulator
from tests.skin.approvals import running_team


@pytest.fixture
def team(tmp_path, monkeypatch):
    with Emulator() as emulator, running_team(emulator, tmp_path, monkeypatch) as team:
        yield team


@pytest.mark.parametrize(("action", "below"), [("APPROVE", "success"), ("REJECT", "skipped")])
def test_decision_lets_the_run_go_on_or_skips_what_is_below(team, run_tasks, action, below):
    from airflow.providers.standard.operators.empty import EmptyOperator

    from airflow_provider_lark.operators.approval_centre import LarkApprovalCentreOperator

    def make_tasks():
        asked = LarkApprovalCentreOperator(
            task_id="approve",
            subject="Release of {{ dag.dag_id }}",
            approvers=["lin@example.com", "wei@example.com"],
            poll_interval=1,
            deferrable=True,
        )
        asked >> EmptyOperator(task_id="load")

    pressing = threading.Thread(target=team.press, args=(action,), kwargs={"reason": "数字不对"})
    pressing.start()
    state, states, values = run_tasks(make_tasks)
    pressing.join(timeout=120)
    assert (state, states["approve", -1], states["load", -1]) == ("success", "success", below)
    (vote,) = values["approve", -1]["votes"]
    assert (vote["action"].upper(), vote["name"], vote["reason"]) == (action, "Lin", "数字不对")
    (instance,) = team.instances()
    assert [each.status for each in instance.tasks.values()][1] == "DONE"
    assert "Release of made_in_a_test" in str(instance.texts)
