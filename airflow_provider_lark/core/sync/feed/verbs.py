"""Installing, checking and removing feeds: one automation a table, recognised by what it posts, or by its title."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.api.address import TableRef
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.workflows import DELETE_SCOPES, SCOPES, Workflow
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, NotFound, ReadFailed, UnexpectedAnswer
from airflow_provider_lark.core.receiving.address_check import show_url
from airflow_provider_lark.core.receiving.feed_door import feed_token
from airflow_provider_lark.core.sync.feed.automation import (
    TITLE_START,
    TRIGGER,
    Told,
    Wanted,
    all_records,
    faults,
    read,
    steps_of,
)

State = Literal["installed", "updated", "unchanged", "ok", "missing", "off", "changed", "removed", "switched off"]

_NO_SUCH_API = frozenset({99991201, 99991301})
_NO_SCOPE = 99991672


@dataclass(frozen=True, slots=True)
class TableFeed:
    """How the feed of one table stands, or what was done with it.

    :param workflow_id: of its automation; empty where there is none.
    :param address: where it posts.
    :param detail: what is not as it should be, and what to do.
    """

    table: TableRef
    state: State
    workflow_id: str = ""
    address: str = ""
    detail: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing is left to do."""
        return self.state not in ("missing", "off", "changed", "switched off")


@dataclass(frozen=True, slots=True)
class _Ours:
    workflow: Workflow
    told: Told | None


