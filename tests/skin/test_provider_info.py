from __future__ import annotations

import importlib
import json
import subprocess
import sys
import warnings
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import jsonschema
from packaging.utils import canonicalize_name

import airflow_provider_lark
from airflow_provider_lark.provider_info import get_provider_info

LARK = get_provider_info()["connection-types"][0]
REGIONS = ["feishu", "lark"]
KINDS = ("hooks", "operators", "sensors", "triggers")


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


def test_plugin_is_found_by_its_entry_point_and_the_settings_have_the_defaults_that_it_reads():
    entries = [e for e in distribution("airflow-provider-lark").entry_points if e.group == "airflow.plugins"]
    assert [(entry.name, entry.load().name) for entry in entries] == [("lark", "lark")]
    from airflow.sdk.configuration import conf

    from airflow_provider_lark.plugins.notify_settings import read_settings

    options = get_provider_info()["config"]["lark"]["options"]
    meant = read_settings()
    assert options["notify_on"]["default"].split(", ") == sorted(meant.occasions, reverse=True)
    assert (options["notify_dedupe"]["default"], options["notify_mention_owner"]["default"]) == (
        meant.dedupe,
        str(meant.mention_owner),
    )
    # Airflow gives the defaults of a provider's section itself
    assert conf.get("lark", "notify_on") == options["notify_on"]["default"]


def test_provider_info_imports_nothing_but_its_own_settings():
    code = (
        "import sys; import airflow_provider_lark; before = set(sys.modules)\n"
        "import airflow_provider_lark.provider_info as p; p.get_provider_info()\n"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = ["airflow_provider_lark.provider_config", "airflow_provider_lark.provider_info"]
    assert done.stdout.strip() == str(own)


def test_provider_info_names_modules_that_exist():
    info = get_provider_info()
    modules = [module for kind in KINDS for entry in info[kind] for module in entry["python-modules"]]
    modules += [entry["python-module"] for entry in info["transfers"]]
    for module in modules:
        assert vars(importlib.import_module(module))
    functions = [path for entry in info["asset-uris"] for name, path in entry.items() if name != "schemes"]
    for path in [*info["extra-links"], *info["cli"], *functions]:
        module, _, name = path.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_every_module_with_operators_sensors_triggers_or_transfers_is_listed():
    info, package = get_provider_info(), Path(airflow_provider_lark.__file__).parent
    listed = {module for kind in KINDS for entry in info[kind] for module in entry["python-modules"]}
    listed |= {entry["python-module"] for entry in info["transfers"]}
    found = set()
    for kind in ("operators", "sensors", "transfers", "triggers"):
        for path in (package / kind).rglob("*.py"):
            dotted = ".".join(path.relative_to(package.parent).with_suffix("").parts)
            module = importlib.import_module(dotted)
            ends = ("Operator", "Sensor", "Trigger")
            own = [name for name, each in vars(module).items() if getattr(each, "__module__", "") == module.__name__]
            found |= {module.__name__} if any(name.endswith(ends) for name in own) else set()
    # those that others only build upon
    bases = {
        "operators.approvals.asking",
        "operators.records.base",
        "operators.messages.base",
        "operators.messages.delivering",
        "operators.calling",
        "operators.dry_run",
        "operators.syncs.base",
        "operators.syncs.reporting",
        "operators.syncs.writing",
        "sensors.polling",
        "transfers.query_message",
        "transfers.transfer_base",
        "triggers.polling",
    }
    assert found - listed == {f"airflow_provider_lark.{name}" for name in bases}


def test_connection_type_matches_the_hook():
    module, _, name = LARK["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert (hook.conn_type, hook.hook_name) == (LARK["connection-type"], LARK["hook-name"])


def test_connection_form_has_our_labels_and_fields_and_makes_no_warning():
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        form = {hook.connection_type: hook for hook in HookMetaService.hook_meta_data()}["lark"]
    standard = form.standard_fields
    assert (form.hook_name, standard.login.title, standard.password.title) == ("Lark / Feishu", "App ID", "App Secret")
    assert (standard.port.hidden, standard.url_schema.hidden, standard.host.hidden) == (True, True, False)
    assert "own deployment" in standard.host.placeholder
    assert tuple(form.extra_fields) == tuple(LARK["conn-fields"])
    assert all(field["schema"]["title"] and field["description"] for field in form.extra_fields.values())
    assert (form.extra_fields["region"]["value"], form.extra_fields["region"]["schema"]["enum"]) == ("feishu", REGIONS)
    assert [str(warning.message) for warning in told if "lark" in str(warning.message).lower()] == []


def test_form_has_the_fields_that_the_hook_reads_and_masks_the_secret_ones_only():
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    from airflow_provider_lark.hooks.connections.extra import FIELDS

    assert set(LARK["conn-fields"]) == set(FIELDS)
    hidden = {name for name in LARK["conn-fields"] if should_hide_value_for_key(name)}
    # a proxy's address may hold a password
    assert hidden == {"event_encrypt_key_secret", "event_verification_token", "proxy"}


def test_docs_describe_every_field_of_the_form():
    text = (Path(__file__).parents[2] / "docs" / "connections.md").read_text(encoding="utf-8")
    assert [name for name in LARK["conn-fields"] if f"`{name}`" not in text] == []
    assert [label for label in LARK["ui-field-behaviour"]["relabeling"].values() if f"| {label} |" not in text] == []
