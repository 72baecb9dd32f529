"""What tests of triggers share: a clock that notes pauses, and the events of a whole run."""

from __future__ import annotations

import asyncio


class RecordedClock:
    """Notes the pauses, and lets something happen in each."""

    def __init__(self, during=lambda pause: None):
        self.pauses = []
        self.during = during

    async def sleep_async(self, seconds):
        self.pauses.append(seconds)
        self.during(len(self.pauses))


def events_of(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())
