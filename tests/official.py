"""Parts of Lark's official SDK without the rest: the whole package imports every API, for seconds to minutes.

What is compared with ours is the SDK's own: frames, client, dispatcher, signatures, encryption. Stand-ins are the
packages above them, whose ``__init__`` imports everything, and the typed events of each API, which nothing here uses.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

_PACKAGE = "lark_oapi"
_BARE = tuple(f"{_PACKAGE}{name}" for name in ("", ".ws", ".event"))
_USE_STAND_INS = tuple(f"{_PACKAGE}.{name}" for name in ("event.dispatcher_handler", "ws.client"))


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
    apis = _Apis(root)
    sys.meta_path.insert(0, apis)
    try:
        # what stands here is taken for a package whose __init__ has run
        for name in _BARE:
            stand_in = sys.modules[name] = ModuleType(name)
            stand_in.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        # imported when the first frame is written, which would bring the whole package
        importlib.import_module(f"{_PACKAGE}.ws.pb.google.protobuf.descriptor_pb2")
        return [importlib.import_module(f"{_PACKAGE}.{name}") for name in names]
    finally:
        # who wants the whole package gets it
        sys.meta_path.remove(apis)
        for name in [each for each in sys.modules if each in (*_BARE, *_USE_STAND_INS) or apis.is_one(each)]:
            del sys.modules[name]


class _Apis(MetaPathFinder, Loader):
    """Stands for each module of an API: it has the names that the dispatcher takes from them, without what they do."""

    def __init__(self, root: Path) -> None:
        dispatcher = (root / "event" / "dispatcher_handler.py").read_text(encoding="utf-8")
        self._names = set(re.findall(r"\bP[12][A-Z]\w+", dispatcher))

    def is_one(self, name: str) -> bool:
        return f"{name}.".startswith(f"{_PACKAGE}.api.")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if self.is_one(fullname) else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Let the import make an ordinary one."""

    def exec_module(self, module: ModuleType) -> None:
        for name in self._names:
            setattr(module, name, type(name, (), {}))
