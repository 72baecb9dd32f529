"""What a message says, as Lark wants it written, or an error before anything is sent.

Source: open.feishu.cn, im-v1, "Content of messages to send", read 2026-11. A card is not looked into here:
:func:`airflow_provider_lark.core.cards.check_card` does that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_lark.core.api.calls.memory import SentForm
from airflow_provider_lark.core.api.services.messaging.mentions import mention_in_card, mention_in_post, mention_in_text
from airflow_provider_lark.core.api.wire.flow import holds_nul
from airflow_provider_lark.core.api.wire.limits import CARD_MESSAGE_MAX_BYTES, TEXT_MESSAGE_MAX_BYTES
from airflow_provider_lark.core.card_json.forms import card_form
from airflow_provider_lark.core.errors import BadRequest, TooLarge

MsgType = Literal[
    "text", "post", "image", "file", "audio", "media", "sticker", "share_chat", "share_user", "interactive"
]

DEFAULT_LOCALE = "zh_cn"
"""Under which a text that has no language stands: Lark shows it to everybody."""

_LIMITS = {
    "text": TEXT_MESSAGE_MAX_BYTES,
    "post": CARD_MESSAGE_MAX_BYTES,
    "interactive": CARD_MESSAGE_MAX_BYTES,
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says.

    :param value: what stands in ``content``, as JSON in a text.
    :param form: of a card: JSON 1.0 or 2.0, a template, or a card entity; a message keeps it for life.
    """

    msg_type: MsgType
    value: Mapping[str, Any]
    form: SentForm = ""

    def write(self) -> str:
        """Return the JSON of the content.

        :raises BadRequest: it holds what JSON cannot say, or what no text may hold.
        """
        what = ""
        try:
            text = dump(self.value)
            text.encode()
            if not holds_nul(text):
                return text
            what = "a NUL character"
        except UnicodeEncodeError:
            what = "invalid characters"
        except (TypeError, ValueError, RecursionError) as exc:
            what = type(exc).__name__
        # without the cause, whose text may quote what was to be said
        raise BadRequest(
            f"the {_NOUNS[self.msg_type]} cannot be encoded as JSON ({what}): use valid text without NUL characters, "
            "finite numbers, booleans, lists and dicts"
        )


