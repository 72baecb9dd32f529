"""Each documented limit, by a card that breaks it: the error comes before any call, with the path of the element."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_lark.core.card_json.forms import card_form
from airflow_provider_lark.core.cards.check import check_card, find_problems
from airflow_provider_lark.core.cards.limits import CARD_MAX_BYTES, WEBHOOK_MAX_BYTES
from airflow_provider_lark.core.cards.writing import MESSAGE, WEBHOOK, write_card
from airflow_provider_lark.core.errors import BadRequest, CardInvalid, TooLarge


def card(*elements: Any, **parts: Any) -> dict[str, Any]:
    return {"schema": "2.0", "body": {"elements": list(elements)}, **parts}


def md(content: str = "text", **more: Any) -> dict[str, Any]:
    return {"tag": "markdown", "content": content, **more}


def plain(content: str) -> dict[str, Any]:
    return {"tag": "plain_text", "content": content}


def button(**more: Any) -> dict[str, Any]:
    return {"tag": "button", "text": plain("ok"), **more}


def form(*elements: Any, **more: Any) -> dict[str, Any]:
    submit = button(name="send", form_action_type="submit")
    return {"tag": "form", "name": "form", "elements": [*elements, submit], **more}


def columns(*elements: Any) -> dict[str, Any]:
    return {"tag": "column_set", "columns": [{"tag": "column", "elements": list(elements)}]}


def table(**more: Any) -> dict[str, Any]:
    return {"tag": "table", "columns": [{"name": "a", "data_type": "text"}], "rows": [{"a": "1"}], **more}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = md()
    for _ in range(depth):
        inner = columns(inner)
    return inner


PIPES = "| a | b |\n|---|---|\n| 1 | 2 |\n"
MULTI = {"tag": "multi_select_static", "name": "m", "options": [{"text": plain("x"), "value": "x"}]}
INPUT = {"tag": "input", "name": "why"}

REFUSED = [
    pytest.param(card(md(), md(), md(), {"tag": "note"}), "body.elements[3]", "notation", id="note, as in 5.32"),
    pytest.param(
        card(md(), md(), md(), {"tag": "action", "actions": [button()]}), "body.elements[3]", "column_set", id="action"
    ),
    pytest.param(card(md(), {"tag": "markdwon", "content": ""}), "body.elements[1]", "markdown", id="misspelt tag"),
    pytest.param(card(plain("x")), "body.elements[0]", '"div"', id="text that stands alone"),
    pytest.param(card({"content": "x"}), "body.elements[0]", '"tag"', id="element without tag"),
    pytest.param(card("x"), "body.elements[0]", "object", id="element that is a text"),
    pytest.param({"schema": "2.0", "body": {"elements": md()}}, "body.elements", "list", id="elements that is none"),
    pytest.param({"schema": "2.0", "elements": [md()]}, "elements", "body.elements", id="elements of 1.0"),
    pytest.param(card(i18n_elements={}), "i18n_elements", "i18n_content", id="languages of 1.0"),
    pytest.param(card(config={"update_multi": False}), "config.update_multi", "only allows true", id="not shared"),
    pytest.param(card(config={"width_mode": "wide"}), "config.width_mode", "compact", id="width mode"),
    pytest.param(card(config={"enable_foward": True}), "config.enable_foward", "enable_forward", id="misspelt option"),
    pytest.param(
        card({"tag": "column_set", "columns": [{"tag": "column", "elements": [], "corner_radius": "8px"}]}),
        "body.elements[0].columns[0].corner_radius",
        "unknown property",
        id="property that a column has not",
    ),
    pytest.param(
        card({"tag": "column_set", "columns": [md()]}), "body.elements[0].columns[0]", "columns", id="not a column"
    ),
    pytest.param(card(header={"subtitle": plain("x")}), "header.title", "is required", id="header without title"),
    pytest.param(
        card(header={"title": plain("x"), "text_tag_list": [{"tag": "text_tag", "text": plain("x")}] * 4}),
        "header.text_tag_list[3]",
        "3 are shown",
        id="four tags in the header",
    ),
    pytest.param(card(*[md()] * 201), "body.elements[200]", "201", id="201 elements"),
    pytest.param(
        card(*[{"tag": "div", "text": plain("x")}] * 101), "body.elements[100]", "202", id="texts count as elements"
    ),
    pytest.param(card(nested(6)), "body.elements[0]" + ".columns[0].elements[0]" * 5, "5 levels deep", id="six levels"),
    pytest.param(card(*[table()] * 7), "body.elements[5]", "only 5 are allowed", id="seven tables, as in 5.14"),
    pytest.param(
        card(md(PIPES), *[table()] * 5), "body.elements[5]", "only 5 are allowed", id="a table in Markdown counts"
    ),
    pytest.param(
        card(md("\n".join([PIPES] * 5))), "body.elements[0]", "more than the 4 allowed", id="five in one markdown"
    ),
    pytest.param(
        card(*[md(PIPES, i18n_content={"zh_cn": "\n".join([PIPES] * 2)})] * 3),
        "body.elements[2]",
        "only 5 are allowed",
        id="six in one language",
    ),
    pytest.param(card(columns(table())), "body.elements[0].columns[0].elements[0]", "column_set", id="table in column"),
    pytest.param(card(table(page_size=11)), "body.elements[0].page_size", "1 to 10", id="eleven rows a page"),
    pytest.param(card(table(page_size="5")), "body.elements[0].page_size", "1 to 10", id="page size as text"),
    pytest.param(card(table(row_height="20px")), "body.elements[0].row_height", "32px", id="row height"),
    pytest.param(
        card(table(columns=[{"name": f"c{i}"} for i in range(51)])),
        "body.elements[0].columns[50]",
        "50 are shown",
        id="51 columns",
    ),
    pytest.param(card(table(columns=[])), "body.elements[0].columns", "needs", id="no column"),
    pytest.param(
        card(table(columns=[{"name": "a"}, {"name": "a"}])),
        "body.elements[0].columns[1].name",
        "unique",
        id="same name",
    ),
    pytest.param(
        card(table(columns=[{"name": "a", "data_type": "money"}])),
        "body.elements[0].columns[0].data_type",
        "number",
        id="type of a column",
    ),
    pytest.param(
        card(table(columns=[{"name": "a", "data_type": "number", "format": {"precision": 11}}], rows=[])),
        "body.elements[0].columns[0].format.precision",
        "0 to 10",
        id="eleven decimals",
    ),
    pytest.param(
        card(table(columns=[{"name": "a", "data_type": "number", "format": {"symbol": "USD"}}], rows=[])),
        "body.elements[0].columns[0].format.symbol",
        "must be one character",
        id="long symbol",
    ),
    pytest.param(
        card(table(columns=[{"name": "a", "data_type": "number"}], rows=[{"a": "12"}])),
        "body.elements[0].rows[0].a",
        "a number, not str",
        id="number as text",
    ),
    pytest.param(
        card(table(columns=[{"name": "a", "data_type": "date"}], rows=[{"a": 1}, {"a": "2026-11-01"}])),
        "body.elements[0].rows[1].a",
        "milliseconds",
        id="date as text",
    ),
    pytest.param(
        card(table(rows=[{"a": "1", "b": "2"}])), "body.elements[0].rows[0].b", "200915", id="cell without a column"
    ),
    pytest.param(
        card({"tag": "chart", "chart_spec": {"data": []}}),
        "body.elements[0].chart_spec",
        "200550",
        id="chart of no kind",
    ),
    pytest.param(
        card(*[{"tag": "audio", "file_key": "f", "audio_id": "1"}] * 2, config={"enable_forward": False}),
        "body.elements[1].audio_id",
        "300230",
        id="audio_id twice",
    ),
    pytest.param(card(table(rows=["x"])), "body.elements[0].rows[0]", "object", id="row as text"),
    pytest.param(
        card(columns(form())), "body.elements[0].columns[0].elements[0]", "body.elements", id="form in column"
    ),
    pytest.param(card(form(form(name="inner"))), "body.elements[0].elements[0]", "body.elements", id="form in form"),
    pytest.param(card(form(table())), "body.elements[0].elements[0]", "form", id="table in form"),
    pytest.param(
        card(form({"tag": "chart", "chart_spec": {"type": "pie"}})),
        "body.elements[0].elements[0]",
        "cannot contain a chart",
        id="chart in form",
    ),
    pytest.param(
        card({"tag": "form", "name": "f", "elements": [INPUT]}), "body.elements[0]", "submit", id="no submit button"
    ),
    pytest.param(card(form(name="")), "body.elements[0]", "name", id="form without name"),
    pytest.param(
        card(form(columns({"tag": "input"}))),
        "body.elements[0].elements[0].columns[0].elements[0]",
        "200530",
        id="item without name",
    ),
    pytest.param(card(form(INPUT, INPUT)), "body.elements[0].elements[1]", "unique", id="two items of one name"),
    pytest.param(card(MULTI), "body.elements[0]", "only works in a form", id="multi-select outside a form"),
    pytest.param(
        card({"tag": "multi_select_person", "name": "m"}),
        "body.elements[0]",
        "only works in a form",
        id="people outside a form",
    ),
    pytest.param(
        card({"tag": "select_img", "multi_select": True, "options": []}),
        "body.elements[0]",
        "only works in a form",
        id="images",
    ),
    pytest.param(card({**INPUT, "max_length": 1001}), "body.elements[0].max_length", "1 to 1000", id="long input"),
    pytest.param(card({**INPUT, "input_type": "date"}), "body.elements[0].input_type", "password", id="input type"),
    pytest.param(
        card({**INPUT, "placeholder": plain("字" * 101)}),
        "body.elements[0].placeholder.content",
        "more than the 100 allowed",
        id="placeholder",
    ),
    pytest.param(
        card(button(text=plain("x" * 101))),
        "body.elements[0].text.content",
        "more than the 100 allowed",
        id="text of a button",
    ),
    pytest.param(
        card({"tag": "overflow", "options": [{"text": plain("x" * 101)}]}),
        "body.elements[0].options[0].text.content",
        "more than the 100 allowed",
        id="text of an option",
    ),
    pytest.param(
        card({"tag": "select_person", "options": [{"value": "lin@example.com"}]}),
        "body.elements[0].options[0].value",
        "open_id",
        id="people by e-mail",
    ),
    pytest.param(
        card({"tag": "checker", "button_area": {"buttons": [button()] * 4}}),
        "body.elements[0].button_area.buttons[3]",
        "at most 3",
        id="four buttons of a checker",
    ),
    pytest.param(
        card(button(confirm={"text": plain("sure?")})), "body.elements[0].confirm.title", "click", id="confirm.title"
    ),
    pytest.param(
        card(button(behaviors=[{"type": "callback", "value": "go"}])),
        "body.elements[0].behaviors[0].value",
        "object",
        id="value that is a text",
    ),
    pytest.param(
        card(button(behaviors=[{"type": "open_url"}])), "body.elements[0].behaviors[0].default_url", "missing", id="url"
    ),
    pytest.param(
        card(button(behaviors=[{"type": "open"}])), "body.elements[0].behaviors[0].type", "open_url", id="behavior"
    ),
    pytest.param(
        card(button(behaviors=[{"type": "open_url", "default_url": "ftp://x.cn/a"}])),
        "body.elements[0].behaviors[0].default_url",
        "http and https",
        id="scheme of a link",
    ),
    pytest.param(card(card_link={"url": "https://x.cn/a b"}), "card_link.url", "percent-encode", id="blank in a link"),
    pytest.param(card(card_link={"url": "https:///a"}), "card_link.url", "host", id="link without host"),
    pytest.param(card(md("见https://x.cn/a了解")), "body.elements[0].content", "space", id="address and Chinese text"),
    pytest.param(card(md(element_id="a" * 21)), "body.elements[0].element_id", "20", id="long element_id"),
    pytest.param(
        card(md(element_id="1a")),
        "body.elements[0].element_id",
        "beginning with a letter",
        id="element_id from a digit",
    ),
    pytest.param(
        card(md(element_id="a"), md(element_id="a")), "body.elements[1].element_id", "300301", id="element_id twice"
    ),
    pytest.param(card({"tag": "audio", "file_key": "f"}), "body.elements[0]", "enable_forward", id="audio forwarded"),
    pytest.param(card(md(5)), "body.elements[0].content", "a string, not int", id="content that is a number"),  # type: ignore[arg-type]
    pytest.param(
        card(md(i18n_content={"zh-CN": "x"})), "body.elements[0].i18n_content.zh-CN", "zh_cn", id="unknown language"
    ),
    pytest.param(
        card(table(rows=[{"a": Decimal(1)}])), "body.elements[0].rows[0].a", "Decimal", id="a value JSON does not know"
    ),
    pytest.param(card(md(datetime(2026, 11, 1))), "body.elements[0].content", "datetime", id="a datetime"),  # type: ignore[arg-type]  # noqa: DTZ001
    pytest.param(card(table(rows=[{"a": float("nan")}])), "body.elements[0].rows[0].a", "finite", id="NaN"),
    pytest.param(card(md("a\0b")), "body.elements[0].content", "NUL", id="NUL"),
    pytest.param(card(md("\ud83d")), "body.elements[0].content", "lone surrogate", id="half a character"),
    pytest.param({"body": {"elements": [md()]}}, "schema", '"2.0"', id="body without schema"),
    pytest.param({"schema": 2.0, "body": {}}, "schema", "string", id="schema as number"),
    pytest.param({"name": "x", "dsl": card(), "variables": []}, "the card", "its key dsl", id="exported .card file"),
    pytest.param({"msg_type": "interactive", "card": card()}, "the card", "its key card", id="body of a webhook"),
    pytest.param({"title": "x", "text": "y"}, "the card", "no header", id="something else"),
    pytest.param({"elements": {"tag": "hr"}}, "elements", "list", id="elements of 1.0 that are none"),
    pytest.param({"type": "template", "data": {}}, "data.template_id", "missing", id="template without id"),
]


@pytest.mark.parametrize(("raw", "path", "word"), REFUSED)
def test_check_card_that_lark_refuses_names_the_element_and_what_to_do(raw: Any, path: str, word: str) -> None:
    before = copy.deepcopy(raw) if word not in {"finite", "Decimal"} else raw
    with pytest.raises(CardInvalid) as caught:
        check_card(raw)
    assert caught.value.path == path
    assert path in str(caught.value)
    assert any(each.startswith(f"{path}: ") and word in each for each in caught.value.findings)
    assert isinstance(caught.value, BadRequest)
    assert raw == before


TAKEN = [
    pytest.param({}, id="the empty card"),
    pytest.param(card(), id="no element"),
    pytest.param(card(*[md()] * 200), id="200 elements"),
    pytest.param(card(nested(5)), id="five levels"),
    pytest.param(card(*[table()] * 5), id="five tables"),
    pytest.param(card(md("\n".join([PIPES] * 4)), table()), id="four tables in Markdown, one beside"),
    pytest.param(card(md(f"```\n{PIPES}\n```\n" * 7)), id="tables in code are none"),
    pytest.param(card(md("a | b\nc | d\n\n---\n" * 9)), id="pipes and rules are no tables"),
    pytest.param(card(form(INPUT, MULTI)), id="form"),
    pytest.param(
        card(button(confirm={"title": plain("x"), "text": plain("y")}, behaviors=[{"type": "callback", "value": {}}])),
        id="button",
    ),
    pytest.param(
        card(
            button(
                behaviors=[
                    {"type": "open_url", "default_url": "https://x.cn", "ios_url": "lark://msgcard/unsupported_action"}
                ]
            )
        ),
        id="no jump on one device",
    ),
    pytest.param(card(md("见 https://x.cn/a 了解，[此](https://x.cn/中文)，`https://x.cn了`")), id="addresses apart"),
    pytest.param(
        card({"tag": "chart", "chart_spec": {"type": "pie", "tag": "note", "elements": 5}}), id="a spec is passed on"
    ),
    pytest.param(card({"tag": "audio", "file_key": "f"}, config={"enable_forward": False}), id="audio"),
    pytest.param({"elements": [{"tag": "note", "elements": [plain("x")]}, {"tag": "action", "actions": []}]}, id="1.0"),
    pytest.param({"type": "template", "data": {"template_id": "AAq", "template_variable": {"n": 1}}}, id="template"),
    pytest.param({"type": "card", "data": {"card_id": "73"}}, id="entity"),
]


@pytest.mark.parametrize("raw", TAKEN)
def test_check_card_at_the_limit_passes(raw: Any) -> None:
    check_card(raw)


def test_check_card_with_several_faults_tells_them_in_the_order_of_the_card() -> None:
    faults = [{"tag": "note"}, *[md()] * 9, {"tag": "action"}]
    raw = card(*faults, header={}, config={"x": 1})
    with pytest.raises(CardInvalid) as caught:
        check_card(raw)
    paths = [each.split(":")[0] for each in caught.value.findings]
    assert paths == ["config.x", "header.title", "body.elements[0]", "body.elements[10]"]
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.path, again.findings) == (str(caught.value), "config.x", caught.value.findings)


def test_check_card_never_repeats_the_texts_of_the_card() -> None:
    with pytest.raises(CardInvalid) as caught:
        check_card(card(button(text=plain("geheim" * 20)), md("geheim\0"), {"tag": "note", "text": "geheim"}))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("carrier", "limit"),
    [pytest.param(MESSAGE, CARD_MAX_BYTES, id="message"), pytest.param(WEBHOOK, 20 * 1024, id="bot")],
)
def test_check_card_size_is_that_of_the_bytes_sent(carrier: Any, limit: int) -> None:
    """A Chinese character takes three bytes, as it is sent; not one, and not the six of its escape."""
    empty = len(write_card(card(md(""))).encode())
    fits, rest = divmod(limit - empty, len("错".encode()))
    check_card(card(md("错" * fits + "x" * rest)), carrier=carrier)
    with pytest.raises(
        TooLarge, match=rf"has {limit + 1:,} bytes, more than the {limit:,} .* of them in body.elements\[0\]"
    ):
        check_card(card(md("错" * fits + "x" * (rest + 1))), carrier=carrier)
    assert WEBHOOK_MAX_BYTES < CARD_MAX_BYTES


def test_check_card_that_holds_itself_ends() -> None:
    raw = card()
    raw["body"]["elements"].append(raw)
    assert "contains itself" in find_problems(raw)[0].text


def test_card_form_tells_what_can_replace_what() -> None:
    kinds = [{"type": "template", "data": {}}, {"type": "card"}, card(), {"elements": []}]
    assert [card_form(each) for each in kinds] == ["template", "entity", "2.0", "1.0"]


def test_carrier_measures_a_message_with_its_quotes_escaped() -> None:
    raw = card(md("a"))
    text = write_card(raw)
    assert WEBHOOK.measure(raw) == len(text)
    assert MESSAGE.measure(raw) == len(text) + text.count('"') + 2


@pytest.mark.parametrize(
    ("element", "path", "word"),
    [
        pytest.param(
            md("<at email=lin@example.com></at>"), "body.elements[0]", "open_id", id="mention by e-mail, 5.17"
        ),
        pytest.param(
            md("", i18n_content={"zh_cn": "<AT email=a@b.c>"}), "body.elements[0]", "open_id", id="in Chinese"
        ),
        pytest.param(
            button(behaviors=[{"type": "callback", "value": {}}]),
            "body.elements[0].behaviors[0]",
            "does not receive callbacks",
            id="click",
        ),
        pytest.param(form(), "body.elements[0]", "does not receive input", id="form"),
        pytest.param(INPUT, "body.elements[0]", "does not receive input", id="input"),
    ],
)
def test_check_card_for_a_custom_bot_refuses_what_needs_an_app(element: Any, path: str, word: str) -> None:
    check_card(card(element))
    with pytest.raises(CardInvalid, match=word) as caught:
        check_card(card(element), carrier=WEBHOOK)
    assert caught.value.path == path


def test_check_card_for_a_custom_bot_takes_links_and_ids() -> None:
    link = button(behaviors=[{"type": "open_url", "default_url": "https://x.cn"}])
    check_card(card(link, md("<at id=ou_1></at><at id=all></at>")), carrier=WEBHOOK)
