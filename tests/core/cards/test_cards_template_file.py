"""A card's template is JSON whose texts are rendered one by one: a value never breaks it, and mentions nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined
from jinja2.nativetypes import NativeEnvironment

from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.template_file import load_card_template, parse_card_template
from airflow_provider_lark.core.errors import CardInvalid, ConfigError

CARD = {
    "schema": "2.0",
    "header": {"title": {"tag": "plain_text", "content": "{{ dag_id }} failed"}},
    "body": {"elements": [{"tag": "markdown", "content": "{{ exception }}"}]},
}
AWKWARD = 'KeyError: "a\\"b"\nC:\\new\\table {{ not a template }} \\u0041 %s'


def environments() -> list[Any]:
    strict = {"undefined": StrictUndefined}
    return [
        pytest.param(Environment(**strict, autoescape=False), id="plain"),  # type: ignore[arg-type]
        pytest.param(NativeEnvironment(**strict), id="native"),  # type: ignore[arg-type]
    ]


def render(card: dict[str, Any], environment: Any = None, **context: Any) -> Any:
    text = json.dumps(card, ensure_ascii=False)
    return parse_card_template(text, name="failed.json").render(environment or environments()[0].values[0], context)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        (tmp_path / "failed.json").write_bytes(content)
        return tmp_path / "failed.json"

    return write


@pytest.mark.parametrize("environment", environments())
def test_template_file_with_quotes_breaks_and_backslashes_arrives_exactly(
    environment: Environment, write: Callable[[bytes], Path]
) -> None:
    path = write(json.dumps(CARD).encode())
    made = load_card_template(path).render(environment, {"exception": AWKWARD, "dag_id": "007"})
    check_card(made)
    assert made["body"]["elements"][0]["content"] == AWKWARD
    assert made["header"]["title"]["content"] == "007 failed"


@pytest.mark.parametrize("environment", environments())
@settings(deadline=None)
@given(text=st.text() | st.sampled_from(["007", "[1, 2]", "1e3", "None", "{'a': 1}", "\n", "{% raw %}"]))
def test_template_file_renders_any_text_exactly(environment: Environment, text: str) -> None:
    """Jinja itself makes one line end of three kinds; everything else stays."""
    made = render({"a": "{{ text }}"}, environment, text=text)
    assert made["a"].replace("<\u200d", "<") == text.replace("<\u200d", "<")


def test_template_file_mentions_whom_the_file_names_and_nobody_else() -> None:
    card = {"a": "<at id={{ who }}></at> {{ exception }}", "b": "<at id=all></at>"}
    made = render(card, who="ou_1", exception="<at id=all></at>")
    assert made == {"a": "<at id=ou_1></at> <\u200dat id=all><\u200d/at>", "b": "<at id=all></at>"}


def test_template_file_gives_lists_where_a_text_is_one_expression() -> None:
    rows = [{"a": 1}]
    made = render({"rows": "{{ rows }}", "text": "{{ rows }}!", "n": "{{ n }}", "{{ n }}": 3}, rows=rows, n=5)
    assert made == {"rows": rows, "text": "[{'a': 1}]!", "n": "5", "{{ n }}": 3}


def test_template_file_has_filters_for_texts_of_others() -> None:
    card = {"a": "{{ e | escape_markdown }}", "b": "{{ e | code_block('python') }}", "c": "{{ long | shorten(60) }}"}
    made = render(card, e="*a*", long="first\n" + "x\n" * 100 + "last")
    assert made["a"] == "&#42;a&#42;"
    assert made["b"] == "```python\n*a*\n```"
    assert made["c"].startswith("first\n[… ")
    assert made["c"].endswith("\nlast")
    assert len(made["c"].encode()) <= 60


def test_template_file_leaves_the_given_environment_alone() -> None:
    environment = Environment(autoescape=True)
    assert render({"a": "{{ '<1>' | code_block }}"}, environment) == {"a": "```plain_text\n<1>\n```"}
    assert "code_block" not in environment.filters
    assert environment.finalize is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b'{\n  "a": 1,\n  "b" 2\n}', ["failed.json:3:7", "':' delimiter"], id="broken JSON"),
        pytest.param(b'{"a": {{ n }}}', ["failed.json:1:8", "only allowed inside strings"], id="Jinja around JSON"),
        pytest.param(b"", ["failed.json:1:1"], id="empty file"),
        pytest.param(b"[]", ["must be a JSON object, not list"], id="list"),
        pytest.param(b'{"a": {"b": 1, "b": 2}}', ["'b' twice"], id="key twice"),
        pytest.param('{"a": "错"}'.encode("gbk"), ["not valid UTF-8"], id="encoding"),
    ],
)
def test_template_file_that_is_no_card_says_where(
    content: bytes, words: list[str], write: Callable[[bytes], Path]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_card_template(write(content))
    assert all(word in str(caught.value) for word in [*words, "failed.json"])


def test_template_file_with_a_byte_order_mark_is_read(write: Callable[[bytes], Path]) -> None:
    assert load_card_template(write(b'\xef\xbb\xbf{"a": 1}')).card == {"a": 1}


def test_template_file_that_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json: .*No such file"):
        load_card_template(tmp_path / "nowhere.json")


@pytest.mark.parametrize("environment", environments())
@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param("{{ ti.task_id }}", "'ti' is undefined", id="undefined name"),
        pytest.param("{{ a", "end of print statement", id="syntax"),
        pytest.param("{{ dag_id | nofilter }}", "nofilter", id="unknown filter"),
    ],
)
def test_template_file_that_cannot_be_rendered_names_file_and_path(
    environment: Environment, text: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=r"failed\.json: body\.elements\[0\]\.content: ") as caught:
        render({"body": {"elements": [{"content": text}]}}, environment, dag_id="d")
    assert word in str(caught.value)


def test_template_file_whose_expression_raises_tells_the_place() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        render({"a": ["{{ 1 / n }}"]}, n=0)
    assert caught.value.__notes__ == ["in the template failed.json: a[0]"]


def test_template_file_of_a_wrong_card_is_refused_like_any_card() -> None:
    with pytest.raises(CardInvalid, match=r"body\.elements\[0\]"):
        check_card(render({"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}))
