"""The client_token of a batch that a repeated task sends again: made from what is sent, not from chance."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any
from uuid import UUID


def batch_token(seed: str, index: int, body: Any) -> str:
    """Return the token of a batch: a UUID in the form of version 4, the same for the same arguments.

    A task that is tried again sends its creates under the tokens of the first try, so Lark repeats none of them. Other
    records get another token, because Lark refuses a known token with other content (1255006).

    :param seed: what stays the same over the tries of one task and differs between tasks and tables.
    :param index: the batch's place, so that two equal batches of one task are two.
    :param body: the wire values of the batch.
    """
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    # encoded alone, no text of one part can look like the next part
    head = json.dumps([seed, index], ensure_ascii=True)
    digest = blake2b(f"{head}\n{text}".encode(errors="surrogatepass"), digest_size=16)
    return str(UUID(bytes=digest.digest(), version=4))
