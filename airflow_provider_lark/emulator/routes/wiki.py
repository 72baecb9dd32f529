"""Wiki nodes: from the token of a wiki link to the document behind it (lark-api §7.3)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.router import Rate, Route
from airflow_provider_lark.emulator.state.platform import State, WikiNode
from airflow_provider_lark.emulator.wire import Request

OBJ_TYPES: Final = frozenset({"wiki", "doc", "docx", "sheet", "mindnote", "bitable", "file", "slides"})
_SPACE: Final = "7000000000000000001"
_MADE: Final = "1700000000"


def _node(state: State, request: Request) -> WikiNode:
    token, obj_type = request.query.get("token"), request.query.get("obj_type", "wiki")
    if not token:
        raise ApiError(131002, "token is required")
    if obj_type not in OBJ_TYPES:
        raise ApiError(131002, f"obj_type must be one of {sorted(OBJ_TYPES)}")
    if obj_type == "wiki":
        node = state.wiki_nodes.get(token)
    else:
        nodes = [each for each in state.wiki_nodes.values() if not each.is_shortcut]
        node = next((each for each in nodes if (each.obj_token, each.obj_type) == (token, obj_type)), None)
    if node is None:
        raise ApiError(131005, "the wiki node does not exist")
    if node.members is not None and request.member_id not in node.members:
        raise ApiError(131006, "the caller may not read the node: add the app to the wiki space or the document")
    return node


def get_node(state: State, request: Request) -> dict[str, Any]:
    """A node by its own token, or by its document's with ``obj_type``."""
    node = _node(state, request)
    person = state.person.open_id
    described = {
        "space_id": _SPACE,
        "node_token": node.node_token,
        "obj_token": node.obj_token,
        "obj_type": node.obj_type,
        "parent_node_token": "",
        "node_type": "shortcut" if node.is_shortcut else "origin",
        "origin_node_token": node.origin_token,
        "origin_space_id": _SPACE,
        "has_child": False,
        "title": node.title,
        "obj_create_time": _MADE,
        "obj_edit_time": _MADE,
        "node_create_time": _MADE,
        "creator": person,
        "owner": person,
    }
    return {"node": described}


ROUTES: Final = (
    Route(
        "GET",
        "/open-apis/wiki/v2/spaces/get_node",
        get_node,
        query=frozenset({"token", "obj_type"}),
        scopes=("wiki:wiki", "wiki:wiki:readonly", "wiki:node:read"),
        rate=Rate(100, 60),
        coverage="partly",
        note="one space without a hierarchy; origins and shortcuts",
    ),
)
