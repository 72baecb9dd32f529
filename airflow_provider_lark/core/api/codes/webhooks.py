"""What the codes of webhook bots mean.

Sources: open.feishu.cn, "Custom bot usage guide", read 2026-11; 19001, 19002, 19007 and the second meaning of
9499 from public reports of many tools.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_lark.core.api.codes.meaning import Meaning
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    NotAuthorized,
    NotFound,
    RateLimited,
    TooLarge,
)

UNREADABLE: Final = 9499
SIGNATURE: Final = 19021
THROTTLED: Final = 11232

TOO_MANY: Final = "too many request"
"""Lark's text under 9499 where it means the pace and not the message."""

_SETTINGS: Final = "the group's settings, Bots"
_SLOWER: Final = (
    "at most 5 messages a second and 100 a minute are allowed across all machines, and fewer at peak times after full "
    "and half hours; send later, or send fewer messages"
)

RATE: Final = Meaning(RateLimited, "Lark throttles the bot", _SLOWER)

WEBHOOK_MEANINGS: Final[dict[int, Meaning]] = {
    19001: Meaning(
        NotFound,
        "Lark does not know a bot with this webhook address",
        f"it was mistyped or reset, or the bot was removed; copy the address again from {_SETTINGS}. Feishu addresses "
        "begin with https://open.feishu.cn, Lark addresses with https://open.larksuite.com",
    ),
    19002: Meaning(BadRequest, "the request does not contain a message", "add msg_type and content"),
    19007: Meaning(NotFound, "the bot is disabled", f"enable it in {_SETTINGS}"),
    SIGNATURE: Meaning(
        NotAuthorized,
        "Lark rejected the signature",
        f"compare the signing secret with the one in {_SETTINGS}; this machine's clock must not be off by more than an "
        "hour",
    ),
    19022: Meaning(
        AccessDenied,
        "this machine's IP address is not on the bot's allow-list",
        f"add this machine's public IP address to the allow-list in {_SETTINGS}; other workers may differ",
    ),
    19024: Meaning(
        BadRequest,
        "the message contains none of the bot's keywords",
        f"set the keyword from {_SETTINGS} as keyword in the connection, or include it in the text or title",
    ),
    19036: Meaning(TooLarge, "the message is too long", "shorten it, or send a link instead"),
}

OTHERWISE: Final[dict[int, Meaning]] = {
    UNREADABLE: Meaning(
        BadRequest,
        "Lark cannot parse the message",
        "check its format and that it has at most 20 KB; links must be valid URLs",
    ),
    THROTTLED: RATE,
}
"""What two codes say of webhook bots, and not of apps."""

UNSIGNED: Final = Meaning(
    NotAuthorized,
    "the bot requires signed messages, but no signing secret is set",
    f"copy it from {_SETTINGS} into signing_secret of the connection",
)
