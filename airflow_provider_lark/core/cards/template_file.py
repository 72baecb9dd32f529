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
from airflow_provider_lark.core.cards.template_values import Voice, template_errors, trusting_voice
from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment

_MARKDOWN_TAGS = ("markdown", "lark_md")
_MARKDOWN_KEYS = ("content", "i18n_content")
_JINJA = re.compile(r"\{[{%#]")
_WHOLE = re.compile(r"\s*\{\{((?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)


@dataclass(frozen=True)
class CardTemplate:
    """A card whose texts are templates.

    :param name: the file, for errors.
    """

    name: str
    card: Json

    def render(
        self,
        environment: Environment,
        context: Mapping[str, Any],
        *,
        speak: Callable[[Environment], Voice] = trusting_voice,
    ) -> Json:
        """Return the card with its texts rendered; it is not checked yet.

        Keys are left alone. A text that is one expression and gives a list or an object becomes that: the rows of a
        table, say. A mention that stands in a value is broken up; one that the file itself holds works. Beside Jinja's
        filters there are ``escape_markdown``, ``code_block`` and ``shorten(bytes)``.

        :param environment: whose filters, globals and kind of undefined names hold, such as Airflow's.
        :param speak: how values are shown; :func:`.guarding_voice` for those that nobody has looked at.
        :raises ConfigError: a template is wrong, or names what is not there; the message has file and path.
        """
        voice = speak(environment)
        return {key: _render(value, key, self.name, voice, context) for key, value in self.card.items()}


def load_card_template(path: str | Path) -> CardTemplate:
    """Read a card's template.

    :raises ConfigError: there is no such file, or it holds no JSON object; the message has file, line and column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigError(f"{path}: the card template cannot be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(
            f"{path}: the card template is not valid UTF-8 at byte {exc.start}; save it as UTF-8"
        ) from exc
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
            hint = "; Jinja is only allowed inside strings, not around parts of the JSON"
        raise ConfigError(
            f"{name}:{exc.lineno}:{exc.colno}: the card template is not valid JSON: {exc.msg}{hint}"
        ) from exc
    except _Doubled as exc:
        raise ConfigError(
            f"{name}: the card template has the key {exc.args[0]!r} twice in one object; remove one"
        ) from exc
    if not isinstance(card, dict):
        raise ConfigError(f"{name}: the card template must be a JSON object, not {type(card).__name__}")
    return CardTemplate(name, card)


class _Doubled(ValueError):
    pass


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Doubled(next(key for key in keys if keys.count(key) > 1))
    return made


def _render(value: Any, path: str, name: str, voice: Voice, context: Mapping[str, Any], *, is_md: bool = False) -> Any:
    if isinstance(value, dict):
        speaks = value.get("tag") in _MARKDOWN_TAGS
        return {
            key: _render(item, f"{path}.{key}", name, voice, context, is_md=is_md or (speaks and key in _MARKDOWN_KEYS))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _render(item, f"{path}[{place}]", name, voice, context, is_md=is_md) for place, item in enumerate(value)
        ]
    if isinstance(value, str) and _JINJA.search(value):
        return _render_text(value, f"{name}: {path}", voice, context, is_md=is_md)
    return value


def _render_text(text: str, where: str, voice: Voice, context: Mapping[str, Any], *, is_md: bool) -> Any:
    environment = voice.markdown if is_md else voice.plain
    with template_errors(where):
        if whole := _WHOLE.fullmatch(text):
            found = environment.compile_expression(whole[1], undefined_to_none=False)(**context)
            if isinstance(found, (list, dict)):
                return voice.data(found)
        return str(environment.from_string(text).render(**context))
