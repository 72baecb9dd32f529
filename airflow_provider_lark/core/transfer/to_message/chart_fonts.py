"""Fonts of a chart image: they must have every character in it, since a missing one is drawn as a box."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.errors import ConfigError

# they come before other fonts, which may have a character, but look unlike the rest
_PREFERRED = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
    "Droid Sans Fallback",
)
# boxes for every character, and the fonts of TeX, in which another one stands behind most
_UNFIT = ("Last Resort", "STIXNon", "STIXSize", "cmb", "cmex", "cmmi", "cmr", "cmss", "cmsy", "cmtt")
# numbers along an axis, shares of a pie, and the letters by which matplotlib measures the height of a line
_ALWAYS = "0123456789.,-+e%lp "
_TOLD = 10


def choose_fonts(texts: Iterable[str], font: str | None = None) -> list[str]:
    """Return names of fonts that together have every character of *texts*, in the order in which they are asked.

    :param font: the one to ask first: a file's path, or a name.
    :raises ConfigError: no font of this machine has a character; or there is no such *font*.
    """
    missing = {char for text in (_ALWAYS, *texts) for char in text if _is_drawn(char)}
    chosen: list[str] = []
    for name, path, number in _candidates(font):
        if found := missing & _characters(path, number):
            chosen.append(name)
            missing -= found
        if not missing:
            return chosen
    told = "".join(sorted(missing)[:_TOLD])
    more = f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
    raise ConfigError(
        f"no font on this machine has the characters {told!r}{more}: install one where tasks run (for Chinese: "
        "Debian's package fonts-noto-cjk), set font to a font file, or put the chart into the card, which is rendered "
        "by each reader's client"
    )


def _is_drawn(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind == "Co" or kind[0] not in "CZ"


def _candidates(font: str | None) -> Iterator[tuple[str, str, int]]:
    """Yield name, path, and number within the file."""
    from matplotlib import font_manager

    if font is not None:
        yield _given(font)
    known: dict[str, Any] = {}
    for each in font_manager.fontManager.ttflist:
        is_fit = each.style == "normal" and not each.name.startswith(_UNFIT)
        if is_fit and (each.weight == 400 or each.name not in known):
            known[each.name] = each
    # several fonts of one name differ in weight; what counts is that they have the same characters
    for name in (*(name for name in _PREFERRED if name in known), *sorted(known.keys() - set(_PREFERRED))):
        yield name, str(known[name].fname), int(getattr(known[name], "index", 0))


def _given(font: str) -> tuple[str, str, int]:
    from matplotlib import font_manager

    path = Path(font).expanduser()
    if path.suffix.lower() in (".ttf", ".otf", ".ttc"):
        try:
            font_manager.fontManager.addfont(str(path))
            name = str(font_manager.FontProperties(fname=str(path)).get_name())
        except (OSError, RuntimeError) as exc:
            raise ConfigError(f"font: {path.name!r} is not a readable font file ({type(exc).__name__})") from exc
        return name, str(path), 0
    try:
        return font, str(font_manager.findfont(font, fallback_to_default=False)), 0
    except ValueError as exc:
        raise ConfigError(
            f"font: no font named {font!r} on this machine; give the path of its file (.ttf, .otf)"
        ) from exc


@lru_cache(maxsize=64)
def _characters(path: str, number: int) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(path, face_index=number) if number else FT2Font(path)
    except (OSError, RuntimeError):
        # a font of the system that cannot be read has none
        return frozenset()
    return frozenset(map(chr, face.get_charmap()))
