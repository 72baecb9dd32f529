"""The table that a task works on, as a place: its page in Lark, its asset URI, and the button that opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from airflow.sdk import BaseOperatorLink

from airflow_provider_lark.hooks.parameters import TABLE_SUCH_AS, need_text, read_text

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.address import TableAddress
    from airflow_provider_lark.hooks.lark import LarkHook


@dataclass(frozen=True, slots=True)
class TablePlace:
    """A table, or with an empty *table_id* a base.

    :param host: address of the open platform.
    :param given: how the task names it; of an address its host is the tenant's own.
    """

    host: str
    app_token: str
    table_id: str = ""
    view_id: str = ""
    given: str = ""

    @property
    def url(self) -> str:
        """The page that a browser shows."""
        ids = {"table": self.table_id, "view": self.view_id}
        query = urlencode({name: id_ for name, id_ in ids.items() if id_})
        return f"{_web_host(self.host, self.given)}/base/{quote(self.app_token)}{'?' if query else ''}{query}"

    @property
    def namespace(self) -> str:
        """The installation of Lark, as lineage names it: ``lark://open.feishu.cn``."""
        return f"lark://{urlsplit(self.host).netloc}"

    @property
    def uri(self) -> str:
        """The asset: ``lark://<host>/<app_token>/<table_id>``."""
        return "/".join(filter(None, (self.namespace, self.app_token, self.table_id)))

    @property
    def named_uri(self) -> str:
        """The asset by the names that the task gives, ``lark://MyDB/users``; empty for ids and addresses."""
        base, _, table = self.given.partition(":")
        return "" if "://" in self.given or not table else f"lark://{base.strip()}/{table.strip()}"


class BitableTableLink(BaseOperatorLink):
    """Opens the table in Lark. The operator says where it is by its ``table_place``."""

    name = "Open in Lark"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the table's page; empty when the task ended before it knew the table."""
        place = getattr(operator, "table_place", None)
        return place.url if isinstance(place, TablePlace) else ""


def find_place(hook: LarkHook, client: LarkClient, table: str | None, base: str | None) -> TablePlace:
    """Find the table that a task names: 0 calls where all ids are given.

    :raises ConfigError: it names none, or a base that is not known.
    :raises NotFound: there is no such table.
    """
    found = client.bitable.locate(read_address(hook, table, base))
    return TablePlace(hook.settings.host, found.app_token, found.table_id, found.view_id, name_place(table, base))


def name_place(table: str | None, base: str | None) -> str:
    """Return how a task names its table: ``MyDB:users``, or an address."""
    base = read_text(base)
    return f"{base}:{table}" if base and "://" not in base else base or table or ""


def read_address(hook: LarkHook, table: str | None, base: str | None) -> TableAddress:
    """Read where a table is, from a task's parameters.

    :raises ConfigError: they name none, or a base that is not known.
    """
    table, base = need_text(table, "table", such_as=TABLE_SUCH_AS), read_text(base)
    return hook.table(base, table) if base else hook.table(table)


def _web_host(host: str, given: str) -> str:
    """Return where the pages are: the tenant's address where the task gives one, else the one for all tenants."""
    parts = urlsplit(given if given.startswith(("http://", "https://")) else host)
    name = parts.netloc.rpartition("@")[2]
    if name.startswith("open."):
        name = name.removeprefix("open.")
        # their pages lie under www, which leads on to the tenant's own
        name = f"www.{name}" if name in ("feishu.cn", "larksuite.com") else name
    return f"{parts.scheme}://{name}"
