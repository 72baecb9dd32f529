"""Addresses of webhook bots as people paste them."""

from __future__ import annotations

import traceback

import pytest

from airflow_provider_lark.core.api.webhook.address import parse_hook_address
from airflow_provider_lark.core.errors import ConfigError

ID = "0f3b1c2d-canary-4e5f-8a9b-0123456789ab"
FEISHU = f"https://open.feishu.cn/open-apis/bot/v2/hook/{ID}"


@pytest.mark.parametrize(
    ("given", "host"),
    [
        pytest.param(FEISHU, "https://open.feishu.cn", id="whole address"),
        pytest.param(f" {FEISHU}\r\n", "https://open.feishu.cn", id="line break"),
        pytest.param(f"{FEISHU}/", "https://open.feishu.cn", id="trailing slash"),
        pytest.param(FEISHU.replace("feishu.cn", "larksuite.com"), "https://open.larksuite.com", id="Lark"),
        pytest.param(FEISHU.replace("open.feishu.cn", "lark.corp:8443"), "https://lark.corp:8443", id="own deployment"),
        pytest.param(
            FEISHU.replace("https://open.feishu.cn", "http://127.0.0.1:9"), "http://127.0.0.1:9", id="emulator"
        ),
    ],
)
def test_address_is_read_and_its_host_kept(given: str, host: str) -> None:
    address = parse_hook_address(given)

    assert (address.host, address.path.reveal()) == (host, f"/open-apis/bot/v2/hook/{ID}")
    assert "canary" not in repr(address)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("***", "only the mask (***) that Airflow displays", id="masked"),
        pytest.param(ID, "is incomplete", id="id alone"),
        pytest.param(FEISHU.removeprefix("https://"), "lacks https://", id="no scheme"),
        pytest.param(FEISHU.replace("https", "http"), "begins with http://", id="plain http"),
        pytest.param(f"https://{FEISHU}", "contains two addresses", id="https://https"),
        pytest.param(FEISHU.replace("/v2", ""), "legacy form", id="old path"),
        pytest.param("https://open.feishu.cn", "does not contain /open-apis/bot/v2/hook/", id="without path"),
        pytest.param("https://open.feishu.cn/open-apis/bot/v2/hook/", "has no valid id after /hook/", id="without id"),
        pytest.param(
            "https://open.feishu.cn/open-apis/bot/v2/hook", "has no valid id after /hook/", id="without id or slash"
        ),
        pytest.param(f"{FEISHU}/more", "has no valid id after /hook/", id="too far"),
        pytest.param(f"{FEISHU}%20x", "has no valid id after /hook/", id="quoted blank"),
        pytest.param(f"{FEISHU}?canary=1", "a query", id="query"),
        pytest.param(FEISHU.replace("https://", "https://u:canary@"), "user name", id="user name"),
        pytest.param(f"https://www.feishu.cn/flow/api/trigger-webhook/{ID}", "a Lark automation", id="automation"),
        pytest.param(FEISHU.replace("open.feishu.cn", "x.feishu.cn"), "https://open.feishu.cn", id="web page"),
        pytest.param(FEISHU.replace("open.feishu.cn", "x:port"), "not a valid address", id="port no number"),
        pytest.param(FEISHU.replace("open.feishu.cn", "[x"), "not a valid address", id="brackets"),
        pytest.param(f"ftp://open.feishu.cn/open-apis/bot/v2/hook/{ID}", "not an https://", id="ftp"),
        pytest.param(f"https:///open-apis/bot/v2/hook/{ID}", "not an https://", id="no host"),
    ],
)
def test_other_address_is_refused_with_the_wanted_form_and_without_the_given_one(given: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_hook_address(given)

    message = str(caught.value)
    assert words in message
    assert "https://open.feishu.cn" in message
    frames = traceback.StackSummary.extract(traceback.walk_tb(caught.value.__traceback__), capture_locals=True)
    shown = message + "".join(str(frame.locals) for frame in frames if "/tests/" not in frame.filename)
    assert "canary" not in shown
