"""The old place of what the documentation told users to import; each name is forwarded, with a warning, until 0.3.

>>> from airflow_provider_lark.core.stores.accounts import upgrade
DeprecationWarning: airflow_provider_lark.core.stores.accounts is airflow_provider_lark.core.accounts now; …
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any
from warnings import warn

_CORE = __name__.rpartition(".")[0]


class _Moved(ModuleType):
    """A module that has another name now."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{__name__}.{name}", f"Moved to {_CORE}.{name}.")
        self._now = f"{_CORE}.{name}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # what the import system asks for; with the new module's __path__ it would load all that is in it again
            raise AttributeError(name)
        found = getattr(import_module(self._now), name)
        warn(
            f"{self.__name__} is {self._now} now; the old name goes with version 0.3", DeprecationWarning, stacklevel=2
        )
        return found


def _forward(name: str) -> None:
    module = sys.modules[f"{__name__}.{name}"] = _Moved(name)
    parent, _, child = module.__name__.rpartition(".")
    setattr(sys.modules[parent], child, module)


for _name in ("accounts", "accounts.encryption", "accounts.tokens", "accounts.users", "ledger", "ledger.migrate"):
    _forward(_name)
