"""How the places of a rate limit are divided: everybody gets what it wants, or an equal part.

Times are milliseconds of the store's clock: no process needs to know how late it is elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

LATE_SECONDS = 2.0
"""A lease lasts so much longer in the store than for its holder: a request may take so long until it arrives."""

LIFE_SECONDS = 4.0
"""How long a process uses what it was given, without asking again."""

AGAIN_SECONDS = 0.5
"""Whoever has no place looks again after so long at most."""

_SOONEST_MS = 20
_SLACK_MS = 5
_GROUPS = 4
# places that are given back run out in so many steps


@dataclass(frozen=True, slots=True)
class Lease:
    """What one process has of a limit.

    :param wanted: how many places it could use; 0 where it only waits for them to run out.
    :param since_ms: when it was last given places, or began to wait.
    :param until_ms: from then on the places are anybody's.
    """

    places: int
    wanted: int
    since_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What a process asks for.

    :param quota: the places that there are in all.
    :param window_seconds: how long a place is taken by one call.
    :param in_flight: places that calls have which are not answered: they cannot be given back.
    :param free_in_ms: of each other place, when its window has passed; the soonest first.
    """

    owner: str
    quota: int
    window_seconds: float
    wanted: int
    in_flight: int
    free_in_ms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What it gets.

    :param places: how many it has from now on.
    :param returned: how many of those that it had are no longer its own: the ones that are free soonest.
    :param is_crowded: all places are taken, or others wait for some.
    :param again_seconds: when it pays to ask again.
    :param now_ms: when it was given.
    """

    places: int
    returned: int
    is_crowded: bool
    again_seconds: float
    now_ms: int


def read_entry(text: str) -> dict[str, Lease]:
    """Return the leases by their owners; nothing that makes no sense stays."""
    try:
        return {owner: Lease(*map(int, each)) for owner, each in json.loads(text).items()} if text else {}
    except (ValueError, TypeError, AttributeError):
        return {}


def write_entry(leases: Mapping[str, Lease]) -> str:
    """Return what :func:`read_entry` reads."""
    plain = {owner: [each.places, each.wanted, each.since_ms, each.until_ms] for owner, each in leases.items()}
    return json.dumps(plain, separators=(",", ":"))


def divide(quota: int, claims: Mapping[str, Lease]) -> dict[str, int]:
    """Return how many places each is entitled to.

    Where there are fewer places than claims, those come first that have waited longest.
    """
    if len(claims) > quota:
        order = sorted(claims, key=lambda owner: (claims[owner].since_ms, owner))
        return {owner: int(n < quota) for n, owner in enumerate(order)}
    left, entitled = quota, {}
    order = sorted(claims, key=lambda owner: (claims[owner].wanted, claims[owner].since_ms, owner))
    for n, owner in enumerate(order):
        entitled[owner] = min(claims[owner].wanted, left // (len(order) - n))
        left -= entitled[owner]
    return entitled


def settle(
    leases: Mapping[str, Lease], demand: Demand, *, now_ms: int, since_ms: int = 0
) -> tuple[dict[str, Lease], Grant]:
    """Decide about *demand*.

    :param since_ms: from then on whoever has a place is among *leases*.
    """
    others = _alive(leases, demand, now_ms)
    mine = others.pop(demand.owner, None)
    had = demand.in_flight + len(demand.free_in_ms)
    waits_since = now_ms if mine is None or mine.places else mine.since_ms
    until_ms = now_ms + _ms(LIFE_SECONDS + LATE_SECONDS + demand.window_seconds)
    claim = Lease(0, demand.wanted, waits_since, until_ms)
    claims = {owner: each for owner, each in others.items() if each.wanted} | {demand.owner: claim}
    taken = sum(each.places for each in others.values())
    # whoever is not among the leases yet has used its last place when a window has passed
    is_quiet = now_ms < since_ms + _ms(demand.window_seconds)
    entitled = divide(demand.quota, claims)[demand.owner]
    granted = max(0 if is_quiet else min(entitled, demand.quota - taken), demand.in_flight)
    back = demand.free_in_ms[: max(0, had - granted)]
    after = others | _running_out(demand.owner, back, now_ms, others)
    after[demand.owner] = replace(claim, places=granted, since_ms=now_ms if granted or had else waits_since)
    held = sum(each.places for each in after.values())
    waiting = any(each.places < each.wanted for owner, each in after.items() if owner != demand.owner)
    # what comes free is for those whose turn it is
    again = [each.until_ms - now_ms for each in others.values() if entitled]
    again += [since_ms + _ms(demand.window_seconds) - now_ms] if is_quiet else []
    return after, Grant(granted, len(back), held >= demand.quota or waiting or is_quiet, _seconds(again), now_ms)


def postpone(leases: Mapping[str, Lease], ms: int) -> dict[str, Lease]:
    """Return *leases* with later ends."""
    return {owner: replace(each, until_ms=each.until_ms + ms) for owner, each in leases.items()}


def give_back(leases: Mapping[str, Lease], demand: Demand, *, now_ms: int) -> dict[str, Lease]:
    """Return the leases after a process has ended."""
    others = _alive(leases, demand, now_ms)
    if others.pop(demand.owner, None) is None:
        return others
    return others | _running_out(demand.owner, demand.free_in_ms, now_ms, others)


def _alive(leases: Mapping[str, Lease], demand: Demand, now_ms: int) -> dict[str, Lease]:
    # no lease is longer: the store's clock was set back since
    longest = now_ms + _ms(LIFE_SECONDS + LATE_SECONDS + 2 * demand.window_seconds)
    return {
        owner: replace(each, since_ms=min(each.since_ms, now_ms), until_ms=min(each.until_ms, longest))
        for owner, each in leases.items()
        if each.until_ms > now_ms
    }


def _running_out(owner: str, free_in_ms: tuple[int, ...], now_ms: int, known: Mapping[str, Lease]) -> dict[str, Lease]:
    """Return leases that nobody uses any more and that end when the windows of their places have passed."""
    taken = [each for each in free_in_ms if each > 0]
    size, found = max(1, -(-len(taken) // _GROUPS)), dict[str, Lease]()
    number = len(known)
    for start in range(0, len(taken), size):
        group = taken[start : start + size]
        while f"{owner}.{number}" in known or f"{owner}.{number}" in found:
            number += 1
        found[f"{owner}.{number}"] = Lease(len(group), 0, now_ms, now_ms + max(group) + _SLACK_MS)
    return found


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _seconds(waits_ms: list[int]) -> float:
    soonest = max(_SOONEST_MS, min(waits_ms, default=0) + _SLACK_MS)
    return min(AGAIN_SECONDS, soonest / 1000 if waits_ms else AGAIN_SECONDS)
