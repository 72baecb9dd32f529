"""The official Node SDK as a foreign client. npm fetches it once, beside the virtual environment."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "foreign/node"


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """Where npm put the SDK; kept between runs until package.json changes."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        unavailable("node and npm are not installed")
    wanted = (HERE / "package.json").read_bytes()
    home = Path(sys.prefix) / "foreign" / f"node-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not home.exists():
        home.parent.mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=home.parent))
        (scratch / "package.json").write_bytes(wanted)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--silent"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            shutil.rmtree(scratch)
            unavailable(f"npm install failed: {done.stderr[-500:]}")
        # only now does it bear the name: an interrupted install must not look like a whole one
        scratch.rename(home)
    return home / "node_modules"


def unavailable(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def test_node_sdk_understands_the_emulator(emu: Any, node_modules: Path) -> None:
    alice = emu.state.add_user("Alice", "alice@x.example")
    base = emu.state.create_base("Wiki base")
    given = {
        "PATH": os.environ["PATH"],
        "NODE_PATH": str(node_modules),
        "LARK_HOST": emu.url,
        "LARK_APP_ID": emu.app_id,
        "LARK_APP_SECRET": emu.app_secret,
        "LARK_WIKI_NODE": emu.state.add_wiki_node(base.app_token),
        "LARK_EMAIL": alice.email,
    }

    done = subprocess.run(
        ["node", str(HERE / "calls.cjs")], env=given, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])  # the SDK greets on the same stream
    ids = got["ids"]
    assert got["fields"] == ["Name", "Qty", "Files", "Kind"]
    assert got["found"] == ["n2", "n3", "n4"]
    assert got["paged"] == [ids[:2], ids[2:4], ids[4:]]
    assert (got["cleared"], got["absent"]) == (["Name", "Kind"], ["recnone"])
    assert bytes.fromhex(got["downloaded"]) == b"content \x00 of a file"
    assert got["obj_token"] == base.app_token
    assert got["message_id"] == emu.messages[-1].message_id
    assert got["refused"] == 1254045
    assert len(emu.counters()) >= 18, emu.counters()
