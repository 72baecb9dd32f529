"""Walking pages: on while ``has_more``, and stopping loudly when the token does not move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.errors import UnexpectedAnswer


class AnyPage(Protocol):
    """What every page tells."""

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""
        ...

    @property
    def page_token(self) -> str | None:
        """What to ask for it with."""
        ...


P = TypeVar("P", bound=AnyPage)


def walk_pages(
    fetch: Callable[[str | None], Flow[P]], *, subject: str, turn: Callable[[], int] = lambda: 0
) -> Pages[P]:
    """Yield the call for each page in turn.

    :param fetch: makes the call for the page of a token, None for the first.
    :param turn: how often *fetch* has begun again; tokens of another turn are other tokens.
    :raises UnexpectedAnswer: more is promised without a token or with one that was already used: going on would loop,
        stopping would look like a complete read.
    """
    used: set[tuple[int, str]] = set()
    token: str | None = None
    while True:
        page = yield fetch(token)
        if not page.has_more:
            return
        token = page.page_token
        if not token or (turn(), token) in used:
            what = "without a page_token" if not token else "with a page_token that was already used"
            raise UnexpectedAnswer(f"{subject}: Lark reports more results {what}; the read is incomplete, run it again")
        used.add((turn(), token))


def collect_pages(pages: Pages[P]) -> Flow[list[P]]:
    """Return all pages in one call."""
    collected: list[P] = []
    try:
        flow = next(pages)
        while True:
            page = yield from flow
            collected.append(page)
            flow = pages.send(page)
    except StopIteration:
        return collected
