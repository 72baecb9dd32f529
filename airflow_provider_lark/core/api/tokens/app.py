"""The app as which a client calls."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_lark.core.api.wire.secret import Secret


@dataclass(frozen=True, slots=True)
class App:
    """An app, and for whom it acts.

    :param host: the open platform, as :func:`.normalize_host` gives it.
    :param tenant_key: of a store app: in which tenant it acts.
    :param user: the open_id of whom it acts for.
    """

    app_id: str
    app_secret: Secret
    host: str
    tenant_key: str | None = None
    user: str | None = None
