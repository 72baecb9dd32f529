"""Wiki nodes: ``client.wiki``. A base inside a wiki is addressed by the node; the node knows the app_token."""

from __future__ import annotations

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import data_of, pick
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.results import WikiNode
from airflow_provider_lark.core.api.wire.routes import WIKI_NODE


class Wiki(Namespace[D]):
    """The wiki API."""

    @ApiCall
    def get_node(self, *, token: str) -> Flow[WikiNode]:
        """Return what the node with *token* (from a ``/wiki/…`` address) shows."""
        body = yield from self.session.call(WIKI_NODE, query={"token": token}, subject=f"wiki node {token}")
        node = pick(data_of(body), "node", dict, endpoint=WIKI_NODE.endpoint)
        return WikiNode(
            obj_token=pick(node, "obj_token", str, endpoint=WIKI_NODE.endpoint),
            obj_type=pick(node, "obj_type", str, endpoint=WIKI_NODE.endpoint),
            title=node.get("title") or "",
        )
