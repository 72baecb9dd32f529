"""HTTP itself, spoken over raw sockets: whatever is sent, the answer is one of the platform's."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

IM = "/open-apis/im/v1/messages?receive_id_type=open_id"
CONTACT = "/open-apis/contact/v3/users/batch_get_id"
PREPARE = "/open-apis/drive/v1/medias/upload_prepare"
OIDC = "/open-apis/authen/v1/oidc/access_token"
OIDC_REFRESH = "/open-apis/authen/v1/oidc/refresh_access_token"


class Wire:
    """One connection, on which bytes are sent as they stand."""

    def __init__(self, caller: Any) -> None:
        host, _, port = caller.emu.url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=600)
        # one for all answers: each would read ahead into the next
        self.stream = self.socket.makefile("rb")
        self.token = caller.headers["Authorization"]

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def head(self, method: str, path: str, *lines: str) -> str:
        return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: {self.token}", *lines, "", ""])

    def answer(self, method: str = "POST") -> tuple[int, dict[str, Any]]:
        _, status, _ = self.stream.readline().split(maxsplit=2)
        headers = http.client.parse_headers(self.stream)
        assert headers["Content-Type"].startswith("application/json")
        assert headers["X-Tt-Logid"]
        body = b"" if method == "HEAD" else self.stream.read(int(headers["Content-Length"]))
        return int(status), json.loads(body) if body else {}

    def code(self, method: str = "POST") -> tuple[int, int]:
        status, body = self.answer(method)
        return status, body["code"]


@pytest.fixture
def wire(caller: Any) -> Iterator[Wire]:
    made = Wire(caller)
    with made.socket, made.stream:
        yield made


def chunked(*parts: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x;q=1\r\n%b\r\n" % (len(each), each) for each in parts) + b"0\r\n" + trailer + b"\r\n"


def test_body_in_chunks_is_read_and_the_next_request_after_it(caller: Any, wire: Wire) -> None:
    head = wire.head("POST", f"{caller.records}/search", "Transfer-Encoding: chunked")
    wire.send(head)
    wire.send(chunked(b'{"automatic', b'_fields": true}', trailer=b"X-Sum: 1\r\n"))
    wire.send(head.encode() + chunked(b"{}"))

    assert wire.answer()[1]["data"]["total"] == 0
    assert wire.answer()[1]["code"] == 0


def test_streaming_client_uploads_a_file(caller: Any) -> None:
    parts = {"file_name": "a.txt", "parent_type": "bitable_file", "parent_node": caller.app_token, "size": "3"}
    form = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items()]
    form += ['--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc\r\n--B--\r\n']

    answer = caller.http.post(
        "/open-apis/drive/v1/medias/upload_all",
        content=(each.encode() for each in form),
        headers={**caller.headers, "Content-Type": "multipart/form-data; boundary=B"},
    )

    assert answer.json()["code"] == 0, answer.text


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        pytest.param(["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n", 400, id="size is no number"),
        pytest.param(["Transfer-Encoding: chunked"], b"-2\r\n{}\r\n0\r\n\r\n", 400, id="size is negative"),
        pytest.param(["Transfer-Encoding: chunked"], b"1\r\n{}\r\n0\r\n\r\n", 400, id="chunk beyond its size"),
        pytest.param(["Transfer-Encoding: chunked"], b"f" * 99 + b"\r\n", 400, id="size too long"),
        pytest.param(["Transfer-Encoding: chunked"], b"f" * 9 + b"\r\n", 413, id="chunk too large"),
        pytest.param(["Transfer-Encoding: gzip"], b"", 501, id="unknown encoding"),
        pytest.param(["Transfer-Encoding: chunked", "Content-Length: 2"], b"{}", 400, id="both lengths"),
        pytest.param(["Content-Length: 2", "Content-Length: 3"], b"{}", 400, id="two lengths"),
        pytest.param(["Content-Length: -1"], b"", 400, id="negative length"),
        pytest.param(["Content-Length: ²"], b"", 400, id="length in odd digits"),
        pytest.param(["Content-Length: 9999999999999"], b"", 413, id="too long"),
        pytest.param([f"Content-Length: {'9' * 5000}"], b"", 413, id="length beyond numbers"),
        pytest.param([f"X-Big: {'a' * 70_000}"], b"", 431, id="huge header"),
        pytest.param([f"X-{n}: a" for n in range(120)], b"", 431, id="many headers"),
    ],
)
def test_unreadable_request_is_refused_in_the_envelope(
    caller: Any, wire: Wire, lines: list[str], body: bytes, status: int
) -> None:
    wire.send(wire.head("POST", f"{caller.records}/search", *lines).encode("utf-8") + body)
    assert wire.code() == (status, 9499)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param("nonsense\r\n\r\n", 400, id="no request line"),
        pytest.param("GET /x HTTP/9.9\r\n\r\n", 505, id="unknown version"),
        pytest.param("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, id="HTTP/2"),
        pytest.param("GET /x HTTP/one\r\n\r\n", 400, id="version is no number"),
        pytest.param(f"GET /{'a' * 70_000} HTTP/1.1\r\n\r\n", 414, id="long target"),
        pytest.param("GET /open-apis/bot/v3/info HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param("GET http://[bad HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="target is no URL"),
    ],
)
def test_what_is_no_request_is_refused_in_the_envelope(wire: Wire, data: str, status: int) -> None:
    wire.send(data)
    assert wire.code("GET") == (status, 9499)


def test_body_that_breaks_off_changes_nothing(caller: Any, wire: Wire) -> None:
    wire.send(wire.head("POST", caller.records, "Content-Length: 30") + '{"fields": {}}')
    wire.socket.shutdown(socket.SHUT_WR)

    assert wire.code() == (400, 9499)
    assert caller.search()["total"] == 0


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND", "get"])
@pytest.mark.parametrize(("path", "status", "code"), [("info", 405, 99991301), ("nothing", 404, 99991201)])
def test_odd_method_is_another_method_or_an_unknown_path(
    wire: Wire, method: str, path: str, status: int, code: int
) -> None:
    wire.send(wire.head(method, f"/open-apis/bot/v3/{path}"))
    assert wire.code(method) == (status, code)


def test_connect_is_an_unknown_path(wire: Wire) -> None:
    wire.send(wire.head("CONNECT", "open.feishu.cn:443"))
    assert wire.code() == (404, 99991201)


@pytest.mark.parametrize(("path", "status"), [("info", 405), ("nothing", 404)])
def test_head_is_answered_without_a_body(wire: Wire, path: str, status: int) -> None:
    wire.send(wire.head("HEAD", f"/open-apis/bot/v3/{path}") + wire.head("GET", "/open-apis/bot/v3/info"))

    assert wire.answer("HEAD") == (status, {})
    assert wire.code("GET") == (200, 0)


def test_requests_in_one_go_are_answered_in_order(caller: Any, wire: Wire) -> None:
    body = json.dumps({"fields": {"Name": "a"}})
    create = wire.head("POST", caller.records, f"Content-Length: {len(body)}") + body
    search = wire.head("POST", f"{caller.records}/search", "Content-Length: 2") + "{}"
    wire.send(create + search + create + search)

    answers = [wire.answer()[1]["data"] for _ in range(4)]
    assert [each.get("total") for each in answers] == [None, 1, None, 2]


def test_absolute_target_and_encoded_path_are_understood(caller: Any, wire: Wire) -> None:
    (record_id,) = caller.create({"Name": "a"})
    odd = f"%{ord(record_id[0]):02x}{record_id[1:]}"
    wire.send(wire.head("GET", f"http://x{caller.records}/{odd}"))
    assert wire.code("GET") == (200, 0)


def test_caller_that_expects_to_be_told_is_told(caller: Any, wire: Wire) -> None:
    wire.send(wire.head("POST", f"{caller.records}/search", "Content-Length: 2", "Expect: 100-continue"))
    assert wire.socket.recv(64).startswith(b"HTTP/1.1 100 ")
    wire.send("{}")
    assert wire.code() == (200, 0)


BROKEN = [
    pytest.param(b"{", id="broken"),
    pytest.param(b"{} {}", id="two"),
    pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
    pytest.param(b'{"a": "\xff"}', id="no UTF-8"),
    pytest.param(b'\xef\xbb\xbf{"a": 1}', id="byte order mark"),
    pytest.param(b'{"a": NaN}', id="NaN"),
    pytest.param(b'{"a": ' + b"[" * 990 + b"]" * 990 + b"}", id="deep"),
    pytest.param(b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="very deep"),
    pytest.param(b'{"a":' * 300 + b"1" + b"}" * 300, id="deep objects"),
]
NO_OBJECT = [pytest.param(each, id=each.decode()) for each in (b"[]", b"1", b'"a"', b"null", b"true")]


@pytest.mark.parametrize("body", BROKEN)
def test_broken_json_has_the_code_of_its_service(caller: Any, body: bytes) -> None:
    def ask(path: str, method: str = "POST") -> tuple[int, int]:
        answer = caller.http.request(method, path, content=body, headers=caller.headers)
        return answer.status_code, answer.json()["code"]

    assert [ask(each) for each in (IM, CONTACT, PREPARE, OIDC, OIDC_REFRESH)] == [(400, 9499)] * 5
    assert ask(f"{caller.records}/search") == (200, 1254000)
    assert ask(f"{caller.records}/batch_get") == (400, 1254000)
    assert ask(caller.table, "PATCH") == (200, 1254000)
    assert ask("/open-apis/auth/v3/tenant_access_token/internal") == (200, 10003)
    assert ask("/open-apis/authen/v2/oauth/token") == (400, 20063)


@pytest.mark.parametrize("body", NO_OBJECT)
def test_json_that_is_no_object_has_the_code_of_its_service(caller: Any, body: bytes) -> None:
    def ask(path: str) -> tuple[int, int]:
        answer = caller.http.post(path, content=body, headers=caller.headers)
        return answer.status_code, answer.json()["code"]

    assert [ask(each) for each in (IM, CONTACT, PREPARE, OIDC, OIDC_REFRESH)] == [(400, 9499)] * 5
    assert ask(f"{caller.records}/search") == (200, 1254001)
    assert ask(f"{caller.records}/batch_get") == (400, 1254001)


def test_half_a_character_is_held_as_the_replacement(caller: Any) -> None:
    body = rb'{"fields": {"Name": "a\ud83db"}}'
    answer = caller.http.post(caller.records, content=body, headers=caller.headers)
    assert answer.json()["data"]["record"]["fields"] == {"Name": "a\ufffdb"}
    assert caller.names(caller.search()) == ["a\ufffdb"]


def test_control_route_says_that_a_body_is_too_deep(caller: Any) -> None:
    answer = caller.http.post("/_emulator/faults", content=b"[" * 990 + b"]" * 990)
    assert answer.status_code == 400
    assert "deep" in answer.json()["error"]