class Feeds:
    """The feeds of one app. :meth:`status` reads the automations of a base once, until another verb is used.

    :param app_secret: the app's; the tokens of its feeds are made from it.
    :param address: where feeds post; empty: not known, and so not checked.
    """

    def __init__(self, client: LarkClient, app_secret: Secret, address: str = "") -> None:
        self._client = client
        self._secret = app_secret
        self._address = address
        self._names: dict[str, dict[str, str]] = {}
        self._found: dict[str, list[_Ours]] = {}
        self._needs_conditions = False

    def install(self, tables: Sequence[TableRef]) -> Iterator[TableFeed]:
        """Make the automation of each table, or put it right, and switch it on.

        :raises AccessDenied: the app lacks a scope (the message names all), or the right to the base.
        :raises UnexpectedAnswer: Lark does not let apps at automations here.
        """
        self._found.clear()
        try:
            for table in tables:
                with _explained(table.app_token):
                    done = self._install(table)
                yield done
        finally:
            # what was read is no longer so
            self._found.clear()

    def _install(self, table: TableRef) -> TableFeed:
        wanted, found = self._look(table)
        if not wanted.table_name:
            raise NotFound(f"base {table.app_token} has no table {table.table_id}; correct the mapping")
        if not found:
            made = self._write(
                wanted,
                lambda steps: self._client.workflows.create(app_token=table.app_token, title=wanted.title, steps=steps),
            )
            self._client.workflows.enable(app_token=table.app_token, workflow_id=made.workflow_id)
            return TableFeed(table, "installed", made.workflow_id, self._address)
        (kept, *others), done = found, list[str]()
        workflow_id = kept.workflow.workflow_id
        wrong = ["somebody has changed its steps"] if kept.told is None else faults(kept.told, wanted)
        is_on = kept.workflow.is_enabled
        if wrong:
            changed = self._write(
                wanted,
                lambda steps: self._client.workflows.update(
                    app_token=table.app_token, workflow_id=workflow_id, title=wanted.title, steps=steps
                ),
            )
            done += wrong
            is_on = changed.is_enabled
        if not is_on:
            self._client.workflows.enable(app_token=table.app_token, workflow_id=workflow_id)
        if not kept.workflow.is_enabled:
            done.append("it was switched off")
        for other in others:
            left = self._remove(table.app_token, other.workflow)
            done.append(f"a second one, {other.workflow.workflow_id}, was {left or 'removed'}")
        return TableFeed(table, "updated" if done else "unchanged", workflow_id, self._address, "; ".join(done))

    def status(self, tables: Sequence[TableRef]) -> Iterator[TableFeed]:
        """Tell how the automation of each table stands; nothing is changed.

        :raises AccessDenied: as :meth:`install`; likewise UnexpectedAnswer.
        """
        for table in tables:
            with _explained(table.app_token):
                found = self._status(table)
            yield found

    def _status(self, table: TableRef) -> TableFeed:
        wanted, found = self._look(table)
        if not found:
            return TableFeed(table, "missing", detail="the base has no automation for it")
        (kept, *others) = found
        told, workflow_id = kept.told, kept.workflow.workflow_id
        address = "" if told is None else show_url(told.address)
        wrong = ["somebody has changed its steps"] if told is None else faults(told, wanted)
        if others:
            wrong.append(f"there are {len(others)} more for the same table")
        if not kept.workflow.is_enabled:
            return TableFeed(table, "off", workflow_id, address, "; ".join(["it is switched off", *wrong]))
        return TableFeed(table, "changed" if wrong else "ok", workflow_id, address, "; ".join(wrong))

    def uninstall(self, tables: Sequence[TableRef]) -> Iterator[TableFeed]:
        """Delete the automations of the tables. Where Lark lets none be deleted, they are switched off.

        :raises AccessDenied: as :meth:`install`; likewise UnexpectedAnswer.
        """
        self._found.clear()
        try:
            for table in tables:
                with _explained(table.app_token):
                    # a table may be gone, and its automation left
                    _, found = self._look(table)
                for each in found:
                    with _explained(table.app_token):
                        left = self._remove(table.app_token, each.workflow)
                    state: State = "switched off" if left else "removed"
                    yield TableFeed(table, state, each.workflow.workflow_id, detail=left)
                if not found:
                    yield TableFeed(table, "removed", detail="there was none")
        finally:
            self._found.clear()

    def _remove(self, app_token: str, workflow: Workflow) -> str:
        """Delete an automation; return what is left of it, empty for nothing."""
        workflow_id = workflow.workflow_id
        if workflow.is_enabled:
            # first, so that it is quiet also where it cannot be deleted
            self._client.workflows.disable(app_token=app_token, workflow_id=workflow_id)
        try:
            blocks = [each for each in self._client.workflows.blocks(app_token=app_token) if each.type == "workflow"]
            # whether a block has an id of its own, no document says
            same = [each.block_id for each in blocks if each.block_id == workflow_id]
            named = same or [each.block_id for each in blocks if each.name == workflow.title]
            if len(named) != 1:
                return "switched off only: it cannot be told from others in the base; delete it there"
            self._client.workflows.delete_block(app_token=app_token, block_id=named[0])
        except (AccessDenied, BadRequest, NotFound, UnexpectedAnswer) as exc:
            more = f"add the scopes {' and '.join(DELETE_SCOPES)}, or delete it in the base under Automations"
            return f"switched off only, since Lark lets it not be deleted ({exc.message}); {more}"
        return ""

    def _look(self, table: TableRef) -> tuple[Wanted, list[_Ours]]:
        """Return what should be, and the automations of ours for the table, the one to keep first."""
        app_token, app_id = table.app_token, self._client.app_id
        wanted = Wanted(
            app_id,
            app_token,
            table.table_id,
            self._name(table),
            self._address,
            feed_token(app_id, self._secret, app_token=app_token, table_id=table.table_id),
        )
        about = (app_id, app_token, table.table_id)
        ours = self._of(app_token)
        exact = [each for each in ours if each.told is not None and each.told.about == about]
        # its steps were changed, or the base is a copy of another one
        by_title = [each for each in ours if each not in exact and each.workflow.title == wanted.title]
        return wanted, [*exact, *by_title]

    def _of(self, app_token: str) -> list[_Ours]:
        if app_token not in self._found:
            pages = self._client.workflows.pages(app_token=app_token)
            listed = [each for page in pages for each in page.items]
            read_ = (self._read(app_token, each) for each in listed)
            self._found[app_token] = [each for each in read_ if each is not None]
        return self._found[app_token]

    def _read(self, app_token: str, listed: Workflow) -> _Ours | None:
        """Return an automation with its steps; None where it cannot be ours."""
        is_named = listed.title.startswith(TITLE_START)
        if not is_named and listed.trigger_type not in ("", TRIGGER):
            return None
        try:
            whole = self._client.workflows.get(app_token=app_token, workflow_id=listed.workflow_id)
        except (BadRequest, NotFound, ReadFailed):
            if is_named:
                raise
            # what somebody else made, and Lark cannot show, is no reason to have no feed
            return None
        return _Ours(whole, read(whole))

    def _name(self, table: TableRef) -> str:
        if table.app_token not in self._names:
            tables = self._client.bitable.list_tables(app_token=table.app_token)
            self._names[table.app_token] = {each.table_id: each.name for each in tables}
        return self._names[table.app_token].get(table.table_id, "")

    def _write(self, wanted: Wanted, write: Callable[[list[JsonObject]], Workflow]) -> Workflow:
        if not self._needs_conditions:
            try:
                return write(steps_of(wanted, None))
            except BadRequest as exc:
                refusal = exc
        fields = self._client.bitable.list_fields(app_token=wanted.app_token, table_id=wanted.table_id)
        primary = next((each for each in fields if each.get("is_primary")), fields[0])["field_name"]
        try:
            made = write(steps_of(wanted, all_records(primary)))
        except BadRequest:
            if self._needs_conditions:
                raise
            # it was not for want of conditions
            raise refusal from None
        self._needs_conditions = True
        return made


@contextmanager
def _explained(app_token: str) -> Iterator[None]:
    """Say what a feed needs, where Lark refuses what it is made of."""
    try:
        yield
    except UnexpectedAnswer as exc:
        if exc.code not in _NO_SUCH_API and "HTTP 404" not in exc.message:
            raise
        raise UnexpectedAnswer(
            f"base {app_token}: Lark does not let apps at automations (base/v3) here, so there can be no feed; use "
            "events, or a shorter poll_interval",
            code=exc.code,
            log_id=exc.log_id,
            endpoint=exc.endpoint,
        ) from None
    except AccessDenied as exc:
        if exc.code != _NO_SCOPE:
            raise
        lacking = " or ".join(exc.scopes) or "one of them"
        raise AccessDenied(
            f"base {app_token}: a feed needs the scopes {', '.join(SCOPES)}, and the app lacks {lacking}; add what is "
            "missing in the developer console under Permissions & Scopes, and publish a version of the app",
            scopes=exc.scopes,
            code=exc.code,
            log_id=exc.log_id,
            endpoint=exc.endpoint,
        ) from None
