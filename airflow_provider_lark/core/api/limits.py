"""Lark's limits, by name and with their source.

Sources: the server documentation of open.feishu.cn (bitable-v1: "Bitable overview", "Search records", "Batch …",
"Record filter guide"; "Frequency control"; "Tenant access token of a self-built app"), read 2026-11.
"""

from __future__ import annotations

SEARCH_PAGE_MAX = 500
"""Records a page of ``records/search`` (default of the API: 20)."""

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

UPLOAD_WHOLE_MAX_BYTES = 20 * 1024 * 1024
"""Bytes of a file that ``medias/upload_all`` takes; larger ones go in blocks (drive-v1: "Upload media")."""

DOWNLOAD_CHUNK_BYTES = 4 * 1024 * 1024
"""Bytes of a file that one request asks for: our choice."""

FILE_NAME_MAX = 250
"""Characters of an uploaded file's name."""

TMP_URLS_MAX = 5
"""Files a ``medias/batch_get_tmp_download_url``."""

TEXT_MESSAGE_MAX_BYTES = 150 * 1024
"""Bytes of a text message's content (im-v1: "Send message")."""

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
