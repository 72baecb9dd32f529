"""Cards from ``.json`` files beside a DAG, with Jinja in their texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment


def is_card_file(value: Any) -> bool:
    """Tell whether *value* is the name of such a file, and not a card."""
    return isinstance(value, str) and value.strip().endswith(".json")


def render_card_file(name: str, env: Environment, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of a file, its texts rendered one by one.

    :param name: an absolute path, or one from where *env* finds templates: the DAG's folder, ``template_searchpath``.
    :raises ConfigError: there is no such file, it is no JSON object, or a template is wrong; file and place are told.
    """
    from airflow_provider_lark.core.cards.template_file import load_card_template, parse_card_template

    given = name.strip()
    if Path(given).is_absolute():
        return load_card_template(given).render(env, context)
    return parse_card_template(_find(given, env), name=given).render(env, context)


def _find(name: str, env: Environment) -> str:
    from jinja2 import TemplateNotFound

    if env.loader is None:
        raise ConfigError(
            f"{name}: the card cannot be found, for the DAG's folder is not known here; give an absolute path"
        )
    try:
        return env.loader.get_source(env, name)[0].removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{name}: the card's template is not UTF-8, at byte {exc.start}") from exc
    except TemplateNotFound:
        pass
    raise ConfigError(f"{name}: there is no such file in the DAG's folder or in its template_searchpath")
