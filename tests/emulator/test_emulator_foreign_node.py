"""The official Node SDK as a foreign client. npm fetches it once, beside the virtual environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.foreign.installing import node_home

HERE = Path(__file__).parent / "foreign/node"


@pytest.fixture(scope="module")
def node_modules() -> Path:
    return node_home(HERE / "package.json") / "node_modules"


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
        ["node", str(HERE / "calls.cjs")], env=given, capture_output=True, text=True, timeout=600, check=False
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
    assert got["message_id"] == emu.messages[0].message_id
    assert got["talk"] == {"types": ["interactive", "text"], "emoji": "DONE", "picture": True, "recalled": True}
    assert got["refused"] == 1254045
    assert len(emu.counters()) >= 28, emu.counters()
