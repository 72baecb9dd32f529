"""The control routes and the command, as another process uses them."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest


def control(caller: Any, method: str, name: str, /, **given: Any) -> Any:
    answer = caller.http.request(method, f"/_emulator/{name}", json=given or None)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_control_builds_a_table_and_edits_it_as_a_person(caller: Any) -> None:
    base = control(caller, "POST", "bases", name="Remote", time_zone="UTC")["app_token"]
    table = control(caller, "POST", "tables", app_token=base, name="t", fields=[{"field_name": "Name", "type": 1}])
    place = {"app_token": base, "table_id": table["table_id"]}

    record_id = control(caller, "POST", "person/add_record", **place, fields={"Name": "a"})
    control(caller, "POST", "person/edit_record", **place, record_id=record_id, fields={"Name": "b"})

    shown = control(caller, "POST", "person/records", **place)
    assert shown == [{"record_id": record_id, "fields": {"Name": [{"text": "b", "type": "text"}]}}]
    control(caller, "POST", "person/delete_record", **place, record_id=record_id)
    assert control(caller, "POST", "person/records", **place) == []
    assert {"table_id": table["table_id"], "name": "t", "records": 0} in control(caller, "GET", "bases")[1]["tables"]


def test_control_scripts_faults_and_reads_the_log(caller: Any) -> None:
    control(caller, "POST", "faults", match="search", code=1254607)

    answer = caller.raw("POST", f"{caller.records}/search", {})

    assert (answer.status_code, answer.json()["code"]) == (400, 1254607)
    entry = control(caller, "GET", "log")[-1]
    assert (entry["code"], entry["fault"]) == (1254607, "error")
    assert control(caller, "GET", "faults")[0]["hits"] == 1
    assert sum(control(caller, "GET", "counters").values()) == len(control(caller, "GET", "log"))
    control(caller, "DELETE", "log")
    assert control(caller, "GET", "log") == []


def test_control_sets_switches_and_moves_the_clock(caller: Any) -> None:
    assert control(caller, "POST", "switches", uuid_strict=False)["uuid_strict"] is False
    assert caller.emu.switches.uuid_strict is False
    assert control(caller, "POST", "clock", advance_seconds=60) == caller.emu.clock.now()


def test_wrong_switch_beside_a_right_one_sets_neither(caller: Any) -> None:
    with pytest.raises(ValueError, match="uuid_strict"):
        caller.emu.switches.update({"auth_status": 401, "uuid_strict": None})
    assert caller.emu.switches.auth_status == 400
    caller.emu.switches.update({"write_seconds": 1, "max_records": None, "event_time_digits": 16})


def test_poison_may_be_a_number(caller: Any) -> None:
    caller.create({"Qty": 7})
    control(caller, "POST", "faults", match="search", record=7, code=1254607)
    assert caller.code("POST", f"{caller.records}/search", {}) == 1254607


def test_reset_leaves_the_default_app_only(caller: Any) -> None:
    caller.emu.switches.uuid_strict = False
    control(caller, "POST", "reset")

    assert control(caller, "GET", "bases") == []
    assert caller.emu.switches.uuid_strict is True
    caller.login()
    assert caller.code("GET", "/open-apis/bot/v3/info") == 0


@pytest.mark.parametrize(
    ("name", "given", "status", "says"),
    [
        pytest.param("nothing", {}, 404, "no control", id="unknown control"),
        pytest.param("switches", {"nope": 1}, 400, "unknown switches", id="unknown switch"),
        pytest.param("switches", {"oversize_page": "clip"}, 400, "oversize_page is one of", id="unknown value"),
        pytest.param("switches", {"auth_status": "401"}, 400, "auth_status is int", id="text for a number"),
        pytest.param("switches", {"uuid_strict": 1}, 400, "uuid_strict is bool", id="number for a truth"),
        pytest.param("faults", {"match": "x", "code": 1, "tymes": 2}, 400, "tymes", id="unknown fault setting"),
        pytest.param("faults", {"match": "x", "code": 1, "times": "2"}, 400, "times is int", id="text for times"),
        pytest.param("faults", {"match": "(", "code": 1}, 400, "not a regular expression", id="broken match"),
        pytest.param("faults", {"match": "x", "action": []}, 400, "unknown fault action", id="action as list"),
        pytest.param("person/add_record", {"app_token": "x"}, 400, "missing", id="missing parameter"),
        pytest.param("tables", {"app_token": "x", "name": "t", "fields": []}, 400, "unknown", id="unknown base"),
    ],
)
def test_wrong_control_request_says_what_is_wrong(
    caller: Any, name: str, given: dict[str, Any], status: int, says: str
) -> None:
    answer = caller.http.post(f"/_emulator/{name}", json=given)

    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_control_never_shows_a_secret(caller: Any) -> None:
    answer = caller.http.post("/_emulator/apps", json={"app_id": "cli_x", "app_secret": "hush"})

    assert answer.json()["result"]["app_id"] == "cli_x"
    assert "hush" not in answer.text
    assert "hush" not in repr(caller.emu.state.apps)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_its_address_and_stops_cleanly(stop: signal.Signals) -> None:
    own = ["--app-id", "cli_mine", "--app-secret", "canary"]
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0", *own]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        health = httpx.get(f"{url}/_emulator/health", verify=False).json()
        assert process.stdout.readline().strip() == "app_id cli_mine"
        assert process.stdout.readline().strip() == "app_secret as given"
        assert process.stdout.readline().strip() == f"page {url}/_emulator/"
        process.send_signal(stop)
        _, errors = process.communicate(timeout=600)

    assert health == {"result": {"status": "ok", "url": url}}
    assert (process.returncode, errors) == (0, "")
