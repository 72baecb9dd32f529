"""The core and the emulator run where Airflow is not installed, also what they import only when it is used."""

from __future__ import annotations

import subprocess
import sys

_IMPORT_ALL = """
import importlib, pkgutil, sys
sys.modules["airflow"] = None
import airflow_provider_lark.core, airflow_provider_lark.emulator
names = []
for package in (airflow_provider_lark.core, airflow_provider_lark.emulator):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations." not in module.name and not module.name.endswith(("__main__", "pytest_plugin")):
            importlib.import_module(module.name)
            names.append(module.name)
print(len(names))
"""


def test_every_module_of_core_and_emulator_imports_without_airflow() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
