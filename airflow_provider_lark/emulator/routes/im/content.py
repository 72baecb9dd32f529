"""What a message says, by its ``msg_type`` (lark-api §6.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_lark.emulator.cards import checks as cards
from airflow_provider_lark.emulator.cards.checks import Card, Surroundings
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_text
from airflow_provider_lark.emulator.routes.im.post import read_post
from airflow_provider_lark.emulator.state.accounts import App
from airflow_provider_lark.emulator.state.messaging.messages import Written
from airflow_provider_lark.emulator.state.platform import State

MAX_TEXT_BYTES: Final = 150 * 1024
MAX_CARD_BYTES: Final = 30 * 1024

_AT: Final = re.compile(r"<at user_id=\"([^\"]*)\">[^<]*</at>")


def bad(detail: str) -> ApiError:
    """230001 with what is wrong, as the platform tells it."""
    return ApiError(230001, detail, msg=f"Your request contains an invalid request parameter, ext={detail}")


@dataclass(frozen=True)
class Author:
    """Who writes, and where.

    :param size: the bytes of the request, where they count (see the switch ``message_size_counts``).
    """

    state: State
    app: App
    chat_mode: str = "group"
    size: int = 0

    def find_person(self, wanted: str) -> str | None:
        """The open_id behind any id of a person."""
        for kind in ("open_id", "union_id", "user_id"):
            found = self.state.directory.find_person(wanted, kind)
            if found is not None:
                return found.open_id
        return None

    def find_in_card(self, wanted: str) -> str | None:
        """The open_id behind an id, or an address."""
        if "@" in wanted:
            found = self.state.directory.find_contact(email=wanted)
            return None if found is None else found.open_id
        return self.find_person(wanted)

    def check_image(self, key: object) -> str:
        """The key of an image that the app uploaded."""
        found = self.state.resources.find(key, "image") if isinstance(key, str) else None
        if found is None:
            raise bad("invalid image_key")
        if found.app_id != self.app.app_id:
            raise ApiError(230017, "another app uploaded the image")
        return found.key

    def check_file(self, key: object, types: frozenset[str]) -> str:
        """The key of a file that the app uploaded as one of *types*."""
        found = self.state.resources.find(key, "file") if isinstance(key, str) else None
        if found is None:
            raise bad("invalid file_key")
        if found.app_id != self.app.app_id:
            raise ApiError(230017, "another app uploaded the file")
        if found.type not in types:
            raise ApiError(230055, f"the file was uploaded as {found.type}")
        return found.key

    def has_audio(self, key: str) -> bool:
        """Whether the app uploaded a sound of that key."""
        found = self.state.resources.find(key, "file")
        return found is not None and found.app_id == self.app.app_id and found.type == "opus"


def read_content(author: Author, msg_type: str, content: str) -> Written:
    """What is written.

    :raises ApiError: 230001, 230015, 230017, 230025, 230055, 230099.
    """
    reader = _READERS.get(msg_type)
    if reader is None:
        raise bad("invalid msg_type")
    try:
        parsed = parse_text(content)
    except ValueError as exc:
        raise bad("content is not a string in json format") from exc
    if not isinstance(parsed, dict):
        raise bad("content is not a JSON object")
    most = MAX_TEXT_BYTES if msg_type == "text" else MAX_CARD_BYTES
    size = author.size if author.state.switches.message_size_counts == "body" else len(content.encode())
    if msg_type in {"text", "post", "interactive"} and size > most:
        raise ApiError(230025, f"a {msg_type} may have at most {most} bytes, not {size}")
    return reader(author, parsed, content)


def _text(author: Author, given: dict[str, Any], _content: str) -> Written:
    text = given.get("text")
    if not isinstance(text, str) or not text:
        raise bad('content of a text is {"text": "..."}')
    mentions: list[str] = []

    def number(match: re.Match[str]) -> str:
        open_id = "all" if match[1] == "all" else author.find_person(match[1])
        if open_id is None:
            return match[0]
        mentions.append(open_id)
        people = [each for each in mentions if each != "all"]
        return "@_all" if open_id == "all" else f"@_user_{len(people)}"

    shown = _AT.sub(number, text)
    return Written("text", dump({"text": shown}).decode(), text, tuple(mentions))


def _post(author: Author, given: dict[str, Any], content: str) -> Written:
    read = read_post(given, author.find_person, author.check_image, author.check_file, bad)
    return Written("post", content, read.text, tuple(read.mentions), frozenset(read.files))


def _image(author: Author, given: dict[str, Any], content: str) -> Written:
    return Written("image", content, files=frozenset({author.check_image(given.get("image_key"))}))


def _file(author: Author, given: dict[str, Any], content: str) -> Written:
    types = frozenset({"pdf", "doc", "xls", "ppt", "stream"})
    key = author.check_file(given.get("file_key"), types)
    return Written("file", _named(author, key, content), files=frozenset({key}))


def _audio(author: Author, given: dict[str, Any], content: str) -> Written:
    key = author.check_file(given.get("file_key"), frozenset({"opus"}))
    return Written("audio", content, files=frozenset({key}))


def _media(author: Author, given: dict[str, Any], content: str) -> Written:
    keys = {author.check_file(given.get("file_key"), frozenset({"mp4"}))}
    if given.get("image_key"):
        keys.add(author.check_image(given["image_key"]))
    return Written("media", content, files=frozenset(keys))


def _sticker(author: Author, given: dict[str, Any], content: str) -> Written:
    key = given.get("file_key")
    if not isinstance(key, str) or author.state.resources.find(key, "sticker") is None:
        raise bad("invalid file_key")
    return Written("sticker", content)


def _share_chat(author: Author, given: dict[str, Any], content: str) -> Written:
    chat = author.state.directory.chats.find(str(given.get("chat_id")))
    if chat is None:
        raise bad("invalid chat_id")
    if chat.mode == "p2p":
        raise ApiError(230015, "a private chat is not shared")
    if not chat.holds_bot(author.app.app_id):
        raise ApiError(230002, "the bot is not in the group that it shares")
    return Written("share_chat", content)


def _share_user(author: Author, given: dict[str, Any], content: str) -> Written:
    user = author.state.directory.find_person(str(given.get("user_id")), "open_id")
    if user is None:
        raise bad("invalid user_id: an open_id is expected")
    if not author.app.serves(user.open_id):
        raise ApiError(230013, "the person is outside the app's availability")
    return Written("share_user", content)


def _system(author: Author, given: dict[str, Any], content: str) -> Written:
    if author.chat_mode != "p2p":
        raise bad("a system message can be sent to a private chat only")
    if given.get("type") != "divider":
        raise bad("the type of a system message must be divider")
    return Written("system", content)


def _interactive(author: Author, given: dict[str, Any], content: str) -> Written:
    card = read_card(author, given)
    files = frozenset([*card.images, *card.audios])
    return Written("interactive", content, "\n".join(card.texts), tuple(card.mentions), files)


def read_card(author: Author, given: dict[str, Any], *, code: int = 230099) -> Card:
    """A raw card, or the template that it is made from.

    :raises ApiError: *code* with the cause inside.
    """
    if given.get("type") == "template":
        _check_template(author, given.get("data"), code)
        return Card("template", is_shared=True)
    if given.get("type") == "card":
        raise cards.refuse(code, 200740, "the card entity does not exist")
    about = Surroundings(
        person=author.find_in_card,
        has_image=lambda key: author.state.resources.find(key, "image") is not None,
        has_audio=author.has_audio,
        code=code,
        takes_wide_screen=author.state.switches.takes_wide_screen,
    )
    return cards.check_card(given, about)


def _check_template(author: Author, data: object, code: int) -> None:
    template_id = data.get("template_id") if isinstance(data, dict) else None
    known = author.state.card_templates
    if not isinstance(template_id, str) or template_id not in known:
        says = "template does not exist, please confirm whether this template has been released"
        raise cards.refuse(code, 200380, says, value=f"templateID: {template_id}")
    users = known[template_id]
    if users is not None and author.app.app_id not in users:
        says = "template is not visible to app, please confirm whether the app is allowed to use this template"
        raise cards.refuse(code, 200381, says, value=f"templateID: {template_id}")
    variables = data.get("template_variable") if isinstance(data, dict) else None
    if not isinstance(variables, dict | None):
        raise cards.refuse(code, 200732, "the actual type of the variable is inconsistent with the specified type")


def _named(author: Author, key: str, content: str) -> str:
    # what reads of the message show beside the key (§6.2)
    found = author.state.resources.find(key, "file")
    parsed = parse_text(content)
    return dump({**parsed, "file_name": found.name if found is not None else ""}).decode()


_READERS: Final[dict[str, Callable[[Author, dict[str, Any], str], Written]]] = {
    "text": _text,
    "post": _post,
    "image": _image,
    "file": _file,
    "audio": _audio,
    "media": _media,
    "sticker": _sticker,
    "share_chat": _share_chat,
    "share_user": _share_user,
    "system": _system,
    "interactive": _interactive,
}
