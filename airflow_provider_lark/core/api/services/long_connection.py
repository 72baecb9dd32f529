"""The long connection, over which Lark sends an app its events: ``client.long_connection``."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import data_of, pick
from airflow_provider_lark.core.api.wire.flow import Flow, HttpRequest
from airflow_provider_lark.core.api.wire.results import ConnectionAddress
from airflow_provider_lark.core.api.wire.routes import LONG_CONNECTION
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import UnexpectedAnswer


class LongConnection(Namespace[D]):
    """The way to the long connection; :mod:`airflow_provider_lark.core.doors.long_connection` goes it."""

    @ApiCall
    def find_address(self) -> Flow[ConnectionAddress]:
        """Return where to connect, once; asked without a second try, since who connects has a plan for that.

        :raises ServerBusy: Lark is busy.
        :raises PermanentError: Lark does not let the app connect; the message says what to do.
        """
        app = self.session.settings.app
        body = yield from self.session.ask_once(
            LONG_CONNECTION,
            HttpRequest(
                LONG_CONNECTION.method,
                LONG_CONNECTION.path({}),
                json={"AppID": app.app_id, "AppSecret": app.app_secret.reveal()},
                endpoint=LONG_CONNECTION.endpoint,
            ),
            subject=f"long connection of App ID {app.app_id}",
        )
        data = data_of(body)
        url = Secret(pick(data, "URL", str, endpoint=LONG_CONNECTION.endpoint))
        return ConnectionAddress(url, _service_of(url), data.get("ClientConfig"))

    @property
    def secret_mark(self) -> str:
        """What tells the App Secret of this client from another one without showing it."""
        return self.session.settings.app.app_secret.mark()


def _service_of(url: Secret) -> int:
    try:
        parts = urlsplit(url.reveal())
        (service,) = parse_qs(parts.query)["service_id"]
        # port 0 is none, and one that is no number is an error when it is read
        if parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0:
            return int(service)
    except (ValueError, KeyError):
        pass
    # without the cause, whose text quotes the address with its ticket
    raise UnexpectedAnswer("the address for the long connection is no WebSocket's", endpoint=LONG_CONNECTION.endpoint)
