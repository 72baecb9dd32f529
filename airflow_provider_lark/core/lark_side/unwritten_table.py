"""A table whose writes are counted and never sent: the dry run of whatever writes through :class:`.LarkTable`."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import RecordNotFound
from airflow_provider_lark.core.lark_side.table import Body, Fates, LarkTable, Removal

NEW_RECORD = "recPlanned"
"""Begins the ids of records that are not there yet."""


class UnwrittenTable(LarkTable):
    """Answers writes as Lark would if it took them all.

    A record that would be created has no key yet, so creates are counted only.

    :param foreseen: counts the writes.
    :param looks: ask Lark whether records that would be updated or deleted are there, 100 a call; not where the caller
        has just read them.
    """

    def __init__(self, table: LarkTable, foreseen: Foreseen, *, looks: bool = False) -> None:
        super().__init__(table.client, table.app_token, table.table_id)
        self._foreseen = foreseen
        self._looks = looks
        self._created = 0
        # callers look at the first of each call, whether it is there
        self._firsts: dict[str, WireRecord] = {}

    def create(self, bodies: Sequence[Body], *, client_token: str) -> list[WireRecord]:
        """Count records to create."""
        made = []
        for body in bodies:
            self._created += 1
            made.append(WireRecord(record_id=f"{NEW_RECORD}{self._created:08}", fields=dict(body)))
        self._firsts.update((record["record_id"], record) for record in made[:1])
        self._foreseen.add("lark.create", count=len(made))
        return made

    def update(self, patches: Sequence[tuple[str, Body]]) -> list[WireRecord]:
        """Count records to update.

        :raises RecordNotFound: a record does not exist.
        """
        ids = [id_ for id_, _ in patches]
        if self._looks and (gone := super().look_up(ids).gone):
            raise RecordNotFound(f"{self.label}: record {gone[0]} does not exist")
        self._foreseen.add("lark.update", ids)
        return [WireRecord(record_id=id_, fields=dict(body)) for id_, body in patches]

    def remove(self, record_ids: Sequence[str]) -> Removal:
        """Count records to delete."""
        fates = super().look_up(record_ids) if self._looks else Fates()
        left = set(fates.gone) | fates.hidden.keys()
        self._foreseen.add("lark.delete", [id_ for id_ in record_ids if id_ not in left])
        return Removal(tuple(fates.gone), fates.hidden)

    def look_up(self, record_ids: Sequence[str], *, automatic_fields: bool = False) -> Fates:
        """Tell of records, also of those that would be created."""
        new = [id_ for id_ in record_ids if id_.startswith(NEW_RECORD)]
        asked = [id_ for id_ in record_ids if not id_.startswith(NEW_RECORD)]
        fates = super().look_up(asked, automatic_fields=automatic_fields) if asked else Fates()
        known = [self._firsts.get(id_) or WireRecord(record_id=id_, fields={}) for id_ in new]
        return Fates([*fates.shown, *known], fates.hidden, fates.gone)

    def take_back(self, record_ids: Sequence[str]) -> str:
        """Leave alone what was not created."""
        return ""
