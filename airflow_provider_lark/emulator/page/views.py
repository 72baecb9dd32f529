"""What the page shows, as JSON under ``/_emulator/view/``. Reads only: looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from airflow_provider_lark.emulator.handle import Handle
from airflow_provider_lark.emulator.page.approvals import count_waiting, list_approvals
from airflow_provider_lark.emulator.page.tables import list_bases, show_table
from airflow_provider_lark.emulator.page.talks import list_chats, show_chat
from airflow_provider_lark.emulator.serving.journal import LogEntry

MOST_ROWS: Final = 500


class Views:
    """The page's views by name; numbers come as the digits of a query."""

    def __init__(self, emulator: Handle) -> None:
        self._emulator = emulator

    def by_name(self) -> dict[str, Callable[..., Any]]:
        """Each view under the last part of its path."""
        return {
            "overview": self.overview,
            "table": self.table,
            "chat": self.chat,
            "calls": self.calls,
            "approvals": self.approvals,
        }

    def overview(self) -> dict[str, Any]:
        """What there is: bases, chats, and how many calls and faults."""
        return {
            "url": self._emulator.url,
            "bases": list_bases(self._emulator.state),
            "chats": list_chats(self._emulator.state),
            "calls": self._emulator.journal.count(),
            "faults": len(self._emulator.faults.to_list()),
            "approvals": count_waiting(self._emulator.state),
        }

    def approvals(self) -> list[dict[str, Any]]:
        """The approval centre: instances with the tasks of each person, the newest first."""
        return list_approvals(self._emulator.state, self._emulator.decisions.log())

    def table(self, app_token: str, table_id: str, offset: str = "0", limit: str = "100") -> dict[str, Any]:
        """Fields and records of a table, *limit* from *offset* on."""
        state = self._emulator.state
        first, most = _number("offset", offset, 2**31), _number("limit", limit, MOST_ROWS)
        with state.lock:
            base = state.bases[app_token]
            return show_table(state, base, base.tables[table_id], first, most)

    def chat(self, chat_id: str, limit: str = "50", end: str | None = None) -> dict[str, Any]:
        """The newest messages of a chat, or of its first *end* ones."""
        state = self._emulator.state
        most = _number("limit", limit, MOST_ROWS, least=1)
        until = None if end is None else _number("end", end, 2**31)
        with state.lock:
            chat = state.directory.chats.find(chat_id)
            if chat is None:
                raise KeyError(chat_id)
            return show_chat(state, chat, most, until)

    def calls(self, skip: str = "0", limit: str = "100", only: str = "all") -> dict[str, Any]:
        """Requests, the newest first.

        :param only: ``all``, or ``failed``: refused, cut off or struck by a fault.
        """
        first, most = _number("skip", skip, 2**31), _number("limit", limit, MOST_ROWS)
        if only not in {"all", "failed"}:
            msg = f"only must be all or failed, not {only[:20]!r}"
            raise ValueError(msg)
        entries = self._emulator.journal.entries()
        if only == "failed":
            entries = [each for each in entries if _failed(each)]
        newest = entries[::-1][first : first + most]
        return {"total": len(entries), "skip": first, "entries": [_told(each) for each in newest]}


def _told(entry: LogEntry) -> dict[str, Any]:
    # the address of a webhook bot opens its group
    path = entry.template if ":hook_id" in entry.template else entry.path
    return {**asdict(entry), "path": path}


def _failed(entry: LogEntry) -> bool:
    return entry.code != 0 or not 200 <= entry.status < 400 or bool(entry.fault)


def _number(name: str, given: str, most: int, *, least: int = 0) -> int:
    text = str(given)
    if not (text.isascii() and text.isdecimal() and len(text) < 11) or not least <= int(text) <= most:
        msg = f"{name} must be an integer from {least} to {most}, not {text[:20]!r}"
        raise ValueError(msg)
    return int(text)
