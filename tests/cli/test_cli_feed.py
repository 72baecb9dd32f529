"""``airflow lark feed``: from one command to a row in SQL by an automation of the base, and what people do to it."""

from __future__ import annotations

import json
import os

import httpx
import pytest
import yaml
from sqlalchemy import text

from tests.cli.test_cli_doctor_events import receiver
from tests.clocks import JumpingClock, wait_until
from tests.databases import open_sqlite

ADDRESS = "https://airflow.example.com/lark"
POSTS_TO = f"{ADDRESS}/feed/lark_default"


@pytest.fixture
def place(emulator, connect):
    """The base and the table of the shop."""
    (base,) = emulator.state.bases.values()
    return base.app_token, next(iter(base.tables))


@pytest.fixture
def feed(airflow, shop, place):
    """Run ``airflow lark feed …`` for the shop, and return its status and its one row, or what it said."""

    def run(verb, *more):
        done = airflow("feed", verb, "-m", shop, "--output", "json", *more)
        rows = json.loads(done.out or "[]")
        return done.status, rows[0] if rows else {}, done.err

    return run


@pytest.fixture
def installed(feed, emulator, place):
    """The one automation, as the emulator holds it."""
    status, row, _ = feed("install", "--address", ADDRESS)
    assert (status, row["Feed"]) == (0, "installed")
    return emulator.state.bases[place[0]].workflows[row["Automation"]]


def header(workflow):
    """The token that an automation shows, and the step that holds it."""
    (shown,) = [each for each in workflow.steps[1]["data"]["headers"] if each["key"] == "X-Lark-Feed-Token"]
    return shown["value"][0]["value"], shown


def writes(emulator):
    """How many calls changed an automation."""
    verbs = ("POST", "PUT", "PATCH", "DELETE")
    of = {name: n for name, n in emulator.counters().items() if "base/v3" in name and name.startswith(verbs)}
    return sum(n for name, n in of.items() if not name.endswith("/list"))


def test_edit_by_a_person_reaches_sql_by_the_automation(airflow, shop, place, emulator, connect, tmp_path):
    from airflow_provider_lark.core import SyncEngine, load_mappings
    from airflow_provider_lark.core.inbox.hints import TableHints
    from airflow_provider_lark.core.sync.continuous import ContinuousSync
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    # this is what the feed is for: no scope for events
    scopes = ["bitable:app", "base:workflow:read", "base:workflow:create", "base:workflow:update"]
    emulator.state.set_app(emulator.app_id, scopes=scopes)
    database, hook, record = open_sqlite(tmp_path / "shop.db"), LarkHook(), ""
    inbox = open_inbox(hook)

    def rows():
        with database.connect() as conn:
            return dict(conn.execute(text("SELECT code, name FROM areas")).all())

    def edit(_):
        nonlocal record
        if not record:
            assert rows() == {}
            record = emulator.person.add_record(*place, {"code": "a", "name": "A"})
            emulator.person.edit_record(*place, record, {"name": "B"}, how="pasteUpdate")
            emulator.automations.settle(60)
        return False

    with receiver() as url, hook.client() as client:
        done = airflow("feed", "install", "-m", shop, "--address", url.removesuffix("/lark_default"))
        assert (done.status, done.err) == (0, "")
        mapping = load_mappings(shop)[0].with_bases(hook.bases)
        engine = SyncEngine(client, database, mapping)
        hints = TableHints(inbox, lambda: "/".join(engine.table) if engine.table else None)
        # the next poll is hours away
        sync = ContinuousSync("areas", engine.incremental, 36_000.0, hints, JumpingClock(), listen=edit)
        report = sync.run_for(60)

    assert [(run.state, run.status) for run in emulator.automations.log()] == [("done", 200), ("done", 200)]
    # two edits of a record that nobody had taken yet are one hint
    assert (report.runs, report.hints, rows()) == (2, 1, {"a": "B"})
    assert inbox.count().completed == 1


