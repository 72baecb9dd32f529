"""Routes as data, found by method and path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote

from airflow_provider_lark.emulator.errors import ApiError, StatusFamily
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.tokens import TokenKind
from airflow_provider_lark.emulator.wire import Outcome, Request

Coverage = Literal["emulated", "partly"]
Handler = Callable[[State, Request], Outcome]

BITABLE_READ: Final = ("bitable:app", "bitable:app:readonly")
BITABLE_WRITE: Final = ("bitable:app",)


@dataclass(frozen=True)
class Rate:
    """So many calls in so many seconds (lark-api §2.2)."""

    most: int
    period_seconds: float = 1.0


FIFTY_A_SECOND: Final = Rate(50)
THOUSAND_A_MINUTE: Final = Rate(1000, 60)
"""Holds beside fifty a second in contact, drive events and messages (§5.1, §6.1, §7.1)."""


@dataclass(frozen=True)
class Route:
    """One endpoint.

    :param query: the query parameters it knows.
    :param members: the body members it knows; None: it takes no body.
    :param scopes: any one of them opens it; empty: none needed.
    :param rate: what one app and tenant may call it (§1.5).
    :param also: a second rate that holds beside the first.
    :param tokens: the kinds of token that it takes.
    :param holds: ``table`` for writes that exclude one another (§2.8), ``base`` for those to no certain table,
        ``uploads`` for those of one app (§7.4).
    :param coverage: ``partly`` when something that the reference says of the endpoint is left out.
    :param note: what is left out, or worth knowing; for the coverage page.
    """

    method: str
    template: str
    handler: Handler
    query: frozenset[str] = frozenset()
    members: frozenset[str] | None = None
    scopes: tuple[str, ...] = ()
    rate: Rate = field(default_factory=lambda: Rate(50))
    also: Rate | None = None
    tokens: frozenset[TokenKind] = frozenset({"tenant", "user"})
    holds: Literal["nothing", "table", "base", "uploads"] = "nothing"
    needs_token: bool = True
    family: StatusFamily = "record"
    coverage: Coverage = "emulated"
    note: str = ""

    @property
    def rates(self) -> tuple[Rate, ...]:
        """All rates that hold."""
        return (self.rate,) if self.also is None else (self.rate, self.also)

    @property
    def target(self) -> str:
        """``"METHOD template"``, as faults and counters name it."""
        return f"{self.method} {self.template}"


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._by_length: dict[int, list[tuple[list[str], Route]]] = {}
        for route in routes:
            parts = route.template.split("/")
            self._by_length.setdefault(len(parts), []).append((parts, route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and its path parameters.

        :raises ApiError: 99991201 for an unknown path, 99991301 for another method (§1.4, §10).
        """
        parts = path.split("/")
        fits = [
            (route, params)
            for template, route in self._by_length.get(len(parts), ())
            if (params := _match(template, parts)) is not None
        ]
        # /records/search is also /records/:record_id: the literal wins
        fits.sort(key=lambda each: len(each[1]))
        for route, params in fits:
            if route.method == method:
                return route, params
        if fits:
            raise ApiError(99991301, f"{fits[0][0].template} does not support {method}")
        raise ApiError(99991201, f"the emulator has no route {method} {path}")


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for wanted, found in zip(template, parts, strict=True):
        if wanted.startswith(":"):
            if not found:
                return None
            params[wanted[1:]] = unquote(found)
        elif wanted != found:
            return None
    return params
