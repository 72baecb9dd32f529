"""Names of processes that hold leases, by which others on their machine can tell that the holder has died.

A lease of a process that was killed would else keep everybody waiting until it runs out.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

#: the names with which this process lives; what else has its number was left behind by one before it
_OURS: set[str] = set()

_MACHINE_LENGTH = 48


def process_name(nonce: str) -> str:
    """Return a name of this process, with which it lives from now on: machine, process namespace, process and *nonce*.

    At most 112 characters and the nonce, which no other name of this process has.
    """
    name = f"{_place()}#{os.getpid()}#{nonce}"
    _OURS.add(name)
    return name


def give_up_name(name: str) -> None:
    """Live no longer with *name*: what may still be held by it, by mistake, is anybody's."""
    _OURS.discard(name)


def tell_process(name: str) -> str:
    """Return a name as a person reads it, to find the process by; as it is, where it is none of ours."""
    place, pid, _ = _parts(name)
    return f"{place.rsplit('/', 2)[0]}, process {pid}" if place.count("/") >= 2 else name


def is_gone(name: str) -> bool:
    """Tell whether the process is one of this very place and no longer runs; elsewhere nobody can tell."""
    place, pid, _ = _parts(name)
    # without a namespace two containers with one host name could take each other for dead
    if place != _place() or place.endswith("/") or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        # our own, whose release failed; or one of a process before us that had our number
        return name not in _OURS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _parts(name: str) -> tuple[str, str, str]:
    place, pid, nonce = name.rsplit("#", 2) if name.count("#") >= 2 else ("", "", "")
    return place, pid, nonce


@cache
def _place() -> str:
    # machines that were cloned share their names, and the namespaces of their processes have the same numbers
    boot = _read("/proc/sys/kernel/random/boot_id")
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()[:_MACHINE_LENGTH]}/{boot}/{namespace if boot else ''}"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
