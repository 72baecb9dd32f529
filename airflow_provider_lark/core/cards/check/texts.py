"""Texts and what a click does: types, lengths, confirmations, links, values sent back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_lark.core.cards.check.tree import Finding, Node
from airflow_provider_lark.core.cards.limits import LANGUAGES, SHORT_TEXT_MAX
from airflow_provider_lark.core.cards.tags import CLICKABLE

#: the address that says: no jump on this kind of device
NO_JUMP = "lark://msgcard/unsupported_action"

_URL_KEYS = {"url", "default_url", "pc_url", "ios_url", "android_url"}
_DEVICE_URLS = ("pc_url", "ios_url", "android_url")
_NOT_IN_URLS = re.compile(r"[\s<>\"\\\x00-\x1f\x7f]")
# an address in running text which a Chinese character follows at once: Lark takes both for the address
_GLUED_URL = re.compile(
    r"(?<![(\"'=<A-Za-z0-9_])https?://[^\s<>()\[\]\"'\u3000-\u9fff\uff00-\uffef]+(?=[\u4e00-\u9fff])"
)
_CODE = re.compile(r"(`{3,}|~{3,}).*?(?:\1|\Z)|(`+).*?\2", re.DOTALL)
_SHORT = {"text": {"button", "overflow"}, "placeholder": None}


def check_texts(card: Mapping[str, Any], nodes: list[Node]) -> Iterator[Finding]:
    """Yield what is wrong with texts, links and values."""
    for node in nodes:
        if node.tag in {"plain_text", "lark_md", "markdown"}:
            yield from _check_content(node)
        yield from _check_confirm(node)
        yield from _check_behaviors(node)
    yield from _check_links(card, "")


def _check_content(node: Node) -> Iterator[Finding]:
    content, localized = node.data.get("content"), node.data.get("i18n_content")
    if localized is not None and not isinstance(localized, dict):
        yield Finding(f"{node.path}.i18n_content", "must be an object of languages and texts")
        localized = None
    texts = {f"{node.path}.content": content} if content is not None or not localized else {}
    for language, text in (localized or {}).items():
        texts[f"{node.path}.i18n_content.{language}"] = text
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            yield Finding(f"{node.path}.i18n_content.{language}", f"not a supported language; use one of {known}")
    short = _is_short(node)
    for path, text in texts.items():
        if not isinstance(text, str):
            yield Finding(path, f"must be a string, not {type(text).__name__}")
        elif short and len(text) > SHORT_TEXT_MAX:
            yield Finding(path, f"{len(text)} characters, more than the {SHORT_TEXT_MAX} allowed here")
        elif node.tag != "plain_text" and _GLUED_URL.search(_CODE.sub("", text)):
            yield Finding(path, "put a space after the URL, otherwise Lark treats the Chinese text as part of it")


def _is_short(node: Node) -> bool:
    if node.slot not in _SHORT or not node.above:
        return False
    holders = _SHORT[node.slot]
    return holders is None or node.above[-1].tag in holders


def _check_confirm(node: Node) -> Iterator[Finding]:
    confirm = node.data.get("confirm")
    if not confirm or node.tag not in CLICKABLE:
        return
    for key in ("title", "text"):
        part = confirm.get(key) if isinstance(confirm, dict) else None
        if not isinstance(part, dict) or not (part.get("content") or part.get("i18n_content")):
            why = ": without it, clicks do nothing in older clients" if key == "title" else ""
            yield Finding(f"{node.path}.confirm.{key}", f"a confirmation needs a {key}{why}")


def _check_behaviors(node: Node) -> Iterator[Finding]:
    behaviors = node.data.get("behaviors")
    if behaviors is None:
        return
    if not isinstance(behaviors, list):
        yield Finding(f"{node.path}.behaviors", f"must be a list, not {type(behaviors).__name__}")
        return
    for place, each in enumerate(behaviors):
        path = f"{node.path}.behaviors[{place}]"
        if not isinstance(each, dict):
            yield Finding(path, "must be an object")
        elif each.get("type") == "callback":
            if not isinstance(each.get("value"), dict):
                yield Finding(f"{path}.value", "must be an object: Lark's SDKs cannot read anything else (200671)")
        elif each.get("type") == "open_url":
            if not each.get("default_url") and not all(each.get(key) for key in _DEVICE_URLS):
                yield Finding(f"{path}.default_url", "is missing")
        else:
            yield Finding(f"{path}.type", "must be open_url or callback")


def _check_links(value: Any, path: str) -> Iterator[Finding]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _check_links(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            if key in _URL_KEYS and isinstance(item, str):
                yield from _check_link(item, here, device=key in _DEVICE_URLS)
            elif key not in {"value", "chart_spec", "rows"}:
                yield from _check_links(item, here)


def _check_link(url: str, path: str, *, device: bool) -> Iterator[Finding]:
    if (device and url in {"", NO_JUMP}) or not url:
        return
    if found := _NOT_IN_URLS.search(url):
        what = "a space" if found[0].isspace() else repr(found[0])
        yield Finding(path, f"contains {what}, which is not allowed in links: percent-encode it")
    elif not is_web_url(url):
        yield Finding(path, "only http and https URLs with a host are allowed")


def is_web_url(url: str) -> bool:
    """Whether *url* is an address that a card may link: http or https, with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
