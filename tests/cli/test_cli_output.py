"""What commands print: any encoding, any width, a reader that leaves, a document that is whole or not there."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import pytest
import yaml
from rich.cells import cell_len

from airflow_provider_lark.cli.output import print_rows
from tests.cli.test_cli_plan import execute, plan
from tests.cli.test_cli_plan_files import two

__all__ = ["execute", "two"]

AIRFLOW = Path(sys.executable).with_name("airflow")
NAME = "北😀é"


@pytest.fixture
def stdout(monkeypatch):
    """Give standard output another encoding; its bytes."""

    def make(encoding):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, errors="strict"))
        return written

    return make


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8"])
@pytest.mark.parametrize("output", ["table", "plain"])
def test_columns_stand_below_each_other_whatever_is_in_them(stdout, encoding, output):
    """A Chinese character is two columns wide; one that the encoding lacks is as wide as its escape."""
    written = stdout(encoding)
    names = ["订单表", "orders", "한국 ｶ", "x"]
    print_rows([{"Name": name, "Count": number, "Next": "|"} for number, name in enumerate(names, 9)], output)
    sys.stdout.flush()
    lines = [line for line in written.getvalue().decode(encoding).splitlines() if line.endswith("|")]
    assert len(lines) == 4
    assert len({cell_len(line) for line in lines}) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk", "big5", "utf-8", "utf-16"])
@pytest.mark.parametrize("output", ["table", "plain", "json", "yaml"])
def test_plan_is_printed_in_the_encoding_of_the_terminal(parser, shop, execute, stdout, encoding, output):
    execute(f"INSERT INTO areas VALUES ('A1', '{NAME}')")
    written = stdout(encoding)
    arguments = ["--mapping", shop, "--sql-conn-id", "shop_db", "--output", output]
    args = parser.parse_args(["lark", "sync", "plan", *arguments])
    with pytest.raises(SystemExit) as ended:
        args.func(args)
    assert ended.value.code == 2
    told = written.getvalue().decode(encoding)
    if output in ("table", "plain"):
        shown = "".join(char if can(char, encoding) else json.dumps(char)[1:-1] for char in NAME)
        assert shown in told
    else:
        (found,) = json.loads(told) if output == "json" else yaml.safe_load(told)
        values = [change["new"] for action in found["actions"] for change in action["changes"]]
        assert values == ["A1", NAME]


def can(character, encoding):
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@pytest.fixture
def many(shop, execute):
    """More rows than a pipe holds."""
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
    execute(f"{rows}INSERT INTO areas SELECT 'A' || i, 'name' FROM n")
    return ("sync", "plan", "--mapping", shop, "--sql-conn-id", "shop_db")


def test_reader_that_leaves_ends_the_command_without_a_word(airflow_db, many):
    line = '"$@" | head -1; exit "${PIPESTATUS[0]}"'
    command = ["bash", "-c", line, "-", AIRFLOW, "lark", *many]
    done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stderr, done.stdout.split()[0]) == (141, b"", b"Mapping")


@pytest.mark.parametrize("output", ["table", "plain", "json", "yaml"])
@pytest.mark.parametrize("rows", ["many", "few"])
def test_closed_pipe_gives_its_own_exit_status_in_every_format(parser, many, execute, monkeypatch, output, rows):
    if rows == "few":
        # all of it fits the buffer, so that the last flush meets the closed pipe
        execute("DELETE FROM areas")
    reading, writing = os.pipe()
    os.close(reading)
    args = parser.parse_args(["lark", *many, "--output", output])
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as ended:
            args.func(args)
    assert ended.value.code == 141


def test_output_that_cannot_be_written_is_told_in_one_line(parser, many, monkeypatch):
    args = parser.parse_args(["lark", *many])
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            args.func(args)
    assert ended.value.code == "the output cannot be written: No space left on device"


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_document_is_a_whole_one_when_a_later_mapping_fails(airflow, two, execute, output):
    execute("ALTER TABLE cities RENAME TO towns")
    done = plan(airflow, two, "--output", output)
    assert (done.status, "cities" in done.err) == (1, True)
    (told,) = json.loads(done.out) if output == "json" else yaml.safe_load(done.out)
    assert (told["mapping"], told["counts"]["lark.create"]) == ("areas", 1)


@pytest.mark.parametrize("columns", [20, 40, 300])
@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_table_on_a_terminal_fits_its_width(parser, shop, execute, terminal, columns, term):
    execute(f"INSERT INTO areas VALUES ('A1', '{NAME}')", "INSERT INTO areas VALUES ('A[/b]2', 'two\nlines')")
    args = parser.parse_args(["lark", "sync", "plan", "--mapping", shop, "--sql-conn-id", "shop_db"])
    lines = terminal(columns, term, args)
    assert lines[-1] == "areas: lark create 2, setup make 3"
    if columns < 100:
        # nothing is cut or torn: a line is a title and its cell
        assert {f"New: {NAME}", r'New: "two\nlines"', "Key: A[/b]2"} <= set(lines)
    else:
        (line,) = [line for line in lines if NAME in line]
        assert [cell.strip() for cell in line.split("|")[1:5]] == ["lark", "create", "A1", ""]
        assert all(width(line) <= columns for line in lines)


def width(text):
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


@pytest.fixture
def terminal(monkeypatch):
    """What a command prints on a real terminal of so many columns."""

    def run(columns, term, args):
        ours, theirs = pty.openpty()
        found = []
        reader = threading.Thread(target=lambda: found.extend(iter(lambda: read(ours), b"")))
        reader.start()
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", term)
        monkeypatch.setenv("NO_COLOR", "1")
        with os.fdopen(theirs, "w", encoding="utf-8") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            with pytest.raises(SystemExit):
                args.func(args)
        reader.join(timeout=60)
        os.close(ours)
        # the headings are bold
        return re.sub(r"\x1b\[\d*m", "", b"".join(found).decode()).splitlines()

    return run


def read(handle):
    try:
        return os.read(handle, 65536)
    except OSError:
        # a terminal that its last user has closed
        return b""


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_file_named_twice_counts_once_and_two_files_with_one_name_are_refused(
    airflow, shop, execute, tmp_path, command
):
    execute("INSERT INTO areas VALUES ('A1', 'north')")
    saved, other = tmp_path / "p.plan", tmp_path / "other.yaml"
    other.write_text(Path(shop).read_text())
    done = plan(airflow, shop, "--mapping", f"{tmp_path}/../{tmp_path.name}/{Path(shop).name}", "--save", str(saved))
    assert (done.status, done.out.splitlines()[-1]) == (2, "areas: lark create 1, setup make 3")
    assert len([line for line in done.out.splitlines() if line.startswith("areas: ")]) == 1
    if command == "plan":
        done = plan(airflow, shop, "--mapping", str(other))
    else:
        files = ("--mapping", shop, "--mapping", str(other))
        done = airflow("sync", "apply", str(saved), *files, "--sql-conn-id", "shop_db")
    assert (done.status, done.out) == (1, "")
    assert f"{shop}, {other}: two mappings are named 'areas'" in done.err
