"""The time zone of a base: what dates and datetimes without a zone mean, unless somebody names another."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, ConfigError
from airflow_provider_lark.core.fields.zones import Zone, read_zone


class BaseZone:
    """Finds a base's own time zone, by one call when it is first needed."""

    def __init__(self, client: LarkClient, app_token: str, found: ZoneInfo | None = None) -> None:
        self._client = client
        self._app_token = app_token
        self._found = found

    def stored(self, name: str) -> BaseZone:
        """Return it as it was found earlier."""
        return BaseZone(self._client, self._app_token, read_zone(name))

    @property
    def is_known(self) -> bool:
        """Whether Lark has been asked."""
        return self._found is not None

    def __call__(self) -> ZoneInfo:
        """Return the zone that people see dates in.

        :raises ConfigError: Lark does not tell it; the message says to name one.
        """
        if self._found is None:
            self._found = read_zone(self._ask(), f"time zone of base {self._app_token}")
        return self._found

    def _ask(self) -> str:
        advice = "set time_zone, such as Asia/Shanghai"
        try:
            name = self._client.bitable.get_app(app_token=self._app_token).time_zone
        except (AccessDenied, BadRequest) as error:
            raise ConfigError(
                f"the time zone of base {self._app_token}, which is needed for dates, could not be read "
                f"({error.message}); give the app read permission on the base, or {advice}"
            ) from error
        if not name:
            raise ConfigError(
                f"Lark did not return the time zone of base {self._app_token}, which is needed for dates; {advice}"
            )
        return name


def zone_or_base(name: str | None, client: LarkClient, app_token: str) -> Zone:
    """Return the zone called *name*, else what finds the base's own.

    :raises ConfigError: there is no zone of this name.
    """
    return read_zone(name) if name else BaseZone(client, app_token)
