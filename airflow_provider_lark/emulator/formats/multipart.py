"""``multipart/form-data`` bodies, as uploads send them (lark-api §7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True)
class Part:
    """One part of a form."""

    name: str
    content: bytes
    file_name: str | None = None
    mime: str | None = None

    @property
    def text(self) -> str:
        """The content as text.

        :raises ValueError: it is not UTF-8.
        """
        return self.content.decode("utf-8")


def parse_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The parts by name; of parts with one name, the last.

    :raises ValueError: the body is no form, or ends before its last boundary.
    """
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_boundary()
    if head.get_content_type() != "multipart/form-data" or not boundary:
        msg = "the body must be multipart/form-data with a boundary"
        raise ValueError(msg)
    chunks = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(chunks) < 2 or not chunks[-1].startswith(b"--"):
        msg = "the form has no last boundary"
        raise ValueError(msg)
    parts = [_parse_part(each) for each in chunks[1:-1]]
    return {each.name: each for each in parts}


def _parse_part(chunk: bytes) -> Part:
    lines, separator, content = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    head = Message()
    for line in lines.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        head[name.strip()] = value.strip()
    given = head.get_param("name", header="content-disposition")
    if not separator or not isinstance(given, str):
        msg = "a part of the form has no name"
        raise ValueError(msg)
    mime = head.get_content_type() if "content-type" in head else None
    return Part(given, content, head.get_filename(), mime)
