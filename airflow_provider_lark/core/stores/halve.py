"""Finding the bad ones in a batch that Lark takes as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from airflow_provider_lark.core.errors import BadRequest, LarkError, RecordNotFound, ValueRefused

T = TypeVar("T")

#: so many items refused one by one, and none taken: then it is the table, not the items
HOPELESS = 8


def halve(items: Sequence[T], send: Callable[[Sequence[T]], None], refuse: Callable[[T, LarkError], None]) -> None:
    """Send *items*; where Lark refuses them for their content, halve until the bad ones stand alone.

    One bad item among n costs at most 2·log2(n) further calls.

    :raises BadRequest: the first items were refused one by one, not for their values, and none was taken: then it is
        the table that is full or broken.
    """
    waiting, landed, refused = [items] if items else [], 0, 0
    while waiting:
        part = waiting.pop()
        try:
            send(part)
            landed += len(part)
        except (BadRequest, RecordNotFound) as error:
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
                continue
            refuse(part[0], error)
            refused += 1
            if refused == HOPELESS and waiting and not landed and not isinstance(error, (RecordNotFound, ValueRefused)):
                raise
