"""What the documentation says of mappings, held against the code that reads them."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Any

import pytest
import yaml

from airflow_provider_lark.core import TableMapping, parse_mappings
from airflow_provider_lark.core.sync.mapping import reader as mapping_reader
from airflow_provider_lark.core.sync.mapping.options import OPTION_DEFAULTS
from tests.docs.pages import ROOT, Block, all_blocks, page

MAPPINGS = page("docs/mappings.md")
OPERATIONS = page("docs/operations.md")


def snippets() -> list[Any]:
    return [pytest.param(block, id=block.id) for block in all_blocks("yaml")]


@pytest.mark.parametrize("block", snippets())
def test_yaml_snippet_is_read(block: Block) -> None:
    mappings = parse_mappings(yaml.safe_load(block.text), where=block.id)
    assert [TableMapping.from_dict(mapping.to_dict()) for mapping in mappings] == mappings


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        pytest.param(
            "## Keys", ("name", "lark", "sql", "fields", "direction", "conflict", "deletes", "capture"), id="mapping"
        ),
        pytest.param("### `lark`", mapping_reader._LARK_KEYS, id="lark"),
        pytest.param("### `sql`", mapping_reader._SQL_KEYS, id="sql"),
        pytest.param("### `fields`", mapping_reader._FIELD_KEYS, id="fields"),
        pytest.param("### Options", tuple(OPTION_DEFAULTS), id="options"),
    ],
)
def test_every_key_has_its_line(heading: str, keys: tuple[str, ...]) -> None:
    lines = re.findall(r"^\| \[?`(\w+)`", MAPPINGS.section(heading), re.MULTILINE)
    assert sorted(set(keys) - set(lines)) == []


def test_every_key_of_a_mapping_is_listed_under_one_heading() -> None:
    known = {
        "name",
        "lark",
        "sql",
        "fields",
        "direction",
        "conflict",
        "deletes",
        "capture",
        *OPTION_DEFAULTS,
    }
    assert set(mapping_reader._MAPPING_KEYS) == known


def test_defaults_are_those_of_the_code() -> None:
    section = MAPPINGS.section("### Options")
    wrong = []
    for name, default in OPTION_DEFAULTS.items():
        told = re.search(rf"^\| `{name}` \|[^|]*\| ([^|]+) \|", section, re.MULTILINE)
        plain = "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
        if told is None or told[1].strip("`") != plain:
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize("policy", ["newest", "lark", "sql", "merge", "merge:lark", "merge:sql", "manual"])
def test_every_conflict_policy_is_told_and_taken(policy: str) -> None:
    assert f"| `{policy}`" in MAPPINGS.section("## Conflict")
    raw = {"lark": {"app_token": "a", "table_id": "t"}, "sql": "t", "conflict": policy}
    assert TableMapping.from_dict(raw).conflict.text.startswith(policy)


@cache
def texts_of_the_code() -> list[str]:
    texts = []
    for path in (ROOT / "airflow_provider_lark").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts += [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return texts


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(MAPPINGS.section("## Messages"), id="mappings"),
        pytest.param(OPERATIONS.section("## Messages of a run"), id="operations"),
    ],
)
def test_messages_that_are_explained_exist(section: str) -> None:
    texts = texts_of_the_code()
    told = [
        cell for line in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for cell in re.findall(r"`([^`]+)`", line)
    ]
    from airflow_provider_lark.core import errors

    parts = [part.strip() for cell in told for part in cell.split("…") if not hasattr(errors, cell)]
    assert len(told) > 5
    assert [part for part in parts if not any(part in text for text in texts)] == []
