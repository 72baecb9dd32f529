"""A mapping: the configuration that connects one Bitable table to one SQL table.

Nothing here asks Lark or a database; :mod:`.binding` checks a mapping against the real tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_lark.core.api.address import parse_base, unknown_base
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping.options import OPTION_DEFAULTS
from airflow_provider_lark.core.sync.mapping.reader import read_parts
from airflow_provider_lark.core.sync.mapping.targets import (
    CapturePolicy,
    ConflictPolicy,
    DeletePolicy,
    Direction,
    FieldPair,
    HistoryMode,
    LarkTarget,
    Leaving,
    SqlTarget,
    UserKey,
)

DELETES_WAIT = "deletes in SQL wait for the next full sync"
"""What is said of a mapping that :attr:`~.TableMapping.leaves_deletes`."""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """One Bitable table and one SQL table that hold the same rows.

    :param fields: the pairs to keep equal; None pairs fields and columns of equal names.
    :param leaving: what becomes of the other side's row when a row leaves its side's filter: it is kept, and both are
        no longer synced until the row is back; or it is deleted, under the limit for deletes.
    :param time_zone: IANA name; the zone in which naive datetimes and dates of the SQL table are meant. None is the
        base's own, as setup found it.
    :param record_id_column: a SQL column that receives Lark's record id, as the seeds' ``feishu_id``.
    :param skew_seconds: ``newest`` can not tell two times apart that are closer than this; Lark's edit then wins.
    :param overlap_seconds: how far behind the watermark the pull looks for edits that showed up late.
    :param settle_seconds: how long, 0..600, a record must have gone without a change in Lark before a run takes it in,
        or writes to it: people may still be typing. 0: it need not.
    :param capture_overlap_seconds: with a capture column: how long a transaction may stay open, and how far a clock may
        be behind, so that its rows are found all the same.
    :param max_delete_ratio: a run that would delete a larger part of the pairs than this on one side (and more than
        *max_delete_rows*), or all, deletes none there, holds them and says so; 1 lifts that guard.
    :param users: how SQL names persons: by the ids that Lark gives them for this app, or by e-mail address.
    :param retention_days: how long log lines, completed queue entries and closed conflicts are kept in the database.
    :param history: whether the values of each write are kept, to explain and undo it: ``full``, or ``none``.
    :param lock_wait_seconds: how long to wait for a lock that another program holds in the database.
    :param batch_size: rows a write call carries at most, 1..1000. Where the tenant refuses so many, runs send 500.
    """

    name: str
    lark: LarkTarget
    sql: SqlTarget
    fields: tuple[FieldPair, ...] | None = None
    direction: Direction = "both"
    conflict: ConflictPolicy = field(default_factory=ConflictPolicy)
    deletes: DeletePolicy = field(default_factory=DeletePolicy)
    capture: CapturePolicy = field(default_factory=CapturePolicy)
    leaving: Leaving = "keep"
    time_zone: str | None = None
    users: UserKey = "id"
    record_id_column: str | None = None
    skew_seconds: float = 2.0
    overlap_seconds: float = 60.0
    settle_seconds: float = 0.0
    capture_overlap_seconds: float = 300.0
    max_delete_ratio: float = 0.2
    max_delete_rows: int = 20
    batch_size: int = 1000
    retention_days: int = 30
    history: HistoryMode = "full"
    lock_wait_seconds: float = 30.0

    @classmethod
    def from_dict(
        cls, raw: Mapping[str, Any], *, where: str = "mapping", bases: Mapping[str, str] | None = None
    ) -> TableMapping:
        """Build a mapping from plain data, as YAML or JSON give it.

        :param where: how messages name the place, such as ``lark_sync.yaml: mappings[2]``.
        :param bases: names of bases and their app_tokens or addresses, from the connection.
        :raises ConfigError: names the entry that is wrong, and what would be right.
        """
        mapping = cls(**read_parts(raw, where=where))
        return mapping if bases is None else mapping.with_bases(bases)

    @property
    def leaves_deletes(self) -> bool:
        """Whether only a full sync finds what was deleted in SQL."""
        return self.direction != "to_sql" and self.capture.mode == "column"

    @property
    def names_by_email(self) -> bool:
        """Whether SQL names persons by e-mail address."""
        return any((pair.users or self.users) == "email" for pair in self.fields or ()) or self.users == "email"

    @property
    def is_whole_base(self) -> bool:
        """Whether it stands for a mapping of each table of its base, and is none itself."""
        return bool(self.lark.tables)

    @property
    def is_filtered(self) -> bool:
        """Whether rows of either side may stay out."""
        return bool(self.lark.filter or self.lark.view or self.sql.filter)

    @property
    def scope(self) -> str:
        """What decides which rows belong, as text; empty where all do."""
        kept = {
            "lark": self.lark.filter and self.lark.filter.to_plain(),
            "view": self.lark.view or None,
            "sql": self.sql.filter and self.sql.filter.to_plain(),
        }
        told = {name: each for name, each in kept.items() if each}
        return json.dumps(told, sort_keys=True) if told else ""

    def with_bases(self, bases: Mapping[str, str]) -> TableMapping:
        """Return the mapping with the name of its base resolved to the app_token, or the address, that *bases* gives.

        :raises ConfigError: the base has a name that *bases* does not know.
        """
        if not self.lark.base or self.lark.app_token or self.lark.wiki_token:
            return self
        if not bases.get(self.lark.base):
            raise ConfigError(f"mapping {self.name!r}: {unknown_base(self.lark.base, bases)}")
        found = parse_base(self.lark.base, bases=bases)
        return replace(self, lark=replace(self.lark, app_token=found.app_token, wiki_token=found.wiki_token))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_dict` reads back to an equal mapping."""
        lark: dict[str, Any] = {k: v for k in LarkTarget.__slots__ if (v := getattr(self.lark, k))}
        if self.lark.exclude:
            lark["exclude"] = list(self.lark.exclude)
        if self.lark.filter is not None:
            lark["filter"] = self.lark.filter.to_plain()
        sql: dict[str, Any] = {k: v for k in ("table", "schema", "conn_id") if (v := getattr(self.sql, k))}
        if self.sql.key:
            sql["key"] = list(self.sql.key)
        if self.sql.filter is not None:
            sql["filter"] = self.sql.filter.to_plain()
        result: dict[str, Any] = {"name": self.name, "lark": lark, "sql": sql}
        if self.fields is not None:
            result["fields"] = [
                {k: v for k in FieldPair.__slots__ if (v := getattr(pair, k)) is not None} for pair in self.fields
            ]
        result |= {"direction": self.direction, "conflict": self.conflict.text, "deletes": self.deletes.text}
        if self.capture != CapturePolicy():
            result["capture"] = self.capture.plain
        for option, default in OPTION_DEFAULTS.items():
            if (value := getattr(self, option)) != default:
                result[option] = value
        return result
