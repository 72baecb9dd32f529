"""Paths that users may import from and that have moved: they work for one more release, and warn."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [("core.api.messaging", "core.api.services.messaging", "content")],
)
def test_moved_module_warns_and_gives_what_it_gave(old: str, new: str, name: str) -> None:
    old, new = f"airflow_provider_lark.{old}", f"airflow_provider_lark.{new}"
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is {new} now"):
        moved = importlib.import_module(old)
    assert getattr(moved, name) is getattr(importlib.import_module(new), name)
