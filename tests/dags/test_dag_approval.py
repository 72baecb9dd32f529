"""The approval example, run by Airflow: a person presses the card in the emulator while the task is deferred."""

from __future__ import annotations

import threading

import pytest

from tests.skin.deciding import decisions


@pytest.fixture
def room(monkeypatch, tmp_path):
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator, decisions(emulator, tmp_path, monkeypatch) as opened:
        yield opened


def press_when_asked(room, label, **how):
    """Let Lin press as soon as the card is there."""
    given_up = threading.Event()

    def wait():
        while not room.cards() and not given_up.wait(0.2):
            pass
        if room.cards():
            seen.append(room.press("Lin", label, **how))

    seen = []
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return seen, given_up


def test_approval_lets_the_run_go_on_with_what_was_filled_in(run_dag, room):
    seen, given_up = press_when_asked(room, "Approve", form={"most": "500", "reason": "quarter end"})
    state, states, values = run_dag("lark_card_approval")
    given_up.set()
    assert (state, states["approve", -1], states["load", -1]) == ("success", "success", "success")
    assert seen[0]["toast"]["content"] == "Recorded: Approve"
    assert values["load", -1] == f"500 rows, approved by {room.people['Lin']}"
    assert values["approve", -1]["values"] == {"most": 500, "reason": "quarter end"}


def test_rejection_skips_the_load(run_dag, room):
    _, given_up = press_when_asked(room, "Reject")
    state, states, values = run_dag("lark_card_approval")
    given_up.set()
    assert (state, states["load", -1], values["approve", -1]["is_approved"]) == ("success", "skipped", False)
