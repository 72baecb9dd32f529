"""LarkApiOperator: any API of Lark as a task, for what has no operator of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import (
    read_count,
    read_json,
    read_text,
    refuse_open_addresses,
    refuse_token_path,
)
from airflow_provider_lark.operators.record_results import XCOM_BYTES_MAX, json_size
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient

MAX_ITEMS = 10_000


class LarkApiOperator(CallingOperator):
    """Calls an API of Lark and returns its answer.

    A task that is retried sends its request again: give what may not be done twice a ``client_token`` (in *query*) or a
    ``uuid`` (in *json*), where the API knows one, that stays the same in a run.

    :param method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: from ``/open-apis/`` on, ids filled in.
    :param query: text, numbers, true or false; a list is sent as a repeated parameter, None not at all.
    :param json: the body.
    :param result_path: what to return, by steps with dots between: ``data.user.name``, ``data.items.0``; with
        *paginate* the path within each item. Default: the ``data`` of the answer, or all of it where it has none.
    :param paginate: read page after page and return ``{"items": […], "count": n, "is_complete": true}``.
    :param items: with *paginate*, the list within ``data`` that goes on from page to page.
    :param max_items: with *paginate*, after how many items to stop; ``is_complete`` is false then, and the log warns.
    :param lark_conn_id: connection of type ``lark``.
    """

    template_fields: Sequence[str] = (
        "method",
        "path",
        "query",
        "json",
        "result_path",
        "items",
        "max_items",
        "lark_conn_id",
        *CallingOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"query": "json", "json": "json"}
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        path: str,
        method: str = "GET",
        query: Mapping[str, Any] | str | None = None,
        json: Any = None,
        result_path: str | None = None,
        paginate: bool = False,
        items: str = "items",
        max_items: int | str = MAX_ITEMS,
        lark_conn_id: str = "lark_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.method = method
        self.path = path
        self.query = query
        self.json = json
        self.result_path = result_path
        self.paginate = paginate
        self.items = items
        self.max_items = max_items
        self.lark_conn_id = lark_conn_id

    def execute(self, context: Context) -> Any:
        """Call the API, and return what was asked for of its answer."""
        from airflow_provider_lark.hooks.lark import LarkHook

        with airflow_errors():
            refuse_token_path(self.path)
            with LarkHook(self.lark_conn_id, **self.call_settings).client(stop=self.stop_flag) as client:
                result = self._read_pages(client) if self.paginate else self._read(client)
            self._check_size(result)
            refuse_open_addresses(result, self._api)
        return result

    @property
    def _api(self) -> str:
        """The path for messages: a query may hold anything."""
        return self.path.partition("?")[0]

    def _request(self) -> dict[str, Any]:
        # an empty template is nothing, an empty object is a body
        query, body = (None if part in ("", "None") else part for part in (self.query, self.json))
        return {"query": read_json(query or None, "query"), "json": read_json(body, "json")}

    def _read(self, client: LarkClient) -> Any:
        answer = client.call(self.method, self.path, **self._request())
        self.log.info("%s: answered", self._api)
        if path := read_text(self.result_path):
            return take(answer, path)
        return answer["data"] if "data" in answer else {n: v for n, v in answer.items() if n not in ("code", "msg")}

    def _read_pages(self, client: LarkClient) -> dict[str, Any]:
        limit = read_count(self.max_items, "max_items") or MAX_ITEMS
        found: list[Any] = []
        path = read_text(self.result_path)
        for item in self._iterate(client):
            if len(found) == limit:
                self.log.warning("%s: stopped after %d items, and there are more; raise max_items", self._api, limit)
                return {"items": found, "count": limit, "is_complete": False}
            found.append(take(item, path) if path else item)
        self.log.info("%s: %d items", self._api, len(found))
        return {"items": found, "count": len(found), "is_complete": True}

    def _iterate(self, client: LarkClient) -> Iterator[Any]:
        for page in client.call_pages(self.method, self.path, items=self.items, **self._request()):
            yield from page[self.items]

    def _check_size(self, result: Any) -> None:
        size = json_size(result)
        if size > XCOM_BYTES_MAX:
            raise TooLarge(
                f"{self._api}: the answer is {size:,} bytes of JSON, more than the {XCOM_BYTES_MAX:,} that an XCom "
                "should hold; take less of it by result_path or max_items, or call the LarkHook in a task of your own"
            )


def take(answer: Any, path: str) -> Any:
    """Return the part of *answer* at *path*; what is missing in an object is None, as Lark leaves out what is empty.

    >>> take({"data": {"items": [{"name": "a"}]}}, "data.items.0.name")
    'a'

    :raises ConfigError: the path goes on where there is no object and no list.
    """
    found = answer
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isdecimal():
            found = found[int(step)] if int(step) < len(found) else None
        elif found is not None:
            raise ConfigError(f"result_path {path!r}: there is nothing within {type(found).__name__} at {step!r}")
    return found
