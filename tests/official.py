"""Parts of Lark's official SDK without the rest: the whole package imports every API, for seconds to minutes."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_PACKAGE = "lark_oapi"


def official_modules(*names: str) -> list[ModuleType]:
    """Import modules of ``lark_oapi`` alone; where it is not installed, skip the test.

    :param names: without the package's own.
    """
    if _PACKAGE in sys.modules or all(f"{_PACKAGE}.{name}" in sys.modules for name in names):
        return [importlib.import_module(f"{_PACKAGE}.{name}") for name in names]
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        pytest.skip("lark-oapi is in the dev extra", allow_module_level=True)
    root = Path(found.origin).parent
    bare = [f"{_PACKAGE}{name}" for name in ("", ".ws", ".core")]
    try:
        # what stands here is taken for a package whose __init__ has run
        for name in bare:
            stand_in = sys.modules[name] = ModuleType(name)
            stand_in.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        # imported when the first frame is written, which would bring the whole package
        importlib.import_module(f"{_PACKAGE}.ws.pb.google.protobuf.descriptor_pb2")
        return [importlib.import_module(f"{_PACKAGE}.{name}") for name in names]
    finally:
        # who wants the whole package gets it
        for name in bare:
            del sys.modules[name]
