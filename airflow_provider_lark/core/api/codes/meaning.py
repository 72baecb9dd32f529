"""What an error code means: the form in which the code tables say it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_lark.core.errors import LarkError


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says and what to do."""

    error: type[LarkError]
    what: str
    hint: str


WHICH_RECORD = "Lark does not say which record; send smaller batches to find it"
"""What to do about a refused batch; of one record it would be wrong."""

REPORT = "please report it"
"""What to do about a request that only we can have made wrong; of one that the caller wrote it would be wrong."""

LATER = "try again later"
