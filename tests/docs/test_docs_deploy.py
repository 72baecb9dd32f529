"""The files of docs/deploy can be parsed, say what the pages say, and have only keys that their tools know."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from airflow_provider_lark.provider_info import get_provider_info
from tests.docs.pages import ROOT

DEPLOY = ROOT / "docs/deploy"
COMPOSE_SCHEMA = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
AIRFLOW_SERVICES = {
    *("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker"),
}
# of the chart's values.yaml, those that are set here
CHART_KEYS = {"executor", "airflowVersion", "images", "secret", "dags", "config", "workers", "networkPolicies"}


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def options_of_lark() -> set[str]:
    return set(get_provider_info()["config"]["lark"]["options"])


def test_compose_file_has_services_of_airflow_with_one_key_and_image() -> None:
    (found,) = documents("compose.celery.yaml")
    services = found["services"]
    assert services.keys() - AIRFLOW_SERVICES == {"lark-receiver"}
    assert services.keys() >= AIRFLOW_SERVICES
    for name, service in services.items():
        assert "LARK_CONFIG_ENCRYPTION_KEY" in service["environment"], name
        assert service["image"].startswith("${LARK_AIRFLOW_IMAGE"), name
    settings = services["airflow-worker"]["environment"]
    assert all(isinstance(value, str) for value in settings.values())
    assert int(settings["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]) > 3600
    assert services["airflow-worker"]["deploy"]["replicas"] >= 2


def test_compose_file_is_one_by_the_specification() -> None:
    (found,) = documents("compose.celery.yaml")
    schema = json.loads(COMPOSE_SCHEMA.read_text(encoding="utf-8"))
    faults = jsonschema.Draft7Validator(schema).iter_errors(found)
    assert [f"{error.json_path}: {error.message}" for error in faults] == []


def test_receiver_of_the_compose_file_has_airflows_database_and_keys() -> None:
    (found,) = documents("compose.celery.yaml")
    # of a service that Airflow's own file does not have, nothing else would tell them
    named = found["services"]["lark-receiver"]["extends"]
    assert named["file"] == "docker-compose.yaml"
    assert named["service"] in AIRFLOW_SERVICES


def test_options_of_lark_in_the_files_exist() -> None:
    (compose,) = documents("compose.celery.yaml")
    named = {
        key.removeprefix("AIRFLOW__LARK__").lower()
        for key in compose["x-lark"]["environment"]
        if key.startswith("AIRFLOW__LARK__")
    }
    (values,) = documents("values.kubernetes.yaml")
    named |= set(values["config"]["lark"])
    assert named
    assert named <= options_of_lark()


def test_values_of_the_chart_have_known_keys_and_the_key_from_a_secret() -> None:
    (values,) = documents("values.kubernetes.yaml")
    assert values.keys() <= CHART_KEYS
    assert values["executor"] == "KubernetesExecutor"
    (secret,) = values["secret"]
    assert secret.keys() == {"envName", "secretName", "secretKey"}
    assert secret["envName"] == "LARK_CONFIG_ENCRYPTION_KEY"
    for section in values["config"].values():
        # the chart writes them into airflow.cfg as they are
        assert all(isinstance(value, str) for value in section.values())
    # the chart takes task pods' image from a place of its own, and its own default where that is empty
    assert values["images"]["pod_template"] == values["images"]["airflow"]
    # git-sync puts the repository there
    assert values["dags"]["gitSync"]["enabled"]
    assert values["config"]["lark"]["mapping_files"].startswith("/opt/airflow/dags/repo/")
    # since chart 1.20 and 1.21 what is said of all kinds of workers is deprecated
    assert values["workers"].keys() == {"kubernetes"}
    text = (DEPLOY / "values.kubernetes.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(?i)password|app_secret|encryption-key: ", text)


def test_receiver_has_its_secrets_by_reference_and_may_reach_what_it_needs() -> None:
    deployment, policy = documents("receiver.kubernetes.yaml")
    assert (deployment["kind"], policy["kind"]) == ("Deployment", "NetworkPolicy")
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["args"][1:3] == ["lark", "receive"]
    assert all(set(each["valueFrom"]) == {"secretKeyRef"} for each in container["env"])
    assert "LARK_CONFIG_ENCRYPTION_KEY" in {each["name"] for each in container["env"]}
    chosen = policy["spec"]["podSelector"]["matchLabels"].items()
    assert chosen <= pod["metadata"]["labels"].items()
    (values,) = documents("values.kubernetes.yaml")
    assert chosen <= values["workers"]["kubernetes"]["labels"].items()
    ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    # Lark, names, databases, and Airflow's api-server, without which no task runs
    assert {443, 53, 5432, 8080} <= ports
    labels = deployment["spec"]["selector"]["matchLabels"].items()
    assert labels <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_file_is_linked_from_the_page_and_names_one_version_of_airflow(file: Path) -> None:
    page = (ROOT / "docs/executors.md").read_text(encoding="utf-8")
    assert f"(deploy/{file.name})" in page
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r"\b3\.\d+\.\d+\b", text)) <= {"3.3.2"}


def test_image_installs_extras_that_exist() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r"airflow-provider-lark\[([^\]]+)\]", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert named
    assert set(named[0].split(",")) <= extras.keys()
