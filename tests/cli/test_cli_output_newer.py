"""What ``explain``, ``undo``, ``probe``, ``init`` and ``move`` print: as the commands of test_cli_output.py."""

from __future__ import annotations

import json
import os
import sys

import pytest
import yaml

from airflow_provider_lark.emulator.state.copying import copy_base
from tests.cli.test_cli_output import can, stdout
from tests.cli.test_cli_sync import desk, synced

__all__ = ["desk", "stdout", "synced"]

NAME = "[on hold] 张三 😀"
"""O4 beside the others: brackets are no markup."""
_OUTPUTS = ("table", "plain", "json", "yaml")
LONG = "北京市朝阳区建国路八十八号" * 20


@pytest.fixture
def commands(synced, shop, emulator, tmp_path):
    """The arguments of each command, at something to tell: odd names, and one longer than any line."""
    app_token, table_id = synced.place
    synced.execute("UPDATE areas SET name = :name WHERE code = '1'", name=NAME)
    synced.execute("UPDATE areas SET name = :name WHERE code = '2'", name=LONG)
    synced("run")
    undone = synced("runs", "--output", "json").json[0]["run_id"]
    emulator.state.create_table(app_token, "用户表", [{"field_name": "名称", "type": 1}])
    synced.execute("CREATE TABLE 用户表 (名称 VARCHAR(20) NOT NULL PRIMARY KEY)")
    made = copy_base(
        emulator.state,
        emulator.state.bases[app_token],
        name="Copy",
        time_zone="Asia/Shanghai",
        members={emulator.app_id},
        made_by=emulator.app_id,
        with_content=True,
    )
    moved = tmp_path / "moved.yaml"
    target = {"app_token": made.app_token, "table_id": table_id}
    moved.write_text(yaml.safe_dump({"mappings": [{"name": "areas", "lark": target, "sql": "areas"}]}))
    known = ("--mapping", shop, "--sql-conn-id", "shop_db")
    return {
        "explain": ("sync", "explain", "1", *known),
        "explain long": ("sync", "explain", "2", *known),
        "undo": ("sync", "undo", undone, *known),
        "probe": ("probe", "--yes"),
        "init": ("sync", "init", "MyDB", "--sql-conn-id", "shop_db"),
        # last, because it does what it says
        "move": ("sync", "move", "areas", "--mapping", str(moved), "--sql-conn-id", "shop_db", "--yes"),
    }


def ended(parser, arguments):
    args = parser.parse_args(["lark", *arguments])
    try:
        args.func(args)
    except SystemExit as exc:
        return exc.code or 0
    return 0


def test_reader_that_has_left_is_no_usage_error_and_no_news(parser, commands, monkeypatch, capsys):
    """O2: never 2, which means that something waits."""
    for name, arguments in commands.items():
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", pipe)
            assert ended(parser, arguments) == 141, name
        told = capsys.readouterr().err
        assert "Traceback" not in told, name
        # what was made, and how many mappings, is told beside the document, before it is printed
        assert name in ("probe", "init") or not told, name


def test_nothing_is_cut_where_no_terminal_is(airflow, commands, monkeypatch):
    """O3, O4, and O6 for what a file gets: no carriage return, no control character."""
    monkeypatch.delenv("COLUMNS", raising=False)
    told = {name: airflow(*arguments) for name, arguments in commands.items()}
    for name, done in told.items():
        assert done.status in (0, 2), (name, done.text)
        assert all(char.isprintable() or char == "\n" for char in done.text), name
        assert len(done.err.splitlines()) < 100, name
    assert NAME in told["explain"].out
    assert LONG in told["explain long"].out
    assert [line for line in told["undo"].out.splitlines() if NAME in line and "one" in line]
    assert [line for line in told["undo"].out.splitlines() if LONG in line and "two" in line]
    assert "用户表" in told["init"].out
    assert "Moved areas" in told["move"].out


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_locale_that_lacks_a_character_gets_its_escape_and_documents_keep_their_values(
    parser, commands, stdout, encoding, tmp_path
):
    """O5."""
    written, drafted = {}, tmp_path / "drafted.yaml"
    stdout(encoding)
    assert ended(parser, (*commands["init"], "--file", str(drafted))) == 0
    for name, arguments in commands.items():
        outputs = {"explain": _OUTPUTS, "undo": _OUTPUTS, "probe": ("json",)}.get(name, ("",))
        for output in outputs:
            buffer = stdout(encoding)
            assert ended(parser, (*arguments, *(("--output", output) if output else ()))) in (0, 2), (name, output)
            sys.stdout.flush()
            written[name, output] = buffer.getvalue().decode(encoding)
    there = "".join(char if can(char, encoding) else json.dumps(char)[1:-1] for char in NAME)
    for name in ("explain", "undo"):
        assert there in written[name, "table"]
        assert there in written[name, "plain"]
        for output, load in (("json", json.loads), ("yaml", yaml.safe_load)):
            assert NAME in _texts(load(written[name, output])), (name, output)
    assert {"用户表", "名称"} <= _texts(yaml.safe_load(written["init", ""]))
    # a file is UTF-8 whatever the terminal is
    assert "table: 用户表" in drafted.read_text(encoding="utf-8")
    assert json.loads(written["probe", "json"])


def _texts(told):
    """Return all texts in a document, and the names of its parts."""
    if isinstance(told, dict):
        return {text for pair in told.items() for part in pair for text in _texts(part)}
    if isinstance(told, list):
        return {text for part in told for text in _texts(part)}
    return {told} if isinstance(told, str) else set()
