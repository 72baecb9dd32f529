"""``airflow lark doctor``: a table, and an exit status that a script can use."""

from __future__ import annotations

import json
import os


def statuses(outcome):
    return {(row["What"], row["Check"]): row["Status"] for row in outcome.json}


def test_doctor_of_a_healthy_connection_exits_with_0(airflow, shop):
    done = airflow("doctor", "--mapping", shop, "--sql-conn-id", "shop_db", "--output", "json")
    assert done.status == 0
    found = statuses(done)
    assert found["connection lark_default", "token"] == found["base MyDB", "rights"] == "ok"
    assert found["mapping areas", "write"] == "ok"
    assert "trouble" not in found.values()


def test_doctor_prints_a_table(airflow, shop):
    done = airflow("doctor")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].split("|")[0].strip() == "What"
    assert any("connection lark_default" in line and "clock" in line for line in lines)


def test_doctor_of_a_wrong_secret_exits_with_1_and_stops_there(airflow, shop, monkeypatch, emulator):
    wrong = {"conn_type": "lark", "login": emulator.app_id, "password": "canary-secret", "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(wrong))
    done = airflow("doctor", "--mapping", shop, "--output", "json")
    assert done.status == 1
    assert statuses(done) == {
        ("connection lark_default", "settings"): "ok",
        ("connection lark_default", "token"): "trouble",
    }
    assert "canary" not in done.text


def test_doctor_without_a_connection_says_how_to_add_one(airflow, connections):
    done = airflow("doctor", "--conn-id", "nobody")
    assert done.status == 1
    assert "does not exist" in done.out


def test_doctor_without_the_token_stores_connection_examines_the_rest(airflow, shop, monkeypatch):
    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    lark["extra"]["store_conn_id"] = "nobody"
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    done = airflow("doctor", "--mapping", shop, "--sql-conn-id", "shop_db", "--output", "json")
    assert done.status == 1
    found = statuses(done)
    assert found["token store nobody", "settings"] == "trouble"
    assert found["connection lark_default", "token"] == found["mapping areas", "write"] == "ok"


def test_doctor_names_the_mapping_that_is_not_in_the_file(airflow, shop):
    done = airflow("doctor", "--mapping", shop, "--mapping-name", "users", "--output", "json")
    assert done.status == 1
    assert "no mapping 'users'; known: areas" in done.out


def test_doctor_of_a_mapping_without_a_database_says_which_option_is_missing(airflow, shop):
    done = airflow("doctor", "--mapping", shop, "--output", "json")
    assert done.status == 1
    assert "--sql-conn-id" in done.out


def test_doctor_of_a_broken_file_names_it(airflow, shop, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("mappings: [")
    done = airflow("doctor", "--mapping", str(broken), "--output", "json")
    assert done.status == 1
    assert "invalid YAML" in done.out