def dump(value: object) -> str:
    """Return *value* as JSON, as short as it can be."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def check_size(content: Content, body: Mapping[str, Any]) -> None:
    """Check the bytes of a request that carries *content*: those that are sent, each quotation mark escaped.

    :raises TooLarge: they are more than Lark takes.
    """
    most = _LIMITS.get(content.msg_type)
    if most is None:
        return
    size = len(dump(body).encode())
    if size > most:
        raise TooLarge(
            f"the {_NOUNS[content.msg_type]} has {size:,} bytes when encoded, more than the {most:,} allowed; shorten "
            "it, or send a file or a link instead"
        )


def text(words: str, *, mentions: Sequence[str] = ()) -> Content:
    """Return a text. Lark reads ``<at user_id="ou_…">name</at>``, ``<b>``, ``<i>``, ``<u>``, ``<s>``, ``[text](url)``.

    :param mentions: ids of people, or ``all``, put before the text.
    """
    if not words.strip() and not mentions:
        raise BadRequest("the message is empty; give it some text")
    return Content("text", {"text": mention_in_text(mentions) + words})


def post(languages: Mapping[str, Any], *, mentions: Sequence[str] = ()) -> Content:
    """Return a rich text: ``{"zh_cn": {"title": …, "content": [[{"tag": "text", "text": …}, …], …]}}``.

    The language may be left out: ``{"title": …, "content": […]}``.

    :param mentions: ids of people, or ``all``, put before the first paragraph of each language.
    :raises BadRequest: it is not valid.
    """
    whole = {DEFAULT_LOCALE: languages} if "content" in languages else dict(languages)
    if not whole:
        raise BadRequest("the post is empty; give a language, such as {'zh_cn': {'title': …, 'content': [[…]]}}")
    for locale, one in whole.items():
        paragraphs = one.get("content") if isinstance(one, Mapping) else None
        if not isinstance(paragraphs, list) or not all(isinstance(each, list) for each in paragraphs):
            raise BadRequest(
                f"the post's content for {str(locale)[:20]!r} must be a list of paragraphs, each a list of elements"
            )
        if mentions:
            whole[locale] = {**one, "content": [mention_in_post(mentions), *paragraphs]}
    return Content("post", whole)


def markdown(words: str, *, title: str = "", mentions: Sequence[str] = ()) -> Content:
    """Return a rich text of Markdown: lists, links, code, quotes, bold; for tables use a card."""
    if not words.strip():
        raise BadRequest("the message is empty; give it some text")
    return post({"title": title, "content": [[{"tag": "md", "text": words}]]}, mentions=mentions)


def image(image_key: str) -> Content:
    """Return an image that was uploaded."""
    return Content("image", {"image_key": _key(image_key, "image_key")})


def file(file_key: str) -> Content:
    """Return a file that was uploaded as one."""
    return Content("file", {"file_key": _key(file_key, "file_key")})


def audio(file_key: str) -> Content:
    """Return a voice message that was uploaded as ``audio``."""
    return Content("audio", {"file_key": _key(file_key, "file_key")})


def media(file_key: str, *, image_key: str | None = None) -> Content:
    """Return a video that was uploaded as ``media``, with *image_key* as its cover."""
    value = {"file_key": _key(file_key, "file_key")}
    return Content("media", value if image_key is None else {**value, "image_key": _key(image_key, "image_key")})


def sticker(file_key: str) -> Content:
    """Return a sticker; the app has only those that it was sent."""
    return Content("sticker", {"file_key": _key(file_key, "file_key")})


def share_chat(chat_id: str) -> Content:
    """Return a group's card, which opens the group for seven days; the bot has to be in it."""
    return Content("share_chat", {"chat_id": _key(chat_id, "chat_id")})


def share_user(open_id: str) -> Content:
    """Return a person's card."""
    return Content("share_user", {"user_id": _key(open_id, "open_id")})


def card(raw: Mapping[str, Any], *, mentions: Sequence[str] = ()) -> Content:
    """Return a card of JSON 1.0 or 2.0, or what stands for one: a template, a card entity.

    :param mentions: ids of people, or ``all``, put before the first element.
    :raises BadRequest: it is not a card, or a card wrapped for another API.
    """
    if not isinstance(raw, Mapping):
        raise BadRequest(f"expected the card as a dict of card JSON, got {type(raw).__name__}")
    if "msg_type" in raw or (set(raw) == {"card"} and isinstance(raw["card"], Mapping)):
        raise BadRequest(
            "the card is wrapped in another object: pass only the inner card, the object with `elements` or with "
            "`schema` and `body`"
        )
    form = card_form(raw)
    return Content("interactive", mention_in_card(raw, form, mentions) if mentions else raw, form)


def template(template_id: str, *, version: str | None = None, variables: Mapping[str, Any] | None = None) -> Content:
    """Return a card that Lark makes of a template of its card builder; the app has to be bound to the template.

    :param version: such as ``1.0.0``; without one a newly published version takes effect at once.
    """
    data: dict[str, Any] = {"template_id": _key(template_id, "template_id")}
    if version is not None:
        data["template_version_name"] = version
    if variables is not None:
        data["template_variable"] = dict(variables)
    return Content("interactive", {"type": "template", "data": data}, "template")


def _key(given: str, name: str) -> str:
    if not given.strip():
        raise BadRequest(f"{name} is empty")
    return given.strip()


_NOUNS = {
    "text": "message's text",
    "post": "post",
    "interactive": "card",
    **dict.fromkeys(("image", "file", "audio", "media", "sticker", "share_chat", "share_user"), "message"),
}
