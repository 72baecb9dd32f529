"""The chart of a report: a bar for each kind of difference, as SVG that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_ROW, _LABEL, _BAR, _COUNT = 28, 190, 420, 90


def draw(counts: Mapping[str, int], words: Callable[[str], tuple[str, str]]) -> str:
    """Return the bars of *counts*, which are named as *words* tells them in two languages; all texts are ours."""
    most = max(counts.values(), default=0) or 1
    parts = [_bar(number, name, count, most, words(name)) for number, (name, count) in enumerate(counts.items())]
    width, height = _LABEL + _BAR + _COUNT, _ROW * len(parts) or 1
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def _bar(number: int, name: str, count: int, most: int, words: tuple[str, str]) -> str:
    top, middle = number * _ROW + 5, number * _ROW + 19
    # a single row among many is still to be seen
    length = max(2, round(_BAR * count / most)) if count else 0
    labels = "".join(
        f'<text lang="{language}" x="{_LABEL - 10}" y="{middle}" text-anchor="end">{word}</text>'
        for language, word in zip(("en", "zh"), words, strict=True)
    )
    return (
        f'{labels}<rect class="bar {name}" x="{_LABEL}" y="{top}" width="{length}" height="18" rx="3"/>'
        f'<text class="count" x="{_LABEL + length + 8}" y="{middle}">{count:,}</text>'
    )
