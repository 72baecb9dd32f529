"""What the operators of messages share: a client, ids of messages, what a message says."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_lark.core.errors import ConfigError, NotFound, RetriableError
from airflow_provider_lark.hooks.card_files import is_card_file, render_card_file
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.message_ids import read_message_ids as read_message_ids
from airflow_provider_lark.hooks.message_link import LarkMessageLink
from airflow_provider_lark.hooks.parameters import read_json, read_list, read_text
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.services.messaging.content import Content
    from airflow_provider_lark.hooks.lark import LarkHook

GONE = frozenset({230011, 230030, 230110})
"""Lark's codes for a message that was recalled, is not there, or was deleted."""

WORDS = ("text", "markdown", "post", "card", "template_id")
"""What a message may say without a file."""


@dataclass(frozen=True)
class OpenedHook:
    """What a task works with."""

    hook: LarkHook
    client: LarkClient
    context: Context


@dataclass(frozen=True)
class Said:
    """One message.

    :param kind: the parameter that says it.
    :param mark: plain data that tells it from others; of a file its bytes, for its key is new each time.
    :param make: returns what to send; a file is uploaded then.
    :param file_name: as the chat shows it; empty where it is none.
    """

    kind: str
    mark: Any
    make: Callable[[], Content]
    file_name: str = ""


class MessageOperator(CallingOperator):
    """Works on messages as an app's bot.

    :param lark_conn_id: connection of type ``lark``.
    """

    template_fields: Sequence[str] = ("lark_conn_id", *CallingOperator.template_fields)
    operator_extra_links = (LarkMessageLink(),)
    ui_color = "#d6e8ff"

    def __init__(self, *, lark_conn_id: str = "lark_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lark_conn_id = lark_conn_id
        self.sent_chat_id = ""
        self.lark_host = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Do it, and return plain data."""
        from airflow_provider_lark.hooks.lark import LarkHook

        with airflow_errors():
            hook = LarkHook(self.lark_conn_id, **self.call_settings)
            self.lark_host = hook.settings.host
            with hook.client(stop=self.stop_flag) as client:
                return self._run(OpenedHook(hook, client, context))

    @abstractmethod
    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        """Do the task's work."""


class MentioningOperator(MessageOperator):
    """Mentions people.

    :param mentions: ids, e-mail addresses or mobile numbers (``+86…``) of people, or ``all``.
    """

    template_fields: Sequence[str] = (*MessageOperator.template_fields, "mentions")

    def __init__(self, *, mentions: Sequence[str] | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mentions = mentions

    def _people(self, opened: OpenedHook) -> list[str]:
        """Return ids of those who are mentioned; e-mail addresses and mobile numbers are looked up."""
        from airflow_provider_lark.core.api.services.messaging.mentions import check_mentions, is_contact

        people = check_mentions([str(each) for each in read_list(self.mentions, "mentions") or ()])
        contacts = [each for each in people if is_contact(each)]
        found = opened.hook.user_directory(opened.client).find_contacts(contacts) if contacts else {}
        for at, each in enumerate(people):
            if is_contact(each) and not found.get(each):
                what = "e-mail address" if "@" in each else "mobile number"
                raise NotFound(
                    f"mentions[{at}]: no user in the tenant has this {what}, or the user is outside the app's contact "
                    "range; check it, or widen the app's data permissions"
                )
        return [found.get(each) or each for each in people]


class SayingOperator(MentioningOperator):
    """Says one of *text*, *markdown*, *post*, *card* and *template_id*; templates mention nobody by *mentions*.

    :param text: up to 150 KB.
    :param markdown: as a card, below *title*.
    :param post: rich text, ``{"zh_cn": {"title": …, "content": [[{"tag": "text", "text": …}]]}}``.
    :param card: a card's JSON, or a ``.json`` file of it with Jinja in its texts, looked for where Airflow looks for
        templates; checked before it is sent.
    :param template_id: a template of the card builder, with *template_version* and *template_variables*.
    :param title: above *markdown*.
    """

    kinds: ClassVar[Sequence[str]] = WORDS
    template_fields: Sequence[str] = (
        *(*MentioningOperator.template_fields, *WORDS),
        *("template_version", "template_variables", "title"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "markdown": "md",
        "post": "json",
        "card": "json",
        "template_variables": "json",
    }

    def __init__(
        self,
        *,
        text: str | None = None,
        markdown: str | None = None,
        post: Mapping[str, Any] | str | None = None,
        card: Mapping[str, Any] | str | None = None,
        template_id: str | None = None,
        template_version: str | None = None,
        template_variables: Mapping[str, Any] | str | None = None,
        title: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.markdown = markdown
        self.post = post
        self.card = card
        self.template_id = template_id
        self.template_version = template_version
        self.template_variables = template_variables
        self.title = title

    def _said(self, opened: OpenedHook) -> Said:
        return self._say(*self._given(opened.context), self._people(opened))

    def _given(self, context: Context) -> tuple[str, Any]:
        """Return the one kind that is given, and what."""
        given = {name: getattr(self, name) for name in self.kinds}
        # a template of a Param that was left empty gives nothing, or the word
        filled = [name for name, value in given.items() if value not in (None, "", "None", [])]
        if len(filled) != 1:
            told = " and ".join(filled) or "no content"
            raise ConfigError(f"the message has {told}: give exactly one of {', '.join(self.kinds)}")
        (kind,) = filled
        if kind == "card" and is_card_file(given[kind]):
            return kind, render_card_file(given[kind], self.get_template_env(), cast("Mapping[str, Any]", context))
        return kind, read_json(given[kind], kind) if kind in ("post", "card") else given[kind]

    def _say(self, kind: str, value: Any, people: list[str]) -> Said:
        from airflow_provider_lark.core.api.services.messaging import content

        match kind:
            case "text":
                said = content.text(value, mentions=people)
            case "post":
                said = content.post(value, mentions=people)
            case "template_id":
                variables = read_json(self.template_variables, "template_variables")
                said = content.template(value, version=read_text(self.template_version), variables=variables)
            case _:
                said = content.card(self._card(kind, value), mentions=people)
        if people and kind == "template_id":
            raise ConfigError("mentions: not supported with template_id; pass the users in template_variables")
        return Said(kind, said.write(), lambda: said)

    def _card(self, kind: str, value: Any) -> Mapping[str, Any]:
        from airflow_provider_lark.core.cards.check import check_card
        from airflow_provider_lark.core.cards.markdown_card import markdown_card

        if kind == "markdown":
            return markdown_card(value, title=read_text(self.title)).render()
        if not isinstance(value, Mapping):
            raise ConfigError(f"card: expected a dictionary of card JSON, found {type(value).__name__}")
        check_card(value)
        return value


def raise_first(errors: Sequence[tuple[str, Exception]], count: int, told: str) -> None:
    """Raise the first of *errors*, if any: one that trying again may mend before others.

    :param errors: each with whose it is.
    :param count: of how many.
    :param told: what is noted about the others, such as ``receivers did not get it``.
    """
    ordered = sorted(errors, key=lambda each: not isinstance(each[1], RetriableError))
    if not ordered:
        return
    first, error = ordered[0]
    if count > 1:
        error.add_note(f"{len(errors)} of {count} {told}, the first of them {first}; the others succeeded")
    raise error
