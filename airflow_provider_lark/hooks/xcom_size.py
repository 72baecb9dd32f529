"""The size limit of an XCom."""

from __future__ import annotations

import json
from typing import Any

XCOM_BYTES_MAX = 1_048_576
"""How much JSON an XCom may be: it goes through the metadata database, and into every view of the task."""


def json_size(value: Any) -> int:
    """Return the bytes of *value* as Airflow stores it: JSON in ASCII, six bytes for a Chinese character."""
    return len(json.dumps(value))
