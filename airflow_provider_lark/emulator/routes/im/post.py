"""Rich texts: paragraphs of tagged elements, by language (lark-api §6.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_text

_ALONE: Final = frozenset({"img", "media", "md"})
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "text": ("text",),
    "a": ("text", "href"),
    "at": ("user_id",),
    "img": ("image_key",),
    "media": ("file_key",),
    "emotion": ("emoji_type",),
    "hr": (),
    "code_block": ("text",),
    "md": ("text",),
}
_LOCALE: Final = re.compile(r"[a-z]{2}_[a-z]{2}")
_AT: Final = re.compile(r"<at user_id=\"([^\"]*)\">[^<]*</at>")
_VIDEO: Final = frozenset({"mp4"})


@dataclass
class Post:
    """What was found in a rich text."""

    texts: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All words, a paragraph a line."""
        return "\n".join(self.texts)


def read_post(
    given: dict[str, Any],
    find_person: Callable[[str], str | None],
    check_image: Callable[[object], str],
    check_file: Callable[[object, frozenset[str]], str],
    bad: Callable[[str], ApiError],
) -> Post:
    """Look at every language.

    :raises ApiError: 230001 with what is wrong.
    """
    found = Post()
    if not given:
        raise bad("a post needs at least one language")
    for locale, one in given.items():
        if not _LOCALE.fullmatch(locale) or not isinstance(one, dict):
            raise bad(f"{locale[:20]} is not a language of a post")
        content = one.get("content")
        if not isinstance(content, list) or not all(isinstance(each, list) for each in content):
            raise bad("content of a post must be a list of paragraphs, which are lists")
        found.texts += [str(one["title"])] if one.get("title") else []
        for paragraph in content:
            _read_paragraph(paragraph, found, find_person, check_image, check_file, bad)
    return found


def _read_paragraph(
    paragraph: list[Any],
    found: Post,
    find_person: Callable[[str], str | None],
    check_image: Callable[[object], str],
    check_file: Callable[[object, frozenset[str]], str],
    bad: Callable[[str], ApiError],
) -> None:
    words: list[str] = []
    for each in paragraph:
        tag = each.get("tag") if isinstance(each, dict) else None
        if not isinstance(tag, str) or tag not in _NEEDS:
            raise bad(f"invalid tag {tag} in a post")
        for name in _NEEDS[tag]:
            if not isinstance(each.get(name), str):
                raise bad(f"{tag} of a post needs {name}")
        if tag in _ALONE and len(paragraph) > 1:
            raise bad(f"{tag} of a post needs a paragraph of its own")
        words.append(str(each.get("text", "")))
        wanted = [each["user_id"]] if tag == "at" else _AT.findall(each["text"]) if tag == "md" else []
        for person in wanted:
            open_id = "all" if person == "all" else find_person(person)
            if open_id is None:
                raise bad("invalid user_id in a post")
            found.mentions.append(open_id)
        if tag == "img":
            found.files.append(check_image(each["image_key"]))
        if tag == "media":
            found.files.append(check_file(each["file_key"], _VIDEO))
    found.texts.append("".join(words))


def shown_post(content: str, names: dict[str, str]) -> str:
    """A post as reads show it: one language, people by number, markdown as text.

    :param names: names of people by the id that was written.
    """
    one = next(iter(parse_text(content).values()))
    number = 0
    paragraphs: list[list[dict[str, Any]]] = []
    for paragraph in one["content"]:
        shown: list[dict[str, Any]] = []
        for each in paragraph:
            if each["tag"] == "md":
                shown.append({"tag": "text", "text": each["text"], "style": []})
            elif each["tag"] == "at" and each["user_id"] != "all":
                number += 1
                shown.append({"tag": "at", "user_id": f"@_user_{number}", "user_name": names.get(each["user_id"], "")})
            else:
                shown.append(each)
        paragraphs.append(shown)
    return dump({"title": one.get("title", ""), "content": paragraphs}).decode()
