"""A call of any API as a task makes it: on a worker, or in the triggerer; what is asked for of its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.hooks.parameters import refuse_open_addresses, refuse_token_path
from airflow_provider_lark.hooks.xcom_size import XCOM_BYTES_MAX, json_size

if TYPE_CHECKING:
    from airflow_provider_lark.core import AsyncLarkClient, LarkClient
    from airflow_provider_lark.core.api.wire.forms import UploadFile
    from airflow_provider_lark.core.api.wire.routes import Effect

MAX_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class AnyCall:
    """A call, and what to return of it; see :class:`.LarkApiOperator`.

    :param max_items: with *paginate*, after how many items to stop.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    result_path: str | None = None
    paginate: bool = False
    items: str = "items"
    max_items: int = MAX_ITEMS

    def __post_init__(self) -> None:
        refuse_token_path(self.path)

    @property
    def api(self) -> str:
        """The path for messages: a query may hold anything."""
        return self.path.partition("?")[0]

    def to_plain(self) -> dict[str, Any]:
        """Return what makes an equal one, as plain values."""
        return asdict(self)

    def effect(self, host: str) -> Effect:
        """Return what a second sending of it does; pages are only read."""
        from airflow_provider_lark.core.api.services.openapi import call_effect

        effect = call_effect(host, self.method, self.path, query=self.query, json=self.json)
        return "read" if self.paginate else effect

    def run(
        self, client: LarkClient, log: Any, *, form: Mapping[str, Any] | None, files: Mapping[str, UploadFile] | None
    ) -> Any:
        """Make the call, and return what is asked for of its answer.

        :param log: told of it.
        :raises LarkError: it fails, or its answer must not become an XCom.
        """
        if not self.paginate:
            given = {"query": self.query, "json": self.json, "form": form, "files": files}
            return self._take(client.call(self.method, self.path, **given), log)
        if form or files:
            raise ConfigError("paginate: cannot be combined with form or files")
        taken = _Taken(self)
        for page in client.call_pages(self.method, self.path, query=self.query, json=self.json, items=self.items):
            if not taken.add(page[self.items]):
                break
        return taken.result(log)

    async def run_async(self, client: AsyncLarkClient, log: Any) -> Any:
        """Do what :meth:`run` does, without blocking the event loop."""
        if not self.paginate:
            return self._take(await client.call(self.method, self.path, query=self.query, json=self.json), log)
        taken = _Taken(self)
        pages = client.call_pages(self.method, self.path, query=self.query, json=self.json, items=self.items)
        async for page in pages:
            if not taken.add(page[self.items]):
                break
        return taken.result(log)

    def _take(self, answer: Mapping[str, Any], log: Any) -> Any:
        log.info("%s: call succeeded", self.api)
        if self.result_path:
            return self.check(take(answer, self.result_path))
        if "data" in answer:
            return self.check(answer["data"])
        return self.check({name: value for name, value in answer.items() if name not in ("code", "msg")})

    def check(self, result: Any) -> Any:
        """Return *result*, which may become an XCom.

        :raises TooLarge: it is more than one should hold.
        :raises ConfigError: it holds an address from which anybody can download a file.
        """
        size = json_size(result)
        if size > XCOM_BYTES_MAX:
            raise TooLarge(
                f"{self.api}: the answer is {size:,} bytes of JSON, more than the {XCOM_BYTES_MAX:,} an XCom should "
                "hold; select less with result_path or max_items, or call LarkHook from your own task"
            )
        refuse_open_addresses(result, self.api)
        return result


class _Taken:
    """The items of all pages so far."""

    def __init__(self, call: AnyCall) -> None:
        self._call = call
        self._found: list[Any] = []
        self._is_cut = False

    def add(self, items: Iterable[Any]) -> bool:
        """Take the items of a page; False once there are enough, and this one has more."""
        path, limit = self._call.result_path, self._call.max_items
        for item in items:
            if len(self._found) == limit:
                self._is_cut = True
                return False
            self._found.append(take(item, path) if path else item)
        return True

    def result(self, log: Any) -> dict[str, Any]:
        """Return all of them as what a task returns."""
        api, count = self._call.api, len(self._found)
        if self._is_cut:
            log.warning("%s: stopped after %d items although there are more; raise max_items to read them", api, count)
        else:
            log.info("%s: %d items", api, count)
        result = {"items": self._found, "count": count, "is_complete": not self._is_cut}
        self._call.check(result)
        return result


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
            raise ConfigError(f"result_path {path!r}: cannot read {step!r} from a value of type {type(found).__name__}")
    return found
