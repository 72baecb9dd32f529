"""Who gets what of the page: every route, without a login, with each role, and from another site."""

from __future__ import annotations

import json

import pytest

from airflow_provider_lark.plugins.sync_page import mounting
from airflow_provider_lark.plugins.sync_page.mounting import read_apps, read_views

RETRY = {"mapping": "orders", "keys": ["1"]}
RETRY_ALL = {"mapping": "orders", "text": "", "seen": {"count": 99, "up_to": 9999, "up_to_ms": 2**53}}
CHANGES = {
    "retry": RETRY,
    "retry-all": RETRY_ALL,
    "conflicts/resolve": {"mapping": "orders", "take": "sql", "conflicts": [{"id": 1, "seen": "x"}]},
    "held/decide": {"mapping": "orders", "kept_in": "lark", "choice": "release", "seen": "x"},
    "blacklist/add": {"mapping": "orders", "keys": ["5"]},
    "blacklist/remove": {"mapping": "orders", "keys": ["99"]},
}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def paths_of(app):
    """Every route that the application has, with its methods, as Starlette knows them."""
    found = {(route.path, method) for route in app.routes for method in route.methods}
    assert len(found) > 15
    return found


def test_every_route_but_the_page_itself_needs_a_login(visit, shop):
    """O26: also HEAD, OPTIONS, a schema, and what there is none of; a route that is added later is found here."""
    from airflow_provider_lark.plugins.sync_page.app import make_app

    nobody = visit(None)
    known = {path for path, _ in paths_of(make_app())}
    open_ = {path for path in known if path in ("/", "/static/{name}")}
    asked = [(path, method) for path in known - open_ for method in METHODS]
    asked += [(path, method) for path in ("/docs", "/redoc", "/openapi.json", "/api", "/nothing") for method in METHODS]
    answers = {
        (path, method): nobody.ask(method, path.replace("{path:path}", "x")).status_code for path, method in asked
    }
    assert {each: status for each, status in answers.items() if status != 401} == {}
    assert nobody.ask("GET", "/").status_code == 200
    assert nobody.ask("GET", "/static/app.js").status_code == 200
    assert nobody.ask("GET", "/static/..%2fapp.py").status_code in (401, 404)


