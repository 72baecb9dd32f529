"""Chromium, and a running Airflow as ``make ui`` brings it up to look at: for ``make browser`` only."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic

import httpx
import pytest

from tests.browser.sync_page_parts import LOAD_MS, SHOTS, log_in, served, synced_shop  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]
START_SECONDS = 600


class RunningAirflow:
    """What ``make ui`` printed about itself."""

    def __init__(self, told):
        self.url = re.search(r"Airflow\s+(http\S+)", told)[1]
        self.password = re.search(r"password (\S+)", told)[1]
        self.database = re.search(r"SQL side\s+(\S+)", told)[1]
        self.emulator = re.search(r"Lark side\s+(http\S+)", told)[1]
        # an edit that it proposes names base and table of the areas
        self.areas = json.loads(re.search(r"add_record -d '(.*)'", told)[1])
        self._api = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    def get(self, path):
        return self._ask("GET", path)

    def trigger(self, dag_id, **conf):
        """Start a run and return its id once it has ended."""
        run_id = self.start(dag_id, **conf)
        path = f"/dags/{dag_id}/dagRuns/{run_id}"
        wait_until(lambda: self.get(path)["state"] in ("success", "failed"), f"{run_id} ends")
        return run_id

    def start(self, dag_id, **conf):
        """Start a run and return its id."""
        return self._ask("POST", f"/dags/{dag_id}/dagRuns", {"conf": conf, "logical_date": None})["dag_run_id"]

    def set_state(self, dag_id, run_id, task_id, state):
        """Set the state of a task by hand."""
        self._ask("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}", {"new_state": state})

    def unpause(self, dag_id):
        self._ask("PATCH", f"/dags/{dag_id}", {"is_paused": False})

    def clear(self, dag_id, run_id):
        """Let the tasks of a run that failed run again."""
        self._ask("POST", f"/dags/{dag_id}/clearTaskInstances", {"dry_run": False, "dag_run_id": run_id})

    def view(self, name):
        """What the emulator's page shows, as JSON."""
        with httpx.Client(trust_env=False, timeout=60.0) as client:
            return client.get(f"{self.emulator}/_emulator/view/{name}").raise_for_status().json()["result"]

    def _ask(self, method, path, json=None):
        if "Authorization" not in self._api.headers:
            login = {"username": "admin", "password": self.password}
            token = self._api.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            self._api.headers["Authorization"] = f"Bearer {token}"
        return self._api.request(method, f"/api/v2{path}", json=json).raise_for_status().json()

    def person(self, action, **arguments):
        """Do by hand what a person does in Lark."""
        given = {"app_token": self.areas["app_token"], "table_id": self.areas["table_id"], **arguments}
        with httpx.Client(trust_env=False, timeout=60.0) as client:
            return client.post(f"{self.emulator}/_emulator/person/{action}", json=given).raise_for_status().json()

    def count_areas(self):
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute("SELECT count(*) FROM areas").fetchone()[0]
        finally:
            connection.close()

    def close(self):
        self._api.close()


def wait_until(is_so, what, seconds=300):
    deadline = monotonic() + seconds
    while not (found := is_so()):
        assert monotonic() < deadline, what
        Event().wait(0.5)
    return found


@pytest.fixture(scope="session")
def airflow():
    """An Airflow with the demo's tables loaded; its components end with it."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with (SHOTS / "ui.log").open("w+", encoding="utf-8") as log:
        command = [sys.executable, str(ROOT / "dags" / "demo" / "ui.py")]
        child = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        try:
            running = RunningAirflow(_wait_for(child, Path(log.name), "Ctrl-C stops everything"))
            yield running
            running.close()
        finally:
            child.send_signal(signal.SIGINT)
            child.wait(120)


def _wait_for(child, log, words):
    deadline = monotonic() + START_SECONDS
    while words not in (told := log.read_text(encoding="utf-8")):
        assert child.poll() is None, told
        assert monotonic() < deadline, told
        Event().wait(0.5)
    return told


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"], headless=True
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page(airflow, chromium):
    """A page of Chromium, logged in to Airflow."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1400})
    page.set_default_timeout(LOAD_MS)
    page.goto(airflow.url)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", airflow.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{airflow.url}/")
    yield page
    page.close()


@pytest.fixture
def shot(page):
    """Keep a picture of what the page shows, for a person to look at."""

    def keep(name):
        page.screenshot(path=str(SHOTS / f"{name}.png"))

    return keep


@pytest.fixture
def emulator():
    """An emulator with nothing in it."""
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as running:
        yield running


@pytest.fixture
def plain_page(chromium):
    """A page of Chromium; no script failed when the test ends."""
    page = chromium.new_page(
        viewport={"width": 1100, "height": 800}, color_scheme="light", timezone_id="Asia/Shanghai", locale="en-US"
    )
    page.set_default_timeout(20_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    # the browser itself says when an emulator was stopped
    assert [each for each in wrong if "ERR_CONNECTION" not in each] == []
