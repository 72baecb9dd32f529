"""One task in a process of its own, as a worker runs it: logs in a file, everything else over the Execution API.

The API is played here, so no metadata database is needed; what the task told it is kept word for word.
"""

from __future__ import annotations

import gc
import json
import warnings
from dataclasses import dataclass, field
from uuid import uuid4

BUNDLE = "lark_tests"
WHEN = "2026-11-22T00:00:00Z"


@dataclass
class TaskRun:
    """What a task left behind.

    :param log: its log, a JSON object a line.
    :param told: the bodies of its requests to the Execution API, by the last step of their path.
    """

    log: str = ""
    told: dict[str, list[str]] = field(default_factory=dict)

    @property
    def everything(self):
        return "\n".join([self.log, *(body for bodies in self.told.values() for body in bodies)])

    @property
    def state(self):
        return json.loads(self.told["state"][-1])["state"]

    @property
    def lines(self):
        return [json.loads(line) for line in self.log.splitlines()]

    def events(self, level):
        return [line["event"] for line in self.lines if line["level"] == level]


def run_task(
    monkeypatch,
    folder,
    source,
    task_id,
    connections,
    *,
    level="DEBUG",
    is_killed=lambda: False,
    retries=0,
    try_number=1,
    map_index=-1,
    states=None,
    store=None,
    on_call=lambda step, body: None,
):
    """Run a task of the DAG ``made_in_a_test`` that *source* makes.

    :param connections: what the Execution API answers, by conn_id.
    :param is_killed: tells at each heartbeat whether somebody has marked the task as failed meanwhile.
    :param retries: how many the scheduler says are left.
    :param store: what Airflow keeps for the task over its tries; None: nothing.
    :param states: what the Execution API answers about the run's task instances, by task and map index: ``load_3``.
    :param on_call: told of each request before and after it is carried out: the last step of its path, and its body.
    """
    # before the log level is set, which is for the task only
    from airflow.dag_processing.bundles import manager
    from airflow.sdk.execution_time import supervisor

    (folder / "dag.py").write_text(source, encoding="utf-8")
    bundle = {"classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": str(folder)}}
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([{"name": BUNDLE} | bundle]))
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", level)
    if kept := vars(manager).get("_load_bundle_config_snapshot"):
        # since Airflow 3.4 a process keeps the bundles that it read first, which may have been another test's
        monkeypatch.setattr(manager, kept.__name__, getattr(kept, "__wrapped__", kept))
    # the supervisor may see only at the next heartbeat that the task has ended
    monkeypatch.setattr(supervisor, "MIN_HEARTBEAT_INTERVAL", 0.1)
    run, log = TaskRun(), folder / f"{task_id}.log"

    def answer(request):
        step, body = request.url.path.strip("/").split("/")[-1], request.content.decode()
        on_call(step, body)
        if request.url.path.strip("/").startswith("store/ti/"):
            result = _keep(request.method, step, body, {} if store is None else store)
        else:
            result = _answer(request, run, connections, is_killed, retries, states)
        on_call(step, body)
        return result

    with warnings.catch_warnings():
        # Airflow leaves the ends of its sockets to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        _supervise(task_id, log, answer, {"try_number": try_number, "map_index": map_index})
        gc.collect()
    run.log = log.read_text(encoding="utf-8")
    return run


def _supervise(task_id, log, answer, numbers):
    from airflow.sdk.api import client as api
    from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance
    from airflow.sdk.execution_time import supervisor

    # its name in Airflow 3.3, and before
    supervise = vars(supervisor).get("supervise_task") or supervisor.supervise
    http = _http_of(api)

    def reply(request):
        status, body = answer(request)
        return http.Response(status, json=body)

    ids = {"task_id": task_id, "dag_id": "made_in_a_test", "run_id": "manual__1", **numbers}
    supervise(
        ti=TaskInstance(id=uuid4(), dag_version_id=uuid4(), **ids),
        bundle_info=BundleInfo(name=BUNDLE),
        dag_rel_path="dag.py",
        token="",
        client=api.Client(base_url=None, token="", dry_run=True, transport=http.MockTransport(reply)),
        log_path=str(log),
    )


def _keep(method, key, body, store):
    """Play the task state store: JSON by key."""
    if method == "PUT":
        store[key] = json.loads(body)["value"]
    elif method == "DELETE":
        store.pop(key, None)
    elif key not in store:
        return 404, {"detail": {"reason": "not_found", "message": f"no {key}"}}
    return 200, {"value": store[key]} if method == "GET" else {}


def _http_of(api):
    """Return the library that this Airflow's client speaks through: httpx2 since 3.4; both may be installed."""
    return vars(api).get("httpx2") or api.httpx


def _answer(request, run, connections, is_killed, retries, states):
    """Return the status and the body of the answer, which is JSON."""
    steps = request.url.path.strip("/").split("/")
    if steps[-1] == "heartbeat" and is_killed():
        return 409, {"detail": {"reason": "not_running", "current_state": "failed"}}
    run.told.setdefault("xcom" if steps[0] == "xcoms" else steps[-1], []).append(request.content.decode())
    if steps[0] == "connections":
        return 200, _CONNECTION | {"conn_id": steps[1]} | connections[steps[1]]
    if steps[-1] == "states":
        return 200, {"task_states": {"manual__1": states or {}}}
    if steps[-1] == "run":
        return 200, _CONTEXT | {"max_tries": retries, "should_retry": retries > 0}
    return 201 if steps[0] == "xcoms" else 200, {"message": "ok"}


_CONNECTION = {"conn_type": "lark", **dict.fromkeys(("host", "port", "login", "password", "schema", "extra"))}
_CONTEXT = {
    "dag_run": {
        "dag_id": "made_in_a_test",
        "run_id": "manual__1",
        "logical_date": WHEN,
        "data_interval_start": None,
        "data_interval_end": None,
        "start_date": WHEN,
        "end_date": None,
        "run_after": WHEN,
        "run_type": "manual",
        "state": "running",
        "conf": None,
        "consumed_asset_events": [],
        "partition_key": None,
    },
    "task_reschedule_count": 0,
    "max_tries": 0,
    "should_retry": False,
    "variables": [],
    "connections": [],
    "xcom_keys_to_clear": [],
}
