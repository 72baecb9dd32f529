"""`make ui`: a running Airflow on the demo's data, with the emulator in place of Lark, until Ctrl-C."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic

import airflow_home
import httpx
from components import Components, free_port
from rest import AirflowApi
from rich.console import Console
from rich.markup import escape
from world import APPROVALS, CONFIG, World, open_world

SYNCS = ("lark_full_sync", "lark_incremental_sync", "lark_event_sync", "lark_consistency_check")
ASKING = ("lark_card_approval", "lark_hitl_approval")
DAG_IDS = (*SYNCS, *ASKING, "lark_hitl_bridge")
USER = "admin"
START_SECONDS = 240.0
POLL_SECONDS = 1.0


class Stopped(Exception):
    """The user, or the end of a component, asked for the end."""


class Ui:
    """What runs, and how to wait while it does.

    :param stopping: set when the user wants to stop.
    """

    def __init__(self, console: Console, components: Components, stopping: threading.Event) -> None:
        self.console = console
        self.components = components
        self.stopping = stopping

    def wait_for(self, what: str, is_done: Callable[[], bool], *, seconds: float = START_SECONDS) -> None:
        """Ask again and again until *is_done*.

        :raises Stopped: the user stops, a component ended, or it takes longer than *seconds*.
        """
        deadline = monotonic() + seconds
        with self.console.status(f"{what} …"):
            while not _holds(is_done):
                self._pause()
                if monotonic() > deadline:
                    raise Stopped(f"{what}: not within {seconds:.0f} s; see {self.components.logs}")
        self.console.print(f"[green]✓[/] {what}")

    def wait_for_end(self) -> None:
        """Return never; see :meth:`wait_for`."""
        while True:
            self._pause()

    def _pause(self) -> None:
        if self.stopping.wait(POLL_SECONDS):
            raise Stopped
        ended = self.components.find_ended()
        if ended:
            raise Stopped(f"{ended} has ended by itself; see {self.components.logs / ended}.log")


def _holds(is_done: Callable[[], bool]) -> bool:
    try:
        return is_done()
    except httpx.TransportError:
        # a busy machine answers late: that is "not yet"
        return False


def configure(name: str = "ui", *, port: int = 8080, **settings: str) -> tuple[Path, str, str]:
    """Prepare Airflow's home; return it with the address of the api-server and the password.

    :param port: where the api-server listens, if nobody else does.
    :param settings: more of Airflow's configuration, as ``section__option=value``.
    """
    port = free_port(port)
    address = f"http://127.0.0.1:{port}"
    home = airflow_home.prepare(
        name,
        core__executor="LocalExecutor",
        core__parallelism="4",
        core__auth_manager="airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        core__simple_auth_manager_users=f"{USER}:admin",
        core__execution_api_server_url=f"{address}/execution/",
        core__test_connection="Enabled",
        api__host="127.0.0.1",
        api__port=str(port),
        api__base_url=address,
        api__workers="1",
        lark__mapping_files=str(CONFIG),
        lark__sync_page_tab="True",
        lark__receiver_enabled="True",
        lark__receiver_url=f"{address}/lark",
        dag_processor__refresh_interval="10",
        logging__worker_log_server_port=str(free_port(8793)),
        logging__trigger_log_server_port=str(free_port(8794)),
        **settings,
    )
    # what the processes share in the store is encrypted under it
    os.environ["LARK_CONFIG_ENCRYPTION_KEY"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    password = secrets.token_urlsafe(9)
    # where the auth manager would put a password that it made up itself
    passwords = home / "simple_auth_manager_passwords.json.generated"
    passwords.touch(mode=0o600)
    passwords.write_text(json.dumps({USER: password}) + "\n", encoding="utf-8")
    return home, address, password


def start_airflow(components: Components, address: str) -> None:
    """Start the four components."""
    port = address.rpartition(":")[2]
    components.start("api-server", "api-server", "--host", "127.0.0.1", "--port", port)
    components.start("scheduler", "scheduler")
    components.start("dag-processor", "dag-processor")
    components.start("triggerer", "triggerer")


def bring_up(ui: Ui, api: AirflowApi, world: World, password: str) -> None:
    """Wait until Airflow is healthy, make the connections, load the tables, let the schedules run, and ask people."""
    ui.wait_for("api-server, scheduler, dag-processor and triggerer are healthy", lambda: not api.find_unhealthy())
    api.log_in()
    for conn_id, parts in world.connections().items():
        api.add_connection(conn_id, parts)
    # the bridge answers in the name of the demo's only user
    api.add_connection("airflow_api", {"conn_type": "http", "host": api.url, "login": USER, "password": password})
    api.add_variable("lark_sync_config", str(CONFIG), "Mapping file of the lark_* DAGs")
    ui.wait_for("the DAGs are there", lambda: all(map(api.has_dag, DAG_IDS)))
    # unpausing it starts the run that is due
    api.unpause("lark_full_sync")
    ended = ("success", "failed")
    ui.wait_for("the first full sync has ended", lambda: api.newest_run_state("lark_full_sync") in ended)
    if api.newest_run_state("lark_full_sync") != "success":
        ui.console.print("[red]✗[/] it failed: see its run in Airflow")
    # only now: an incremental or a check beside the first load would wait for it, or report drift
    api.unpause("lark_incremental_sync")
    api.unpause("lark_consistency_check")
    url = f"{api.url}/lark/events/lark_default"
    ui.wait_for("Lark sends its events to the api-server", lambda: world.send_events_to(url))
    world.send_clicks_to(url)
    # unpausing it starts the run that is due, which subscribes to the base
    api.unpause("lark_event_sync")
    ui.wait_for("lark_event_sync has subscribed to the base", world.is_subscribed)
    api.unpause("lark_hitl_bridge")
    for dag_id in ASKING:
        api.unpause(dag_id)
        api.trigger(dag_id)
    ui.wait_for("two cards ask people in a chat", lambda: world.count_cards_that_ask() == len(ASKING))


def describe(console: Console, world: World, address: str, password: str) -> None:
    """Print where everything is, and what to try."""
    add = {
        "app_token": world.app_token,
        "table_id": world.table_ids["areas"],
        "fields": {"代码": "999901", "名称": "新区"},
    }
    console.print(f"""
