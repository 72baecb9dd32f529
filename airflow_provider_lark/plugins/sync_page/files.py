"""The page itself. It holds no data, so it needs no login; what it asks for does."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Final, NamedTuple

from fastapi import Request
from starlette.responses import Response

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# what stands in a row was written by others: nothing but the page's own files may run or be asked for, and the browser
# takes no text for markup
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _File(NamedTuple):
    content: bytes
    kind: str
    tag: str


def answer_file(request: Request, name: str) -> Response:
    """Return a file of the page; a browser that has it already is told so."""
    found = _static().get(name)
    if found is None:
        return Response("not found", 404, media_type="text/plain")
    headers = {"Cache-Control": "no-cache", "ETag": found.tag}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.kind)


@cache
def _static() -> dict[str, _File]:
    # by the names that are there, so that no path leads out of the folder
    known: dict[str, _File] = {}
    for each in files(__package__).joinpath("static").iterdir():
        if kind := _TYPES.get(each.name.rpartition(".")[2]):
            content = each.read_bytes()
            known[each.name] = _File(content, kind, f'"{blake2b(content, digest_size=8).hexdigest()}"')
    return known
