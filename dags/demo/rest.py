"""The few requests to Airflow's REST API that `make ui` needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class AirflowApi:
    """A running Airflow on this machine.

    :param url: address of the api-server.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self._login = {"username": username, "password": password}
        self._http = httpx.Client(base_url=url, timeout=30.0, trust_env=False)

    def log_in(self) -> None:
        """Get a token for what follows."""
        answer = self._http.post("/auth/token", json=self._login)
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def find_unhealthy(self) -> list[str]:
        """Return the components that are not healthy yet; the api-server among them while it does not answer."""
        try:
            answer = self._http.get("/api/v2/monitor/health")
            answer.raise_for_status()
        except httpx.HTTPError:
            return ["api-server"]
        return [name for name, state in answer.json().items() if state and state["status"] != "healthy"]

    def has_dag(self, dag_id: str) -> bool:
        """Tell whether the dag-processor has found a DAG."""
        return self._http.get(f"/api/v2/dags/{dag_id}").status_code == httpx.codes.OK

    def add_connection(self, conn_id: str, parts: Mapping[str, Any]) -> None:
        """Add a connection to the metadata database."""
        self._post("/api/v2/connections", {"connection_id": conn_id, **parts})

    def add_variable(self, key: str, value: str, description: str) -> None:
        """Add a Variable."""
        self._post("/api/v2/variables", {"key": key, "value": value, "description": description})

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self._http.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False}).raise_for_status()

    def trigger(self, dag_id: str) -> None:
        """Start a run of a DAG, with its Params as they are."""
        self._post(f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": {}})

    def newest_run_state(self, dag_id: str) -> str:
        """Return the state of the newest run of a DAG; an empty text while there is none."""
        answer = self._http.get(f"/api/v2/dags/{dag_id}/dagRuns", params={"limit": 1, "order_by": "-run_after"})
        answer.raise_for_status()
        return next((str(run["state"]) for run in answer.json()["dag_runs"]), "")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        self._http.post(path, json=body).raise_for_status()
