"""Cards from ``.json`` files with Jinja in their texts.

The JSON is read first and the texts in it are rendered one by one, so that a quote, a line break or a backslash in a
value arrives as it is, and never breaks the card. A value cannot mention anybody either: the file itself can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.cards.shortening import cut_middle
from airflow_provider_lark.core.cards.text import break_mentions, clean_text, code_block, escape_markdown
from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment

_JINJA = re.compile(r"\{[{%#]")
_WHOLE = re.compile(r"\s*\{\{((?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)


def _shorten(text: object, max_bytes: int) -> str:
    return cut_middle(clean_text(str(text)), max_bytes, gap=lambda count: f"[… {count} …]")


FILTERS: Mapping[str, Callable[..., str]] = {
    "escape_markdown": lambda text: escape_markdown(str(text)),
    "code_block": lambda text, language="plain_text": code_block(str(text), language),
    "shorten": _shorten,
}
"""What a card's template has beside Jinja's own filters."""


@dataclass(frozen=True)
class CardTemplate:
    """A card whose texts are templates.

    :param name: the file, for errors.
    """

    name: str
    card: Json

    def render(self, environment: Environment, context: Mapping[str, Any]) -> Json:
        """Return the card with its texts rendered; it is not checked yet.

        Keys are left alone. A text that is one expression and gives a list or an object becomes that: the rows of a
        table, say. A mention that stands in a value is broken up; one that the file itself holds works. Beside Jinja's
        filters there are ``escape_markdown``, ``code_block`` and ``shorten(bytes)``.

        :param environment: whose filters, globals and kind of undefined names hold, such as Airflow's.
        :raises ConfigError: a template is wrong, or names what is not there; the message has file and path.
        """
        ready = _make_ready(environment)
        return {key: _render(value, key, self.name, ready, context) for key, value in self.card.items()}


def load_card_template(path: str | Path) -> CardTemplate:
    """Read a card's template.

    :raises ConfigError: there is no such file, or it holds no JSON object; the message has file, line and column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigError(f"{path}: the card's template cannot be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: the card's template is not UTF-8, at byte {exc.start}") from exc
    return parse_card_template(text, name=str(path))


def parse_card_template(text: str, *, name: str) -> CardTemplate:
    """Return the template that *text* holds.

    :param name: how errors call it, such as the file.
    :raises ConfigError: it is no JSON object; the message has name, line and column.
    """
    try:
        card = json.loads(text, object_pairs_hook=_refuse_doubles)
    except json.JSONDecodeError as exc:
        hint = ""
        if _JINJA.search(text):
            hint = "; Jinja stands within the quotes of a text, not around parts of the JSON"
        raise ConfigError(f"{name}:{exc.lineno}:{exc.colno}: the card's template is no JSON: {exc.msg}{hint}") from exc
    except _Doubled as exc:
        raise ConfigError(f"{name}: the card's template has the key {exc.args[0]!r} twice in one object") from exc
    if not isinstance(card, dict):
        raise ConfigError(f"{name}: the card's template must be a JSON object, not {type(card).__name__}")
    return CardTemplate(name, card)


class _Doubled(ValueError):
    pass


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Doubled(next(key for key in keys if keys.count(key) > 1))
    return made


def _make_ready(environment: Environment) -> Environment:
    """Return *environment* with our filters, in which every value gives a text as it stands."""
    from jinja2.nativetypes import NativeEnvironment
    from jinja2.sandbox import SandboxedEnvironment

    ready: Environment
    if isinstance(environment, NativeEnvironment):
        # it would read "007" as a number
        ready = SandboxedEnvironment(undefined=environment.undefined, finalize=_finalize)
        ready.globals, ready.tests = environment.globals, environment.tests
    else:
        ready = environment.overlay(finalize=_finalize, autoescape=False)
    ready.filters = {**environment.filters, **FILTERS}
    return ready


def _finalize(value: object) -> str:
    # an exception has a mention in its text too; an undefined name fails here as it would without
    return break_mentions(str(value))


def _render(value: Any, path: str, name: str, environment: Environment, context: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _render(item, f"{path}.{key}", name, environment, context) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, f"{path}[{place}]", name, environment, context) for place, item in enumerate(value)]
    if isinstance(value, str) and _JINJA.search(value):
        return _render_text(value, f"{name}: {path}", environment, context)
    return value


def _render_text(text: str, where: str, environment: Environment, context: Mapping[str, Any]) -> Any:
    from jinja2 import TemplateError

    try:
        if whole := _WHOLE.fullmatch(text):
            found = environment.compile_expression(whole[1], undefined_to_none=False)(**context)
            if isinstance(found, (list, dict)):
                return found
        return environment.from_string(text).render(**context)
    except TemplateError as exc:
        raise ConfigError(f"{where}: the template cannot be rendered: {exc.message or type(exc).__name__}") from exc
    except Exception as exc:
        exc.add_note(f"in the card's template {where}")
        raise
