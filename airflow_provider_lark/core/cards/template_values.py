"""Values within the templates of messages: each is escaped, so that none is taken for markup."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.cards.cells import is_plain_number, value_words, write_number
from airflow_provider_lark.core.cards.shortening import cut_middle
from airflow_provider_lark.core.cards.text import (
    break_markup,
    break_mentions,
    clean_text,
    code_block,
    escape_markdown,
)
from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment


def _shorten(text: object, max_bytes: int) -> str:
    return cut_middle(clean_text(str(text)), max_bytes, gap=lambda count: f"[… {count} …]")


FILTERS: Mapping[str, Callable[..., str]] = {
    "escape_markdown": lambda text: escape_markdown(str(text)),
    "code_block": lambda text, language="plain_text": code_block(str(text), language),
    "shorten": _shorten,
}
"""What a card's template has beside Jinja's own filters."""


@dataclass(frozen=True)
class Voice:
    """How the templates of one message show values.

    :param plain: for texts in which nothing but a mention is taken for structure.
    :param markdown: for Markdown.
    :param data: what becomes of a list or an object that stands in place of a text.
    """

    plain: Environment
    markdown: Environment
    data: Callable[[Any], Any]


def trusting_voice(environment: Environment) -> Voice:
    """Return a voice that shows values as they are, Markdown in them too; but they mention nobody."""
    ready = _plain(environment).overlay(finalize=_unmentioning, autoescape=False)
    ready.filters = {**environment.filters, **FILTERS}
    return Voice(ready, ready, lambda value: value)


def guarding_voice(environment: Environment) -> Voice:
    """Return a voice for values that nobody has looked at: each shows exactly what it is, unless marked ``safe``.

    NULL is nothing, and a name that is not there an error.
    """
    plain = _guarded(environment, lambda value: break_mentions(clean_text(value_words(value))))
    return Voice(plain, _guarded(environment, markdown_words), _as_data)


def text_environment(environment: Environment) -> Environment:
    """Return *environment* for the template of a text message, as :func:`guarding_voice` has them for cards."""
    return _guarded(environment, lambda value: break_markup(value_words(value)))


@contextmanager
def template_errors(where: str) -> Iterator[None]:
    """Say where a template is that cannot be rendered.

    :raises ConfigError: it is wrong, or names what is not there.
    """
    from jinja2 import TemplateError

    try:
        yield
    except TemplateError as exc:
        raise ConfigError(f"{where}: the template cannot be rendered: {exc.message or type(exc).__name__}") from exc
    except Exception as exc:
        exc.add_note(f"in the template {where}")
        raise


class Ready(str):
    """A text that is written for its message already: values in it have been shown."""

    __slots__ = ()


def markdown_words(value: object) -> str:
    """Return Markdown that shows exactly *value*; a number needs no escapes."""
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return value_words(value) if is_number else escape_markdown(value_words(value))


def _plain(environment: Environment) -> Environment:
    """Return *environment*, or where that one reads "007" as a number, one in which values give texts."""
    from jinja2.nativetypes import NativeEnvironment
    from jinja2.sandbox import SandboxedEnvironment

    if not isinstance(environment, NativeEnvironment):
        return environment
    ready = SandboxedEnvironment(undefined=environment.undefined)
    ready.filters, ready.globals, ready.tests = environment.filters, environment.globals, environment.tests
    return ready


def _guarded(environment: Environment, show: Callable[[Any], str]) -> Environment:
    from jinja2 import StrictUndefined
    from markupsafe import Markup

    def guard(value: Any) -> Any:
        if hasattr(value, "__html__"):
            # what a macro or a block has written, or the template's author trusts
            return value
        return Markup(value if isinstance(value, Ready) else show(value))  # noqa: S704 - not HTML

    ready = _plain(environment).overlay(finalize=guard, autoescape=True, undefined=StrictUndefined)
    own = {"e": guard, "escape": guard, "forceescape": lambda value: guard(str(value)), "tojson": _write_json}
    made = {"code_block": lambda value, language="plain_text": Ready(code_block(value_words(value), language))}
    ready.filters = {**environment.filters, "shorten": _shorten, **own, **made}
    return ready


def _unmentioning(value: object) -> str:
    # an exception has a mention in its text too; an undefined name fails here as it would without
    return break_mentions(str(value))


def _as_data(value: Any) -> Any:
    """Return rows as a card's table or chart takes them."""
    if isinstance(value, Mapping):
        return {str(key): _as_data(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_data(each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    return write_number(value) if is_plain_number(value) else break_mentions(clean_text(value_words(value)))


def _write_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, default=value_words, indent=indent)
