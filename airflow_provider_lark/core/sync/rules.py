"""What a mapping says about deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_lark.core.side import Values
from airflow_provider_lark.core.sync.mapping.targets import ConflictPolicy, DeletePolicy, Direction, FieldWinner, Owner


@dataclass(frozen=True, slots=True)
class Rules:
    """What a mapping says about deciding.

    :param columns: the columns that are compared, without the key's.
    :param key_columns: the key's columns; once a pair exists they belong to SQL.
    :param to_sql: columns that may flow into SQL.
    :param to_lark: columns that may flow into Lark.
    :param tells_deletes: of a row that SQL deletes, it is noted when.
    :param winners: columns whose conflicts are decided by a policy of their own, each alone.
    :param owners: columns of which only one side's edits count.
    :param empty: what an empty cell means, where that is not nothing: an unticked checkbox is False.
    """

    columns: tuple[str, ...]
    key_columns: tuple[str, ...]
    to_sql: frozenset[str]
    to_lark: frozenset[str]
    direction: Direction = "both"
    conflict: ConflictPolicy = field(default_factory=ConflictPolicy)
    deletes: DeletePolicy = field(default_factory=DeletePolicy)
    skew_ms: float = 2000.0
    tells_deletes: bool = True
    empty: Values = field(default_factory=dict)
    winners: Mapping[str, FieldWinner] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Key and other columns."""
        return self.key_columns + self.columns
