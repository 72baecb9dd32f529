"""What a seed brings: the table, the user's settings and the mapping's policy."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.chaos import tables

POLICIES = ("newest", "lark", "sql", "merge", "merge:lark", "merge:sql")


@dataclass(frozen=True)
class Outlook:
    """The conditions of one gale."""

    kind: str
    seed: int
    variant: str
    session: tables.Session
    policy: dict[str, Any]


def forecast(kind: str, seed: int) -> Outlook:
    """Return the conditions of a seed; each combination comes about equally often."""
    dice = random.Random(f"{kind} {seed}")
    return Outlook(
        kind=kind,
        seed=seed,
        variant=dice.choice(list(tables.TABLES[kind])),
        session=dice.choice(tables.SESSIONS[kind]),
        policy={
            "conflict": dice.choice(POLICIES),
            "batch_size": dice.choice([2, 4, 500]),
            "fields": tables.MAPPED,
            # with 3 seconds, rows are hot for longer than a run waits for them
            "settle_seconds": dice.choice([0, 3, 60]),
        },
    )
