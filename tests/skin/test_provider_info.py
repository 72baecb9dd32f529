from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution
from importlib.resources import files

import jsonschema
from packaging.utils import canonicalize_name

from airflow_provider_lark.provider_info import get_provider_info

LARK = get_provider_info()["connection-types"][0]


def test_provider_info_validates_against_the_installed_airflow():
    schema = json.loads((files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_form_behaviour_validates_against_the_installed_airflow():
    schema = json.loads((files("airflow") / "customized_form_field_behaviours.schema.json").read_text())
    behaviour = {name.replace("-", "_"): value for name, value in LARK["ui-field-behaviour"].items()}
    jsonschema.validate(behaviour, schema)


def test_package_name_is_the_canonical_name_of_the_distribution():
    # any other name makes every airflow command fail
    assert get_provider_info()["package-name"] == canonicalize_name("airflow-provider-lark")


def test_entry_point_leads_to_the_provider_info():
    entries = [e for e in distribution("airflow-provider-lark").entry_points if e.group == "apache_airflow_provider"]
    assert [entry.load() for entry in entries] == [get_provider_info]


def test_provider_info_imports_nothing():
    code = (
        "import sys; import airflow_provider_lark; before = set(sys.modules)\n"
        "import airflow_provider_lark.provider_info as p; p.get_provider_info()\n"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['airflow_provider_lark.provider_info']"


def test_provider_info_names_modules_that_exist():
    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for entry in info[kind]:
            for module in entry["python-modules"]:
                importlib.import_module(module)


def test_connection_type_matches_the_hook():
    module, _, name = LARK["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert (hook.conn_type, hook.hook_name) == (LARK["connection-type"], LARK["hook-name"])


def test_airflow_offers_the_connection_type_without_warnings(recwarn):
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    meta = {hook.connection_type: hook for hook in manager.iter_connection_type_hook_ui_metadata()}["lark"]
    assert meta.hook_name == "Lark / Feishu"
    assert meta.field_behaviour["relabeling"] == {"login": "App ID", "password": "App Secret", "host": "Host"}
    assert set(meta.field_behaviour["hidden_fields"]) >= {"port", "schema"}
    assert [str(w.message) for w in recwarn if "lark" in str(w.message).lower()] == []
