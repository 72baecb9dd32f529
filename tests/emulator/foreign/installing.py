"""Foreign clients in homes of their own beside the virtual environment, kept from run to run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip, but fail where everything must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    """Where the program is, beside our interpreter first."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return found or unavailable(f"{name} is not installed")


def node_home(package_json: Path) -> Path:
    """A directory with ``node_modules`` as *package_json* wants them."""
    wanted = package_json.read_text()

    def commands(home: Path) -> Sequence[Sequence[str]]:
        (home / "package.json").write_text(wanted)
        options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--silent")
        return [[program("npm"), "install", *options, "--prefix", str(home)]]

    program("node")
    return _home("node", wanted, commands)


def python_home(*requirements: str) -> Path:
    """A virtual environment with *requirements*."""

    def commands(home: Path) -> Sequence[Sequence[str]]:
        uv, python = program("uv"), str(home / "bin/python")
        return [
            [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", python, *requirements],
        ]

    return _home("python", repr(requirements), commands)


def packages_home(*requirements: str) -> Path:
    """A directory to import from with *requirements* and nothing that they need: the tests' environment has that."""

    def commands(home: Path) -> Sequence[Sequence[str]]:
        into = ("--python", sys.executable, "--no-deps", "--target", str(home))
        return [[program("uv"), "pip", "install", "--quiet", *into, *requirements]]

    return _home("packages", repr(requirements), commands)


def _home(kind: str, wanted: str, commands: Callable[[Path], Sequence[Sequence[str]]]) -> Path:
    home = Path(sys.prefix) / "foreign" / f"{kind}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if home.exists():
        return home
    home.parent.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=home.parent))
    for command in commands(scratch):
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            shutil.rmtree(scratch)
            unavailable(f"{' '.join(command[:3])} failed: {done.stderr[-500:]}")
    # only now does it bear the name: an interrupted install must not look like a whole one
    scratch.rename(home)
    return home
