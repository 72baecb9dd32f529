"""Airflow's REST API, as far as answering a task needs it: one task instance's question, and the answer to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ConfigError,
    LarkError,
    NotAuthorized,
    OutcomeUnknown,
    ServerBusy,
    UnexpectedAnswer,
    Unreachable,
)
from airflow_provider_lark.core.hitl.progress import Answer, Detail, Sight
from airflow_provider_lark.core.hitl.request import Place
from airflow_provider_lark.hooks.connections.lark import read_connection

if TYPE_CHECKING:
    import httpx
    from airflow.sdk import Connection

TIMEOUT_SECONDS = 10.0

_ANYBODY = "Anonymous"
"""Who everybody is where Airflow's simple auth manager takes everybody as an administrator."""

Taken = Literal["taken", "conflict"]
"""``conflict``: it has another answer, or asks anew; the next look tells which."""


class AirflowApi:
    """Airflow's REST API, called with the account of a connection; close it, or use it in a ``with``.

    :param conn_id: *host* with scheme and port, or those in fields of their own; *login* and *password* of the account,
        or a token as *password* alone. Without either, an Airflow that takes everybody as an administrator is asked.
        ``verify`` of *extra* is false, or the path of a CA certificate.
    :raises ConfigError: there is no such connection, or it has no host.
    """

    def __init__(self, conn_id: str) -> None:
        import httpx

        self.conn_id = conn_id
        connection = read_connection(conn_id)
        self.url = base_url(connection)
        self._login = connection.login or ""
        self._password = Secret(connection.password or "")
        verify = _extra(connection).get("verify", True)
        del connection  # Airflow's repr of it shows the password
        try:
            context = httpx.create_ssl_context(verify=verify)
        except OSError as exc:
            raise ConfigError(f"connection {conn_id!r}: verify: no CA certificate can be read there") from exc
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS, trust_env=False, verify=context)
        self._is_in = False
        self.account: str | None = None
        """The user id of the account in Airflow; None while, or where, it is not known."""

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def look(self, place: Place) -> Sight | None:
        """Return what Airflow says of a task instance; None where there is none.

        :raises LarkError: it does not answer, or does not let the account look.
        """
        found = self._ask("GET", f"{_path(place)}/{place.map_index}/hitlDetails")
        if found is not None:
            task = found.get("task_instance") or {}
            return Sight(task.get("state"), task.get("try_number"), _detail(found))
        index = "" if place.map_index < 0 else f"/{place.map_index}"
        task = self._ask("GET", f"{_path(place)}{index}")
        return None if task is None else Sight(task.get("state"), task.get("try_number"))

    def answer(self, place: Place, answer: Answer, *, created_at: str | None) -> Taken:
        """Give an answer.

        :param created_at: of the question that is answered: from Airflow 3.4 on, another one does not take the answer.
        :raises BadRequest: Airflow refuses this answer; the message is its own.
        :raises LarkError: it does not answer.
        """
        body = {"chosen_options": list(answer.chosen), "params_input": dict(answer.params)}
        if created_at is not None and self._takes_created_at:
            body["request_created_at"] = created_at
        response = self._send("PATCH", f"{_path(place)}/{place.map_index}/hitlDetails", body)
        if response.status_code in (404, 409):
            return "conflict"
        if response.status_code in (400, 403, 422):
            raise BadRequest(_words(response))
        self._check(response)
        return "taken"

    @cached_property
    def _takes_created_at(self) -> bool:
        # older ones refuse what they do not know
        found = self._ask("GET", "/version")
        major, minor = str((found or {}).get("version") or "0.0").split(".")[:2]
        return (int(major), int(minor)) >= (3, 4)

    def _ask(self, method: str, path: str) -> Mapping[str, Any] | None:
        response = self._send(method, path)
        if response.status_code == 404:
            return None
        self._check(response)
        found = _json(response)
        if not isinstance(found, dict):
            raise UnexpectedAnswer(
                f"connection {self.conn_id!r}: {self.url} does not answer as Airflow's REST API does"
            )
        return found

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        if not self._is_in:
            self._log_in()
        response = self._request(method, f"/api/v2{path}", body)
        if response.status_code == 401:
            # a token lasts a day
            self._log_in()
            response = self._request(method, f"/api/v2{path}", body)
        return response

    def _log_in(self) -> None:
        password = self._password.reveal()
        if self._login:
            given = {"username": self._login, "password": password}
            token = self._token(self._request("POST", "/auth/token", given))
        else:
            token = password or self._token(self._request("GET", "/auth/token"))
        self.account = _subject(token)
        self._http.headers["Authorization"] = f"Bearer {token}"
        self._is_in = True

    def _token(self, response: httpx.Response) -> str:
        if response.status_code in (400, 401, 403):
            raise NotAuthorized(f"connection {self.conn_id!r}: {self.url} refuses its login or password")
        self._check(response)
        found = _json(response)
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str):
            raise UnexpectedAnswer(
                f"connection {self.conn_id!r}: POST {self.url}/auth/token gives no access_token; where the auth "
                "manager has another way to log in, give a token as the password, and no login"
            )
        return token

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        import httpx

        problem: LarkError
        try:
            return self._http.request(method, path, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
            problem = Unreachable(f"connection {self.conn_id!r}: {self.url} cannot be reached; is it the api-server?")
        except httpx.HTTPError as exc:
            problem = OutcomeUnknown(f"connection {self.conn_id!r}: {self.url} broke off ({type(exc).__name__})")
        # outside the except block: the frames of httpx hold the password
        raise problem

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise AccessDenied(
                f"connection {self.conn_id!r}: Airflow does not let its account do this ({status}); it needs the right "
                "to read task instances, and to read and edit what they ask (HITL detail)"
            )
        if status == 429 or status >= 500:
            raise ServerBusy(f"connection {self.conn_id!r}: Airflow answers with status {status}")
        if status >= 300:
            raise UnexpectedAnswer(f"connection {self.conn_id!r}: {self.url} answers with status {status}")


def base_url(connection: Connection) -> str:
    """Return the address of the api-server that a connection names, without a slash at its end.

    :raises ConfigError: it names none.
    """
    host = (connection.host or "").strip().rstrip("/")
    if not host:
        raise ConfigError(f"connection {connection.conn_id!r}: has no host; give the address of Airflow's api-server")
    if "://" in host:
        return host
    port = f":{connection.port}" if connection.port else ""
    name, slash, path = host.partition("/")
    return f"{connection.schema or 'http'}://{name}{port}{slash}{path}"


def _extra(connection: Connection) -> Mapping[str, Any]:
    try:
        found = json.loads(connection.extra or "{}")
    except ValueError:
        raise ConfigError(f"connection {connection.conn_id!r}: extra: is no JSON") from None
    return found if isinstance(found, dict) else {}


def _path(place: Place) -> str:
    dag, run, task = (quote(each, safe="") for each in (place.dag_id, place.run_id, place.task_id))
    return f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}"


