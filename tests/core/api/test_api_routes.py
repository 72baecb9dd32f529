"""The client's routes and limits beside the emulator's: both come from Lark's documents, not from each other."""

from __future__ import annotations

import re

import pytest

from airflow_provider_lark.core.api.wire import limits
from airflow_provider_lark.core.api.wire.routes import _ALL, SEARCH, Route, find_route
from airflow_provider_lark.emulator.routes import media
from airflow_provider_lark.emulator.routes.im import content, messages
from airflow_provider_lark.emulator.routes.router import Route as EmulatedRoute
from airflow_provider_lark.emulator.serving.dispatch import ROUTES


def _shape(method: str, template: str) -> str:
    return f"{method} {re.sub(r':[a-z_]+', ':', template)}"


EMULATED: dict[str, EmulatedRoute] = {_shape(route.method, route.template): route for route in ROUTES}


@pytest.mark.parametrize("route", _ALL, ids=lambda route: route.endpoint)
def test_route_exists_and_its_quota_is_the_documents(route: Route) -> None:
    emulated = EMULATED[_shape(route.method, route.template)]
    if route.quota is None:
        return
    stated = {(rate.most, rate.period_seconds) for rate in (emulated.rate, emulated.also) if rate is not None}
    ours = {(route.quota.calls, route.quota.seconds)}
    if route.quota.burst is not None:
        ours.add((route.quota.burst, 1.0))
    assert ours == stated


def test_limits_of_files_and_texts_are_the_documents() -> None:
    assert limits.UPLOAD_WHOLE_MAX_BYTES == media.media.MAX_WHOLE
    assert limits.FILE_NAME_MAX == media.media.MAX_NAME
    assert limits.TMP_URLS_MAX == media.MAX_LINKS
    assert (limits.TEXT_MESSAGE_MAX_BYTES, limits.MESSAGE_UUID_MAX) == (content.MAX_TEXT_BYTES, messages.MAX_UUID)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("POST", SEARCH.path({"app_token": "a/b", "table_id": "t"}), ("a/b", "t"), id="ids quoted"),
        pytest.param("GET", "/open-apis/bitable/v1/apps/a/tables/t/records/search", None, id="other method"),
        pytest.param("POST", "/open-apis/bitable/v1/apps/a/tables/t/records/search/x", None, id="longer"),
    ],
)
def test_route_is_found_by_its_path(method: str, path: str, expected: tuple[str, str] | None) -> None:
    found = find_route(method, path)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert found[0] is SEARCH
    assert tuple(found[1].values()) == expected
