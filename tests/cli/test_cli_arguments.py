"""What the commands take: numbers that mean something, help that says all, answers, and a person's Ctrl-C."""

from __future__ import annotations

import argparse
import io
import sys

import pytest
from sqlalchemy.exc import ProgrammingError

from airflow_provider_lark.cli import mappings
from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.hooks.errors import explain_database
from tests.cli.test_cli_sync import desk, synced

__all__ = ["desk", "synced"]


def helps(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from helps(each)
        elif action.help and action.help is not argparse.SUPPRESS:
            yield action.help


def test_help_holds_nothing_that_the_terminal_takes_for_markup(parser):
    """O4: of ``[lark]`` in a help text, nothing is shown."""
    texts = {text for text in helps(parser) if "[" in text}
    assert texts == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("conflicts", "show", "areas", "9" * 26),
        ("conflicts", "show", "areas", "-1"),
        ("conflicts", "list", "--limit", "9" * 26),
        ("log", "areas", "--limit", "9" * 5000),
        ("blacklist", "add", "areas", "1", "--hours", "99999999999"),
        ("blacklist", "add", "areas", "1", "--hours", "0"),
    ],
)
def test_numbers_that_no_database_knows_are_refused_by_the_parser(synced, arguments):
    done = synced(*arguments)
    assert (done.status, "expected a whole number from 1 to" in done.err) == (2, True)
    assert "[]" in synced("blacklist", "list", "--output", "json").out


def test_question_that_nobody_can_answer_is_answered_with_no(synced, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = synced("uninstall", "areas")
    assert done.status == 1
    assert "nobody answered, so nothing was done; give --yes where nobody can" in done.err
    assert synced("status").status == 0


@pytest.mark.parametrize(("answer", "agreed"), [("y\n", True), (" YES", True), ("\n", False), ("yep\n", False)])
def test_question_is_asked_beside_the_output_and_takes_y_and_yes(monkeypatch, capsys, answer, agreed):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert agrees("Do it?") is agreed
    assert capsys.readouterr() == ("", "Do it? [y/N] ")


@pytest.mark.parametrize(
    "arguments", [("purge", "--waiting-days", "0"), ("purge", "--waiting-days", "36601"), ("replay", "1", "1_0")]
)
def test_numbers_of_the_inbox_mean_something(parser, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["lark", "inbox", *arguments])
    assert ended.value.code == 2
    assert "expected a whole number from 1 to" in capsys.readouterr().err


def test_report_in_a_folder_that_is_missing_is_refused_before_anything_is_read(desk, tmp_path):
    for path in ("none/check.html", "none/{mapping}.json"):
        done = desk("check", "--report", str(tmp_path / path))
        assert done.status == 1
        assert f"cannot be written; there is no folder {tmp_path / 'none'}" in done.err
    assert not (tmp_path / "none").exists()


def test_interrupt_ends_a_command_in_one_line_and_with_the_status_of_a_signal(desk, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(mappings, "load_all_mappings", interrupt)
    done = desk("run")
    assert (done.status, done.out, done.err) == (130, "", "\ninterrupted; the command may be repeated\n")


def test_right_that_a_user_lacks_is_told_as_such_and_not_as_a_server_that_is_down():
    class Refused(Exception):
        sqlstate = "42501"

    error = ProgrammingError("SELECT 1", {}, Refused())
    error.add_note("connection 'shop_db'")
    told = explain_database(error)
    assert told.startswith("connection 'shop_db': the database refused (")
    assert "its user lacks a right" in told
    assert "running" not in told
