"""Lark's limits, by name and with their source.

Sources: the server documentation of open.feishu.cn (bitable-v1: "Bitable overview", "Search records", "Batch …",
"Record filter guide"; "Frequency control"; "Tenant access token of a self-built app"), read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """*calls* in *seconds*, as the documents state it; *burst* where they also limit the calls of one second."""

    calls: int
    seconds: float = 1.0
    burst: int | None = None

    @property
    def windows(self) -> tuple[tuple[int, float], ...]:
        """Calls and seconds of each limit."""
        return ((self.calls, self.seconds), *(() if self.burst is None else ((self.burst, 1.0),)))


SEARCH_PAGE_MAX = 500
"""Records a page of ``records/search`` (default of the API: 20)."""

MATRIX_PAGE_MAX = 2000
"""Records a page of base/v3, as of October 2026 (lark-api §4.10)."""

LIST_PAGE_MAX = 100
"""Tables or fields a page (default of the API: 20)."""

FIELD_NAMES_MAX = 200
"""Names in ``field_names`` of a search."""

BATCH_WRITE_MAX = 1000
"""Records a ``batch_create`` or ``batch_update``."""

BATCH_WRITE_DEFAULT = 500
"""Valid under the older limit too, which some deployments and the text of 1254104 still name."""

BATCH_DELETE_MAX = 500
"""Records a ``batch_delete``."""

BATCH_GET_MAX = 100
"""Records a ``batch_get``."""

FILTER_CONDITIONS_MAX = 50
"""Conditions of a search filter."""

FILTER_LENGTH_MAX = 2000
"""Characters of a search filter (1254107)."""

SORT_LENGTH_MAX = 1000
"""Characters of a search's sort (1254108)."""

CONTACT_BATCH_MAX = 50
"""E-mail addresses, and as many mobile numbers, a ``batch_get_id``."""

CONTACT_PAGE_MAX = 50
GROUP_PAGE_MAX = 100
"""People of a department, or departments, on a page."""

UPLOAD_WHOLE_MAX_BYTES = 20 * 1024 * 1024
"""Bytes of a file that ``medias/upload_all`` takes; larger ones go in blocks (drive-v1: "Upload media")."""

DOWNLOAD_CHUNK_BYTES = 4 * 1024 * 1024
"""Bytes of a file that one request asks for: our choice."""

FILE_NAME_MAX = 250
"""Characters of an uploaded file's name."""

TMP_URLS_MAX = 5
"""Files a ``medias/batch_get_tmp_download_url``."""

TEXT_MESSAGE_MAX_BYTES = 150 * 1024
"""Bytes of the request that sends a text (im-v1: "Send message", which counts the request's body)."""

CARD_MESSAGE_MAX_BYTES = 30 * 1024
"""Bytes of the request that sends or updates a card or a post; of a template Lark counts the card that it makes."""

MESSAGES_PER_RECEIVER = 5
"""Messages a second to one person, or into one group from all its bots (230020)."""

UPDATES_PER_MESSAGE = 5
"""Updates of one card a second (230020)."""

IMAGE_MAX_BYTES = 10 * 1024 * 1024
"""Bytes of an image of a message (im-v1: "Upload image")."""

MESSAGE_FILE_MAX_BYTES = 30 * 1024 * 1024
"""Bytes of a file of a message (im-v1: "Upload file")."""

MESSAGES_PAGE_MAX = 50
"""Messages, or reactions, a page (default of the API: 20)."""

READERS_PAGE_MAX = 100
"""Readers of a message a page."""

MERGE_FORWARD_MAX = 100
"""Messages that can be forwarded as one."""

URGENT_PEOPLE_MAX = 200
"""People that are alarmed about a message at once."""

BATCH_SEND_MAX = 200
"""Ids of each kind a ``batch_send``."""

CHAT_MEMBERS_ADDED_MAX = 50
"""People that are taken into a group at once; of bots it is 5."""

CHAT_BOTS_ADDED_MAX = 5
"""Bots that are taken into a group at once."""

CHAT_QUERY_MAX = 64
"""Characters of a search for chats; a longer one finds nothing."""

CHAT_NAMES_SECONDS = 300.0
"""How long names of chats are kept, by our choice: after a renaming the old name must not lead to the chat for long."""

CHAT_NAMES_FRESH_SECONDS = 30.0
"""How long a name that was not found is not looked for again, by our choice."""

CHAT_NAMES_MAX = 20_000
"""Chats of which one process keeps the names, by our choice; an app's bot can be in more."""

APPROVAL_CODE_MAX = 128
"""Characters of the code of an approval's definition."""

APPROVAL_VIEWERS_MAX = 200
"""People who see, or administer, a definition."""

APPROVAL_TASKS_MAX = 300
"""Tasks of an approval instance."""

APPROVAL_COPIES_MAX = 200
"""People to whom an approval instance is copied."""

APPROVAL_FORM_MAX = 3
"""Entries of an instance's form that the centre shows."""

APPROVAL_FORM_LENGTH_MAX = 2048
"""Characters of an instance's form."""

APPROVAL_QUERY_MAX = 20
"""Instances, or definitions, of which tasks are listed at once."""

APPROVAL_TASK_PAGE_MAX = 500
"""Instances a page of tasks (default of the API: 50)."""

MESSAGE_UUID_MAX = 50
"""Characters of a message's ``uuid``; equal ones send one message within an hour."""

FIELDS_PER_TABLE_MAX = 300
"""Fields of a table, of which at most 100 formulas."""

TOKEN_MARGIN_SECONDS = 180.0
"""A token is renewed so long before its end; under the 30 minutes within which Lark still hands out the same one."""

APP_TICKET_SECONDS = 12 * 3600.0
"""How long an app ticket is used, by our choice: Lark pushes one an hour and does not say how long it lives."""

OAUTH_SCOPES_MAX = 50
"""Scopes that one authorisation can ask for."""
