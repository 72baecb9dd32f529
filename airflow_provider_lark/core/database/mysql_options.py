"""What MySQL and MariaDB need to be told: options and types of the tables that this package makes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}
"""Options of a table: names hold any character. Ids differ by case: the migrations name the collation that tells."""


def is_mysql(dialect: Dialect) -> bool:
    """Tell whether *dialect* is MySQL or MariaDB; SQLAlchemy has two names for them."""
    return dialect.name in ("mysql", "mariadb")


def name_type(length: int) -> TypeEngine[Any]:
    """Return the type of a text that an index holds; only MySQL, where an index takes 3,072 bytes, has a *length*."""
    return Text().with_variant(mysql.VARCHAR(length), "mysql", "mariadb")


def exact_collation(dialect: Dialect) -> str:
    """Return the collation of MySQL or MariaDB that compares byte by byte; ``utf8mb4_bin`` overlooks trailing blanks.

    :param dialect: of an open connection, which knows the server.
    """
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
