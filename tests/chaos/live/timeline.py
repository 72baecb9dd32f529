"""A picture of what ran when: the tasks in each worker, when a worker was killed, and the writes to each base.

python -m tests.chaos.live.timeline .demo/celery-redis.json docs/images/celery-timeline.svg
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

WIDTH, LEFT, TOP, BAR, ROW, WRITE_ROW = 1180, 84, 64, 13, 17, 9
RED, INK, PALE = "#d83931", "#1f2329", "#8f959e"
KINDS: Final = {
    "full": ("full sync", "#3370ff"),
    "every": ("scheduled", "#14a38b"),
    "woken": ("woken by events", "#f0803c"),
    "slow": ("one slow full sync", "#8f6fd8"),
}


class Try(NamedTuple):
    """A try of a task: of which DAGs, what it syncs, where it ran, how it ended, and from when to when, in seconds."""

    kind: str
    mapping: str
    worker: str
    state: str
    start: float
    end: float


class Mark(NamedTuple):
    """What was done to a worker, when, and whether it runs from then on."""

    at: float
    what: str
    worker: str
    is_up: bool


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    :param writes: by base, from when to when.
    """

    tries: Sequence[Try]
    marks: Sequence[Mark]
    writes: Sequence[tuple[str, float, float]]

    @classmethod
    def read(cls, file: Path) -> Picture:
        """Read one that a proof has kept."""
        kept = json.loads(file.read_text(encoding="utf-8"))
        tries, marks = [Try(*each) for each in kept["tries"]], [Mark(*each) for each in kept["marks"]]
        return cls(tries, marks, [(base, start, end) for base, start, end in kept["writes"]])

    def draw(self) -> str:
        """Return it as SVG."""
        first = min(each.start for each in self.tries)
        scale = (WIDTH - LEFT - 12) / max(1.0, max(each.end for each in self.tries) - first)
        drawing = _Drawing(first, scale)
        for worker in sorted({each.worker for each in self.tries}):
            self._draw_worker(drawing, worker)
        drawing.y += 4
        for base in sorted({base for base, _, _ in self.writes}):
            drawing.name(base, 8)
            for row, start, end in _rows([(start, end) for name, start, end in self.writes if name == base]):
                drawing.rect(start, end, row, WRITE_ROW - 3, f'fill="{INK}"', row_height=WRITE_ROW)
            drawing.end_rows(WRITE_ROW)
        return drawing.finish(self.marks)

    def _draw_worker(self, drawing: _Drawing, worker: str) -> None:
        downs = [*_downs([each for each in self.marks if each.worker == worker])]
        mine = sorted((each for each in self.tries if each.worker == worker), key=lambda each: each.start)
        # a killed task ends for Airflow when its heartbeat is missed
        ends = [next((at for at, _ in downs if each.start < at < each.end), each.end) for each in mine]
        drawing.name(worker, 11)
        placed = _rows([(each.start, end) for each, end in zip(mine, ends, strict=True)])
        for each, (row, start, end) in zip(mine, placed, strict=True):
            colour = KINDS[each.kind][1]
            is_killed = end < each.end
            look = f'fill="{colour}" fill-opacity="0.3" stroke="{RED}"' if is_killed else f'fill="{colour}"'
            drawing.rect(start, end, row, BAR, look, f"{each.mapping} {each.state}")
            drawing.label(each.mapping[1:], start, end, row, INK if is_killed else "#fff")
        for start, end in downs:
            drawing.gap(start, end)
        drawing.end_rows(ROW)


class _Drawing:
    """SVG that grows downwards."""

    def __init__(self, first: float, scale: float) -> None:
        self._first, self._scale = first, scale
        self._parts: list[str] = []
        self._rows = 1
        self.y: float = TOP

    def x(self, at: float) -> float:
        return LEFT + (at - self._first) * self._scale

    def name(self, what: str, size: int) -> None:
        self._parts.append(_text(8, self.y + size - 1, what, size=size))

    def rect(
        self, start: float, end: float, row: int, height: int, look: str, title: str = "", *, row_height: int = ROW
    ) -> None:
        width = max(1.0, (end - start) * self._scale)
        place = f'x="{self.x(start):.1f}" y="{self.y + row * row_height:.0f}" width="{width:.1f}" height="{height}"'
        inside = f"><title>{escape(title)}</title></rect>" if title else "/>"
        self._parts.append(f"<rect {place} {look}{inside}")
        self._rows = max(self._rows, row + 1)

    def label(self, what: str, start: float, end: float, row: int, colour: str) -> None:
        if (end - start) * self._scale >= 15:
            self._parts.append(_text(self.x(start) + 2, self.y + row * ROW + 10, what, colour, size=9))

    def gap(self, start: float, end: float) -> None:
        width = (end - start) * self._scale
        place = f'x="{self.x(start):.1f}" y="{self.y - 2:.0f}" width="{width:.1f}" height="{self._rows * ROW}"'
        self._parts.insert(0, f'<rect {place} fill="{RED}" fill-opacity="0.12"/>')

    def end_rows(self, height: int) -> None:
        self.y += self._rows * height + 5
        self._rows = 1

    def finish(self, marks: Sequence[Mark]) -> str:
        height = self.y + 18
        parts = [*_legend(), *self._parts]
        for number, mark in enumerate(each for each in marks if each.what):
            x, y = self.x(mark.at), 38 + 11 * (number % 2)
            parts.append(f'<path d="M{x:.1f} {y + 3}V{self.y - 2:.0f}" stroke="{RED}" stroke-dasharray="4 3"/>')
            parts.append(_text(x + 3, y, mark.what, RED))
        minutes = range(int((WIDTH - LEFT - 12) / self._scale / 60) + 1)
        parts += [_text(LEFT + 60 * each * self._scale, height - 6, f"{each} min", PALE) for each in minutes]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" font-family="sans-serif">'
        )
        return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>"]) + "\n"


def _rows(spans: Sequence[tuple[float, float]]) -> Iterator[tuple[int, float, float]]:
    """Give each span, in order of start, the first row that is free then."""
    ends: list[float] = []
    for start, end in spans:
        row = next((number for number, last in enumerate(ends) if last <= start), len(ends))
        ends[row : row + 1] = [end]
        yield row, start, end


def _downs(marks: Sequence[Mark]) -> Iterator[tuple[float, float]]:
    """Return from when to when a worker was dead."""
    for mark, following in pairwise(marks):
        if not mark.is_up:
            yield mark.at, following.at


def _legend() -> Iterator[str]:
    x = LEFT
    for what, colour in KINDS.values():
        yield f'<rect x="{x}" y="8" width="12" height="12" fill="{colour}"/>'
        yield _text(x + 17, 18, what)
        x += 40 + 6 * len(what)
    yield f'<rect x="{x}" y="8" width="12" height="12" fill="#fff" stroke="{RED}"/>'
    yield _text(x + 17, 18, "killed")
    yield f'<rect x="{x + 70}" y="8" width="12" height="12" fill="{RED}" fill-opacity="0.12"/>'
    yield _text(x + 87, 18, "no worker")
    yield f'<rect x="{x + 160}" y="10" width="12" height="6" fill="{INK}"/>'
    yield _text(x + 177, 18, "writes to a base; a number is a mapping's")


def _text(x: float, y: float, text: str, colour: str = INK, *, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.0f}" fill="{colour}" font-size="{size}">{escape(text)}</text>'


def main() -> int:
    """Draw what a run has kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kept", type=Path, help="what a run has kept, JSON")
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    given = parser.parse_args()
    given.picture.write_text(Picture.read(given.kept).draw(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
