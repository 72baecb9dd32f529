"""What tests of triggers share: the events of a whole run."""

from __future__ import annotations

import asyncio


def events_of(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())