def test_writes_of_the_sync_that_start_the_automation_come_to_rest(airflow, shop, place, emulator, connect, tmp_path):
    from airflow_provider_lark.core import SyncEngine, load_mappings
    from airflow_provider_lark.core.inbox.hints import TableHints
    from airflow_provider_lark.core.sync.continuous import run_once
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    emulator.switches.workflows_fire_on_api = True
    database, hook = open_sqlite(tmp_path / "shop.db"), LarkHook()
    with receiver() as url, hook.client() as client:
        airflow("feed", "install", "-m", shop, "--address", url.removesuffix("/lark_default"))
        engine = SyncEngine(client, database, load_mappings(shop)[0].with_bases(hook.bases))
        engine.incremental()
        with database.begin() as conn:
            conn.execute(text("INSERT INTO areas VALUES ('a', 'A'), ('b', 'B')"))
        hints, written, waiting = TableHints(open_inbox(hook), lambda: "/".join(place)), [], []
        for _ in range(3):
            report = run_once(engine.incremental, hints)
            emulator.automations.settle(60)
            written.append(report.to_lark.created + report.to_lark.updated + report.to_sql.updated)
            waiting.append(open_inbox(hook).count().pending)
    # one echo a record, which changes nothing and so has none of its own
    assert (written, waiting) == ([2, 0, 0], [2, 0, 0])
    assert len(emulator.automations.log()) == 2


def test_second_install_changes_nothing(feed, installed, emulator):
    before = writes(emulator)
    assert feed("install", "--address", f"{POSTS_TO}/")[:2] == (
        0,
        {
            "Mapping": "areas",
            "Table": installed.table_ids["airflow_feed_changed"],
            "Automation": installed.workflow_id,
            "Feed": "unchanged",
            "Address": POSTS_TO,
            "Found": "",
        },
    )
    assert writes(emulator) == before
    assert installed.is_enabled
    trigger = installed.steps[0]["data"]
    assert (sorted(trigger["trigger_control_list"]), trigger["condition_list"]) == (
        ["appendImport", "automationBatchUpdate", "pasteUpdate", "syncUpdate"],
        None,
    )
    assert feed("status", "--address", ADDRESS)[:2][0] == 0


def test_nothing_that_is_printed_holds_the_token(airflow, shop, installed, emulator):
    shown, place_ = header(installed)
    place_["value"][0]["value"] = shown[:-1] + ("0" if shown[-1] != "0" else "1")
    texts = [
        airflow("feed", "status", "-m", shop, "--output", kind).text for kind in ("table", "json", "yaml", "plain")
    ]
    texts.append(airflow("doctor", "--events", "-m", shop).text)
    texts.append(airflow("feed", "install", "-m", shop, "--address", ADDRESS).text)
    assert "its token is not that of the connection" in texts[1]
    assert shown[:16] not in "".join(texts)
    assert emulator.app_secret not in "".join(texts)
    # and installing put it right
    assert header(installed)[0] == shown


def _condition(workflow):
    group = {"conjunction": "and", "conditions": [{"field_name": "name", "operator": "isNotEmpty"}]}
    return _with(workflow, 0, condition_list=[group])


def _with(workflow, number, **data):
    steps = json.loads(json.dumps(workflow.steps))
    steps[number]["data"] |= data
    return {"steps": steps}


