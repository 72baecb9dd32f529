"""LarkApiOperator: any API of Lark as a task, for what has no operator of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import conf

from airflow_provider_lark.hooks.calls.api_call import MAX_ITEMS, AnyCall
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import read_count, read_json, read_text
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.hooks.lark import LarkHook


class LarkApiOperator(CallingOperator):
    """Calls an API of Lark and returns its answer.

    A task that is retried sends its request again: give what may not be done twice a ``client_token`` (in *query*) or a
    ``uuid`` (in *json* or *form*), where the API knows one, that stays the same in a run.

    :param method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: from ``/open-apis/`` on, ids filled in.
    :param query: text, numbers, true or false; a list is sent as a repeated parameter, None not at all.
    :param json: the body.
    :param form: in place of *json*, the members of a multipart body, beside its *files*.
    :param files: the files of a multipart body by the names of their parts, read part by part while they are sent: each
        a path, local or of an object storage (``s3://…``), or a dictionary of ``path`` or ``content`` with ``name`` and
        ``content_type``.
    :param storage_conn_id: connection of the object storage.
    :param result_path: what to return, by steps with dots between: ``data.user.name``, ``data.items.0``; with
        *paginate* the path within each item. Default: the ``data`` of the answer, or all of it where it has none.
    :param paginate: read page after page and return ``{"items": […], "count": n, "is_complete": true}``.
    :param items: with *paginate*, the list within ``data`` that goes on from page to page.
    :param max_items: with *paginate*, after how many items to stop; ``is_complete`` is false then, and the log warns.
    :param deferrable: call in the triggerer and free the worker; by default as ``[operators] default_deferrable`` says.
        Calls that may not be made twice, that send files, or whose retry handler is a function are made on the worker
        all the same, and the log says why.
    :param lark_conn_id: connection of type ``lark``.
    """

    template_fields: Sequence[str] = (
        *("method", "path", "query", "json", "form", "files", "storage_conn_id"),
        *("result_path", "items", "max_items", "lark_conn_id"),
        *CallingOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"query": "json", "json": "json", "form": "json"}
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        path: str,
        method: str = "GET",
        query: Mapping[str, Any] | str | None = None,
        json: Any = None,
        form: Mapping[str, Any] | str | None = None,
        files: Mapping[str, Any] | str | None = None,
        storage_conn_id: str | None = None,
        result_path: str | None = None,
        paginate: bool = False,
        items: str = "items",
        max_items: int | str = MAX_ITEMS,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        lark_conn_id: str = "lark_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.method = method
        self.path = path
        self.query = query
        self.json = json
        self.form = form
        self.files = files
        self.storage_conn_id = storage_conn_id
        self.result_path = result_path
        self.paginate = paginate
        self.items = items
        self.max_items = max_items
        self.deferrable = deferrable
        self.lark_conn_id = lark_conn_id

    def execute(self, context: Context) -> Any:
        """Call the API, here or in the triggerer, and return what was asked for of its answer."""
        from airflow_provider_lark.hooks.calls.upload_files import opened_files, read_files
        from airflow_provider_lark.hooks.lark import LarkHook

        with airflow_errors():
            call, form = self._call(), read_json(_given(self.form), "form")
            hook = LarkHook(self.lark_conn_id, **self.call_settings)
            if not self.deferrable or not self._may_defer(call, hook, has_body=bool(form or read_files(self.files))):
                with (
                    opened_files(self.files, read_text(self.storage_conn_id)) as files,
                    hook.client(stop=self.stop_flag) as client,
                ):
                    return call.run(client, self.log, form=form, files=files)
        return self._defer(call, hook)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Return what the triggerer was answered.

        :raises AirflowFailException: a person has to change something.
        :raises AirflowException: the call may succeed another time.
        """
        from airflow_provider_lark.hooks.call_events import read_event

        with airflow_errors():
            return read_event(event)

    def _call(self) -> AnyCall:
        # an empty template is nothing, an empty object is a body
        return AnyCall(
            method=self.method,
            path=self.path,
            query=read_json(_given(self.query) or None, "query"),
            json=read_json(_given(self.json), "json"),
            result_path=read_text(self.result_path),
            paginate=self.paginate,
            items=self.items,
            max_items=read_count(self.max_items, "max_items") or MAX_ITEMS,
        )

    def _may_defer(self, call: AnyCall, hook: LarkHook, *, has_body: bool) -> bool:
        from airflow_provider_lark.hooks.call_events import why_on_worker

        reason = "files cannot be passed to the triggerer" if has_body else why_on_worker(call, hook)
        if reason:
            self.log.info("%s: made on the worker instead of the triggerer: %s", call.api, reason)
        return reason is None

    def _defer(self, call: AnyCall, hook: LarkHook) -> None:
        from airflow_provider_lark.hooks.call_events import latest_start
        from airflow_provider_lark.triggers.api import LarkApiTrigger

        self.defer(
            trigger=LarkApiTrigger(
                lark_conn_id=self.lark_conn_id,
                call=call.to_plain(),
                calls=hook.calls.to_plain(),
                not_after=latest_start(call, hook),
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )


def _given(value: Any) -> Any:
    return None if value in ("", "None") else value
