"""Texts in one language, or in several of which each reader sees their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Locale = Literal[
    "zh_cn", "en_us", "zh_hk", "zh_tw", "ja_jp", "id_id", "vi_vn", "th_th", "pt_br", "es_es", "ko_kr", "de_de", "fr_fr",
    "it_it", "ru_ru", "ms_my",
]  # fmt: skip
"""A language of cards."""


@dataclass(frozen=True)
class Localized:
    """A text in several languages; the first is what a reader of none of them sees.

    :param texts: pairs of language and text, at least one.
    """

    texts: tuple[tuple[Locale, str], ...]

    def each(self, change: Callable[[str], str]) -> Localized:
        """Return it with every text changed."""
        return Localized(tuple((locale, change(text)) for locale, text in self.texts))

    def choose(self, locale: Locale | None) -> str:
        """Return the text in *locale*, or the first one."""
        return dict(self.texts).get(locale or self.texts[0][0], self.texts[0][1])


Text = str | Localized
"""What a builder takes for a text."""


def localize(*, en_us: str, zh_cn: str) -> Localized:
    """Return a text in English and Chinese."""
    return Localized((("en_us", en_us), ("zh_cn", zh_cn)))


def content_of(text: Text, locale: Locale | None) -> dict[str, Any]:
    """Return the properties that carry *text*.

    :param locale: the card's only language; None for all that *text* has, by ``i18n_content``.
    """
    if isinstance(text, str):
        return {"content": text}
    first = text.choose(locale)
    if locale is not None or all(each == first for _, each in text.texts):
        return {"content": first}
    return {"content": first, "i18n_content": dict(text.texts)}


def joined(text: Text, locale: Locale | None) -> str:
    """Return *text* for a place that knows no languages: in one, or in all, a slash between them."""
    if isinstance(text, str):
        return text
    if locale is not None:
        return text.choose(locale)
    return " / ".join(dict.fromkeys(each for _, each in text.texts))


def combine(write: Callable[..., str], *texts: Text) -> Text:
    """Return what *write* makes of *texts*, for each language that one of them has."""
    languages = dict.fromkeys(locale for text in texts if isinstance(text, Localized) for locale, _ in text.texts)
    if not languages:
        return write(*texts)
    made = [(each, write(*(t if isinstance(t, str) else t.choose(each) for t in texts))) for each in languages]
    return Localized(tuple(made))
