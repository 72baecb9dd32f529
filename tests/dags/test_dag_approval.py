"""Approvals, run by Airflow: a person answers on the card or in the centre while the task is deferred."""

from __future__ import annotations

import threading

import pytest

from tests.skin.deciding import decisions


@pytest.fixture
def room(monkeypatch, tmp_path):
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator, decisions(emulator, tmp_path, monkeypatch) as opened:
        yield opened


def when_asked(room, act):
    """Let somebody act as soon as the card is there."""
    given_up = threading.Event()

    def wait():
        while not room.cards() and not given_up.wait(0.2):
            pass
        if room.cards():
            seen.append(act())

    seen = []
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return seen, given_up


def test_approval_lets_the_run_go_on_with_what_was_filled_in(run_dag, room):
    form = {"most": "500", "reason": "quarter end"}
    seen, given_up = when_asked(room, lambda: room.press("Lin", form=form))
    state, states, values = run_dag("lark_card_approval")
    given_up.set()
    assert (state, states["approve", -1], states["load", -1]) == ("success", "success", "success")
    assert seen[0]["toast"]["content"] == "Recorded: Approve"
    assert values["load", -1] == f"500 rows, approved by {room.people['Lin']}"
    assert values["approve", -1]["values"] == {"most": 500, "reason": "quarter end"}


def test_rejection_in_the_centre_skips_what_is_below_and_closes_the_card(run_tasks, room):
    from airflow.providers.standard.operators.empty import EmptyOperator

    from airflow_provider_lark.operators.approval import LarkApprovalOperator

    def make_tasks():
        asked = LarkApprovalOperator(
            task_id="approve",
            receive_id=room.chat_id,
            centre={"entries": {"Run": "{{ dag.dag_id }}"}},
            allowed=["lin@example.com", "wei@example.com"],
            title="Release?",
            form=[{"name": "reason", "required": "on_reject"}],
            poll_interval=1,
            deferrable=True,
        )
        asked >> EmptyOperator(task_id="load")

    seen, given_up = when_asked(room, lambda: room.decide("Lin", "REJECT", reason="数字不对"))
    state, states, values = run_tasks(make_tasks)
    given_up.set()
    assert (state, states["approve", -1], states["load", -1]) == ("success", "success", "skipped")
    (answer,) = values["approve", -1]["answers"]
    assert (answer["choice"], answer["via"], answer["values"]) == ("Reject", "centre", {"reason": "数字不对"})
    assert seen == [""]
    assert room.instances() == [("REJECTED", {"Lin": "REJECTED", "Wei": "DONE"})]
    assert '"button"' not in room.shown()
    assert "made_in_a_test" in str(room.emulator.state.approvals.all()[0].texts)


def test_rejection_skips_what_is_below_a_mapped_approval_too(run_tasks, room):
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import task_group

    from airflow_provider_lark.operators.approval import LarkApprovalOperator

    asks = {"receive_id": room.chat_id, "poll_interval": 1, "deferrable": True}

    @task_group
    def table(name):
        approve = LarkApprovalOperator(task_id="approve", title=name, **asks)
        approve >> EmptyOperator(task_id="load")

    def make_tasks():
        asked = LarkApprovalOperator.partial(task_id="each", **asks).expand(title=["first", "second"])
        mapped = PythonOperator.partial(task_id="mapped", python_callable=str).expand(op_args=[[1], [2], [3]])
        asked >> [EmptyOperator(task_id="once"), mapped]
        table.expand(name=["third", "fourth"]) >> EmptyOperator(task_id="after", trigger_rule="all_done")

    pressed = set()

    def press():
        for card in room.cards():
            if card.message_id not in pressed:
                pressed.add(card.message_id)
                label = "Reject" if "second" in card.content or "third" in card.content else "Approve"
                room.emulator.clicks.press(card.message_id, room.people["Lin"], label=label)

    given_up = threading.Event()

    def keep_pressing():
        while not given_up.wait(0.2):
            press()

    thread = threading.Thread(target=keep_pressing, daemon=True)
    thread.start()
    state, states, values = run_tasks(make_tasks)
    given_up.set()
    thread.join()
    assert state == "success"
    assert [values["each", at]["decision"] for at in (0, 1)] == ["Approve", "Reject"]
    assert [values["table.approve", at]["decision"] for at in (0, 1)] == ["Reject", "Approve"]
    assert states["once", -1] == "skipped"
    assert [states["mapped", at] for at in (0, 1, 2)] == ["skipped"] * 3
    assert [states["table.load", at] for at in (0, 1)] == ["skipped", "success"]
    assert states["after", -1] == "success"
