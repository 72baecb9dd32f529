"""The YAML file of a draft: every name comes back from a safe loader as it is, and what is odd stands beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.sync.draft.draft import Draft, DraftMapping, Place

SCHEMA_URL = (
    "https://raw.githubusercontent.com/airflow-provider-lark/airflow-provider-lark/main/airflow_provider_lark/"
    "mapping.schema.json"
)

_PLAIN = re.compile(r"[^\W\d_]\w*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""What some loader of YAML 1.1 or 1.2 reads as something else than a text."""


def render(draft: Draft, place: Place, *, encoding: str = "utf-8") -> str:
    """Return the file.

    :param encoding: what it is written in; a character that it lacks is YAML's escape.
    :raises SafetyStop: a safe loader does not give back what was drafted; nothing may be written then.
    """
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_URL}",
        "# Drafted by `airflow lark sync init` from the names and types of fields and columns: check what is paired",
        "mappings:",
    ]
    for mapping in draft.mappings:
        lines += ["", *_entry(mapping, place, encoding)]
    if draft.notes:
        lines += ["", *(comment(note) for note in draft.notes)]
    # Python's escapes are YAML's too
    text = ("\n".join(lines) + "\n").encode(encoding, "backslashreplace").decode(encoding)
    if yaml.safe_load(text) != {"mappings": [mapping.to_raw(place) for mapping in draft.ready]}:
        raise SafetyStop("the drafted file does not read back as it was meant; please report the names of your tables")
    return text


def scalar(text: str, encoding: str = "utf-8") -> str:
    """Return a text as a YAML scalar that every loader reads as this very text, also inside braces."""
    is_plain = _PLAIN.fullmatch(text) and text.isprintable() and max(text) <= "\uffff" and text.lower() not in _WORDS
    if is_plain and text.encode(encoding, "ignore").decode(encoding) == text:
        return text
    # reflected names are texts of a class of their own
    return str(yaml.safe_dump(str(text), default_style='"', allow_unicode=True, width=10**9)).strip()


def comment(text: str) -> str:
    """Return a text as a comment of one line."""
    return "# " + "".join(character if character.isprintable() else " " for character in text)


def _entry(mapping: DraftMapping, place: Place, encoding: str) -> list[str]:
    names = f"{mapping.lark.name!r} ({mapping.lark.table_id}) and SQL table {mapping.sql.label!r}"
    if mapping.problem:
        return [comment(f"left out: Bitable table {names}: {mapping.problem}")]
    raw = mapping.to_raw(place)
    lines = [f"  - lark: {_flow(raw['lark'], encoding)}", f"    sql: {_flow(raw['sql'], encoding)}"]
    if "direction" in raw:
        told = "the key is read-only in Lark, so rows cannot be created there"
        lines.append(f"    direction: {raw['direction']}  {comment(told)}")
    if "record_id_column" in raw:
        told = "receives Lark's record id; index it if you look rows up by it"
        lines.append(f"    record_id_column: {scalar(raw['record_id_column'], encoding)}  {comment(told)}")
    lines.append("    fields:")
    for pair, each in zip(mapping.pairs.pairs, raw["fields"], strict=True):
        remarks = [*(["key"] if pair.column.name in mapping.pairs.key else []), *pair.remarks]
        lines.append(f"      - {_flow(each, encoding)}" + (f"  {comment('; '.join(remarks))}" if remarks else ""))
    return [*lines, *(f"      {comment(note)}" for note in mapping.pairs.left_out)]


def _flow(raw: Mapping[str, Any], encoding: str) -> str:
    return "{" + ", ".join(f"{name}: {_value(value, encoding)}" for name, value in raw.items()) + "}"


def _value(value: Any, encoding: str) -> str:
    if isinstance(value, list):
        return f"[{', '.join(scalar(each, encoding) for each in value)}]"
    return scalar(value, encoding)
