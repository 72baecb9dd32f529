"""What all operators, sensors and transfers keep to: every parameter but a switch is a template, kept as given."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from airflow.sdk import BaseOperator

from airflow_provider_lark import operators, sensors, transfers

SWITCHES = ("bool", "Literal[")
NOT_RENDERED = {"max_failures"}  # Airflow's own settings of waiting are no templates either


def find_classes():
    for package in (operators, sensors, transfers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, each in vars(importlib.import_module(module.name)).items():
                is_own = inspect.isclass(each) and each.__module__ == module.name and issubclass(each, BaseOperator)
                if is_own and not name.startswith("_") and not inspect.isabstract(each):
                    yield pytest.param(each, id=name)


CLASSES = list(find_classes())


def parameters_of(operator):
    """The annotations of the constructor's parameters by name, those of our base classes too."""
    own = [each for each in operator.__mro__ if each.__module__.startswith("airflow_provider_lark.")]
    given = [each for base in own if "__init__" in vars(base) for each in inspect.signature(base).parameters.values()]
    return {each.name: str(each.annotation) for each in given if each.kind is each.KEYWORD_ONLY}


@pytest.mark.parametrize("operator", CLASSES)
def test_parameters_are_templates_apart_from_switches(operator):
    # a switch that takes text too is read from a template
    plain = {name for name, annotation in parameters_of(operator).items() if annotation.startswith(SWITCHES)}
    # what Airflow does not render: the operator does, once it knows what stands in it
    late = set(getattr(operator, "late_templates", ()))
    others = parameters_of(operator).keys() - plain - NOT_RENDERED - late
    assert others <= set(operator.template_fields) <= parameters_of(operator).keys()


@pytest.mark.parametrize("operator", CLASSES)
def test_constructor_keeps_templates_as_they_are(operator):
    given = {name: f"{{{{ {name} }}}}" for name in operator.template_fields}
    made = operator(task_id="t", **given)
    assert {name: getattr(made, name) for name in given} == given
