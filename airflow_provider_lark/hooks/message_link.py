"""The button of a task that opens the chat of its message in Lark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class LarkMessageLink(BaseOperatorLink):
    """Opens the chat that the message went to. The operator says which by its ``sent_chat_id`` and ``lark_host``."""

    name = "Open message in Lark"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return an address that the Lark client opens; empty when nothing was sent, or for a host of one's own."""
        chat_id, host = getattr(operator, "sent_chat_id", ""), getattr(operator, "lark_host", "")
        name = urlsplit(host).hostname or ""
        if not chat_id or not name.startswith("open."):
            return ""
        return f"https://applink.{name.removeprefix('open.')}/client/chat/open?openChatId={quote(chat_id, safe='')}"
