"""Templates of messages from files beside a DAG: cards from ``.json``, with Jinja in their texts, and plain words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment

    from airflow_provider_lark.core.cards.template_file import CardTemplate

_WORDS = (".j2", ".jinja", ".md")


def is_card_file(value: Any) -> bool:
    """Tell whether *value* is the name of such a file, and not a card."""
    return isinstance(value, str) and value.strip().endswith(".json")


def is_words_file(value: str) -> bool:
    """Tell whether *value* is the name of a file of words, and not the words."""
    given = value.strip()
    return given.endswith(_WORDS) and "\n" not in given and "{{" not in given


def render_card_file(name: str, env: Environment, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of a file, its texts rendered one by one.

    :param name: an absolute path, or one from where *env* finds templates: the DAG's folder, ``template_searchpath``.
    :raises ConfigError: there is no such file, it is no JSON object, or a template is wrong; file and place are told.
    """
    return load_card_file(name, env).render(env, context)


def load_card_file(name: str, env: Environment) -> CardTemplate:
    """Return the card of a file, its texts not yet rendered; see :func:`render_card_file`."""
    from airflow_provider_lark.core.cards.template_file import load_card_template, parse_card_template

    given = name.strip()
    if Path(given).is_absolute():
        return load_card_template(given)
    return parse_card_template(find_template(given, env, what="card"), name=given)


def find_template(name: str, env: Environment, *, what: str) -> str:
    """Return a file's text; *name* as for :func:`render_card_file`.

    :param what: the parameter that names it, for errors.
    :raises ConfigError: there is no such file, or it is not UTF-8.
    """
    from jinja2 import TemplateNotFound

    try:
        if Path(name).is_absolute():
            return Path(name).read_text(encoding="utf-8-sig")
        if env.loader is None:
            raise ConfigError(
                f"{name}: the {what} cannot be found because the DAG's folder is not known here; give an absolute path"
            )
        return env.loader.get_source(env, name)[0].removeprefix("\ufeff")
    except TemplateNotFound:
        # which is an OSError, too
        pass
    except UnicodeDecodeError as exc:
        raise ConfigError(
            f"{name}: the {what}'s template is not valid UTF-8 at byte {exc.start}; save it as UTF-8"
        ) from exc
    except OSError as exc:
        raise ConfigError(f"{name}: the {what}'s template cannot be read: {exc.strerror or exc}") from exc
    raise ConfigError(f"{name}: file not found in the DAG's folder or its template_searchpath")
