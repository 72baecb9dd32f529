"""What builders make is what Lark documents, and passes the check, whatever is put together."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.cards.buttons import Button, Callback, Confirm, OpenUrl, Overflow, OverflowOption
from airflow_provider_lark.core.cards.card import Card, Header, TextTag
from airflow_provider_lark.core.cards.chart import Chart, chart_of_rows
from airflow_provider_lark.core.cards.check import find_problems
from airflow_provider_lark.core.cards.component import Icon, Raw
from airflow_provider_lark.core.cards.display import (
    Audio,
    Div,
    Hr,
    Img,
    ImgCombination,
    Markdown,
    Person,
    PersonList,
    note,
)
from airflow_provider_lark.core.cards.inputs import (
    Checker,
    DatePicker,
    ImgOption,
    Input,
    MultiSelectPerson,
    MultiSelectStatic,
    Option,
    PickerDatetime,
    PickerTime,
    SelectImg,
    SelectPerson,
    SelectStatic,
)
from airflow_provider_lark.core.cards.languages import Localized, localize
from airflow_provider_lark.core.cards.layout import (
    CollapsiblePanel,
    Column,
    ColumnSet,
    Form,
    InteractiveContainer,
    side_by_side,
)
from airflow_provider_lark.core.cards.markdown_card import markdown_card
from airflow_provider_lark.core.cards.table import Table, TableColumn, table_of_rows
from airflow_provider_lark.core.cards.text import code_block, escape_markdown, mention
from airflow_provider_lark.core.errors import BadRequest, CardInvalid, TooLarge

EVERYTHING = Card(
    [
        Markdown(localize(en_us="**3** rows", zh_cn="**3** 行"), text_size="heading"),
        Div("plain *text*", text_color="grey", lines=2, icon=Icon("info_outlined", "blue")),
        Hr(element_id="line"),
        Img("img_v3_1", alt="chart"),
        Person("ou_1"),
        PersonList(["ou_1", "on_2"]),
        Chart({"type": "pie"}, height="200px"),
        Table(
            [
                TableColumn("who", localize(en_us="Who", zh_cn="谁"), "persons"),
                TableColumn("sum", "Sum", "number", precision=2, symbol="¥", separator=True),
                TableColumn("state", data_type="options"),
                TableColumn("day", data_type="date", date_format="YYYY-MM-DD", width="120px"),
            ],
            [{"who": ["ou_1"], "sum": 1.5, "state": [{"text": "new", "color": "red"}], "day": 1793520000000}],
        ),
        CollapsiblePanel("Cause", [Markdown(code_block("x = 1", "python"))], expanded=True),
        ColumnSet([Column([Markdown("a")], 2), Column([note("b")], None, background_style="grey-50")], "bisect"),
        InteractiveContainer([Markdown("x")], [OpenUrl("https://x.cn")], border_color="blue-100"),
        side_by_side(
            Button("Log", "https://x.cn/日志 1", "primary"),
            Button("Retry", behaviors=[Callback({"go": 1})], confirm=Confirm("Sure?", "It costs"), size="small"),
            Overflow([OverflowOption("More", "https://x.cn"), OverflowOption("Less", value="less")]),
        ),
        Form(
            "answer",
            [
                Input(name="why", label="Why", input_type="multiline_text", rows=3, max_length=1000, required=True),
                SelectStatic([Option("A", "a")], name="one", placeholder="choose", initial_option="a"),
                MultiSelectStatic([Option(localize(en_us="B", zh_cn="乙"), "b")], ["b"], name="many"),
                SelectPerson(["ou_1"], name="person"),
                MultiSelectPerson(name="people"),
                DatePicker(date(2026, 11, 1), name="day"),
                PickerTime(time(8, 30), name="time"),
                PickerDatetime(datetime(2026, 11, 1, 8, 30, tzinfo=UTC), name="moment"),
                SelectImg([ImgOption("img_v3_1", "a")], multi_select=True, aspect_ratio="1:1", name="pictures"),
                Checker("done", name="done", buttons=[Button("x", "https://x.cn", name="x")]),
                Button("Send", name="send", form_action_type="submit", type="primary_filled"),
            ],
        ),
        Raw({"tag": "hr"}),
        ImgCombination(["img_v3_1"] * 3, "triple", corner_radius="8px"),
        Audio(
            "file_v3_1",
            "one",
            "fill",
            "flat",
            time_display="both",
            fill_color="blue-800",
            border_color="red",
            disabled=True,
            disabled_tips=localize(en_us="not yet", zh_cn="尚不可用"),
            fallback="update to hear it",
        ),
        SelectImg(
            [ImgOption("img_v3_1", "a", "the first"), ImgOption("img_v3_1", "b", disabled=True)], layout="trisect"
        ),
    ],
    Header("Title", "red", subtitle="Sub", text_tag_list=[TextTag("failed", "red")], icon=Icon("error_filled")),
    summary=localize(en_us="3 rows", zh_cn="3 行"),
    width_mode="fill",
    card_link="https://x.cn",
    enable_forward=False,
)


def texts(value: Any, key: str) -> list[Any]:
    """Return what stands under *key* anywhere in *value*."""
    if isinstance(value, dict):
        return [*([value[key]] if key in value else []), *(t for each in value.values() for t in texts(each, key))]
    return [t for each in value for t in texts(each, key)] if isinstance(value, list) else []


def test_card_of_every_component_passes_in_each_language_and_in_both() -> None:
    for locale in (None, "en_us", "zh_cn"):
        made = EVERYTHING.render(locale)
        assert find_problems(made) == []
        assert "null" not in json.dumps(made)


def test_card_in_one_language_has_no_other_and_one_in_both_has_each() -> None:
    english, chinese, both = (EVERYTHING.render(locale) for locale in ("en_us", "zh_cn", None))
    assert english["body"]["elements"][0]["content"] == "**3** rows"
    assert chinese["body"]["elements"][0] == {"tag": "markdown", "content": "**3** 行", "text_size": "heading"}
    assert both["body"]["elements"][0]["i18n_content"] == {"en_us": "**3** rows", "zh_cn": "**3** 行"}
    assert both["config"]["locales"] == ["en_us", "zh_cn"]
    assert texts(english, "i18n_content") == texts(chinese, "locales") == []
    headings = [made["body"]["elements"][7]["columns"][0]["display_name"] for made in (chinese, both)]
    assert headings == ["谁", "Who / 谁"]


def test_pictures_and_sounds_render_to_exactly_this() -> None:
    assert ImgCombination(["a", "b"], corner_radius="5%", margin="4px").render() == {
        "tag": "img_combination",
        "combination_mode": "double",
        "corner_radius": "5%",
        "img_list": [{"img_key": "a"}, {"img_key": "b"}],
        "margin": "4px",
    }
    assert Audio("f", "1", show_time=False, corner_radius="4px", fallback="old client").render("en_us") == {
        "tag": "audio",
        "file_key": "f",
        "audio_id": "1",
        "show_time": False,
        "border": {"corner_radius": "4px"},
        "fallback": {"tag": "fallback_text", "text": {"tag": "plain_text", "content": "old client"}},
    }
    options = [ImgOption("a", "first", disabled=True, disabled_tips="no"), ImgOption("b", "second")]
    assert SelectImg(options, can_preview=False, behaviors=[Callback({"go": 1})]).render() == {
        "tag": "select_img",
        "multi_select": False,
        "layout": "bisect",
        "can_preview": False,
        "options": [
            {
                "img_key": "a",
                "value": "first",
                "disabled": True,
                "disabled_tips": {"tag": "plain_text", "content": "no"},
            },
            {"img_key": "b", "value": "second"},
        ],
        "behaviors": [{"type": "callback", "value": {"go": 1}}],
    }


@pytest.mark.parametrize(
    ("part", "path", "word"),
    [
        pytest.param(ImgCombination([]), "img_list", "must be a list of images", id="no picture"),
        pytest.param(ImgCombination(["a"] * 3), "img_list[2]", "3 images, but double only shows 2", id="three"),
        pytest.param(ImgCombination(["a", ""]), "img_list[1]", "img_key", id="empty key"),
        pytest.param(ImgCombination(["a"], "grid"), "combination_mode", "double, triple, bisect", id="mode"),  # type: ignore[arg-type]
        pytest.param(SelectImg([]), "options", "must be a list of images", id="nothing to choose"),
        pytest.param(Audio("f", style="loud"), "style", "normal, flat, speak", id="style"),  # type: ignore[arg-type]
        pytest.param(Audio(""), "file_key", "OPUS", id="no sound"),
    ],
)
def test_pictures_and_sounds_that_lark_would_not_show_are_refused(part: Any, path: str, word: str) -> None:
    with pytest.raises(CardInvalid, match=word) as caught:
        Card([part], enable_forward=False).render()
    assert caught.value.path == f"body.elements[0].{path}"


def test_button_encodes_its_link_and_refuses_what_is_none() -> None:
    made = Button("Log", "https://x.cn/日志 1").render()
    assert made["behaviors"] == [{"type": "open_url", "default_url": "https://x.cn/%E6%97%A5%E5%BF%97%201"}]
    for make in (
        lambda: Button("x", "javascript:alert(1)").render(),
        lambda: Overflow([OverflowOption("x", "file:///a")]).render(),
        lambda: Card([], card_link="x.cn").render(),
    ):
        with pytest.raises(CardInvalid, match="http"):
            make()


def test_card_that_breaks_a_limit_is_refused_with_the_path_of_the_builder() -> None:
    with pytest.raises(CardInvalid) as caught:
        Card([Hr(), *[Table([TableColumn("a")], [])] * 7]).render()
    assert caught.value.path == "body.elements[6]"
    with pytest.raises(TooLarge, match=r"body.elements\[1\] \(markdown\)"):
        Card([Hr(), Markdown("x" * 40_000)]).render()


GOLDEN = {
    "schema": "2.0",
    "config": {"update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Hi"}, "template": "green"},
    "body": {
        "elements": [
            {"tag": "markdown", "content": "**1** &#60;at&#62;"},
            {
                "tag": "button",
                "text": {"tag": "plain_text", "content": "Open"},
                "type": "default",
                "behaviors": [{"type": "open_url", "default_url": "https://x.cn"}],
            },
        ]
    },
}


def test_card_renders_to_exactly_this() -> None:
    made = Card([Markdown(f"**1** {escape_markdown('<at>')}"), Button("Open", "https://x.cn")], Header("Hi", "green"))
    assert made.render() == GOLDEN


# --- random trees

TEXT = st.text(max_size=20) | st.just("a\0\ud83d")
LOCALIZED = st.builds(lambda a, b: localize(en_us=a, zh_cn=b), TEXT, TEXT)
ANY_TEXT = TEXT | LOCALIZED
URLS = st.sampled_from(["https://x.cn", "http://a.b:8080/c d?e=f#g", "https://x.cn/日志/(1)"])
SAFE = TEXT.map(escape_markdown) | TEXT.map(code_block) | st.just(mention("ou_1"))
BEHAVIORS = st.lists(st.builds(OpenUrl, URLS) | st.builds(Callback, st.just({"go": 1})), max_size=2)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.builds(Markdown, SAFE),
    st.builds(Div, ANY_TEXT, lines=st.none() | st.integers(1, 5)),
    st.builds(Hr),
    st.builds(note, ANY_TEXT),
    st.builds(PersonList, st.lists(st.sampled_from(["ou_1", "on_2"]), max_size=3)),
    st.builds(Button, ANY_TEXT, st.none() | URLS, behaviors=BEHAVIORS),
    st.builds(
        lambda rows: chart_of_rows("bar", ["a", "b"], rows, x="a", y="b"),
        st.lists(st.tuples(TEXT, st.integers(-9, 9)), max_size=3),
    ),
    st.builds(
        ImgCombination, st.lists(st.just("img_1"), min_size=1, max_size=6), st.sampled_from(["bisect", "trisect"])
    ),
    st.builds(
        SelectImg, st.lists(st.builds(ImgOption, st.just("img_1"), st.just("a"), ANY_TEXT), min_size=1, max_size=2)
    ),
    st.builds(Audio, st.just("file_1"), disabled_tips=ANY_TEXT, fallback=ANY_TEXT),
    st.builds(Overflow, st.lists(st.builds(OverflowOption, TEXT, URLS), max_size=2), BEHAVIORS),
)
INNER = st.recursive(
    LEAVES,
    lambda inside: st.one_of(
        st.builds(
            ColumnSet, st.lists(st.builds(Column, st.lists(inside, max_size=2), st.none() | st.just(1)), max_size=2)
        ),
        st.builds(CollapsiblePanel, ANY_TEXT, st.lists(inside, max_size=3)),
        st.builds(InteractiveContainer, st.lists(inside, max_size=2), BEHAVIORS),
    ),
    max_leaves=6,
)
CELLS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.binary() | st.datetimes()
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.builds(
        table_of_rows,
        st.lists(TEXT, min_size=width, max_size=width),
        st.lists(st.tuples(*[CELLS] * width), max_size=4),
    )
)


def depth(element: Any) -> int:
    held = [inner for column in getattr(element, "columns", ()) for inner in getattr(column, "elements", ())]
    inside = [*getattr(element, "elements", ()), *held]
    own = isinstance(element, (ColumnSet, CollapsiblePanel, InteractiveContainer))
    return own + max(map(depth, inside), default=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    st.lists(INNER.filter(lambda each: depth(each) <= 5), max_size=5),
    st.lists(TABLES, max_size=2),
    st.builds(
        Header, ANY_TEXT, subtitle=st.none() | ANY_TEXT, text_tag_list=st.lists(st.builds(TextTag, TEXT), max_size=3)
    ),
    st.sampled_from([None, "en_us", "zh_cn"]),
)
def test_random_trees_of_builders_pass_the_check(
    elements: list[Any], tables: list[Any], header: Any, locale: Any
) -> None:
    made = Card([*elements, *tables], header, enable_forward=False).assemble(locale)
    assert find_problems(made) == []


# --- tables and charts


def test_table_of_rows_keeps_numbers_and_interprets_no_text() -> None:
    names = ["id", "id", "", "amount", "huge", "note", "at", "flag", "blob", "json", "mixed"]
    rows: list[tuple[object, ...]] = [
        (1, "x", None, Decimal("-5.00"), 2**60, "<at id=all></at>\n=1", datetime(2026, 11, 1, 8), True, b"ab", [1], 1),  # noqa: DTZ001
        (2, "y", None, Decimal("7.5"), 1, "z" * 1000, date(2026, 11, 1), False, None, {"中": 1}, "one"),
    ]
    made = table_of_rows(names, rows).render()
    kinds = [column["data_type"] for column in made["columns"]]
    assert kinds == ["number", "text", "text", "number", "text", "text", "text", "text", "text", "text", "text"]
    assert made["columns"][3]["format"] == {"precision": 2}
    assert [column["display_name"] for column in made["columns"]] == names
    assert made["rows"][0] == {
        "c0": 1, "c1": "x", "c3": -5, "c4": "1152921504606846976", "c5": "<at id=all></at> =1",
        "c6": "2026-11-01 08:00:00", "c7": "true", "c8": "2 bytes", "c9": "[1]", "c10": "1",
    }  # fmt: skip
    assert made["rows"][1]["c3"] == 7.5
    assert made["rows"][1]["c5"] == "z" * 297 + "…"
    assert made["rows"][1]["c6"] == "2026-11-01"
    assert "c8" not in made["rows"][1]
    assert Card([table_of_rows(names, rows)]).render()


def test_chart_of_rows_takes_columns_by_name() -> None:
    names, rows = ["day", "城市", "sales", "cost"], [("d1", "华东", Decimal("1.5"), 1), ("d2", "华南", None, 2)]
    line = chart_of_rows("line", names, rows, x="day", y="sales", title="Sales").chart_spec
    assert line == {
        "type": "line", "title": {"text": "Sales"}, "data": {"values": [{"x": "d1", "y": 1.5}]},
        "xField": "x", "yField": "y",
    }  # fmt: skip
    bars = chart_of_rows("bar", names, rows, x="day", y="cost", series="城市").chart_spec
    assert bars["data"]["values"] == [{"x": "d1", "y": 1, "s": "华东"}, {"x": "d2", "y": 2, "s": "华南"}]
    assert (bars["xField"], bars["seriesField"]) == (["x", "s"], "s")
    lines = chart_of_rows("line", names, rows, x="day", y=["sales", "cost"]).chart_spec
    assert [point["s"] for point in lines["data"]["values"]] == ["sales", "cost", "cost"]
    pie = chart_of_rows("pie", names, rows, x="城市", y="cost").chart_spec
    assert (pie["categoryField"], pie["valueField"]) == ("x", "y")
    assert Card([chart_of_rows("pie", names, rows, x="城市", y="cost")]).render()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        pytest.param(lambda n, r: chart_of_rows("line", n, r, x="dya", y="sales"), "'day'", id="misspelt column"),
        pytest.param(
            lambda n, r: chart_of_rows("line", n, r, x="day", y="city"), "'city' contains a str", id="no number"
        ),
        pytest.param(
            lambda n, r: chart_of_rows("pie", n, r, x="city", y=["sales", "day"]), "one column", id="pie of two"
        ),
        pytest.param(
            lambda n, r: chart_of_rows("pie", n, r, x="city", y="sales", series="day"),
            "series: not supported in a pie chart",
            id="pie",
        ),
        pytest.param(lambda n, r: chart_of_rows("bar", n, r, x="city", y=[]), "one column", id="no column"),
    ],
)
def test_chart_of_rows_that_makes_no_chart_says_why(make: Callable[..., Any], word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        make(["day", "city", "sales"], [("d1", "x", 1)])


PIPES = "| a | b |\n|---|---|\n| 1 | 2 |\n"


def test_markdown_card_with_seven_tables_loses_none() -> None:
    """The text of 5.14: five tables stay, in components of four at most; two become code."""
    text = "\n".join(f"Table {number}\n\n{PIPES}" for number in range(7)) + "\nthe end"
    made = markdown_card(text, title="Report").render()
    parts = [element["content"] for element in made["body"]["elements"]]
    assert len(parts) == 2
    assert sum(part.count("|---|") for part in parts) == 7
    assert parts[1].count("```") == 4
    assert parts[1].endswith("the end")
    assert [f"Table {number}" in "".join(parts) for number in range(7)] == [True] * 7


def test_markdown_card_of_a_simple_text_is_that_text() -> None:
    assert markdown_card("*hi*").render()["body"]["elements"] == [{"tag": "markdown", "content": "*hi*"}]


def test_localized_text_shows_its_first_language_to_others() -> None:
    text = Localized((("en_us", "a"), ("zh_cn", "b")))
    assert (text.choose("ja_jp"), text.choose("zh_cn"), text.choose(None)) == ("a", "b", "a")
    same = Markdown(localize(en_us="a", zh_cn="a")).render()
    assert same == {"tag": "markdown", "content": "a"}
