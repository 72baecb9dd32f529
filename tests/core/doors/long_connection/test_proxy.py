"""A proxy's address in the form that each version of ``websockets`` reads."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.doors.long_connection.proxy import address_for
from airflow_provider_lark.core.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "before_17", "since_17"),
    [
        ("http://h:3128", "http://h:3128", "http://h:3128"),
        ("http://h:3128/path?query", "http://h:3128", "http://h:3128"),
        ("https://[::1]:3128", "https://[::1]:3128", "https://[::1]:3128"),
        ("http://u:p@h", "http://u:p@h", "http://u:p@h"),
        ("http://u:p%40%3A%25@h", "http://u:p@:%@h", "http://u:p%40%3A%25@h"),
        ("http://u:100%!@h", "http://u:100%!@h", "http://u:100%25%21@h"),
        ("socks5://u@h:1080", "socks5://u:@h:1080", "socks5://u:@h:1080"),
    ],
)
def test_proxy_address_has_user_and_password_as_the_version_reads_them(
    given: str, before_17: str, since_17: str
) -> None:
    assert [address_for(version, given, subject="X") for version in (15, 16, 17, 18)] == [before_17] * 2 + [
        since_17
    ] * 2


@pytest.mark.parametrize(
    "login", ["u:canary%2F", "u:canary%3F", "u:canary%23", "u%3A:canary", "u:canary%E5%AF%86", "u:canary%5B"]
)
def test_login_that_an_old_version_cannot_send_is_refused_with_the_version_that_can(login: str) -> None:
    with pytest.raises(ConfigError, match="install websockets 17 or newer") as caught:
        address_for(16, f"http://{login}@h:1", subject="X")
    assert "canary" not in str(caught.value)
    assert address_for(17, f"http://{login}@h:1", subject="X") == f"http://{login}@h:1"


@pytest.mark.parametrize(
    "given", ["http://u:canary@h:abc", "http://u:canary@h:99999", "http://u:canary%FF@h", "http://canary@[::1"]
)
def test_proxy_address_that_cannot_be_read_is_refused_without_the_password(given: str) -> None:
    for version in (15, 17):
        with pytest.raises(ConfigError, match="address is not valid") as caught:
            address_for(version, given, subject="X")
        assert "canary" not in f"{caught.value} {caught.value.__context__}"
