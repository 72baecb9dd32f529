"""The address of a table as people write it: ids, names, or the URL from the browser.

Parsing an address makes no call; :meth:`.Bitable.locate` looks up what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from airflow_provider_lark.core.errors import ConfigError

# what a Bitable inside a document or a sheet is called there
_EMBEDDED = re.compile(r"([A-Za-z0-9]+)_(tbl[A-Za-z0-9]+)")
_TABLE_ID = re.compile(r"tbl[A-Za-z0-9]{13}")
# 27 characters today, bascn… and appbc… before
_APP_TOKEN = re.compile(r"(?:bas|app)[A-Za-z0-9]*|[A-Za-z0-9]{20,}")

TABLE_URL = "https://<tenant>/base/<app_token>?table=<table_id>"


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A table, or with neither *table_id* nor *table* a base. What is not known is empty.

    :param app_token: the base's token.
    :param wiki_token: the node of a ``/wiki/…`` address, behind which the base is.
    :param base: a name that the connection's ``bases`` give a token to.
    :param table_id: ``tbl…``.
    :param table: the table's name inside the base; also an id that does not look like one.
    :param view_id: ``vew…``, where the address names a view.
    """

    app_token: str = ""
    wiki_token: str = ""
    base: str = ""
    table_id: str = ""
    table: str = ""
    view_id: str = ""

    @property
    def label(self) -> str:
        """How messages name it."""
        base = self.base or self.app_token or self.wiki_token
        table = self.table or self.table_id
        return f"{base}:{table}" if table else base


@dataclass(frozen=True, slots=True)
class TableRef:
    """A table by its ids; *view_id* is empty where no view was named."""

    app_token: str
    table_id: str
    view_id: str = ""


def parse_table(text: str, table: str | None = None, *, bases: Mapping[str, str] | None = None) -> TableAddress:
    """Read where a table is.

    ::

        parse_table("https://x.feishu.cn/base/bascn…?table=tbl…&view=vew…")     or with /wiki/
        parse_table("bascn…", "tbl…")           parse_table("bascn…", "users")          parse_table("bascn…_tbl…")
        parse_table("MyDB", "users", bases={"MyDB": "bascn…"})
        parse_table("MyDB:users", bases={"MyDB": "bascn…"})

    :param text: a base, or base and table in one.
    :param table: the table's id or name; beside an address with ``?table=`` it is the one that counts.
    :param bases: the named bases of the connection: app_tokens, or addresses of bases.
    :raises ConfigError: it says no base or no table, or a base of an unknown name.
    """
    text, table = text.strip(), (table or "").strip()
    embedded = _EMBEDDED.fullmatch(text)
    if embedded and not table:
        return TableAddress(app_token=embedded[1], table_id=embedded[2])
    if not table and "://" not in text:
        text, _, table = (part.strip() for part in text.partition(":"))
        if not table:
            raise ConfigError(
                f"{text!r} does not specify a table: give the table's id or name as well, write <base>:<table>, or use "
                f"the address {TABLE_URL}"
            )
    found = parse_base(text, bases=bases)
    if not table:
        if not found.table_id:
            raise ConfigError(
                "the address does not specify a table; open the table in Lark and copy the address with ?table=, or "
                "give the table as well"
            )
        return found
    if table == found.table_id:
        return found
    found = replace(found, view_id="")
    if _TABLE_ID.fullmatch(table):
        return replace(found, table_id=table)
    return replace(found, table_id="", table=table)


def parse_base(text: str, *, bases: Mapping[str, str] | None = None) -> TableAddress:
    """Read where a base is: its app_token, its address (``/base/…`` or ``/wiki/…``), or its name among *bases*.

    :raises ConfigError: no base, or one of an unknown name.
    """
    text, bases = text.strip(), bases or {}
    if text in bases:
        given = bases[text].strip()
        found = parse_url(given) if "://" in given else TableAddress(app_token=given)
        return TableAddress(app_token=found.app_token, wiki_token=found.wiki_token, base=text)
    if "://" in text:
        return parse_url(text)
    if _APP_TOKEN.fullmatch(text):
        return TableAddress(app_token=text)
    if not text:
        raise ConfigError(f"no base given: use its app_token, its address {TABLE_URL}, or its name")
    raise ConfigError(unknown_base(text, bases))


def parse_url(url: str) -> TableAddress:
    """Read the address of a base or a table.

    :raises ConfigError: the address is not one of a Bitable.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        parts = urlsplit("")
    steps = [step for step in parts.path.split("/") if step]
    if parts.scheme not in ("http", "https") or len(steps) < 2 or steps[-2] not in ("base", "wiki"):
        raise ConfigError(f"not a Bitable address; expected {TABLE_URL}")
    query = parse_qs(parts.query)
    table_id, view_id = (query.get(name, [""])[0] for name in ("table", "view"))
    if steps[-2] == "wiki":
        return TableAddress(wiki_token=steps[-1], table_id=table_id, view_id=view_id)
    return TableAddress(app_token=steps[-1], table_id=table_id, view_id=view_id)


def unknown_base(name: str, bases: Mapping[str, str]) -> str:
    """Say that no base is named *name*, and where to name it."""
    known = ", ".join(sorted(bases)) or "none"
    return (
        f"base {name!r} is not a known base name (known: {known}); add it to the Lark connection's extra as "
        f'{{"bases": {{"{name}": "<app_token>"}}}}'
    )
