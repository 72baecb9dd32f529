"""Cards that stand for failures, on real databases: what is noted, and who has claimed the card."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from sqlalchemy import text

from airflow_provider_lark.core.accounts import migrate
from airflow_provider_lark.core.alerts.alert_store import AlertStore, purge
from airflow_provider_lark.core.alerts.news import CardPlace, Group, RunNews, TaskNews

_runs = count()


@pytest.fixture(scope="module")
def databases(new_database):
    """An engine with the tables, of each kind."""
    made = {}

    def give(kind):
        if kind not in made:
            made[kind] = new_database(kind)
            migrate.upgrade(made[kind])
        return made[kind]

    return give


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def database(request, databases):
    return databases(request.param)


@pytest.fixture
def store(database):
    return AlertStore(database, claim="one")


@pytest.fixture
def place():
    """A card that no other test has."""
    return CardPlace("https://open.feishu.cn", "cli_1", "Data alerts", None, "orders", f"run {next(_runs)}")


def news(state, try_number, *, map_index=-1, task_id="load", **facts):
    return TaskNews(task_id, map_index, state, try_number, facts)


def move(database, place, **changes):
    """Let time pass: *changes* are expressions of SQL by column."""
    told = ", ".join(f"{name} = {value}" for name, value in changes.items())
    with database.begin() as conn:
        conn.execute(text(f"UPDATE alert_cards SET {told} WHERE card_id = :id"), {"id": place.card_id})


def show(store, place, version):
    """Bring the card up to date, and return what it shows."""
    assert store.claim(place.card_id, version) == "mine"
    alert = store.begin(place.card_id)
    assert store.note_shown(place.card_id, alert.version, alert.message_id or "om_1") is None
    return alert


def test_facts_of_any_text_come_back_as_they_were(store, place):
    odd = "half \ud800 NUL \x00 emoji 🐑 'quote' \\ 错" * 2_000
    at = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
    look = {"look": {"note": odd}, "started_at": at}
    assert store.note_task(place, news("failed", 1, exception=odd, ended_at=at), look) == 1
    alert = show(store, place, 1)
    assert alert.leading == news("failed", 1, exception=odd, ended_at=at)
    assert {name: alert.facts[name] for name in look} == look
    assert alert.place == place


def test_same_try_again_is_no_news_and_a_late_one_neither(store, place):
    assert store.note_task(place, news("retrying", 2), {}) == 1
    # not shown yet: who tells it again helps
    assert store.note_task(place, news("retrying", 2), {}) == 1
    show(store, place, 1)
    assert store.note_task(place, news("retrying", 2), {}) is None
    assert store.note_task(place, news("failed", 1), {}) is None
    assert store.note_task(place, news("failed", 3), {}) == 2


def test_groups_name_the_first_instances_and_count_all(store, place):
    for index in (9, 4, 7, 2, 5):
        store.note_task(place, news("failed", 1, map_index=index), {})
    store.note_task(place, news("recovered", 2, map_index=7), {})
    version = store.note_task(place, news("retrying", 1, task_id="check"), {})
    alert = show(store, place, version)
    assert set(alert.groups) == {
        Group("load", "failed", 4, (2, 4, 5)),
        Group("load", "recovered", 1),
        Group("check", "retrying", 1),
    }
    assert alert.leading.key == ("load", 9)


def test_end_of_a_run_corrects_what_its_tasks_said(store, place):
    store.note_task(place, news("failed", 1, task_id="a"), {})
    store.note_task(place, news("retrying", 1, task_id="b"), {})
    states = {("a", -1): "success", ("b", -1): "failed", ("c", 0): "failed", ("c", 1): "success", ("d", -1): "removed"}
    version = store.note_run(place, RunNews("failed", {}, states), {})
    alert = show(store, place, version)
    assert {(each.task_id, each.state) for each in alert.groups} == {
        ("a", "recovered"),
        ("b", "failed"),
        ("c", "failed"),
    }
    assert (alert.run_state, alert.totals) == ("failed", {"c": 2})
    assert store.note_run(place, RunNews("failed", {}, states), {}) is None
    assert store.note_run(place, RunNews("succeeded", {}, dict.fromkeys(states, "success")), {}) == version + 1
    assert show(store, place, version + 1).is_red is False


def test_of_many_failures_the_first_keep_their_exceptions_whole(store, database, place):
    for index in range(22):
        store.note_task(place, news("failed", 1, map_index=index, exception="x" * 5_000), {})
    with database.connect() as conn:
        rows = conn.execute(text("SELECT map_index, facts FROM alert_tasks WHERE card_id = :id"), {"id": place.card_id})
        sizes = {index: len(facts) for index, facts in rows}
    assert [index for index, size in sizes.items() if size < 1_000] == [20, 21]
    states = {("load", index): "failed" for index in range(5_000)}
    version = store.note_run(place, RunNews("failed", {}, states), {})
    (group,) = show(store, place, version).groups
    assert (group.count, group.indexes) == (5_000, (0, 1, 2))


def test_run_is_red_for_as_long_as_something_failed(store, database, place):
    store.note_task(place, news("failed", 1), {})
    move(database, place, red_since_ms="red_since_ms - 60000")
    version = store.note_task(place, news("recovered", 2), {})
    assert 59 <= show(store, place, version).red_seconds < 65
    version = store.note_task(place, news("failed", 3), {})
    assert show(store, place, version).red_seconds is None


def test_one_process_has_the_turn_until_it_gives_it_back_or_dies(store, database, place):
    other = AlertStore(database, claim="other")
    store.note_task(place, news("failed", 1), {})
    assert store.claim(place.card_id, 1) == "mine"
    assert other.claim(place.card_id, 1) == "taken"
    assert other.begin(place.card_id) is None
    store.release(place.card_id)
    assert other.claim(place.card_id, 1) == "mine"
    move(database, place, claim_until_ms="0")
    assert store.claim(place.card_id, 1) == "mine"


def test_what_one_shows_after_it_lost_its_turn_is_shown_again(store, database, place):
    other = AlertStore(database, claim="other")
    store.note_task(place, news("failed", 1), {})
    store.claim(place.card_id, 1)
    alert = store.begin(place.card_id)
    move(database, place, claim_until_ms="0")
    version = other.note_task(place, news("failed", 2), {})
    show(other, place, version)
    # its older card may have arrived last
    assert store.note_shown(place.card_id, alert.version, "om_1") == version + 1
    assert store.claim(place.card_id, version + 1) == "mine"


def test_news_that_comes_while_the_card_is_sent_is_told_to_who_sends(store, place):
    store.note_task(place, news("failed", 1), {})
    store.claim(place.card_id, 1)
    alert = store.begin(place.card_id)
    store.note_task(place, news("failed", 1, task_id="check"), {})
    assert store.note_shown(place.card_id, alert.version, "om_1") == 2
    assert store.begin(place.card_id).message_id == "om_1"


def test_card_that_may_have_been_sent_is_sent_under_the_same_uuid_for_an_hour(store, database, place):
    store.note_task(place, news("failed", 1), {})
    store.claim(place.card_id, 1)
    first = store.begin(place.card_id)
    second = store.begin(place.card_id)
    assert (first.is_in_doubt, second.is_in_doubt, second.uuid) == (False, True, first.uuid)
    move(database, place, begun_at_ms="begun_at_ms - 3600000")
    third = store.begin(place.card_id)
    assert (third.is_in_doubt, third.uuid == first.uuid) == (False, False)


def test_card_of_fourteen_days_is_followed_by_a_new_one(store, database, place):
    store.note_task(place, news("failed", 1), {})
    show(store, place, 1)
    move(database, place, sent_at_ms="sent_at_ms - 14 * 86400000")
    version = store.note_task(place, news("failed", 2), {})
    store.claim(place.card_id, version)
    alert = store.begin(place.card_id)
    assert (alert.message_id, alert.is_in_doubt) == (None, False)
    store.note_shown(place.card_id, alert.version, "om_2")
    version = store.note_task(place, news("failed", 3), {})
    assert show(store, place, version).message_id == "om_2"


def test_cards_that_were_left_are_found_until_they_were_tried_in_vain(store, database, place):
    store.note_task(place, news("failed", 1), {})

    def left():
        return place.card_id in dict(store.find_unfinished(place.host, place.app_id, limit=1000))

    assert left()
    assert store.find_unfinished(place.host, "cli_2", limit=1000) == []
    for _ in range(5):
        store.claim(place.card_id, 1)
        assert not left()
        store.release(place.card_id)
    assert not left()
    # its own news lets it be tried, and found, again
    assert store.claim(place.card_id, 1) == "mine"


def test_purge_deletes_cards_without_news_for_sixty_days(store, database, place):
    old = {"sqlite": "datetime('now', '-61 days')", "postgresql": "now() - interval '61 days'"}
    store.note_task(place, news("failed", 1), {})
    assert purge(database) == 0
    move(database, place, updated_at=old.get(database.dialect.name, "now() - interval 61 day"))
    assert purge(database) == 1
    with database.connect() as conn:
        rows = conn.execute(text("SELECT * FROM alert_tasks WHERE card_id = :id"), {"id": place.card_id})
        assert rows.all() == []
