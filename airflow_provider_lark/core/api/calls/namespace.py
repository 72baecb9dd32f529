"""How a call that is written once becomes a method of both clients.

A namespace method is a generator; :class:`ApiCall` makes ``client.bitable.get_app(…)`` return the result on
:class:`.LarkClient` and an awaitable of it on :class:`.AsyncLarkClient`,
and :class:`ApiPages` an iterator or an async one.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeAlias, TypeVar, overload

from airflow_provider_lark.core.api.calls.session import Session
from airflow_provider_lark.core.api.wire.flow import Flow, Pages

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D")


class SyncDriver(Protocol):
    """Runs calls and blocks."""

    def run(self, flow: Flow[T]) -> T:
        """Run one call."""
        ...

    def iterate(self, pages: Pages[T]) -> Iterator[T]:
        """Run calls one after the other, each when it is asked for."""
        ...


class AsyncDriver(Protocol):
    """Runs calls on an event loop."""

    async def run(self, flow: Flow[T]) -> T:
        """Run one call."""
        ...

    def iterate(self, pages: Pages[T]) -> AsyncIterator[T]:
        """Run calls one after the other, each when it is asked for."""
        ...


class Namespace(Generic[D]):
    """A group of calls, bound to the driver that runs them."""

    def __init__(self, driver: D, session: Session) -> None:
        self.driver = driver
        self.session = session


_Sync: TypeAlias = Namespace[SyncDriver] | SyncDriver
_Async: TypeAlias = Namespace[AsyncDriver] | AsyncDriver


class ApiCall(Generic[P, T]):
    """A call; see the module."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, namespace: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, namespace: _Sync, owner: type[Any]) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, namespace: Namespace[AsyncDriver] | AsyncDriver, owner: type[Any]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, namespace: Any, owner: type[Any]) -> Any:
        if namespace is None:
            return self
        return _bind(_driver_of(namespace).run, self.flow, namespace)


class ApiPages(Generic[P, T]):
    """A stream of calls; see the module."""

    def __init__(self, pages: Callable[Concatenate[Any, P], Pages[T]]) -> None:
        self.pages = pages
        self.__doc__ = pages.__doc__

    @overload
    def __get__(self, namespace: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, namespace: _Sync, owner: type[Any]) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, namespace: Namespace[AsyncDriver] | AsyncDriver, owner: type[Any]
    ) -> Callable[P, AsyncIterator[T]]: ...

    def __get__(self, namespace: Any, owner: type[Any]) -> Any:
        if namespace is None:
            return self
        return _bind(_driver_of(namespace).iterate, self.pages, namespace)


def _driver_of(owner: Any) -> Any:
    # a client has calls of its own, and drives them itself
    return owner.driver if isinstance(owner, Namespace) else owner


def _bind(run: Callable[[Any], Any], method: Callable[..., Any], namespace: Any) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        flow = method(namespace, *args, **kwargs)
        # from here on no traceback with locals can show what was given: cells, a code, a ticket
        del args, kwargs
        return run(flow)

    return call
