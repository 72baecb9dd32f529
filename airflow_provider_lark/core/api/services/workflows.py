"""Automations of a base: ``client.workflows``.

They are in base/v3, which no public document describes; what stands here is read from the source of Lark's command
line client (lark-api §4.8). So a tenant may answer none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of, pick_list, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.limits import Quota
from airflow_provider_lark.core.api.wire.paging import walk_pages
from airflow_provider_lark.core.api.wire.routes import Route

SCOPES: Final = ("base:workflow:read", "base:workflow:create", "base:workflow:update")
"""What reading, making and changing automations needs."""

DELETE_SCOPES: Final = ("base:block:read", "base:block:write")
"""What deleting one needs besides."""

PAGE_MAX: Final = 100

_BASE: Final = "/open-apis/base/v3/bases/:app_token"
_ONE: Final = f"{_BASE}/workflows/:workflow_id"
# no source names one; those of other calls of a base are 10 to 50
_QUOTA: Final = Quota(5)
_MADE: Final = {"workflow_id": str}

LIST_WORKFLOWS = Route("POST", f"{_BASE}/workflows/list", "other", _QUOTA, gives={"items": list})
GET_WORKFLOW = Route("GET", _ONE, "other", _QUOTA, gives=_MADE)
CREATE_WORKFLOW = Route("POST", f"{_BASE}/workflows", "other", _QUOTA, "replayable", gives=_MADE)
UPDATE_WORKFLOW = Route("PUT", _ONE, "other", _QUOTA, "idempotent", gives=_MADE)
ENABLE_WORKFLOW = Route("PATCH", f"{_ONE}/enable", "other", _QUOTA, "idempotent")
DISABLE_WORKFLOW = Route("PATCH", f"{_ONE}/disable", "other", _QUOTA, "idempotent")
LIST_BLOCKS = Route("POST", f"{_BASE}/blocks/list", "other", _QUOTA, gives={"blocks": list})
DELETE_BLOCK = Route("DELETE", f"{_BASE}/blocks/:block_id", "other", _QUOTA, "once")


@dataclass(frozen=True, slots=True)
class Workflow:
    """An automation.

    :param trigger_type: of its first step, such as ``ChangeRecordTrigger``; empty where Lark does not say.
    :param steps: as Lark holds them: ``id``, ``type``, ``next`` and ``data``; in a list of automations there are none.
        Their headers may hold secrets.
    """

    workflow_id: str
    title: str
    is_enabled: bool
    trigger_type: str = ""
    steps: tuple[JsonObject, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """Automations of a base, without their steps."""

    items: tuple[Workflow, ...]
    has_more: bool
    page_token: str | None


@dataclass(frozen=True, slots=True)
class Block:
    """What the side bar of a base shows: ``table``, ``workflow`` and so on."""

    block_id: str
    type: str
    name: str


class Workflows(Namespace[D]):
    """Automations, as far as base/v3 is answered here."""

    @ApiPages
    def pages(self, *, app_token: str) -> Pages[WorkflowPage]:
        """Yield the automations of a base, without their steps.

        :raises UnexpectedAnswer: base/v3 is not answered here.
        :raises AccessDenied: the app lacks ``base:workflow:read``, or does not manage a base with advanced permissions.
        """
        subject = f"automations of base {app_token}"

        def fetch(page_token: str | None) -> Flow[WorkflowPage]:
            json: JsonObject = {"page_size": PAGE_MAX, **({"page_token": page_token} if page_token else {})}
            body = yield from self.session.call(LIST_WORKFLOWS, {"app_token": app_token}, json=json, subject=subject)
            data = data_of(body)
            items = pick_objects(data, "items", {"workflow_id": str}, endpoint=LIST_WORKFLOWS.endpoint)
            return WorkflowPage(tuple(map(_read, items)), data.get("has_more") is True, data.get("page_token") or None)

        return walk_pages(fetch, subject=subject)

    @ApiCall
    def get(self, *, app_token: str, workflow_id: str) -> Flow[Workflow]:
        """Return an automation with its steps. Of an id that is not there, Lark says that it broke down."""
        ids = {"app_token": app_token, "workflow_id": workflow_id}
        return _read(data_of((yield from self.session.call(GET_WORKFLOW, ids))))

    @ApiCall
    def create(self, *, app_token: str, title: str, steps: Sequence[Mapping[str, Any]]) -> Flow[Workflow]:
        """Make an automation; it is off.

        :raises BadRequest: Lark refuses the steps.
        """
        json = {"client_token": self.session.settings.new_token(), "title": title, "steps": list(steps)}
        subject = f"automation {title!r} of base {app_token}"
        body = yield from self.session.call(CREATE_WORKFLOW, {"app_token": app_token}, json=json, subject=subject)
        return _read(data_of(body))

    @ApiCall
    def update(
        self, *, app_token: str, workflow_id: str, title: str, steps: Sequence[Mapping[str, Any]]
    ) -> Flow[Workflow]:
        """Replace title and steps; whether it is on stays.

        :raises BadRequest: Lark refuses the steps.
        """
        ids = {"app_token": app_token, "workflow_id": workflow_id}
        json = {"title": title, "steps": list(steps)}
        return _read(data_of((yield from self.session.call(UPDATE_WORKFLOW, ids, json=json))))

    @ApiCall
    def enable(self, *, app_token: str, workflow_id: str) -> Flow[None]:
        """Switch an automation on."""
        ids = {"app_token": app_token, "workflow_id": workflow_id}
        # without a body Lark times out
        yield from self.session.call(ENABLE_WORKFLOW, ids, json={})

    @ApiCall
    def disable(self, *, app_token: str, workflow_id: str) -> Flow[None]:
        """Switch an automation off."""
        ids = {"app_token": app_token, "workflow_id": workflow_id}
        yield from self.session.call(DISABLE_WORKFLOW, ids, json={})

    @ApiCall
    def blocks(self, *, app_token: str) -> Flow[list[Block]]:
        """Return what the side bar of a base shows.

        :raises AccessDenied: the app lacks ``base:block:read``.
        """
        subject = f"blocks of base {app_token}"
        body = yield from self.session.call(LIST_BLOCKS, {"app_token": app_token}, json={}, subject=subject)
        found = pick_list(data_of(body), "blocks", endpoint=LIST_BLOCKS.endpoint)
        return [
            Block(str(each["id"]), str(each.get("type") or ""), str(each.get("name") or ""))
            for each in found
            if isinstance(each, dict) and each.get("id")
        ]

    @ApiCall
    def delete_block(self, *, app_token: str, block_id: str) -> Flow[None]:
        """Delete a table, an automation or another block, with all that is in it.

        :raises AccessDenied: the app lacks ``base:block:write``.
        """
        yield from self.session.call(DELETE_BLOCK, {"app_token": app_token, "block_id": block_id})


def _read(told: Mapping[str, Any]) -> Workflow:
    steps = told.get("steps")
    return Workflow(
        workflow_id=told["workflow_id"],
        title=str(told.get("title") or ""),
        is_enabled=told.get("status") == "enabled",
        trigger_type=str(told.get("trigger_type") or ""),
        steps=tuple(each for each in steps if isinstance(each, dict)) if isinstance(steps, list) else (),
    )