CHANGES = {
    "switched off": (lambda _: {"enabled": False}, "off", "it is switched off"),
    "another title": (lambda _: {"title": "Mine"}, "ok", ""),
    "another address": (
        lambda flow: _with(
            flow, 1, url=[{"value_type": "text", "value": "https://u:canary@elsewhere.example/x?k=canary"}]
        ),
        "changed",
        f"it posts to https://elsewhere.example/x, not to {POSTS_TO}",
    ),
    "fewer controls": (
        lambda flow: _with(flow, 0, trigger_control_list=["pasteUpdate"]),
        "changed",
        "edits by automationBatchUpdate, syncUpdate, appendImport do not start it",
    ),
    "a condition": (_condition, "changed", "its conditions pass some records over"),
    "no header": (lambda flow: _with(flow, 1, headers=[]), "changed", "somebody has changed its steps"),
    "no steps": (lambda _: {"steps": []}, "changed", "somebody has changed its steps"),
    "another body": (
        lambda flow: _with(flow, 1, raw_body=[{"value_type": "text", "value": "not JSON"}]),
        "changed",
        "somebody has changed its steps",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changed_is_said_and_put_right(feed, installed, emulator, place, change):
    make, state, said = CHANGES[change]
    emulator.person.set_workflow(place[0], installed.workflow_id, **make(installed))

    status, row, _ = feed("status", "--address", ADDRESS)
    assert (status, row["Feed"], said in row["Found"]) == (int(state != "ok"), state, True), row
    assert "canary" not in str(row)
    assert feed("install", "--address", ADDRESS)[1]["Feed"] == ("unchanged" if state == "ok" else "updated")
    assert feed("status", "--address", ADDRESS)[1]["Feed"] == "ok"
    assert len(emulator.state.bases[place[0]].workflows) == 1


@pytest.mark.parametrize("follows", [False, True])
def test_table_that_was_renamed_is_said_and_followed(airflow, feed, installed, emulator, place, follows, tmp_path):
    emulator.switches.workflows_follow_renames = follows
    # a mapping by name no longer finds the table, which one by id does
    file = tmp_path / "by_id.yaml"
    lark = {"app_token": place[0], "table_id": place[1]}
    file.write_text(yaml.safe_dump({"mappings": [{"lark": lark, "sql": "areas"}]}))
    emulator.person.rename_table(*place, "regions")

    def run(verb, *more):
        return airflow("feed", verb, "-m", str(file), "--output", "json", *more).json[0]

    told = run("status")
    assert (told["Feed"], "'areas', which is called 'regions' now" in told["Found"]) == (
        ("ok", False) if follows else ("changed", True)
    )
    assert run("install", "--address", ADDRESS)["Feed"] == ("unchanged" if follows else "updated")
    assert run("status")["Feed"] == "ok"
    assert installed.table_ids == {"airflow_feed_changed": place[1]}
    assert "no table named 'areas'" in feed("status")[2]


def test_uninstall_removes_ours_and_nothing_else(feed, installed, emulator, place):
    base = emulator.state.bases[place[0]]
    mine = {**vars(installed), "workflow_id": "wkfmine", "title": "Airflow feed of my own"}
    mine["steps"] = json.loads(json.dumps(installed.steps))
    mine["steps"][1]["data"]["headers"] = []
    # that of another app for the same table, and that of another base, of which this one is a copy
    others = {"wkfother": ("app", "cli_other"), "wkfcopied": ("base", "bascopied")}
    base.workflows["wkfmine"] = type(installed)(**mine)
    for workflow_id, (member, value) in others.items():
        steps = json.loads(json.dumps(installed.steps))
        first = steps[1]["data"]["raw_body"][0]
        told = json.loads(first["value"] + '"}')
        first["value"] = json.dumps({**told, member: value})[:-2]
        base.workflows[workflow_id] = type(installed)(
            **{**vars(installed), "workflow_id": workflow_id, "title": "Feed", "steps": steps}
        )

    status, row, _ = feed("uninstall")
    assert (status, row["Feed"], row["Automation"]) == (0, "removed", installed.workflow_id)
    assert set(base.workflows) == {"wkfmine", *others}
    status, row, _ = feed("uninstall")
    assert (status, row["Feed"], row["Found"]) == (0, "removed", "there was none")
    assert feed("status")[:2] == (1, {**row, "Feed": "missing", "Found": "the base has no automation for it"})


@pytest.mark.parametrize("are_blocks", [True, False])
def test_automation_that_may_not_be_deleted_is_switched_off(feed, installed, emulator, place, are_blocks):
    emulator.switches.workflows_are_blocks = are_blocks
    scopes = ["bitable:app", "base:workflow:read", "base:workflow:create", "base:workflow:update"]
    emulator.state.set_app(emulator.app_id, scopes=scopes)

    status, row, _ = feed("uninstall")
    assert (status, row["Feed"], installed.is_enabled) == (1, "switched off", False)
    assert ("base:block:read" in row["Found"], "delete it in the base" in row["Found"]) == (True, True)

    emulator.state.set_app(emulator.app_id, scopes=[*scopes, "base:block:read", "base:block:write"])
    assert feed("uninstall")[1]["Feed"] == "removed"
    assert emulator.state.bases[place[0]].workflows == {}


def test_automation_of_others_that_cannot_be_read_keeps_nobody_from_a_feed(feed, installed, emulator, place):
    made = {**vars(installed), "workflow_id": "wkfbroken", "title": "Reminder", "client_token": "2"}
    emulator.state.bases[place[0]].workflows["wkfbroken"] = type(installed)(**made)
    del emulator.state.bases[place[0]].workflows[installed.workflow_id]
    emulator.faults.add("GET .*/workflows/:workflow_id", code=800010701, times=None)
    assert feed("install", "--address", ADDRESS)[1]["Feed"] == "installed"
    # one of ours that cannot be read is not made anew
    assert feed("install", "--address", ADDRESS)[0] == 1
    assert len(emulator.state.bases[place[0]].workflows) == 2


def test_feeds_of_a_program_are_seen_after_they_were_changed(emulator, place):
    from airflow_provider_lark.core.api.address import TableRef
    from airflow_provider_lark.core.errors import NotFound
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.feed import open_feeds

    hook, tables = LarkHook(), [TableRef(*place)]
    with hook.client() as client:
        feeds = open_feeds(hook, client, POSTS_TO)
        verbs = (feeds.status, feeds.install, feeds.status, feeds.install, feeds.uninstall, feeds.status)
        assert [each.state for verb in verbs for each in verb(tables)] == [
            *("missing", "installed", "ok", "unchanged", "removed", "missing")
        ]
        with pytest.raises(NotFound, match="has no table tblgone"):
            list(feeds.install([TableRef(place[0], "tblgone")]))


def test_second_one_for_a_table_is_removed(feed, installed, emulator, place):
    workflows = emulator.state.bases[place[0]].workflows
    workflows["wkftwice"] = type(installed)(**{**vars(installed), "workflow_id": "wkftwice"})
    assert "there are 1 more for the same table" in feed("status")[1]["Found"]
    assert "a second one, wkftwice, was removed" in feed("install", "--address", ADDRESS)[1]["Found"]
    assert list(workflows) == [installed.workflow_id]


def test_what_the_app_lacks_is_said_before_anything_is_made(feed, emulator, place):
    emulator.state.set_app(emulator.app_id, scopes=["bitable:app", "base:workflow:read"])
    status, row, err = feed("install", "--address", ADDRESS)
    assert (status, row, err.count("\n")) == (1, {}, 0)
    assert "needs the scopes base:workflow:read, base:workflow:create, base:workflow:update" in err
    assert "Permissions & Scopes" in err

    emulator.state.set_app(emulator.app_id, scopes=None)
    emulator.switches.serves_workflows = False
    for verb in ("install", "status", "uninstall"):
        status, row, err = feed(verb, *(("--address", ADDRESS) if verb == "install" else ()))
        assert (status, "Lark does not let apps at automations (base/v3) here" in err) == (1, True)

    emulator.switches.serves_workflows = True
    emulator.state.set_advanced(place[0], without_rights=[emulator.app_id])
    assert feed("status")[0] == 1
    assert emulator.state.bases[place[0]].workflows == {}


def test_trigger_that_needs_conditions_gets_some_that_every_record_meets(feed, emulator, place):
    emulator.switches.workflows_need_conditions = True
    assert feed("install", "--address", ADDRESS)[1]["Feed"] == "installed"
    assert feed("install", "--address", ADDRESS)[1]["Feed"] == "unchanged"
    for fields in ({"code": "a"}, {"name": "no code"}):
        emulator.person.add_record(*place, fields)
    assert len(emulator.automations.log()) == 2
    (made,) = emulator.state.bases[place[0]].workflows.values()
    assert [each["conditions"][0]["operator"] for each in made.steps[0]["data"]["condition_list"]] == [
        "isNotEmpty",
        "isEmpty",
    ]


def test_mapping_that_reads_no_edits_gets_no_feed(airflow, emulator, place, tmp_path):
    emulator.state.create_table(place[0], "users", [{"field_name": "code", "type": 1}])
    file = tmp_path / "both.yaml"
    one_way = {"lark": {"base": "MyDB", "table": "areas"}, "sql": "areas", "direction": "to_lark"}
    other = {"lark": {"base": "MyDB", "table": "users"}, "sql": "users"}
    file.write_text(yaml.safe_dump({"mappings": [one_way, other]}))

    done = airflow("feed", "install", "-m", str(file), "--address", ADDRESS)
    assert (done.status, "areas: has the direction to_lark" in done.out) == (0, True)
    (made,) = emulator.state.bases[place[0]].workflows.values()
    assert made.steps[0]["data"]["table_name"] == "users"
    assert airflow("feed", "status", "-m", str(file)).status == 0
    alone = airflow("feed", "install", "-m", str(file), "--mapping-name", "areas", "--address", ADDRESS)
    assert (alone.status, "need no feed" in alone.err) == (1, True)


def test_refusal_that_quotes_the_token_is_not_repeated(feed, emulator, place):
    from airflow_provider_lark.core.api.wire.secret import Secret
    from airflow_provider_lark.core.receiving.feed_door import feed_token

    secret = Secret(emulator.app_secret)
    token = feed_token(emulator.app_id, secret, app_token=place[0], table_id=place[1]).reveal()
    emulator.faults.add("POST .*/workflows$", code=800010701, times=None, msg=f"invalid header value {token}")
    status, _, err = feed("install", "--address", ADDRESS)
    assert (status, "rejected a part of the request" in err, token[:8] in err) == (1, True, False)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://airflow.example.com/lark", "must begin with https://"),
        ("airflow.example.com/lark", "is no address"),
        ("https://", "is no address"),
        ("https://airflow.example.com:0/lark", "is no address"),
        ("https://airflow.example.com/lark?canary=1", "no user, query or fragment"),
        ("https://me:canary@airflow.example.com/lark", "no user, query or fragment"),
        ("", "[lark] receiver_url is not set either"),
    ],
)
def test_address_to_which_lark_cannot_post_is_refused(feed, emulator, address, said):
    status, row, err = feed("install", "--address", address)
    assert (status, row, said in err, "canary" in err) == (1, {}, True, False)
    assert emulator.counters() == {}


