"""Pictures of charts: what is drawn, with which fonts, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from airflow_provider_lark.core.cards.points import Points
from airflow_provider_lark.core.errors import BadRequest, ConfigError
from airflow_provider_lark.core.transfer.to_message.chart_fonts import choose_fonts
from airflow_provider_lark.core.transfer.to_message.chart_image import draw_chart

NAMES = ("地区", "销售额", "渠道")
ROWS = [("华东", 12.5, "线上"), ("华南", -7, "门店"), ("华东", 3, "门店")]
TEXTS = "".join(["地区销售额渠道", *(f"{x}{s}" for x, _, s in ROWS)])


def points(kind: Any = "bar", rows: Any = ROWS, **columns: Any) -> Points:
    made = Points(kind, NAMES, x="地区", y="销售额", **columns)
    made.add(rows)
    return made


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave matplotlib the fonts that it brings along, as on a machine without any."""
    own = [each for each in font_manager.fontManager.ttflist if "mpl-data" in each.fname]
    assert own
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)


@pytest.fixture
def chinese_font(tmp_path: Path) -> str:
    """Make a font that has the characters of the tests, each a triangle."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((900, 0))
    pen.lineTo((450, 900))
    pen.closePath()
    glyph = pen.glyph()
    codes = {ord(char): f"u{ord(char):x}" for char in TEXTS}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *codes.values()])
    builder.setupCharacterMap(codes)
    builder.setupGlyf(dict.fromkeys([".notdef", *codes.values()], glyph))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *codes.values()], (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Lark Test Han", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = tmp_path / "han.ttf"
    builder.save(path)
    return str(path)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("columns", [{}, {"series": "渠道"}], ids=["one series", "several"])
@pytest.mark.parametrize("kind", ["line", "bar"])
def test_lines_and_bars_are_drawn_with_a_font_that_has_the_characters(kind, columns, chinese_font):
    assert size_of(draw_chart(points(kind, **columns), title="销售额 $1$ <b>", font=chinese_font)) == (1600, 900)


@pytest.mark.usefixtures("bare_machine")
def test_pie_is_drawn_and_latin_text_needs_no_font(chinese_font):
    assert size_of(draw_chart(points("pie", [("华东", 3, ""), ("华南", 1, "")]), font=chinese_font)) == (1600, 900)
    assert size_of(draw_chart(points("pie", [("east", 3, ""), ("", 1, "")]))) == (1600, 900)


@pytest.mark.usefixtures("bare_machine")
def test_machine_without_a_font_for_the_characters_sends_no_boxes():
    with pytest.raises(ConfigError, match="no font on this machine has the characters '东华南': install one") as caught:
        draw_chart(points())
    assert "fonts-noto-cjk" in str(caught.value)
    assert "put the chart into the card" in str(caught.value)


@pytest.mark.usefixtures("bare_machine")
def test_characters_that_are_missing_are_named_up_to_ten():
    with pytest.raises(ConfigError, match="has the characters '一丁丂七丄丅丆万丈三' and 22 more"):
        choose_fonts(["\ue000", "".join(map(chr, range(0x4E00, 0x4E1F))), " \n\u200b"])


@pytest.mark.usefixtures("bare_machine")
def test_fonts_are_chosen_in_order_and_no_more_than_needed(chinese_font):
    assert choose_fonts(["abc"]) == ["DejaVu Sans"]
    assert choose_fonts([]) == ["DejaVu Sans"]
    assert choose_fonts(["华a"], chinese_font) == ["Lark Test Han", "DejaVu Sans"]
    assert choose_fonts(["a"], "DejaVu Serif") == ["DejaVu Serif"]


@pytest.mark.parametrize(
    ("font", "told"),
    [
        ("No Such Font", "no font named 'No Such Font' on this machine"),
        ("nowhere.ttf", "'nowhere.ttf' is not a readable font"),
    ],
)
def test_font_that_is_not_there_is_told(font, told):
    with pytest.raises(ConfigError, match=told):
        choose_fonts(["a"], font)


def test_broken_font_file_is_told(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(ConfigError, match=r"'broken.ttf' is not a readable font"):
        choose_fonts(["a"], str(tmp_path / "broken.ttf"))


@pytest.mark.parametrize(
    ("kind", "rows", "columns", "told"),
    [
        pytest.param("pie", [(f"r{n}", 1, "") for n in range(21)], {}, "21 slices.*or use chart='bar'", id="slices"),
        pytest.param("line", [("a", 1, f"s{n}") for n in range(21)], {"series": "渠道"}, "21 series", id="series"),
        pytest.param("pie", [("a", 0, "")], {}, "add up to 0", id="no shares"),
    ],
)
def test_picture_that_nobody_could_read_is_refused(kind, rows, columns, told):
    with pytest.raises(BadRequest, match=told):
        draw_chart(points(kind, rows, **columns))


def test_chart_of_many_points_has_few_labels():
    assert size_of(draw_chart(points("line", [(f"2026-11-01 {n:05}", n * 1e6, "") for n in range(5_000)]))) == (
        1600,
        900,
    )


@pytest.mark.parametrize(("kind", "count"), [("line", 20), ("pie", 20), ("bar", 20)])
def test_each_series_and_slice_has_a_colour_of_its_own(tmp_path, kind, count):
    from matplotlib.image import imread

    series = None if kind == "pie" else "渠道"
    rows = [(f"x{at}", 1, f"s{at}") for at in range(count)]
    made = Points(kind, NAMES, x="地区", y="销售额", series=series)
    made.add(rows)
    (tmp_path / "a.png").write_bytes(draw_chart(made))
    pixels = imread(tmp_path / "a.png")[:, :, :3].reshape(-1, 3)
    import numpy

    colours, counts = numpy.unique((pixels * 255).round().astype(int), axis=0, return_counts=True)
    # each stands in the legend at least, a patch or a line of at least a hundred points
    is_colour = (colours.max(axis=1) - colours.min(axis=1) > 15) | (abs(colours - (127, 127, 127)).max(axis=1) == 0)
    is_grey = abs(colours - (199, 199, 199)).max(axis=1) == 0
    assert ((is_colour | is_grey) & (counts > 60)).sum() >= count


@pytest.mark.parametrize("kind", ["bar", "line", "pie"])
def test_numbers_that_no_scale_holds_are_told_rather_than_an_empty_picture(kind):
    with pytest.raises(BadRequest, match=r"cannot show numbers beyond 1e\+150"):
        draw_chart(points(kind, [("a", 1e308, "x"), ("b", 1e308, "x")]))
    assert draw_chart(points(kind, [("a", 1e150, "x"), ("b", 1e150, "x")])).startswith(b"\x89PNG")


def test_thousands_of_bars_are_strokes(monkeypatch):
    from matplotlib.axes import Axes

    # each bar would be an outline of its own: a hundred thousand of them took minutes and a gigabyte
    monkeypatch.delattr(Axes, "bar")
    assert draw_chart(points("bar", [(f"x{at}", at, "s") for at in range(5_000)], series="渠道")).startswith(b"\x89PNG")


def test_long_title_leaves_room_for_the_picture(monkeypatch):
    from matplotlib.axes import Axes

    titles = []
    monkeypatch.setattr(Axes, "set_title", lambda self, text, **_: titles.append(text))
    draw_chart(points("bar", [("a", 1, "x")]), title="word " * 1000)
    assert len(titles[0]) < 210


def test_ticks_of_long_numbers_are_told_apart(monkeypatch):
    from matplotlib.axis import Axis

    made = []
    own = Axis.set_major_formatter
    monkeypatch.setattr(Axis, "set_major_formatter", lambda self, given: (made.append(given), own(self, given)))
    draw_chart(points("line", [("a", 1761984000000, "x"), ("b", 1761984000001, "x")]))
    (shown,) = [each for each in made if callable(each) and not hasattr(each, "format_ticks")]
    assert [shown(each, 0) for each in (1761984000000.5, 0.1 + 0.2, -1e20)] == ["1,761,984,000,000.5", "0.3", "-1e+20"]
