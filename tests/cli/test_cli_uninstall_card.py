"""``airflow lark sync uninstall`` of a mapping whose health card is red: nobody would turn it green any more."""

from __future__ import annotations

import json

import pytest

from airflow_provider_lark.core.sync.health.limits import Limits
from airflow_provider_lark.core.sync.health.watch import Watch
from airflow_provider_lark.hooks.lark import LarkHook
from tests.cli.test_cli_sync import desk, synced

__all__ = ["desk", "synced"]


@pytest.fixture
def look(synced, emulator):
    """Looks at the mapping; its card's colors."""
    chat = emulator.state.add_chat("Data alerts", [])

    def run():
        hook = LarkHook("lark_default")
        with hook.client() as client:
            Watch("areas", "areas", Limits(pending=0), receive_id=chat, good_wanted=1).check(
                client, synced.sql, hook.clock
            )

    def colors():
        return [json.loads(each.content)["header"]["template"] for each in emulator.messages]

    run.colors = colors
    synced.execute("UPDATE areas SET name = 'waits' WHERE code = '1'")
    run()
    assert colors() == ["red"]
    return run


def test_red_card_of_a_mapping_that_is_uninstalled_turns_grey_and_new_trouble_is_a_new_card(synced, look):
    kept = synced("uninstall", "areas", "--keep-state", "--yes")
    assert (kept.status, look.colors()) == (0, ["red"])
    done = synced("uninstall", "areas", "--yes")
    assert (done.status, done.err, look.colors()) == (0, "", ["grey"])
    assert "the alarm of 1 card in a chat, grey from then on" in done.out
    assert synced("uninstall", "areas").out == "areas: nothing is installed\n"
    synced("full")
    synced.execute("UPDATE areas SET name = 'waits again' WHERE code = '1'")
    look()
    assert look.colors() == ["grey", "red"]


def test_card_that_lark_keeps_red_is_named_stops_nothing_and_is_tried_again(synced, look, emulator):
    nobody = synced("uninstall", "areas", "--yes", "--conn-id", "nobody")
    assert (nobody.status, nobody.out.splitlines()[-1]) == (0, "Uninstalled areas")
    assert "nobody" in nobody.err
    emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230002, status=400, times=None)
    done = synced("uninstall", "areas", "--yes")
    assert (done.status, look.colors()) == (0, ["red"])
    assert "areas: the card that says it is not well stays red; another uninstall tries again: " in done.err
    emulator.faults.clear()
    assert (synced("uninstall", "areas", "--yes").err, look.colors()) == ("", ["grey"])
    assert synced.execute("SELECT COUNT(*) FROM sync_record_map") == [(0,)]
