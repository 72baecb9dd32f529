"""Column types and table options that every table of this package shares."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
"""Options of a table: ids differ by case, and names hold any character."""


def name_type(length: int) -> TypeEngine[Any]:
    """Return the type of a text that an index holds; only MySQL, where an index takes 3,072 bytes, has a *length*."""
    return Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")
