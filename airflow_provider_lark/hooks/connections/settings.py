"""From Airflow's connection to settings: read without a trace of its secrets, which are masked from then on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import without_frames

if TYPE_CHECKING:
    from airflow.sdk import Connection


class ConnectionSettings(ABC):
    """What a connection says.

    :ivar warnings: what a person should know of entries that were overlooked.
    """

    __slots__ = ()

    warnings: tuple[str, ...]

    @classmethod
    @abstractmethod
    def _read(cls, conn: Connection) -> Self: ...

    @property
    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""

    @classmethod
    def from_connection(cls, conn: Connection) -> Self:
        """Read *conn* and check it.

        :raises ConfigError: an entry is missing or impossible.
        """
        try:
            return cls._read(conn)
        except ConfigError as exc:
            error = without_frames(exc)
        del conn  # Airflow's repr of it shows the password
        raise error

    def announce(self, conn_id: str, log: Any) -> Self:
        """Mask the secrets in logs from here on, tell the warnings to *log*, and return the settings."""
        from airflow.sdk.log import mask_secret

        for secret in self.secrets:
            mask_secret(secret)
        for warning in self.warnings:
            log.warning("connection %r: %s", conn_id, warning)
        return self
