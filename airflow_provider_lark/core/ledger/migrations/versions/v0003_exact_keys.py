"""Let MySQL and MariaDB compare keys byte by byte: ``utf8mb4_bin`` takes ``abc`` and ``abc `` for one key.

Whole tables are converted, because two columns of different collations cannot be compared with each other. Frozen.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from airflow_provider_lark.core.errors import SchemaMismatch

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

TABLES = (
    "sync_queue",
    "sync_log",
    "sync_blacklist",
    "sync_record_map",
    "sync_checkpoint",
    "sync_intent",
    "sync_conflict",
    "sync_lease",
    "sync_scan",
)
_FIRST_MYSQL = (8, 0, 17)


def upgrade() -> None:
    """Convert the tables that have another collation; a run that was killed half way is taken up where it stopped.

    :raises SchemaMismatch: MySQL is too old to have such a collation.
    """
    dialect = op.get_bind().dialect
    if dialect.name not in ("mysql", "mariadb"):
        return
    is_mariadb = getattr(dialect, "is_mariadb", False)
    if not is_mariadb and (dialect.server_version_info or _FIRST_MYSQL) < _FIRST_MYSQL:
        raise SchemaMismatch("this MySQL version has no binary collation for utf8mb4; upgrade to 8.0.17 or later")
    _convert("utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin")


def downgrade() -> None:
    """Bring the first collation back; refused by the database while it holds keys that differ in trailing blanks."""
    if op.get_bind().dialect.name in ("mysql", "mariadb"):
        _convert("utf8mb4_bin")


def _convert(collation: str) -> None:
    found = sa.text(
        "SELECT table_name, table_collation FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name LIKE 'sync\\_%'"
    )
    present = {name: now for name, now in op.get_bind().execute(found)}
    for name in TABLES:
        if present.get(name, collation) != collation:
            op.execute(f"ALTER TABLE {name} CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}")
