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
    "five a second and a hundred a minute are allowed, of all machines together, and fewer in the rush after full and "
    "half hours: send later, or fewer messages"
)

RATE: Final = Meaning(RateLimited, "Lark throttles the bot", _SLOWER)

WEBHOOK_MEANINGS: Final[dict[int, Meaning]] = {
    19001: Meaning(
        NotFound,
        "Lark knows no bot of this webhook address",
        f"it was mistyped, reset, or the bot was removed: copy the address anew from {_SETTINGS}; one of Feishu begins "
        "with https://open.feishu.cn, one of Lark with https://open.larksuite.com",
    ),
    19002: Meaning(BadRequest, "Lark finds no message in the request", "give it a msg_type and a content"),
    19007: Meaning(NotFound, "the bot is switched off", f"switch it on in {_SETTINGS}"),
    SIGNATURE: Meaning(
        NotAuthorized,
        "Lark refuses the signature",
        f"compare the signing secret with the one in {_SETTINGS}; the clock of this machine must be right to an hour",
    ),
    19022: Meaning(
        AccessDenied,
        "the bot does not listen to this machine's IP address",
        f"add the address under which this machine reaches the internet to the allow-list in {_SETTINGS}; workers may "
        "have others",
    ),
    19024: Meaning(
        BadRequest,
        "the message holds none of the bot's keywords",
        f"set the keyword from {_SETTINGS} as keyword of the connection, or write it into the text or the title",
    ),
    19036: Meaning(TooLarge, "the message is too long", "send a part of it, or a link to the whole"),
}

OTHERWISE: Final[dict[int, Meaning]] = {
    UNREADABLE: Meaning(
        BadRequest,
        "Lark cannot read the message",
        "check its form and that it takes at most 20 KB; links must be addresses",
    ),
    THROTTLED: RATE,
}
"""What two codes say of webhook bots, and not of apps."""

UNSIGNED: Final = Meaning(
    NotAuthorized,
    "the bot wants signed messages, and no signing secret is set",
    f"copy it from {_SETTINGS} into the signing_secret of the connection",
)
