"""Who holds a lease, and whether that process lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from airflow_provider_lark.core.process_names import give_up_name, is_gone, process_name, tell_process

PRINT = (
    "from airflow_provider_lark.core.process_names import process_name; print(process_name('x'), flush=True); input()"
)


def start_process() -> tuple[str, subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, "-c", PRINT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child.stdout.readline().strip(), child


def test_process_that_was_ended_is_gone_and_one_that_runs_is_not() -> None:
    name, child = start_process()
    assert not is_gone(name)
    child.kill()
    child.communicate()
    assert is_gone(name)


def test_processes_of_cloned_machines_are_told_apart() -> None:
    machine, boot, namespace = process_name("x").rsplit("#", 2)[0].rsplit("/", 2)
    assert boot, "this machine tells when it was started"
    dead = f"{2**22 + 1}#x"
    assert is_gone(f"{machine}/{boot}/{namespace}#{dead}")
    assert not is_gone(f"{machine}/another-boot/{namespace}#{dead}")
    assert not is_gone(f"{machine}/{boot}/#{dead}")


def test_what_has_our_number_and_no_name_of_ours_was_left_behind() -> None:
    name = process_name("here")
    left = name.replace("#here", "#before")
    assert (is_gone(name), is_gone(left)) == (False, True)
    give_up_name(name)
    assert is_gone(name)


def test_name_is_told_as_machine_and_process() -> None:
    assert tell_process(process_name("x")) == f"{socket.gethostname()[:48]}, process {os.getpid()}"
    assert tell_process("another host#1#x") == "another host#1#x"
    assert tell_process("host, process 17, abc") == "host, process 17, abc"
