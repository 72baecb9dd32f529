"""The app itself, as it is set up in the developer console: ``client.application``."""

from __future__ import annotations

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of, pick, pick_list, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.api.wire.results import AppSettings, AppVersion, CallbackSettings
from airflow_provider_lark.core.api.wire.routes import GET_APPLICATION, GET_VERSION

SELF_MANAGE = "application:application:self_manage"
"""The scope with which an app may read its own settings and versions."""

# names and descriptions come in it; it must be given, and nothing of them is used
_LANGUAGE: dict[str, QueryValue] = {"lang": "en_us"}


class Application(Namespace[D]):
    """The application API, for the app that calls."""

    @ApiCall
    def get_settings(self) -> Flow[AppSettings]:
        """Return what the developer console says of the app.

        :raises AccessDenied: the app lacks the scope :data:`SELF_MANAGE`, or ``admin:app.info:readonly``.
        """
        app_id = self.session.settings.app.app_id
        body = yield from self.session.call(
            GET_APPLICATION, {"app_id": app_id}, query=_LANGUAGE, subject=f"settings of App ID {app_id}"
        )
        app = pick(data_of(body), "app", dict, endpoint=GET_APPLICATION.endpoint)
        return AppSettings(
            name=app.get("app_name") or "",
            online_version_id=app.get("online_version_id") or None,
            unaudited_version_id=app.get("unaudit_version_id") or None,
            callbacks=_read_callbacks(app),
        )

    @ApiCall
    def get_version(self, *, version_id: str) -> Flow[AppVersion]:
        """Return a version of the app, such as the one that is online.

        :raises AccessDenied: the app lacks the scope :data:`SELF_MANAGE`, or
            ``application:application.app_version:readonly``.
        :raises NotFound: it has no such version.
        """
        app_id = self.session.settings.app.app_id
        body = yield from self.session.call(
            GET_VERSION,
            {"app_id": app_id, "version_id": version_id},
            query=_LANGUAGE,
            subject=f"version {version_id} of App ID {app_id}",
        )
        endpoint = GET_VERSION.endpoint
        version = pick(data_of(body), "app_version", dict, endpoint=endpoint)
        events = pick_objects(version, "event_infos", {"event_type": str}, endpoint=endpoint)
        return AppVersion(
            version_id=version.get("version_id") or version_id,
            version=version.get("version") or "",
            event_types=tuple(event["event_type"] for event in events),
        )


def _read_callbacks(app: JsonObject) -> CallbackSettings | None:
    info = app.get("callback_info")
    if not isinstance(info, dict):
        return None
    return CallbackSettings(
        kind=info.get("callback_type") or "",
        request_url=info.get("request_url") or "",
        subscribed=tuple(map(str, pick_list(info, "subscribed_callbacks", endpoint=GET_APPLICATION.endpoint))),
    )
