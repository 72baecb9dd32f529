from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_lark.core.ledger.tables import metadata

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_ledger_page_lists_the_columns_of_each_table(name: str):
    section = PAGE.split(f"### `{name}`")[1].split("\n#")[0]
    if name == "sync_mute":
        assert "`id`" in section
    else:
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
            column.name for column in metadata.tables[name].c
        ]
