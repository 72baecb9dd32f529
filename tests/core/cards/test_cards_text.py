"""Texts of others are shown, never obeyed; what is too long keeps what matters."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.cards.cells import value_words, write_text
from airflow_provider_lark.core.cards.shortening import cut_end, cut_middle
from airflow_provider_lark.core.cards.text import (
    bold,
    clean_text,
    code_block,
    colored,
    escape_markdown,
    link,
    local_time,
    mention,
    mention_all,
    mention_email,
    one_line,
    reachable_url,
    web_url,
)
from airflow_provider_lark.core.errors import BadRequest

HOSTILE = [
    "<at id=all></at>",
    "<AT ID=all >",
    "< at email=ceo@example.com></at>",
    "<font color='red'>x</font>",
    "*bold* _it_ ~~gone~~ `code` **x**",
    "[pay](https://evil.example)",
    "![x](img_v3)",
    "https://evil.example/中文 www.evil.example",
    ":OK: &reg; &copy &lt;at id=all&gt;",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "# title\n## two\n- item\n+ item\n1. one\n2) two\n===\n---\n> quote",
    "    indented code\n\tand tab",
    "```\nfence\n```\n~~~",
    "C:\\new\\table $x$ \\[",
    "مرحبا שלום 👩‍👩‍👧 🇨🇳",
]


def shown(markdown: str) -> str:
    """Return what a reader of CommonMark sees of text that holds entities and nothing else."""
    return html.unescape(markdown).replace("\u200d", "").replace("\xa0", " ")


@pytest.mark.parametrize("text", HOSTILE)
def test_escape_markdown_shows_the_text_and_leaves_no_structure(text: str) -> None:
    escaped = escape_markdown(text)
    assert shown(escaped) == text.replace("\t", "    ").replace("\u200d", "")
    assert not set(escaped) & set("<>*_~`[]|\\$:")
    assert not re.search(r"^(?:[-+#=]|\d+[.)]|\s)", escaped, re.MULTILINE)
    assert not re.search(r"&(?!(?:#\d+|nbsp|zwj);)", escaped)


@settings(deadline=None)
@given(st.text())
@example("\x1b[31mred\x1b[0m")
@example("\ud83d\ude00 \ud83d")
def test_escape_markdown_of_any_text_is_text(text: str) -> None:
    escaped = escape_markdown(text)
    escaped.encode()
    assert not set(escaped) & set("<>*_~`[]|\\$:\0")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        pytest.param("\x1b[1;31mError\x1b[0m", "Error", id="colours of a terminal"),
        pytest.param("a\x00b\x07", "a\ufffdb\ufffd", id="control characters"),
        pytest.param("a\r\nb\rc", "a\nb\nc", id="line ends"),
        pytest.param("\ud83d\ude00", "😀", id="a character in two halves"),
        pytest.param("\ud83dx", "\ufffdx", id="half a character"),
        pytest.param("错\tعر", "错\tعر", id="nothing to do"),
    ],
)
def test_clean_text_takes_out_what_no_message_holds(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize("text", HOSTILE)
def test_code_block_ends_where_it_should_and_mentions_nobody(text: str) -> None:
    first, *inner, last = code_block(text, "python").split("\n")
    assert first.startswith("```")
    assert first == f"{last}python"
    assert not any(line.strip().startswith(last) for line in inner)
    assert not re.search(r"<\s*at\b", "\n".join(inner), re.IGNORECASE)
    assert "\n".join(inner).replace("<\u200d", "<") == text


def test_links_lead_to_web_addresses_only() -> None:
    assert link("a]b", 'https://x.cn/a b?q=(1)&t="中"') == "[a&#93;b](https://x.cn/a%20b?q=%281%29&t=%22%E4%B8%AD%22)"
    for url in (
        None,
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "x.cn",
        "https://",
        "https://x.cn/\ud83d",
        "https://x.cn/\0",
    ):
        assert web_url(url) is None
        assert link("log", url) == "log"


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/dags/x", "http://127.0.0.1/", "http://[::1]:8080/", "http://0.0.0.0:80/a", None]
)
def test_reachable_url_of_the_readers_own_machine_is_none(url: str | None) -> None:
    assert reachable_url(url) is None


def test_reachable_url_of_an_inner_host_stays() -> None:
    assert (
        reachable_url("http://airflow.internal:8080/dags/订单")
        == "http://airflow.internal:8080/dags/%E8%AE%A2%E5%8D%95"
    )


def test_mentions_take_ids_only() -> None:
    assert mention("ou_0001") == "<at id=ou_0001></at>"
    assert mention_email("lin@example.com") == "<at email=lin@example.com></at>"
    assert mention_all() == "<at id=all></at>"
    for wrong in ("all", "", "lin@example.com", "ou_1></at><at id=all>", "a b"):
        with pytest.raises(BadRequest):
            mention(wrong)
    for wrong in ("lin", "a@b c", "a@b></at><at id=all>"):
        with pytest.raises(BadRequest):
            mention_email(wrong)


def test_small_marks() -> None:
    assert bold(" a\n*b* ") == "**a &#42;b&#42;**"
    assert bold("") == ""
    assert colored("<x>", "red") == "<font color='red'>&#60;x&#62;</font>"
    assert one_line("a\n  b\tc ") == "a b c"


def test_local_time_is_the_readers_and_a_naive_time_is_utc() -> None:
    aware = local_time(datetime(2026, 11, 1, 8, tzinfo=UTC))
    assert aware == local_time(datetime(2026, 11, 1, 8))  # noqa: DTZ001 - the naive one is the point
    assert aware.count("millisecond='1793520000000'") == 2
    assert "date_num" not in local_time(datetime(2026, 11, 1, tzinfo=UTC), day=False)


def gap(count: int) -> str:
    return f"[… {count} …]"


def test_cut_middle_keeps_the_first_line_and_the_last_lines() -> None:
    lines = ["ValueError: the first line", *[f"  frame {number} " + "x" * 60 for number in range(500)], "the last line"]
    text = "\n".join(lines)
    short = cut_middle(text, 2_000, gap=gap)
    first, mark, *last = short.split("\n")
    assert len(short.encode()) <= 2_000
    assert first == lines[0]
    assert last == lines[-len(last) :]
    assert len(last) > 10
    left_out = int(re.findall(r"\d+", mark)[0])
    assert len(first) + left_out + len("\n".join(last)) == len(text)


def test_cut_middle_of_one_endless_line_keeps_both_ends() -> None:
    """The text of 5.12: 120 kB in one line, three bytes a character."""
    text = "ValueError: " + "错" * 40_000 + " 结束"
    short = cut_middle(text, 3_001, gap=gap)
    assert 2_990 <= len(short.encode()) <= 3_001
    assert short.startswith("ValueError: 错")
    assert short.endswith("错 结束")
    assert "\ufffd" not in short


@settings(deadline=None)
@given(st.text(min_size=1), st.integers(0, 60))
@example("e\u0301" * 30, 40)
@example("👩\u200d👩\u200d👧" * 9, 50)
@example("🇨🇳" * 20, 45)
@example("👍🏽" * 20, 33)
def test_cut_text_never_grows_nor_breaks(text: str, room: int) -> None:
    text = clean_text(text)
    for short in (cut_end(text, room), cut_middle(text, room, gap=gap)):
        assert len(short.encode()) <= max(room, 0) or short == text
        assert len(text.encode()) > room or short == text


@pytest.mark.parametrize(
    ("unit", "parts"),
    [
        pytest.param("e\u0301", 2, id="accent"),
        pytest.param("👩\u200d👩\u200d👧", 5, id="family"),
        pytest.param("👍🏽", 2, id="skin tone"),
        pytest.param("🇨🇳", 2, id="flag"),
        pytest.param("1\ufe0f\u20e3", 3, id="key"),
    ],
)
def test_cut_text_keeps_drawn_characters_whole(unit: str, parts: int) -> None:
    text = unit * 100
    for room in range(60, 90):
        assert len(cut_end(text, room, mark="")) % parts == 0
        head, _, tail = cut_middle(text, room, gap=gap).split("\n")
        assert (len(head) % parts, len(tail) % parts) == (0, 0)


def test_json_that_nests_deeper_than_calls_may_is_said_to_be_so():
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    assert value_words([{"a": 1}]) == '[{"a": 1}]'
    assert write_text(value, max_bytes=100) == value_words(value) == "JSON, nested too deep to show"
