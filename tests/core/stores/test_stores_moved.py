"""What users imported from here has another place, and is still found."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("accounts", "upgrade"),
        ("accounts.encryption", "Keyring"),
        ("accounts.tokens", "SqlTokenStore"),
        ("accounts.users", "UserDirectory"),
        ("accounts.users", "purge"),
        ("ledger", "Ledger"),
        ("ledger.migrate", "upgrade"),
    ],
)
def test_old_name_gives_the_very_object_and_warns_where_it_is_imported(module: str, name: str):
    place = f"airflow_provider_lark.core.stores.{module}"
    namespace: dict[str, object] = {}
    statement = compile(f"from {place} import {name}", "dag.py", "exec")
    with pytest.warns(DeprecationWarning, match=rf"{place} is airflow_provider_lark\.core\.{module} now") as told:
        exec(statement, namespace)
    assert namespace[name] is getattr(import_module(f"airflow_provider_lark.core.{module}"), name)
    assert [one.filename for one in told] == ["dag.py"]


def test_old_package_is_reached_through_its_parent():
    from airflow_provider_lark.core.stores import accounts

    with pytest.warns(DeprecationWarning, match=r"core\.accounts now"):
        assert accounts.upgrade is import_module("airflow_provider_lark.core.accounts").upgrade
    with pytest.warns(DeprecationWarning, match=r"core\.accounts\.tokens now"):
        assert accounts.tokens.purge is import_module("airflow_provider_lark.core.accounts.tokens").purge


def test_old_name_of_what_no_page_named_is_gone():
    with pytest.raises(ModuleNotFoundError, match=r"core\.stores\.connections"):
        import_module("airflow_provider_lark.core.stores.connections")
    with pytest.raises(ModuleNotFoundError, match=r"core\.stores\.accounts\.upkeep"):
        import_module("airflow_provider_lark.core.stores.accounts.upkeep")


def test_importing_the_old_place_loads_nothing():
    code = "import sys, airflow_provider_lark.core.stores.accounts.tokens; assert 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