[bold]Airflow[/]     {address}   user [bold]{USER}[/]   password [bold]{password}[/]
[bold]SQL side[/]    {world.database}
[bold]Lark side[/]   {world.emulator.url} (emulated)
[bold]Lark sync[/]   {address}/plugin/lark_sync   what is synced, and what waits for people
[bold]Lark page[/]   {world.emulator.url}/_emulator/   tables, chats, calls
[bold]Logs[/]        {airflow_home.DEMO / "ui"}

Edit either side. What you edit in Lark, on its page or as below, lark_event_sync takes over within seconds; what you
edit in SQL, lark_incremental_sync within a minute.

Two runs wait for people, on cards in the chat [bold]{APPROVALS}[/] of the Lark page: press a button, and see the run go
on. One is asked by LarkApprovalOperator, the other by Airflow's own ApprovalOperator, which Airflow's page answers too.
""")
    command = f"curl -s {world.emulator.url}/_emulator/person/add_record -d '{json.dumps(add, ensure_ascii=False)}'"
    console.print(command, markup=False)
    console.print("\nCtrl-C stops everything.")


def run(console: Console, stopping: threading.Event) -> None:
    """Run until told to stop.

    :raises Stopped: always; with a message when something went wrong.
    """
    with console.status("Airflow's home …"):
        home, address, password = configure()
    with (
        open_world(home / "shop.db", port=free_port(8787), store=home / "lark_store.db") as world,
        Components(home) as components,
        closing(AirflowApi(address, USER, password)) as api,
    ):
        ui = Ui(console, components, stopping)
        try:
            start_airflow(components, address)
            bring_up(ui, api, world, password)
            describe(console, world, address, password)
            ui.wait_for_end()
        except httpx.HTTPError as error:
            raise Stopped(f"Airflow at {address} refused a request: {error}; see {home}") from error
        finally:
            console.print("Stopping Airflow: some 10 s …")


def main() -> int:
    """Run; 1 when something went wrong."""
    console, stopping = Console(highlight=False, soft_wrap=True), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        run(console, stopping)
    except (Stopped, RuntimeError) as end:
        if str(end) and not (stopping.is_set() and isinstance(end, RuntimeError)):
            console.print(f"[red]✗[/] {escape(str(end))}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
