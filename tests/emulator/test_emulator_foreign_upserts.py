"""Two clients from PyPI and their upserts. uv fetches them once, into an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.foreign.installing import python_home

HERE = Path(__file__).parent / "foreign"
WANTED = ("larksync==0.1.2", "onestep==1.7.1", "onestep-feishu-bitable==0.6.1")


@pytest.fixture(scope="module")
def python() -> Path:
    return python_home(*WANTED) / "bin/python"


def run(python: Path, script: str, home: Path, **given: str) -> Any:
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home), "TZ": "UTC", **given}
    done = subprocess.run(
        [str(python), str(HERE / script)], env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_larksync_fills_changes_and_takes_back_a_table_behind_a_wiki_link(
    caller: Any, python: Path, tmp_path: Path
) -> None:
    emu = caller.emu
    node = emu.state.add_wiki_node(caller.app_token, title="Goods")
    emu.person.add_record(caller.app_token, caller.table_id, {"Name": "mine", "Kind": "x"})

    got = run(
        python,
        "upsert_larksync.py",
        tmp_path,
        LARK_HOST=emu.url,
        LARK_TABLE_URL=f"https://shop.feishu.cn/wiki/{node}?table={caller.table_id}",
        LARKSYNC_APP_ID=emu.app_id,
        LARKSYNC_APP_SECRET=emu.app_secret,
    )

    def shown(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
        return [tuple(row[name] for name in ("Name", "Qty", "Tags", "Day")) for row in rows]

    assert got["title"] == "Goods"
    assert shown(got["first"])[1:] == [("a", "1", "p,q", "2026-01-02"), ("b", "2.5", "", "")]
    assert shown(got["second"])[1:] == [
        ("a", "10", "p,q", "2026-01-02"),
        ("b", "2.5", "p", "2026-01-03"),
        ("c", "3", "", ""),
    ]
    assert got["left"] == [0, 0, 0]
    assert shown(got["undone"]) == shown(got["first"])
    assert caller.names(caller.search()) == ["mine", "a", "b"]


def test_onestep_upserts_by_key_makes_relations_and_reads_what_changed(
    caller: Any, python: Path, tmp_path: Path
) -> None:
    emu = caller.emu
    makers = emu.state.create_table(caller.app_token, "makers", [{"field_name": "Name", "type": 1}])
    link = {"field_name": "Maker", "type": 18, "property": {"table_id": makers.table_id}}
    emu.person.add_field(caller.app_token, caller.table_id, link)

    got = run(
        python,
        "upsert_onestep.py",
        tmp_path,
        LARK_HOST=emu.url,
        LARK_APP_ID=emu.app_id,
        LARK_APP_SECRET=emu.app_secret,
        LARK_APP_TOKEN=caller.app_token,
        LARK_GOODS=caller.table_id,
        LARK_MAKERS=makers.table_id,
    )

    fields = {each["fields"]["Name"][0]["text"]: each["fields"] for each in caller.search(page_size=100)["items"]}
    acme, best = makers.records
    assert (fields["a"]["Qty"], fields["a"]["Kind"], fields["a"]["Maker"]) == (10, "x", {"link_record_ids": [best]})
    assert (fields["b"]["Qty"], fields["b"]["Maker"]) == (20, {"link_record_ids": [acme, best]})
    assert len(fields) == 22
    assert len(got["read"]) == 22
    assert got["left"] == 0
