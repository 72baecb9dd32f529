"""A report as one HTML page: it asks the network for nothing, runs no script, and whatever comes from data is text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any
from unicodedata import category

from airflow_provider_lark.core.sync.consistency.chart import draw
from airflow_provider_lark.core.sync.consistency.words import WORDS

_STYLE = """
:root{color-scheme:light dark;--ink:#1f2329;--soft:#646a73;--line:#dee0e3;--back:#fff;--card:#f5f6f7;--good:#2ea121;
--bad:#d83931;--wait:#b7791f;--blue:#3370ff}
@media (prefers-color-scheme:dark){:root{--ink:#ebebeb;--soft:#a6a6a6;--line:#434343;--back:#1a1a1a;--card:#262626;
--good:#51ba43;--bad:#f0625b;--wait:#e0a53a;--blue:#6293ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:24px 20px 60px;background:var(--back);color:var(--ink);
font:14px/1.5 -apple-system,"Segoe UI",Roboto,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:8px 24px;border-bottom:1px solid var(--line)}
h1{font-size:22px;margin:0 0 8px}h2{font-size:18px;margin:32px 0 8px;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.badge{display:inline-block;padding:1px 8px;border-radius:10px;font-size:12px;font-weight:600;color:#fff;
background:var(--soft)}
.ok{background:var(--good)}.no{background:var(--bad)}.hold{background:var(--wait)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:8px;margin:12px 0}
dl div{background:var(--card);border-radius:6px;padding:8px 10px}dt{color:var(--soft);font-size:12px}
dd{margin:0;font-size:18px;overflow-wrap:anywhere}
ul.told{background:var(--card);border-left:3px solid var(--wait);margin:12px 0;padding:8px 12px 8px 28px;
overflow-wrap:anywhere}
svg{max-width:100%;height:auto}svg text{fill:var(--ink);font-size:13px}
.bar{fill:var(--bad)}.bar.pending{fill:var(--wait)}.bar.repaired{fill:var(--good)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin-top:12px}
th{text-align:left;font-size:12px;color:var(--soft);border-bottom:2px solid var(--line);padding:6px 8px;
white-space:nowrap}
td{border-bottom:1px solid var(--line);padding:6px 8px;vertical-align:top}
td.id,td.value{overflow-wrap:anywhere;white-space:pre-wrap;min-width:90px;max-width:360px}
td.id{font-family:ui-monospace,Consolas,monospace;font-size:13px}
td.value bdi,td.id bdi{unicode-bidi:isolate}
.none{color:var(--soft);font-style:italic}
.tongue{font-size:12px}.tongue input{margin:0 4px 0 10px}
body:has(#zh:checked) [lang=en],body:not(:has(#zh:checked)) [lang=zh]{display:none}
"""

_POLICY = (
    "default-src 'none'; style-src 'sha256-"
    f"{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
)

_COUNTS = ("rows_lark", "rows_sql", "equal", "different", "only_lark", "only_sql", "pending")
_BARS = ("different", "only_lark", "only_sql", "pending", "repaired")
_REPAIRS = {"repaired": "repaired", "changed": "changed_count", "held": "held_count", "left": "left_count"}


def write_page(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the page of *document*, part by part; see :func:`.build_document`."""
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{WORDS['title'][0]} {_text(document['made_at'])}</title><style>{_STYLE}</style></head><body>"
        f'<header><div><h1>{_both("title")}</h1><p class="soft">{_both("made")} {_text(document["made_at"])}</p></div>'
        '<p class="tongue"><label><input type="radio" name="tongue" id="en" checked>English</label>'
        '<label><input type="radio" name="tongue" id="zh">中文</label></p></header>\n'
    )
    for each in document["mappings"]:
        yield from _mapping(each)
    yield "</body></html>\n"


def _mapping(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section><h2><bdi>{_text(told['mapping'])}</bdi> {_badge(told)}</h2>"
    if told.get("error") is not None:
        yield f'<ul class="told"><li><bdi>{_text(told["error"])}</bdi></li></ul></section>'
        return
    yield _numbers(told)
    remarks = [*told["problems"], *told["warnings"]]
    if remarks:
        yield f'<ul class="told">{"".join(f"<li><bdi>{_text(each)}</bdi></li>" for each in remarks)}</ul>'
    bars = {name: told[name] for name in _BARS if told.get(name)}
    if not bars:
        yield f"<p>{_both('nothing')}</p></section>"
        return
    yield f"<h3>{_both('chart')}</h3>{draw(bars, WORDS.__getitem__)}"
    if told["rows"]:
        yield from _table(told["rows"])
    if told["more_rows"]:
        yield f'<p class="soft">{told["more_rows"]:,} {_both("more_rows")}</p>'
    yield "</section>\n"


def _badge(told: Mapping[str, Any]) -> str:
    kind, name = {
        "ok": ("ok", "in_step"),
        "drift": ("no", "drift"),
        "held": ("hold", "held_status"),
        "partial": ("no", "failed_count"),
    }.get(told["status"], ("no", "failed_status"))
    return f'<span class="badge {kind}">{_both(name)}</span>'


def _numbers(told: Mapping[str, Any]) -> str:
    shown = [(name, f"{told[name]:,}") for name in _COUNTS]
    if told.get("repair"):
        shown += [(word, f"{told[name]:,}") for name, word in _REPAIRS.items() if name in told]
    if told.get("failed"):
        shown.append(("failed_count", f"{told['failed']:,}"))
    shown += [("seconds", f"{told['seconds']:,}"), ("calls", f"{told['api_calls'].get('total', 0):,}")]
    facts = "".join(f"<div><dt>{_both(name)}</dt><dd>{value}</dd></div>" for name, value in shown)
    repair = ""
    if told.get("repair"):
        dry = f" ({_both('dry_run')})" if told.get("dry_run") else ""
        repair = f"<p>{_both('repair')}: {_both('repair_' + told['repair'])}{dry}</p>"
    return f"<dl>{facts}</dl>{repair}"


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    heads = "".join(f"<th>{_both(name)}</th>" for name in ("key", "kind", "state", "column", "lark", "sql"))
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n'
    for row in rows:
        yield _row(row)
    yield "</tbody></table></div>"


def _row(row: Mapping[str, Any]) -> str:
    reason = f'<br><span class="soft">{_both("reason_" + row["reason"])}</span>' if row["reason"] else ""
    record = f'<br><span class="soft"><bdi>{_text(row["record_id"])}</bdi></span>' if row["record_id"] else ""
    span = max(1, len(row["columns"]) + bool(row["more"]))
    lead = (
        f'<td class="id" rowspan="{span}"><bdi>{_text(row["key"])}</bdi>{record}</td>'
        f'<td rowspan="{span}">{_both(row["kind"])}</td>'
        f'<td rowspan="{span}">{_both("state_" + row["state"])}{reason}</td>'
    )
    cells = [
        f'<td class="id"><bdi>{_text(each["column"])}</bdi></td>{_cell(row, each, "lark")}{_cell(row, each, "sql")}'
        for each in row["columns"]
    ]
    if row["more"]:
        cells.append(f'<td class="none" colspan="3">{row["more"]} {_both("more_columns")}</td>')
    first, *others = cells or ['<td colspan="3"></td>']
    return f"<tr>{lead}{first}</tr>{''.join(f'<tr>{each}</tr>' for each in others)}\n"


def _cell(row: Mapping[str, Any], column: Mapping[str, Any], side: str) -> str:
    value = column[side]
    if value is not None:
        return f'<td class="value"><bdi>{_text(value)}</bdi></td>'
    other = {"lark": "only_sql", "sql": "only_lark"}[side]
    word = "" if row["kind"] == other else _both("hidden" if column["hidden"] else "empty")
    return f'<td class="none">{word}</td>'


def _both(name: str) -> str:
    english, chinese = WORDS[name]
    return f'<span lang="en">{english}</span><span lang="zh">{chinese}</span>'


def _text(value: object) -> str:
    """Return *value* as text of the page; what no page can hold is shown as an escape."""
    return escape("".join(each if _is_plain(each) else f"\\u{ord(each):04x}" for each in str(value)), quote=True)


def _is_plain(character: str) -> bool:
    return character in "\n\t" or category(character) not in ("Cc", "Cs")
