"""The file of a plan: written whole or not at all, read whole before anything is carried out."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest
import yaml

from tests.cli.test_cli_plan import apply, execute, plan

__all__ = ["execute"]


@pytest.fixture
def two(shop, execute, emulator, tmp_path):
    """Two mappings, of which each has a row without a record."""
    (app_token,) = emulator.state.bases
    fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
    emulator.state.create_table(app_token, "cities", fields)
    execute(
        "CREATE TABLE cities (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))",
        "INSERT INTO areas VALUES ('A1', 'north')",
        "INSERT INTO cities VALUES ('C1', 'town')",
    )
    mappings = [{"lark": {"base": "MyDB", "table": name}, "sql": name} for name in ("areas", "cities")]
    Path(shop).write_text(yaml.safe_dump({"mappings": mappings}))
    return shop


@pytest.fixture
def saved(airflow, two, tmp_path):
    file = tmp_path / "p.plan"
    assert plan(airflow, two, "--save", str(file)).status == 2
    return file


def writes(emulator):
    return {route: count for route, count in emulator.counters().items() if "batch_" in route}


def test_later_plan_that_is_refused_keeps_the_first_from_being_carried_out(airflow, two, saved, execute, emulator):
    execute("ALTER TABLE cities RENAME TO towns")
    done = apply(airflow, two, saved)
    assert (done.status, done.out) == (1, "")
    assert writes(emulator) == {}


def test_later_plan_that_fails_leaves_a_report_of_the_first(airflow, two, saved, monkeypatch):
    from airflow_provider_lark.core import SyncEngine
    from airflow_provider_lark.core.errors import Unreachable

    apply_one = SyncEngine.apply

    def failing(engine, stored):
        if engine.mapping.name == "cities":
            raise Unreachable("no way")
        return apply_one(engine, stored)

    monkeypatch.setattr(SyncEngine, "apply", failing)
    done = apply(airflow, two, saved, "--output", "json")
    assert (done.status, "no way" in done.err) == (1, True)
    assert [(each["Mapping"], each["Status"], each["In Lark"]) for each in done.json] == [
        ("areas", "ok", "1 created, 0 updated, 0 deleted"),
        ("cities", "failed", ""),
    ]


@pytest.mark.parametrize("output", ["table", "json"])
def test_mapping_that_fails_does_not_hide_the_plans_of_the_others(airflow, two, execute, output):
    execute("DROP TABLE areas")
    done = plan(airflow, two, "--output", output)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("areas: SchemaMismatch: table 'areas' does not exist")
    if output == "table":
        assert "cities: lark create 1" in done.out
    else:
        assert [each["mapping"] for each in json.loads(done.out)] == ["cities"]
    execute("DROP TABLE cities")
    done = plan(airflow, two, "--output", output)
    assert (done.status, done.out, done.err.count("does not exist")) == (1, "", 2)


def test_plan_that_fails_leaves_the_older_file(airflow, two, saved, execute):
    before = saved.read_bytes()
    execute("ALTER TABLE cities RENAME TO towns")
    assert plan(airflow, two, "--save", str(saved)).status == 1
    assert saved.read_bytes() == before
    assert not list(saved.parent.glob(".lark-plan-*"))


WRITE = """
import os, sys
if sys.argv[2] == "named":
    del os.O_TMPFILE
from airflow_provider_lark.core.sync.plan.private_file import PrivateFile
with PrivateFile(sys.argv[1], begins=b"{") as file:
    for number in range(10_000):
        file.write(b"{}\\n")
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start_writer(tmp_path):
    """A process that has written a part of a plan's file, and waits."""
    started = []

    def start(kind):
        command = [sys.executable, "-c", WRITE, str(tmp_path / "p.plan"), kind]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.mark.parametrize("kind", ["nameless", "named"])
def test_killed_writer_leaves_no_file_behind(start_writer, tmp_path, kind):
    def beside():
        return [path.name for path in tmp_path.iterdir() if path.name.startswith(".lark-plan-")]

    killed, alive = start_writer(kind), start_writer("named")
    killed.kill()
    killed.wait()
    assert len(beside()) == (1 if kind == "nameless" else 2)
    # the next writer removes what is stale, and nothing of one who still writes
    alive.stdin.close()
    assert alive.wait() == 0
    with start_writer("nameless") as last:
        last.stdin.close()
    assert ([path.name for path in tmp_path.iterdir()], stat.S_IMODE((tmp_path / "p.plan").stat().st_mode)) == (
        ["p.plan"],
        0o600,
    )


