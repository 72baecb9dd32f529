"""LarkSendMessageOperator: a message as an app's bot to people and chats, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_lark.core.errors import ConfigError, LarkError, NotFound, OutcomeUnknown, RetriableError, Stopped
from airflow_provider_lark.hooks.card_files import is_card_file, render_card_file
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.message_link import LarkMessageLink
from airflow_provider_lark.hooks.parameters import read_flag, read_json, read_list, read_text
from airflow_provider_lark.operators.sent_once import SentOnce, message_uuid
from airflow_provider_lark.operators.stopping import StoppableOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.messaging.content import Content
    from airflow_provider_lark.core.api.messaging.wire import Delivery
    from airflow_provider_lark.hooks.lark import LarkHook

KINDS = ("text", "markdown", "post", "card", "template_id", "file", "image")


class LarkSendMessageOperator(StoppableOperator):
    """Sends one of *text*, *markdown*, *post*, *card*, *template_id*, *file* and *image*.

    Once, also when the task is tried again: all tries of one content share a ``uuid``, which Lark heeds for an hour,
    and since Airflow 3.3 the task state store keeps who has got it. Where an earlier try may have sent it longer ago,
    the task fails and says so, unless *resend_if_unknown*. Another content is another message.

    Returns ``{"message_id": …, "chat_id": …, "created_ms": …}`` of the first receiver, and for a list of receivers
    ``messages``, one for each with its ``receive_id``.

    :param receive_id: open_id (``ou_…``), union_id (``on_…``), chat_id (``oc_…``), e-mail address, user_id, or a chat's
        exact name; or a list of them.
    :param receive_id_type: which of them; default: what it looks like. A user_id has to be named so.
    :param text: up to 150 KB.
    :param markdown: sent as a card, below *title*.
    :param post: rich text, ``{"zh_cn": {"title": …, "content": [[{"tag": "text", "text": …}]]}}``.
    :param card: a card's JSON, or a ``.json`` file of it with Jinja in its texts, looked for where Airflow looks for
        templates; checked before it is sent.
    :param template_id: a template of the card builder, with *template_version* and *template_variables*.
    :param file: path of a file of up to 30 MB, local or of an object storage (``s3://…``).
    :param image: path of an image of up to 10 MB.
    :param title: above *markdown*.
    :param mentions: ids or e-mail addresses of people, or ``all``; not of files, images and templates.
    :param resend_if_unknown: send again what an earlier try may have sent over an hour ago.
    :param storage_conn_id: connection of the object storage.
    :param lark_conn_id: connection of type ``lark``.
    """

    template_fields: Sequence[str] = (
        *("receive_id", "receive_id_type", *KINDS, "template_version", "template_variables", "title", "mentions"),
        *("resend_if_unknown", "storage_conn_id", "lark_conn_id"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "markdown": "md",
        "post": "json",
        "card": "json",
        "template_variables": "json",
    }
    operator_extra_links = (LarkMessageLink(),)
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        receive_id: Sequence[str] | str,
        receive_id_type: str | None = None,
        text: str | None = None,
        markdown: str | None = None,
        post: Mapping[str, Any] | str | None = None,
        card: Mapping[str, Any] | str | None = None,
        template_id: str | None = None,
        template_version: str | None = None,
        template_variables: Mapping[str, Any] | str | None = None,
        file: str | None = None,
        image: str | None = None,
        title: str | None = None,
        mentions: Sequence[str] | str | None = None,
        resend_if_unknown: bool | str = False,
        storage_conn_id: str | None = None,
        lark_conn_id: str = "lark_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.receive_id = receive_id
        self.receive_id_type = receive_id_type
        self.text = text
        self.markdown = markdown
        self.post = post
        self.card = card
        self.template_id = template_id
        self.template_version = template_version
        self.template_variables = template_variables
        self.file = file
        self.image = image
        self.title = title
        self.mentions = mentions
        self.resend_if_unknown = resend_if_unknown
        self.storage_conn_id = storage_conn_id
        self.lark_conn_id = lark_conn_id
        self.sent_chat_id = ""
        self.lark_host = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the message to those who have not got it."""
        from airflow_provider_lark.hooks.lark import LarkHook

        with airflow_errors():
            receivers = self._receivers()
            kind, value = self._given(context)
            hook = LarkHook(self.lark_conn_id)
            self.lark_host = hook.settings.host
            with hook.client(stop=self.stop_flag) as client:
                # before the memory is asked, so that a wrong card fails in the same way each time
                people = self._people(hook, client)
                content, print_ = self._content(client, kind, value, people)
                uuid = message_uuid(context, "send", [receivers, self.receive_id_type, kind, print_])
                memory = SentOnce.recall(context, uuid)
                pending = memory.pending(receivers)
                if pending:
                    memory.begin(resend_if_unknown=read_flag(self.resend_if_unknown, "resend_if_unknown"))
                    self._send(client, content, pending, memory)
        return self._result(receivers, memory.sent)

    def _send(self, client: LarkClient, content: Content, receivers: list[str], memory: SentOnce) -> None:
        try:
            results = client.messaging.send_to_each(
                receiver_ids=receivers,
                content=content,
                receiver_id_type=read_text(self.receive_id_type),  # type: ignore[arg-type]  # checked there
                uuid=memory.uuid,
            )
        except Stopped:
            raise
        except LarkError:
            # receivers are looked up before the first is written to
            memory.undo()
            raise
        failed = [each for each in results if each.error is not None]
        sent = {each.receiver_id: _ids(each) for each in results if each.message is not None}
        memory.end(sent, in_doubt=any(isinstance(each.error, OutcomeUnknown) for each in failed))
        self.log.info("sent a message of type %s to %d of %d receivers", content.msg_type, len(sent), len(results))
        _raise_first(failed, len(results))

    def _result(self, receivers: list[str], sent: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        # who is named twice has got it under the first name
        messages = [{"receive_id": each, **sent[each]} for each in receivers if each in sent]
        self.sent_chat_id = str(messages[0]["chat_id"])
        first = {name: messages[0][name] for name in ("message_id", "chat_id", "created_ms")}
        return first if len(receivers) == 1 else {**first, "messages": messages}

    def _receivers(self) -> list[str]:
        given = [str(each).strip() for each in _read_receivers(self.receive_id)]
        if not given or not all(given):
            raise ConfigError("receive_id: is empty; give an id, an e-mail address, a chat's name, or a list of them")
        return list(dict.fromkeys(given))

    def _given(self, context: Context) -> tuple[str, Any]:
        """Return the one kind that is given, and what."""
        given = {name: getattr(self, name) for name in KINDS}
        # a template of a Param that was left empty gives nothing, or the word
        filled = [name for name, value in given.items() if value not in (None, "", "None")]
        if len(filled) != 1:
            told = " and ".join(filled) or "nothing"
            raise ConfigError(f"the message holds {told}: give exactly one of {', '.join(KINDS)}")
        (kind,) = filled
        if kind == "card" and is_card_file(given[kind]):
            return kind, render_card_file(given[kind], self.get_template_env(), cast("Mapping[str, Any]", context))
        return kind, read_json(given[kind], kind) if kind in ("post", "card") else given[kind]

    def _people(self, hook: LarkHook, client: LarkClient) -> list[str]:
        """Return ids of those who are mentioned; e-mail addresses are looked up."""
        from airflow_provider_lark.core.api.messaging.mentions import check_mentions, is_email

        people = check_mentions([str(each) for each in read_list(self.mentions, "mentions") or ()])
        emails = [each for each in people if is_email(each)]
        found = hook.user_directory(client).find_by_email(emails) if emails else {}
        for at, each in enumerate(people):
            if is_email(each) and not found.get(each):
                raise NotFound(
                    f"mentions[{at}]: nobody in the tenant has this e-mail address, or the app may not see who"
                )
        return [found.get(each) or each for each in people]

    def _content(self, client: LarkClient, kind: str, value: Any, people: list[str]) -> tuple[Content, Any]:
        """Return the message, and what tells it from others: of a file its bytes, for its key is new each time."""
        from airflow_provider_lark.core.api.messaging import content

        if kind in ("file", "image"):
            return self._uploaded(client, kind, value, people)
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
            raise ConfigError("mentions: a template mentions people by its variables")
        return said, said.write()

    def _card(self, kind: str, value: Any) -> Mapping[str, Any]:
        from airflow_provider_lark.core.cards.check import check_card
        from airflow_provider_lark.core.cards.markdown_card import markdown_card

        if kind == "markdown":
            return markdown_card(value, title=read_text(self.title)).render()
        if not isinstance(value, Mapping):
            raise ConfigError(f"card: expected a dictionary of card JSON, found {type(value).__name__}")
        check_card(value)
        return value

    def _uploaded(self, client: LarkClient, kind: str, value: str, people: list[str]) -> tuple[Content, Any]:
        from airflow.sdk import ObjectStoragePath

        from airflow_provider_lark.core.api.messaging import content

        if people:
            raise ConfigError(f"mentions: a message of a {kind} mentions nobody; send a text beside it")
        path = ObjectStoragePath(value, conn_id=read_text(self.storage_conn_id))
        if not path.is_file():
            raise ConfigError(f"{kind}: there is no file {path.name!r}; check the path, and storage_conn_id")
        whole = path.read_bytes()
        mark = [path.name, sha256(whole).hexdigest()]
        if kind == "image":
            return content.image(client.resources.upload_image(content=whole)), mark
        return content.file(client.resources.upload_file(name=path.name, content=whole)), mark


def _read_receivers(given: Any) -> list[Any]:
    """Return receivers: a list, JSON text of one, or one; a chat's name may begin with a bracket, too."""
    try:
        return read_list(given, "receive_id") or []
    except ConfigError:
        if not isinstance(given, str):
            raise
        return [given]


def _ids(delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    if message is None:
        return {}
    return {"message_id": message.message_id, "chat_id": message.chat_id, "created_ms": message.created_ms}


def _raise_first(failed: Sequence[Delivery], count: int) -> None:
    """Raise what stopped the first, if any: one that trying again may mend before others."""
    errors = [(each.receiver_id, each.error) for each in failed if each.error is not None]
    errors.sort(key=lambda each: not isinstance(each[1], RetriableError))
    if not errors:
        return
    receiver, error = errors[0]
    if count > 1:
        error.add_note(f"{len(errors)} of {count} receivers did not get it, the first {receiver}; the others did")
    raise error
