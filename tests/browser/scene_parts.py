"""Cards of every chart and of all that Markdown knows, and a picture."""

from __future__ import annotations

import struct
import zlib
from typing import Any


def picture(width: int = 240, height: int = 120) -> bytes:
    """A small PNG."""
    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (60 + x * 150 // width, 110, 240 - y * 90 // height))
        for y in range(height)
    )
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    made = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def charts() -> dict[str, Any]:
    """A card of charts of every kind that is drawn, and one that is not."""
    week = [
        {"day": f"11-{day}", "kind": kind, "count": count}
        for day in range(20, 27)
        for kind, count in (("新增", 40 + day * 3 % 17), ("paid", 30 + day * 7 % 13))
    ]
    firms = [
        {"name": name, "value": value} for name, value in (("Apple", 214480), ("可口可乐", 66341), ("Toyota", 53404))
    ]
    parts = [
        {"type": name, "value": f"{value}"} for name, value in (("S1", 340), ("S2", 170), ("华东 S3", 150), ("S4", 20))
    ]
    spots = [{"x": 10 + at, "y": at * at % 17 + 40, "kind": "AB"[at % 2]} for at in range(24)]
    done = [{"job": "装载 load", "part": 0.795}, {"job": "check", "part": 0.25}]
    signed = [{"x": f"m{at}", "y": value} for at, value in enumerate((12, -5, 8, -11, 3))]
    lines = {
        "type": "line",
        "title": {"text": "折线 lines"},
        "data": {"values": week},
        "xField": "day",
        "yField": "count",
        "seriesField": "kind",
    }
    specs: list[dict[str, Any]] = [
        lines,
        {**lines, "type": "bar", "title": {"text": "beside"}, "xField": ["day", "kind"]},
        {**lines, "type": "bar", "title": {"text": "stacked"}},
        {
            "type": "bar",
            "title": {"text": "lying"},
            "direction": "horizontal",
            "data": {"values": firms},
            "xField": "value",
            "yField": "name",
        },
        {"type": "bar", "title": {"text": "above and below"}, "data": {"values": signed}, "xField": "x", "yField": "y"},
        {"type": "area", "title": {"text": "area"}, "data": [{"values": signed}], "xField": "x", "yField": "y"},
        {
            "type": "pie",
            "title": {"text": "pie"},
            "data": {"values": parts},
            "categoryField": "type",
            "valueField": "value",
        },
        {
            "type": "pie",
            "data": {"values": parts[:3]},
            "categoryField": "type",
            "valueField": "value",
            "outerRadius": 0.9,
            "innerRadius": 0.5,
        },
        {"type": "radar", "data": {"values": parts}, "categoryField": "type", "valueField": "value", "area": {}},
        {"type": "funnel", "data": {"values": parts}, "categoryField": "type", "valueField": "value"},
        {"type": "scatter", "data": {"values": spots}, "xField": "x", "yField": "y", "seriesField": "kind"},
        {
            "type": "linearProgress",
            "data": {"values": done},
            "direction": "horizontal",
            "xField": "part",
            "yField": "job",
        },
        {"type": "circularProgress", "data": {"values": done}, "valueField": "part", "categoryField": "job"},
        {"type": "wordCloud", "data": {"values": parts}, "nameField": "type", "valueField": "value"},
        {"type": "sunburst", "data": {"values": parts}, "categoryField": "type", "valueField": "value"},
    ]
    elements = [{"tag": "chart", "chart_spec": spec, "aspect_ratio": "2:1"} for spec in specs]
    title = {"tag": "plain_text", "content": "Charts"}
    return {"schema": "2.0", "header": {"title": title, "template": "purple"}, "body": {"elements": elements}}


def words(open_id: str) -> dict[str, Any]:
    """A card of Markdown: what it knows, and what only looks like markup."""
    text = f"""# Heading
Some **bold**, *italic*, ~~struck~~, `code < x`,
<font color='red'>red with **bold**</font>, <text_tag color='lime'>tag</text_tag>.
Second line, with <at id={open_id}></at> and <at id=all></at>, :OK: :DONE:, &#42;not italic&#42;, \\*nor this\\*.

> quoted
> twice

1. one
2. two
    - inner
    - 第二

- [a link](https://example.com/a_(b)) and https://example.com/裸
- [no link](javascript:alert(1)) stays words

| 名称 | sum |
|:--|--:|
| a \\| b | **1** |
| <img src=x onerror=alert(1)> | 2 |

```sql
SELECT "<script>" < 2;
```
---
<local_datetime millisecond='1764115200000' format_type='date'></local_datetime> <number_tag>7</number_tag>
<script>alert(1)</script>"""
    columns = [
        {"name": "n", "display_name": "no", "data_type": "number"},
        {"name": "t", "data_type": "lark_md", "display_name": "text"},
    ]
    rows = [{"n": at, "t": f"**row** {at}"} for at in range(12)]
    table = {"tag": "table", "columns": columns, "rows": rows, "page_size": 5}
    return {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": text}, table]}}
