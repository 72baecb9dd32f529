"""The long connection out of a company's network: through a proxy that wants a password, and by a CA of its own."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.api import AsyncLarkClient
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.emulator import Emulator
from tests.certificates import write_own_certificate
from tests.core.doors.long_connection.stage import Stage, wait_until
from tests.forward_proxy import running_proxy
from tests.tap import tapped

LOGIN = "user:canary@:%"
ENCODED = "user:canary%40%3A%25"
"""As it stands in an address, by hand or by Airflow's ``get_uri()``."""


def test_events_come_over_tls_through_a_proxy_with_a_password(
    tmp_path: Path, new_database: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    certificate = write_own_certificate(tmp_path / "own.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    database = new_database("sqlite")
    upgrade(database)
    with (
        Emulator() as emu,
        tapped("127.0.0.1", int(emu.url.rpartition(":")[2]), tls) as front,
        running_proxy(tmp_path, LOGIN) as proxy,
    ):
        stage = Stage(emu, database, SystemClock())
        place = f"127.0.0.1:{front.port}"
        emu.state.origin = f"https://{place}"

        def through(login: str, verify: bool | str = str(certificate)) -> Callable[[], Any]:
            async def open_client() -> AsyncLarkClient:
                where = {"proxy": proxy.url(login), "verify": verify}
                return AsyncLarkClient(emu.app_id, emu.app_secret, f"https://{place}", clock=stage.clock, **where)

            return open_client

        with stage.listening(open_client=through(ENCODED)) as listening:
            wait_until(lambda: stage.devices)
            stage.edit()
            wait_until(lambda: listening.count("stored") == 1)
            # once for the address, once for the connection
            assert proxy.passed == [f"CONNECT {place}"] * 2
        with caplog.at_level(logging.WARNING), stage.listening(open_client=through("user:wrong")) as listening:
            # it counts first, and logs then
            wait_until(lambda: listening.count("not_connected") and "check its user and password" in caplog.text)
        with stage.listening(open_client=through(ENCODED, verify=True)) as listening:
            listening.thread.join(60)
            assert isinstance(listening.error, ConfigError)
        assert "canary" not in f"{caplog.text} {listening.error}"
