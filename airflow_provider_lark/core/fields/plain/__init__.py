"""Whole records of natural values, without a SQL column beside them.

::

    records.py      RecordEncoder, RecordReader
    read.py         a cell as Lark shows it; write.py  as Lark takes it
    scalars.py      numbers, dates, texts on their way to Lark
"""

from __future__ import annotations

from airflow_provider_lark.core.fields.plain.records import RecordEncoder, RecordReader
from airflow_provider_lark.core.fields.users import FindUserIds

__all__ = ["FindUserIds", "RecordEncoder", "RecordReader"]