def test_address_is_that_of_the_configuration(feed, emulator, place, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", f"{ADDRESS}/")
    assert feed("install")[1]["Address"] == POSTS_TO
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", "https://other.example.com/lark")
    assert "not to https://other.example.com/lark/feed/lark_default" in feed("status")[1]["Found"]


def test_doctor_tells_how_feeds_stand_and_misses_none(airflow, shop, connect, emulator, place):
    def told():
        done = airflow("doctor", "--events", "-m", shop, "--output", "json")
        (found,) = [row for row in done.json if (row["What"], row["Check"]) == ("mapping areas", "feed")]
        return found["Status"], found["Found"]

    assert told()[0] == "ok"
    assert "none is needed where Lark sends events" in told()[1]
    airflow("feed", "install", "-m", shop, "--address", ADDRESS)
    assert told()[1].endswith(f" posts edits to {POSTS_TO}")
    (made,) = emulator.state.bases[place[0]].workflows.values()
    made.is_enabled = False
    assert told() == (
        "warning",
        f"automation {made.workflow_id} is not as it should be: it is switched off; run `airflow lark feed install`",
    )
    emulator.switches.serves_workflows = False
    assert told()[0] == "ok"


def test_app_without_event_scopes_is_no_trouble_where_a_feed_tells(airflow, shop, feed, emulator, place):
    scopes = ["bitable:app", "base:workflow:read", "base:workflow:create", "base:workflow:update"]
    emulator.state.set_app(emulator.app_id, scopes=scopes)

    def told():
        done = airflow("doctor", "--events", "-m", shop, "--output", "json")
        (found,) = [row for row in done.json if row["Check"] == "subscription"]
        return found["Status"], found["Found"]

    assert told()[0] == "trouble"
    feed("install", "--address", ADDRESS)
    status, said = told()
    assert (status, "a feed tells of edits" in said, "docs:event:subscribe" in said) == ("ok", True, True)
    (made,) = emulator.state.bases[place[0]].workflows.values()
    made.is_enabled = False
    assert told()[0] == "trouble"


def test_posts_of_a_feed_are_not_taken_for_events_of_lark(airflow, shop, place, emulator, connect):
    with receiver() as url:
        airflow("feed", "install", "-m", shop, "--address", url.removesuffix("/lark_default"))
        emulator.person.add_record(*place, {"code": "a"})
        emulator.automations.settle(60)
        assert (
            httpx.post(url.replace("/lark_default", "/feed/lark_default"), content=b"{}", timeout=60).status_code == 400
        )
    found = {
        row["Check"]: (row["Status"], row["Found"])
        for row in airflow("doctor", "--events", "--output", "json").json
        if row["What"] == "events"
    }
    assert found["arrivals"][0] == "warning"
    assert found["feed"][1].startswith("the last post of a feed arrived ")


def test_posts_through_rabbitmq_are_one_hint_too(airflow, shop, place, emulator, connect, queue):
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    connect(rabbitmq_conn_id="broker")
    inbox = open_inbox(LarkHook())
    with receiver() as url:
        airflow("feed", "install", "-m", shop, "--address", url.removesuffix("/lark_default"))
        record = emulator.person.add_record(*place, {"code": "a"})
        for name in "bcd":
            emulator.person.edit_record(*place, record, {"name": name})
        other = emulator.person.add_record(*place, {"code": "b"})
        emulator.automations.settle(60)
        assert [run.status for run in emulator.automations.log()] == [200] * 5
        wait_until(lambda: inbox.count().pending == 2)
    taken = inbox.claim(limit=9, token="me", lease_seconds=60, subject="/".join(place))
    assert [each.event["action_list"][0]["record_id"] for each in taken] == [record, other]


def test_app_secret_that_was_changed_is_said(feed, installed, emulator, monkeypatch):
    conn = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    emulator.state.apps[emulator.app_id].app_secret = "another"
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps({**conn, "password": "another"}))
    assert "the App Secret has changed since" in feed("status")[1]["Found"]
    assert feed("install", "--address", ADDRESS)[1]["Feed"] == "updated"
    assert feed("status")[1]["Feed"] == "ok"
