"""``airflow lark sync explain``: the words and documents that it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.test_cli_sync import desk, synced

__all__ = ["desk", "synced"]


def test_explain_prints_state_values_past_and_authors(synced, emulator):
    """O4, O14."""
    synced.execute("UPDATE areas SET name = '[/marketing]' WHERE code = '1'")
    synced("run")
    synced.edit("1", "[red]x[/red] 张三 😀")
    told = synced("explain", "1")
    assert (told.status, told.err) == (0, "")
    first, why, *rest = told.out.splitlines()
    assert first.startswith("areas: row 1, record rec")
    assert first.endswith(": different")
    assert why == "  the two sides differ, and the next run that meets the row decides (name: Lark changed)"
    text = "\n".join(rest)
    assert "[/marketing] | [red]x[/red] 张三 😀" in text
    assert "updated in Lark | name   | one" in text
    assert "This is all since the first run." in text
    assert "this app (" in text
    emulator.switches.serves_record_history = False
    plain = synced("explain", "1", "--output", "plain").out
    assert "[red]x[/red]" in plain
    assert "Lark does not say who: it does not tell this app the record's history" in plain


@pytest.mark.parametrize(("output", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_explain_as_a_document_is_one_with_all_values(synced, output, load):
    """O1."""
    synced.execute("DELETE FROM areas WHERE code = '2'")
    synced("run")
    (told,) = load(synced("explain", "2", "--output", output).out)
    assert (told["mapping"], told["key"], told["state"], told["history"]) == ("areas", "2", "deleted", None)
    deleted = told["events"][-1]
    assert (deleted["what"], deleted["lark"], deleted["after"]) == (
        "deleted in Lark",
        {"code": "2", "name": "two"},
        None,
    )


def test_explain_of_an_unknown_key_or_mapping_exits_with_1_and_its_name(synced):
    told = synced("explain", "[on hold] escalate", "--output", "json")
    assert (told.status, told.out) == (1, "")
    assert told.err == "ConfigError: row '[on hold] escalate': neither the tables nor the ledger of areas know it"
    told = synced("explain", "1", "--mapping-name", "nobody")
    assert (told.status, told.out) == (1, "")
    assert "nobody" in told.err


def test_explain_without_a_ledger_says_so(desk):
    told = desk("explain", "1", "--output", "json")
    assert (told.status, told.out) == (1, "")
    assert "the database has no ledger" in told.err


def test_explain_of_a_history_that_was_pruned_says_since_when_it_is_complete(synced):
    """O13."""
    synced.execute("UPDATE sync_log SET created_at = '2020-01-01 00:00:00.000000'")
    synced.execute("UPDATE sync_change SET created_at = '2020-01-01 00:00:00.000000'")
    synced("full")
    assert "what happened before was dropped by the retention." in synced("explain", "1").out
    (told,) = synced("explain", "1", "--output", "json").json
    assert told["history"]["reason"] == "retention"


def test_explain_beside_a_mapping_that_is_not_set_up_tells_both(synced, shop):
    file = Path(shop)
    named = yaml.safe_load(file.read_text())
    named["mappings"].insert(0, {"name": "new", "lark": {"base": "MyDB", "table": "new"}, "sql": "nothing"})
    file.write_text(yaml.safe_dump(named))
    told = synced("explain", "1", "--output", "json")
    assert told.status == 0
    assert [each["mapping"] for each in told.json] == ["areas"]
    assert "mapping 'new'" in told.err
    alone = synced("explain", "1", "--mapping-name", "new")
    assert (alone.status, alone.out) == (1, "")


def test_explain_beside_a_mapping_whose_database_is_down_tells_both(airflow, synced, shop, monkeypatch):
    file = Path(shop)
    named = yaml.safe_load(file.read_text())
    named["mappings"][0]["sql"] = {"conn_id": "shop_db", "table": "areas"}
    down = {"conn_id": "down_db", "table": "far"}
    named["mappings"].insert(0, {"name": "far", "lark": {"base": "MyDB", "table": "far"}, "sql": down})
    file.write_text(yaml.safe_dump(named))
    server = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "nobody", "schema": "none"}
    monkeypatch.setenv("AIRFLOW_CONN_DOWN_DB", json.dumps(server))
    told = airflow("sync", "explain", "1", "--mapping", shop, "--output", "json")
    assert (told.status, [each["mapping"] for each in told.json]) == (0, ["areas"])
    assert "connection 'down_db': the database failed" in told.err
