"""Texts of the approval centre: what Lark takes is a key, and beside it what the key says in each language."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.errors import BadRequest

Text: TypeAlias = str | Mapping[str, str]
"""A text, or what it is in each language: ``{"zh-CN": "发布", "en-US": "Release"}``."""

LOCALES = frozenset(
    (
        *("zh-CN", "en-US", "ja-JP", "zh-HK", "zh-TW", "de-DE", "es-ES", "fr-FR"),
        *("id-ID", "it-IT", "ko-KR", "pt-BR", "th-TH", "vi-VN", "ms-MY", "ru-RU"),
    )
)
_PREFIX = "@i18n@"


class Texts:
    """Collects the texts of one request.

    :param default_locale: in which a text without a language is, and which Lark shows where a reader's own is missing.
    :raises BadRequest: Lark does not know the language.
    """

    def __init__(self, default_locale: str = "zh-CN") -> None:
        self._default = _check_locale(default_locale)
        self._by_key: dict[str, dict[str, str]] = {}

    def add(self, text: Text) -> str:
        """Return the key that stands for *text* in the request.

        Equal texts have one key, and different ones never share one, whether keys count within a request or beyond.

        :raises BadRequest: a language that Lark does not know, or a text in no language at all.
        """
        if isinstance(text, str):
            said = {self._default: text}
        else:
            said = {_check_locale(locale): words for locale, words in text.items()}
            if not said:
                raise BadRequest("a text of the approval centre has no language; give it in at least one")
            # the default language has to know every key
            said.setdefault(self._default, next(iter(said.values())))
        written = json.dumps(said, ensure_ascii=False, sort_keys=True)
        key = _PREFIX + hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._by_key[key] = said
        return key

    def resources(self) -> list[JsonObject]:
        """Return ``i18n_resources``: the default language first, which knows every key."""
        locales = dict.fromkeys([self._default, *(locale for said in self._by_key.values() for locale in said)])
        return [
            {
                "locale": locale,
                "is_default": locale == self._default,
                "texts": [{"key": key, "value": said[locale]} for key, said in self._by_key.items() if locale in said],
            }
            for locale in locales
        ]


def longest(text: Text) -> int:
    """Return how many characters *text* has in its longest language."""
    return len(text) if isinstance(text, str) else max(map(len, text.values()), default=0)


def _check_locale(locale: str) -> str:
    if locale not in LOCALES:
        raise BadRequest(f"language {locale!r}: the approval centre knows {', '.join(sorted(LOCALES))}")
    return locale
