"""What a request may hold: numbers that each database can compare, and texts that it can store.

What is none of it is refused as what the page does not send, before a database is asked.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

TEXT_MAX: Final = 500
"""SQLite refuses a pattern of more than 50,000 bytes; the page has a field of this length."""


def _storable(text: str) -> str:
    # half a character, which JSON can write and no database stores: ValueError
    text.encode("utf-8")
    return text


Number = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""An id, a count, or a time in milliseconds."""

Words = Annotated[str, AfterValidator(_storable)]
"""A key, or the name of a mapping."""

Filter = Annotated[str, Field(max_length=TEXT_MAX), AfterValidator(_storable)]
"""What is looked for in keys and errors."""
