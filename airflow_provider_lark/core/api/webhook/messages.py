"""Messages to a webhook bot: what a caller gives becomes the body that Lark takes, or an error before it is sent.

Source: open.feishu.cn, "Custom bot usage guide", read 2026-11. Contents are objects here, not JSON in a string as for
apps, and a person is mentioned by open_id only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.card_json.markdown_tables import split_markdown
from airflow_provider_lark.core.errors import BadRequest

KINDS: Final = ("text", "markdown", "post", "card", "image_key", "share_chat")
"""What a message may be; each has exactly one of them."""

ALL: Final = "all"

_OPEN_ID: Final = re.compile(r"ou_[A-Za-z0-9_-]+")
_LOCALE: Final = re.compile(r"[a-z]{2}_[a-z]{2}")
_DEFAULT_LOCALE: Final = "zh_cn"
_SPOKEN: Final = frozenset({"text", "title", "content"})
"""Members whose text people read; Lark looks for the keyword in them, and not in addresses."""


def build_message(
    *,
    text: str | None = None,
    markdown: str | None = None,
    post: Mapping[str, Any] | None = None,
    card: Mapping[str, Any] | None = None,
    image_key: str | None = None,
    share_chat: str | None = None,
    title: str | None = None,
    mentions: Iterable[str] = (),
    keyword: str | None = None,
) -> JsonObject:
    """Return the body of a message, without signature; see :meth:`.WebhookClient.send` for the parameters.

    :param keyword: one that the bot asks for; a message that does not hold it gets it.
    :raises BadRequest: not exactly one kind is given, or it cannot be sent so.
    """
    given = {"text": text, "markdown": markdown, "post": post, "card": card}
    given |= {"image_key": image_key, "share_chat": share_chat}
    kinds = [name for name, value in given.items() if value is not None]
    if len(kinds) != 1:
        told = "no content" if not kinds else " and ".join(kinds)
        raise BadRequest(f"the message has {told}: give exactly one of {', '.join(KINDS)}")
    if title is not None and kinds[0] not in ("markdown", "text"):
        raise BadRequest(f"title: only supported with text and markdown; {_title_of(kinds[0])}")
    people = read_mentions(mentions)
    build = _BUILDERS[kinds[0]]
    try:
        return build(given[kinds[0]], (title or "").strip(), people, (keyword or "").strip())
    except RecursionError:
        told = f"{kinds[0]}: nested too deeply"
    raise BadRequest(told)


def read_mentions(mentions: Iterable[str]) -> list[str]:
    """Return open_ids, each once, and ``all``.

    :raises BadRequest: one is something else.
    """
    if isinstance(mentions, str):
        raise BadRequest("mentions: expected a list of open_ids, found a string")
    people = [str(each).strip() for each in mentions]
    for at, person in enumerate(people):
        if person == ALL or _OPEN_ID.fullmatch(person):
            continue
        what = "is an e-mail address" if "@" in person else "is not an open_id (ou_…)"
        raise BadRequest(
            f"mentions[{at}] {what}: a webhook bot can only mention users by open_id, or everyone with {ALL!r}; to "
            "mention by e-mail address, send as an app (connection type lark), or look up open_ids with its "
            "client.contact.batch_get_id"
        )
    return list(dict.fromkeys(people))


def _title_of(kind: str) -> str:
    places = {"post": "for a post, set it for each language", "card": "for a card, set header.title"}
    return places.get(kind, f"not supported with {kind}")


def _need(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{name}: expected a string, found {type(value).__name__}")
    if not value.strip():
        raise BadRequest(f"{name} is empty; give it some content")
    return value


def _text(value: Any, title: str, people: list[str], keyword: str) -> JsonObject:
    said = _need(value, "text")
    if title:
        said = f"{title}\n{said}"
    if keyword and keyword not in said:
        said = f"{keyword}\n{said}"
    ring = "".join(f'<at user_id="{person}"></at> ' for person in people)
    return {"msg_type": "text", "content": {"text": ring + said}}


def _markdown(value: Any, title: str, people: list[str], keyword: str) -> JsonObject:
    parts = [{"tag": "markdown", "content": part} for part in split_markdown(_need(value, "markdown"))]
    card: JsonObject = {"schema": "2.0", "body": {"elements": parts}}
    if title:
        card["header"] = {"title": {"tag": "plain_text", "content": title}}
    return _card(card, "", people, keyword)


def _post(value: Any, _title: str, people: list[str], keyword: str) -> JsonObject:
    form = '{"zh_cn": {"title": …, "content": [[{"tag": "text", "text": …}]]}}'
    if not isinstance(value, Mapping) or not value:
        raise BadRequest(f"post: expected an object with a language such as {form}")
    given = value["post"] if set(value) == {"post"} else value
    texts = {_DEFAULT_LOCALE: given} if "content" in given else given
    told: JsonObject = {}
    for locale, part in texts.items():
        if not _LOCALE.fullmatch(str(locale)):
            raise BadRequest(f"post: {str(locale)[:20]!r} is not a language; expected {form}")
        told[locale] = _post_part(part, f"post.{locale}", people, keyword)
    return {"msg_type": "post", "content": {"post": told}}


def _post_part(part: Any, where: str, people: list[str], keyword: str) -> JsonObject:
    content = part.get("content") if isinstance(part, Mapping) else None
    if not isinstance(content, Sequence) or isinstance(content, str) or not content:
        raise BadRequest(f"{where}.content: expected a list of lines, each a list of elements")
    for at, line in enumerate(content):
        if not isinstance(line, Sequence) or isinstance(line, str) or not all(_has_tag(each) for each in line):
            raise BadRequest(f"{where}.content[{at}]: expected a list of elements, each an object with a tag")
    lines = [list(line) for line in content]
    if people:
        lines.append([{"tag": "at", "user_id": person} for person in people])
    made = {**part, "content": lines}
    if keyword and keyword not in "\n".join(spoken(made)):
        made["title"] = f"{keyword} {made.get('title') or ''}".strip()
    return made


def _has_tag(element: Any) -> bool:
    return isinstance(element, Mapping) and isinstance(element.get("tag"), str)


def _card(value: Any, _title: str, people: list[str], keyword: str) -> JsonObject:
    if not isinstance(value, Mapping) or not value:
        found = "an empty one" if isinstance(value, Mapping) else type(value).__name__
        raise BadRequest(f"card: expected a JSON object, found {found}")
    card = deepcopy(dict(value))
    if "template_id" in card:
        # what the card builder shows of a template is its data
        card = {"type": "template", "data": card}
    if people:
        _elements_of(card).append(_ring(people))
    if keyword and keyword not in "\n".join(spoken(card)):
        _put_into_title(card, keyword)
    return {"msg_type": "interactive", "card": card}


def _ring(people: list[str]) -> JsonObject:
    return {"tag": "markdown", "content": " ".join(f"<at id={person}></at>" for person in people)}


def _elements_of(card: JsonObject) -> list[Any]:
    holder = card.get("body") if card.get("schema") == "2.0" else card
    elements = holder.get("elements") if isinstance(holder, dict) else None
    if not isinstance(elements, list):
        raise BadRequest(
            "mentions: the card has no elements to add them to; write <at id=ou_…></at> into its text instead"
        )
    return elements


def _put_into_title(card: JsonObject, keyword: str) -> None:
    if card.get("type") == "template":
        # what the template says is not known here, and Lark judges
        return
    header = card.setdefault("header", {"title": {"tag": "plain_text", "content": keyword}})
    title = header.get("title") if isinstance(header, dict) else None
    if isinstance(title, dict) and isinstance(title.get("content"), str) and title["content"] != keyword:
        title["content"] = f"{keyword} {title['content']}"


def _image(value: Any, _title: str, people: list[str], _keyword: str) -> JsonObject:
    _refuse_ring("image_key", people)
    return {"msg_type": "image", "content": {"image_key": _need(value, "image_key").strip()}}


def _chat(value: Any, _title: str, people: list[str], _keyword: str) -> JsonObject:
    _refuse_ring("share_chat", people)
    chat_id = _need(value, "share_chat").strip()
    if not chat_id.startswith("oc_"):
        raise BadRequest("share_chat: expected the chat_id (oc_…) of the bot's own group")
    return {"msg_type": "share_chat", "content": {"share_chat_id": chat_id}}


def _refuse_ring(kind: str, people: list[str]) -> None:
    if people:
        raise BadRequest(f"mentions: not supported with {kind}; send a separate text message with the mentions")


_BUILDERS: Final[dict[str, Callable[[Any, str, list[str], str], JsonObject]]] = {
    "text": _text,
    "markdown": _markdown,
    "post": _post,
    "card": _card,
    "image_key": _image,
    "share_chat": _chat,
}


def spoken(value: Any) -> Iterator[str]:
    """Yield the texts of a message that people read."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name in _SPOKEN and isinstance(member, str):
                yield member
            else:
                yield from spoken(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from spoken(member)