def _detail(found: Mapping[str, Any]) -> Detail:
    by = found.get("responded_by_user") or {}
    chosen = found.get("chosen_options") if found.get("response_received") else None
    return Detail(
        str(found.get("created_at") or ""),
        tuple(map(str, found.get("options") or ())),
        tuple(str(each.get("id")) for each in found.get("assigned_users") or ()),
        None if chosen is None else tuple(map(str, chosen)),
        str(by.get("id") or ""),
        str(by.get("name") or ""),
        _ms(found.get("responded_at")),
    )


def _ms(moment: Any) -> int | None:
    """Return a moment of ISO 8601 in milliseconds since the epoch; None where it is none."""
    try:
        return round(datetime.fromisoformat(moment).timestamp() * 1000)
    except (TypeError, ValueError):
        return None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _words(response: httpx.Response) -> str:
    """Return why Airflow refused something, in its own words."""
    found = _json(response)
    detail = found.get("detail") if isinstance(found, dict) else None
    return detail if isinstance(detail, str) else f"status {response.status_code}"


def _subject(token: str) -> str | None:
    """Return whose token it is, where it is a JWT; it is Airflow that checks its signature."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    subject = str(found.get("sub") or "") if isinstance(found, dict) else ""
    # whoever is everybody's administrator may answer for anybody
    return None if subject in ("", _ANYBODY) else subject
