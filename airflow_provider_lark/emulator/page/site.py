"""The files of the page, and the images of messages, under ``/_emulator/``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from airflow_provider_lark.emulator.formats.jsontext import dump
from airflow_provider_lark.emulator.state.messaging.resources import image_type
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Answer, Request

ROOT: Final = "/_emulator/"
_FILES: Final = f"{ROOT}page/"
_IMAGE: Final = f"{ROOT}view/image"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# what stands in a message or a cell was written by others: nothing but the page's own files may run or be asked for
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def answer_page(state: State, request: Request) -> Answer | None:
    """What a browser gets; None for everything that is no file of the page and no image."""
    if request.method not in {"GET", "HEAD"}:
        return None
    if request.path == ROOT.rstrip("/"):
        return Answer(308, b"", {"Location": ROOT, **_HEADERS})
    if request.path == ROOT:
        return _file("index.html")
    if request.path.startswith(_FILES):
        return _file(request.path.removeprefix(_FILES))
    if request.path == _IMAGE:
        return _image(state, request.query.get("key", ""))
    return None


def _file(name: str) -> Answer:
    content = _static().get(name)
    if content is None:
        return Answer(404, dump({"error": f"the page has no file {name[:80]!r}"}))
    return Answer(200, content, {"Content-Type": _TYPES[name.rpartition(".")[2]], **_HEADERS})


@cache
def _static() -> dict[str, bytes]:
    # by the names that are there, so that no path leads out of the folder
    folder = files(__package__).joinpath("static")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in _TYPES}


def _image(state: State, key: str) -> Answer:
    with state.lock:
        found = state.resources.find(key, "image")
    mime = None if found is None else image_type(found.content)
    if found is None or mime is None:
        return Answer(404, dump({"error": "the image does not exist, or browsers cannot show it"}))
    return Answer(200, found.content, {"Content-Type": mime, **_HEADERS})