def test_there_is_no_schema_page_for_those_who_have_logged_in(visit, shop):
    admin = visit("admin")
    assert [admin.ask("GET", path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3


def test_changes_are_the_routes_that_are_posted_to(visit, shop):
    """A change that is added has to be named above, and with it all that is tried on changes."""
    from airflow_provider_lark.plugins.sync_page.app import make_app

    posted = {path for path, method in paths_of(make_app()) if method == "POST" and path != "/{path:path}"}
    assert posted == {f"/api/{path}" for path in CHANGES}


@pytest.mark.parametrize("role", ["viewer", "user"])
def test_who_may_not_edit_the_connection_changes_nothing_and_is_told_why(visit, shop, role):
    """O26, O28: the viewer reads, and gets 403 on every change."""
    for path, body in CHANGES.items():
        refused = visit(role).post(path, body)
        assert (path, refused.status, refused.json["kind"]) == (path, 403, "no_right")
        assert "edit the connection 'shop_db'" in refused.json["message"]
    assert visit(role).get("failed", mapping="orders").json["seen"]["count"] == 10


def test_roles_are_told_what_they_may(visit, shop):
    """O28: a viewer sees the page without values, an op everything."""
    told = {role: visit(role).get("mappings").json["mappings"][0] for role in ("viewer", "op", "admin")}
    assert [(each["reads"], each["edits"]) for each in told.values()] == [(False, False), (True, True), (True, True)]
    seen = visit("viewer").get("conflicts", mapping="orders")
    assert [each["name"] for each in seen.json["conflicts"][0]["columns"]] == ["name"]
    assert "王小明" not in seen.text
    assert "王小明" in visit("op").get("conflicts", mapping="orders").text


def test_who_may_not_read_plugins_is_told_which_right_is_missing(visit, shop, monkeypatch):
    """O28: as FAB's roles Viewer and User are; SimpleAuth lets every role read plugins."""
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_view", lambda self, **_: False)
    viewer = visit("viewer")
    for answer in (viewer.get("mappings"), viewer.post("retry", RETRY)):
        assert (answer.status, answer.json["kind"]) == (403, "no_right")
        assert "read plugins" in answer.json["message"]


def test_editor_changes_by_cookie_and_by_token(visit, shop):
    assert visit("op").post("retry", RETRY).json == {"done": 1, "states": {"retried": 1}}
    # O27: a token in the header is no cookie that another site could have sent along
    by_token = visit("op", by="header").ask("POST", "/api/retry", json={"mapping": "orders", "keys": ["2"]})
    assert by_token.json()["done"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"},
        {"Sec-Fetch-Site": "same-site", "Content-Type": "application/json"},
        {"Sec-Fetch-Site": "none", "Content-Type": "application/json"},
        {"Origin": "http://evil.example", "Content-Type": "application/json"},
        {"Origin": "null", "Content-Type": "application/json"},
        {"Content-Type": "application/json"},
        {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"},
        {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"},
        {"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=x"},
    ],
    ids=lambda each: " ".join(each.values()),
)
def test_what_another_site_sends_with_the_cookie_is_refused(visit, shop, headers):
    """O27: forms, and scripts of others, with the cookie of somebody who may edit."""
    for path, body in CHANGES.items():
        answer = visit("admin").ask("POST", f"/api/{path}", content=json.dumps(body), headers=headers)
        assert (path, answer.status_code) == (path, 403)
    assert visit("admin").get("failed", mapping="orders").json["seen"]["count"] == 10


def test_older_browser_tells_its_origin(visit, shop, monkeypatch):
    ask = visit("op").ask
    own = ask("POST", "/api/retry", json=RETRY, headers={"Origin": "http://airflow"})
    assert own.status_code == 200
    # a proxy may have changed the host that the api-server sees
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://data.example.com/team/airflow")
    assert ask("POST", "/api/retry", json=RETRY, headers={"Origin": "https://data.example.com"}).status_code == 200


def test_reading_the_address_of_a_change_changes_nothing(visit, shop):
    """O27: an image whose address is a change."""
    for path in CHANGES:
        answer = visit("admin").ask("GET", f"/api/{path}", params={"mapping": "orders", "keys": "1"})
        assert answer.status_code == 404
    assert visit("admin").get("failed", mapping="orders").json["seen"]["count"] == 10


def test_another_mapping_is_not_found(visit, shop):
    """O26: another mapping's name, in reads and in changes."""
    admin = visit("admin")
    for path in ("runs", "failed", "conflicts", "blacklist"):
        assert admin.get(path, mapping="../users").status == 404
    assert admin.post("retry", {"mapping": "users", "keys": ["1"]}).status == 404


def test_pages_forbid_what_is_not_theirs(visit, shop):
    """O25's policy for the page: no script from data, no other address, no frame of another site."""
    nobody = visit(None)
    for path in ("/", "/static/app.js", "/api/mappings"):
        policy = nobody.ask("GET", path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'self'" in policy
        assert "require-trusted-types-for 'script'" in policy
    assert nobody.ask("GET", "/api/mappings").headers["Cache-Control"] == "no-store"
    tag = nobody.ask("GET", "/static/page.css").headers["ETag"]
    assert nobody.ask("GET", "/static/page.css", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("options", "is_there"),
    [
        ({}, False),
        ({"mapping_files": "  "}, False),
        ({"mapping_files": "a.yaml"}, True),
        ({"mapping_files": "a.yaml", "sync_page_enabled": "False"}, False),
    ],
)
def test_page_is_there_where_mapping_files_are(monkeypatch, options, is_there):
    for name, value in options.items():
        monkeypatch.setenv(f"AIRFLOW__LARK__{name.upper()}", value)
    assert (bool(read_apps()), bool(read_views())) == (is_there, is_there)


@pytest.mark.parametrize(
    ("base_url", "href"),
    [
        ("", "/lark-sync/"),
        ("http://host:8080", "/lark-sync/"),
        ("https://host/team/airflow/", "/team/airflow/lark-sync/"),
    ],
)
def test_entry_of_the_menu_is_below_the_prefix(monkeypatch, base_url, href):
    """O29: the address that Airflow's UI opens, and its icons."""
    monkeypatch.setenv("AIRFLOW__LARK__MAPPING_FILES", "a.yaml")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    (view,) = read_views()
    assert view["href"] == href
    assert view["icon"] == f"{href}static/icon.svg"


@pytest.mark.parametrize(
    ("version", "option", "has_tab"),
    [
        ("3.3.2", "", False),
        ("3.3.2", "True", True),
        ("3.4.0b2", "", True),
        ("3.4.0", "False", False),
        ("4.0", "", True),
    ],
)
def test_tab_is_at_sync_tasks_where_airflow_can_tell_them(monkeypatch, version, option, has_tab):
    monkeypatch.setattr(mounting, "airflow_version", version)
    monkeypatch.setenv("AIRFLOW__LARK__MAPPING_FILES", "a.yaml")
    monkeypatch.setenv("AIRFLOW__LARK__SYNC_PAGE_TAB", option)
    views = read_views()
    assert [each["destination"] for each in views] == ["nav", "task_instance"][: 1 + has_tab]
    assert views[-1].get("applies_to") == ({"dag.tags.name": ["lark"]} if has_tab else None)
