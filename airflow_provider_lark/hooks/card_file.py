"""Cards from the ``.json`` files that a DAG names: found as Airflow finds templates, rendered text by text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment

    from airflow_provider_lark.core.cards.template_file import CardTemplate


def is_card_file(given: object) -> bool:
    """Tell whether a parameter names a file, and is no card itself."""
    return isinstance(given, str) and given.strip().endswith(".json")


def read_card_file(given: str, environment: Environment, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of a file with its texts rendered; it is not checked yet.

    :param given: a path from the DAG's folder or its ``template_searchpath``, or an absolute one.
    :param environment: of the task or DAG: it knows the folders, macros and filters.
    :raises ConfigError: there is no such file, it holds no card, or a template names what is not there.
    """
    return _find(given.strip(), environment).render(environment, context)


def _find(name: str, environment: Environment) -> CardTemplate:
    from jinja2 import TemplateNotFound

    from airflow_provider_lark.core.cards.template_file import load_card_template, parse_card_template

    if Path(name).is_absolute() or environment.loader is None:
        return load_card_template(name)
    try:
        text, _, _ = environment.loader.get_source(environment, name)
    except TemplateNotFound as exc:
        raise ConfigError(
            f"{name}: there is no such file of a card; it is looked for in the DAG's folder and its template_searchpath"
        ) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{name}: the card's template is not UTF-8, at byte {exc.start}") from exc
    return parse_card_template(text.removeprefix("\ufeff"), name=name)
