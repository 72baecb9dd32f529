"""``client.bitable``: bases, tables, fields, views and records.  All arguments are keywords.

::

    schema.py   bases, tables, fields, views
    reads.py    search, batch_get; rescan.py  a scan that has to begin again
    writes.py   create, update and delete records
    record_history.py  who changed a record, where base/v3 answers
    matrix.py   records in large pages, where base/v3 answers

Writes: Lark takes one at a time per table, all of a batch or nothing; whoever writes holds the lease (:mod:`.engine`).
"""

from __future__ import annotations

from airflow_provider_lark.core.api.address import TableAddress, TableRef, unknown_base
from airflow_provider_lark.core.api.calls.namespace import ApiCall, D
from airflow_provider_lark.core.api.services.bitable.matrix import BitableMatrix
from airflow_provider_lark.core.api.services.bitable.reads import BitableReads
from airflow_provider_lark.core.api.services.bitable.record_history import BitableRecordHistory
from airflow_provider_lark.core.api.services.bitable.schema import BitableSchema
from airflow_provider_lark.core.api.services.bitable.writes import BitableWrites
from airflow_provider_lark.core.api.services.wiki import Wiki
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.errors import ConfigError, NotFound


class Bitable(BitableSchema[D], BitableReads[D], BitableWrites[D], BitableRecordHistory[D], BitableMatrix[D]):
    """The Bitable API."""

    @ApiCall
    def locate(self, address: TableAddress) -> Flow[TableRef]:
        """Return the ids of a table; no call where *address* has them all.

        A wiki node costs a call, once in a process; a table's name costs one each time.

        :raises NotFound: the base has no table of that name (the message lists its tables), or the wiki page shows
            no Bitable.
        """
        app_token = yield from self._locate_base(address)
        if address.table_id:
            return TableRef(app_token, address.table_id, address.view_id)
        if not address.table:
            raise ConfigError(f"{address.label}: does not specify a table; give its id or name")
        tables = yield from BitableSchema.list_tables.flow(self, app_token=app_token)
        wanted = address.table.strip()
        for table in tables:
            if wanted in (table.name, table.table_id):
                return TableRef(app_token, table.table_id, address.view_id)
        names = ", ".join(sorted(table.name for table in tables)) or "none"
        raise NotFound(f"the base has no table named {wanted!r}; its tables: {names}")

    @ApiCall
    def locate_base(self, address: TableAddress) -> Flow[str]:
        """Return the app_token of a base; no call where *address* has it.

        :raises NotFound: the wiki page shows no Bitable.
        """
        return (yield from self._locate_base(address))

    def _locate_base(self, address: TableAddress) -> Flow[str]:
        if address.app_token:
            return address.app_token
        if not address.wiki_token:
            raise ConfigError(
                unknown_base(address.base, {})
                if address.base
                else "no base given; give its app_token, its address or its name"
            )
        known = self.session.wiki_bases
        if address.wiki_token not in known:
            node = yield from Wiki.get_node.flow(self, token=address.wiki_token)
            if node.obj_type != "bitable":
                raise NotFound(f"the wiki page is a {node.obj_type}, not a Bitable")
            known[address.wiki_token] = node.obj_token
        return known[address.wiki_token]
