"""The door for automations of a base, which tell that a record was added or edited: the way without event scopes.

An automation can neither sign nor seal; what it shows is a token that it was made with. Whoever may edit the base's
automations can read that token, so it opens this door for one table only, and what it lets in is worth one look: a
hint says that a record may have changed, and the record is read from Lark.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject, parse_object
from airflow_provider_lark.core.receiving.refusal import Reason, Refused
from airflow_provider_lark.core.receiving.seal import is_same

FEED_CHANGED = "base.automation.record_changed"
"""The type under which these hints stand in the inbox; Lark gives them none."""

TOKEN_HEADER = "X-Lark-Feed-Token"  # noqa: S105 - the name of a header

FEED_BYTES_MAX = 4096
"""What our automations send has some hundred."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def feed_token(app_id: str, app_secret: Secret, *, app_token: str, table_id: str) -> Secret:
    """Return what the automation of one table shows: always the same for the same app, and of no use for another table.

    It is made from the App Secret, which cannot be found from it.
    """
    text = "\0".join(("feed", app_id, app_token, table_id))
    return Secret(hmac.new(app_secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest())


class FeedDoor:
    """Lets in what automations send that were made for one app.

    :param app_secret: see :func:`feed_token`.
    """

    def __init__(self, app_id: str, app_secret: Secret) -> None:
        self._app_id = app_id
        self._secret = app_secret

    def receive(self, body: bytes, headers: Mapping[str, str], *, now_ms: int) -> Delivery:
        """Tell which record changed.

        :param headers: by any spelling.
        :raises Refused: it comes from no automation that was made for the table that it names.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        told = parse_object(body)
        app_token, table_id = (_id(told.get(name)) for name in ("base", "table"))
        if not app_token or not table_id:
            raise Refused(Reason.NO_ENVELOPE, f"app {self._app_id}: a post of an automation names no base and table")
        wanted = feed_token(self._app_id, self._secret, app_token=app_token, table_id=table_id)
        if not is_same(lower.get(TOKEN_HEADER.lower(), ""), wanted.reveal()):
            raise Refused(
                Reason.TOKEN,
                f"app {self._app_id}: the token of a post for table {table_id} of base {app_token} is wrong; if the "
                "App Secret has changed, run `airflow lark feed install` again; otherwise the post is forged",
            )
        record_id = _id(told.get("record"))
        actions = [{"record_id": record_id, "action": "record_edited"}] if record_id else []
        event: JsonObject = {
            "file_type": "bitable",
            "file_token": app_token,
            "table_id": table_id,
            # without a record it still says that the table changed
            "action_list": actions,
        }
        return Delivery(
            "event", FEED_CHANGED, "", self._app_id, "", now_ms, {"event": event}, (hint_identity(self._app_id, event),)
        )


def hint_identity(app_id: str, event: JsonObject) -> str:
    """Return what makes two hints one, as long as the first one waits: the record.

    Two edits of a record send the same, so a hint that was taken stands for no later one.
    """
    records = [str(action.get("record_id")) for action in event.get("action_list") or ()]
    text = "\0".join(("feed", app_id, str(event.get("file_token")), str(event.get("table_id")), *records))
    return hashlib.sha256(text.encode()).hexdigest()


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
