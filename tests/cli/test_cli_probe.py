"""``airflow lark probe`` on the emulator: what it prints, what it writes, and what the emulator takes of it."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest


@pytest.fixture
def lark(emulator, monkeypatch):
    connection = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(connection))
    return emulator


def test_answers_are_printed_and_written_without_names_and_the_emulator_takes_them(airflow, lark, tmp_path):
    lark.switches.update({"odd_texts_match": False, "oversize_page": "clamp"})
    before = set(lark.state.bases)
    path = tmp_path / "probe.json"
    done = airflow("probe", "--yes", "--file", str(path), "--output", "json")
    assert (done.status, set(lark.state.bases)) == (0, before)
    rows = {row["Question"]: row for row in done.json}
    assert rows["What does a page_size above 500 answer?"]["Switch"] == "oversize_page='clamp'"
    assert "19 of 19 experiments" in done.err
    text = path.read_text(encoding="utf-8")
    told = json.loads(text)
    assert (told["switches"]["odd_texts_match"], told["host"]) == (False, lark.url)
    for secret in (lark.app_id, lark.app_secret, "tbl", "rec1"):
        assert secret not in text
    # a name that it does not know would end it
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0", "--switches", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        first = served.stdout.readline()
        served.terminate()
    assert first.startswith("http://127.0.0.1:")


def test_nothing_is_made_without_a_yes(airflow, lark, monkeypatch):
    before = lark.counters()
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    done = airflow("probe")
    assert (done.status, lark.counters()) == (1, before)
    assert "nothing was made; answer y, or give --yes" in done.text
    assert lark.app_id in done.err


def test_app_that_may_make_no_base_is_told_in_one_line(airflow, lark, tmp_path):
    lark.faults.add("bitable/v1/apps", code=99991672, times=None)
    path = tmp_path / "probe.json"
    done = airflow("probe", "--yes", "--file", str(path))
    lark.faults.clear()
    assert (done.status, done.out, path.exists()) == (1, "", False)
    assert "99991672" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("name", "told"), [("no/probe.json", "there is no folder"), (".", "no regular file"), ("/dev/full", "no regular")]
)
def test_file_that_cannot_be_written_is_refused_before_anything_is_made(airflow, lark, tmp_path, name, told):
    before = lark.counters()
    done = airflow("probe", "--yes", "--file", str(tmp_path / name))
    assert (done.status, lark.counters()) == (1, before)
    assert told in done.text


@pytest.mark.parametrize("text", ["[1]", "{", '{"no_such_switch": 1}'])
def test_emulator_refuses_a_file_of_switches_that_it_cannot_read(tmp_path, text):
    path = tmp_path / "switches.json"
    path.write_text(text)
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0", "--switches", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
