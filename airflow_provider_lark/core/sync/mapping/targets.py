"""The parts of a mapping: where the two tables are, and which policies rule between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from airflow_provider_lark.core.conditions.condition import Filter

Direction = Literal["both", "to_sql", "to_lark"]
Winner = Literal["newest", "lark", "sql"]
UserKey = Literal["id", "email"]
TimeUnit = Literal["seconds", "milliseconds", "microseconds"]
OnDelete = Literal["database", "set_null", "restrict", "cascade"]
FieldWinner = Literal["newest", "lark", "sql", "manual"]
Owner = Literal["lark", "sql"]
Leaving = Literal["keep", "delete"]
DIRECTIONS: tuple[str, ...] = get_args(Direction)
HistoryMode = Literal["full", "none"]
HISTORY_MODES: tuple[str, ...] = get_args(HistoryMode)
WINNERS: tuple[str, ...] = get_args(Winner)
ON_DELETE: tuple[str, ...] = get_args(OnDelete)
USER_KEYS: tuple[str, ...] = get_args(UserKey)
TIME_UNITS: tuple[str, ...] = get_args(TimeUnit)
FIELD_WINNERS: tuple[str, ...] = get_args(FieldWinner)
OWNERS: tuple[str, ...] = get_args(Owner)
LEAVINGS: tuple[str, ...] = get_args(Leaving)


@dataclass(frozen=True, slots=True)
class LarkTarget:
    """Where the Bitable table is: by ids, or by the names of base and table.

    :param app_token: the base's token; empty when *base* or *wiki_token* leads to it.
    :param table_id: ``tbl…``; empty when *table* names it.
    :param base: a name that the connection's ``bases`` resolve to an app_token.
    :param table: the table's name inside the base.
    :param wiki_token: node token of a ``/wiki/…`` address, resolved by one call.
    :param tables: ``*`` for every table of the base, which each run looks up.
    :param exclude: with *tables*: names or ids of tables that are left out.
    :param filter: which records belong to the mapping; None for all.
    :param view: a view, by id or name: only the records that it shows belong to the mapping.
    """

    app_token: str = ""
    table_id: str = ""
    base: str = ""
    table: str = ""
    wiki_token: str = ""
    tables: str = ""
    exclude: tuple[str, ...] = ()
    filter: Filter | None = None
    view: str = ""

    @property
    def label(self) -> str:
        """How messages name the table."""
        return f"{self.base or self.app_token or self.wiki_token}:{self.table or self.table_id or self.tables}"


@dataclass(frozen=True, slots=True)
class SqlTarget:
    """Where the SQL table is. An empty *key* means the primary key.

    :param filter: which rows belong to the mapping; None for all.
    """

    table: str
    schema: str | None = None
    conn_id: str | None = None
    key: tuple[str, ...] = ()
    filter: Filter | None = None

    @property
    def table_name(self) -> str:
        """The name under which the ledger keeps this table."""
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True, slots=True)
class FieldPair:
    """A Bitable field and the SQL column it is kept equal to.

    :param direction: narrows the mapping's.
    :param link: the SQL table (``table`` or ``schema.table``) whose keys the column holds; the field links to its
        records.
    :param users: how the column names persons; overrides the mapping's.
    :param on_delete: what becomes of a row when the one that it links to is deleted; None: what the database does.
    :param conflict: who wins when both sides changed this field; overrides the mapping's, for this field alone.
    :param owner: the side whose edits count; one of the other side is put back.
    """

    field: str
    column: str
    direction: Direction | None = None
    link: str | None = None
    users: UserKey | None = None
    on_delete: OnDelete | None = None
    conflict: FieldWinner | None = None
    owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class ConflictPolicy:
    """Who wins when both sides changed a row.

    ``newest``, ``lark`` and ``sql`` take the whole row from one side, so that what belongs together stays so.
    ``merge`` keeps both edits when they touch different fields; the same field falls to *winner*.
    ``manual`` leaves both sides alone until a person decides in ``sync_conflict``.
    """

    mode: Literal["row", "merge", "manual"] = "row"
    winner: Winner = "newest"

    @property
    def text(self) -> str:
        """As it stands in a mapping."""
        if self.mode == "manual":
            return "manual"
        return f"merge:{self.winner}" if self.mode == "merge" else self.winner


@dataclass(frozen=True, slots=True)
class DeletePolicy:
    """What a delete on one side does to the other.

    ``propagate`` deletes there too. ``soft`` sets *column* instead of deleting the SQL row, and takes a set column
    for a deleted row. ``ignore`` leaves the other side's row alone and never makes it anew.
    """

    mode: Literal["propagate", "soft", "ignore"] = "propagate"
    column: str = ""

    @property
    def text(self) -> str:
        """As it stands in a mapping."""
        return f"soft:{self.column}" if self.mode == "soft" else self.mode


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """How changes in SQL are noticed.

    ``trigger`` has triggers note them. ``column`` reads the rows whose *column* grew: the time of their last change, or
    a number that grows with each write. ``scan`` compares all rows with what both sides last agreed on, in each run.

    :param unit: the column counts this since 1970; None: it is a time of its own, or a number that means no time.
    """

    mode: Literal["trigger", "column", "scan"] = "trigger"
    column: str = ""
    unit: TimeUnit | None = None

    @property
    def plain(self) -> str | dict[str, str]:
        """As it stands in a mapping."""
        if self.unit is not None:
            return {"column": self.column, "unit": self.unit}
        return self.text

    @property
    def text(self) -> str:
        """What tells one way from another, in one text."""
        if self.mode != "column":
            return self.mode
        return f"column:{self.column}" + (f" ({self.unit})" if self.unit else "")