@pytest.mark.parametrize("cut", ["mapping", "end", "decision", "line", "more"])
def test_cut_file_is_refused_and_nothing_is_written(airflow, two, saved, emulator, cut):
    lines = saved.read_text().splitlines(keepends=True)
    second = next(at for at, line in enumerate(lines) if '"cities"' in line)
    kept = {
        "mapping": lines[:second],
        "end": lines[:-1],
        "decision": [*lines[:-2], lines[-1]],
        "line": [*lines[:-1], lines[-1][:20]],
        "more": [*lines, lines[-1]],
    }
    saved.write_text("".join(kept[cut]))
    done = apply(airflow, two, saved)
    assert (done.status, done.out, "save the plan again" in done.err) == (1, "", True), done.text
    assert writes(emulator) == {}


def test_new_file_is_private_and_an_older_one_is_replaced(airflow, saved, two):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    saved.chmod(0o644)
    assert plan(airflow, two, "--save", str(saved)).status == 2
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("link", "is a symbolic link"),
        ("folder", "is a folder"),
        ("pipe", "is no regular file"),
        ("text", "exists and is not a plan"),
        ("missing", "there is no folder"),
    ],
)
def test_what_is_no_plan_is_never_overwritten(airflow, two, tmp_path, kind, why):
    import os

    precious, target = tmp_path / "precious", tmp_path / "target"
    precious.write_text("precious")
    precious.chmod(0o644)
    if kind == "link":
        target.symlink_to(precious)
    elif kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target, 0o644)
    elif kind == "text":
        target = precious
    else:
        target = tmp_path / "none" / "p"
    mode = target.lstat().st_mode if kind != "missing" else None
    done = plan(airflow, two, "--save", str(target))
    assert (done.status, why in done.err) == (1, True), done.text
    assert (target.lstat().st_mode if mode else None) == mode
    assert (precious.read_text(), stat.S_IMODE(precious.stat().st_mode)) == ("precious", 0o644)


def resealed(lines):
    """Return the text of a file whose closing line fits."""
    text = "".join(f"{json.dumps(line)}\n" for line in lines[:-1])
    end = {**lines[-1], "digest": blake2b(text.encode(), digest_size=16).hexdigest()}
    return f"{text}{json.dumps(end)}\n"


@pytest.mark.parametrize(
    "change",
    [
        {"salt": None},
        {"salt": 5},
        {"salt": "\ud800"},
        {"made_ms": "x"},
        {"made_ms": 10**20},
        {"made_ms": True},
        {"mapping": ["a"]},
        {"decisions": "1"},
        {"decisions": -1},
        {"decisions": 10**12},
        {"operation": "nonsense"},
        {"operation": []},
        {"allow_mass_deletes": "no"},
        {"counts": None},
        {"counts": {"sql.update": "1"}},
        {"version": "1"},
        {"other": 1},
    ],
    ids=str,
)
def test_odd_head_is_one_line(airflow, two, saved, change):
    head, *rest = [json.loads(line) for line in saved.read_text().splitlines()]
    saved.write_text(resealed([{**head, **change}, *rest]))
    done = apply(airflow, two, saved)
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 0), done.text
    assert done.err.startswith(f"ConfigError: {saved}: line ")


@pytest.mark.parametrize(
    "decision", [[1], {"a": 1}, ["lark", 1, 2, 3], ["x", "a", "b", "0" * 32], "text", None], ids=str
)
def test_odd_decision_is_one_line(airflow, two, saved, decision):
    head, _, *rest = [json.loads(line) for line in saved.read_text().splitlines()]
    saved.write_text(resealed([head, decision, *rest]))
    done = apply(airflow, two, saved)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"ConfigError: {saved}: line 2: ")


def test_edited_value_is_noticed_by_the_closing_line(airflow, two, saved):
    saved.write_text(saved.read_text().replace('"allow_mass_deletes": false', '"allow_mass_deletes": true'))
    done = apply(airflow, two, saved)
    assert (done.status, "was changed after it was saved" in done.err) == (1, True)


def test_folder_or_pipe_cannot_be_applied(airflow, two, tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path, tmp_path / "pipe", tmp_path / "none"):
        done = apply(airflow, two, file)
        assert (done.status, "cannot be read" in done.err) == (1, True), done.text


def test_saved_plans_of_two_mappings_are_carried_out(airflow, two, saved):
    done = apply(airflow, two, saved, "--output", "json")
    assert (done.status, [each["Status"] for each in done.json]) == (0, ["ok", "ok"]), done.text
