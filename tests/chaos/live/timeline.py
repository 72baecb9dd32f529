"""A picture of what ran when: a bar for each try of a task, by worker, and a line where a worker was killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, LEFT, BAR, ROW = 1000, 60, 12, 18
COLOURS = ("#3370ff", "#f0803c", "#8f959e")


@dataclass(frozen=True)
class Bar:
    """A try of a task: what it syncs, where it ran, how it ended, and from when to when, in seconds."""

    name: str
    worker: str
    state: str
    start: float
    end: float


def draw(bars: Sequence[Bar], marks: Sequence[tuple[float, str]], file: Path) -> None:
    """Write an SVG with a line for each name."""
    names, workers = sorted({bar.name for bar in bars}), sorted({bar.worker for bar in bars})
    first, last = min(bar.start for bar in bars), max(bar.end for bar in bars)
    scale, height = (WIDTH - LEFT - 20) / max(1.0, last - first), 90 + ROW * len(names)
    parts = [*_legend(workers), *_marks([(LEFT + (at - first) * scale, what) for at, what in marks], height)]
    for row, name in enumerate(names):
        parts.append(_text(8, 56 + ROW * row + 10, name))
        parts += [
            _bar(bar, LEFT + (bar.start - first) * scale, 56 + ROW * row, (bar.end - bar.start) * scale, workers)
            for bar in bars
            if bar.name == name
        ]
    parts += [_text(LEFT + second * scale, height - 8, f"{second} s") for second in range(0, int(last - first) + 1, 60)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
    body = ['<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>"]
    file.write_text("\n".join([f'{head} font-family="sans-serif" font-size="11">', *body]) + "\n", encoding="utf-8")


def _legend(workers: Sequence[str]) -> list[str]:
    parts = []
    for number, worker in enumerate(workers):
        x = LEFT + 160 * number
        parts.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{COLOURS[number % 3]}"/>')
        parts.append(_text(x + 18, 18, worker))
    return [*parts, _text(LEFT + 160 * len(workers), 18, "pale: killed or failed, and tried again")]


def _marks(marks: Sequence[tuple[float, str]], height: int) -> list[str]:
    parts = []
    for number, (x, what) in enumerate(marks):
        parts.append(f'<path d="M{x:.1f} 44V{height - 24}" stroke="#d83931" stroke-dasharray="4 3"/>')
        parts.append(_text(x, 34 + 10 * (number % 2), what, "#d83931"))
    return parts


def _bar(bar: Bar, x: float, y: int, width: float, workers: Sequence[str]) -> str:
    colour = COLOURS[workers.index(bar.worker) % 3]
    opacity = 1.0 if bar.state in ("success", "skipped") else 0.35
    place = f'x="{x:.1f}" y="{y}" width="{max(2.0, width):.1f}" height="{BAR}"'
    return f'<rect {place} fill="{colour}" opacity="{opacity}"/>'


def _text(x: float, y: float, text: str, colour: str = "#1f2329") -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}">{escape(text)}</text>'
