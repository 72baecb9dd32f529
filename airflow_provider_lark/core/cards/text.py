"""Untrusted text, escaped for a card: it is shown literally, and never taken for markup.

An exception may hold ``<at id=all>``, a cell ``[pay here](https://…)``, a dag id ``*stars*``. What a builder calls
*Markdown* is trusted; everything else goes through here first.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from airflow_provider_lark.core.cards.check.texts import is_web_url
from airflow_provider_lark.core.errors import BadRequest

# colours and cursor moves of terminals, which exceptions and logs are full of
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# a colon makes :OK: an emoji and http: a link; an ampersand makes &reg a sign
_ESCAPED = {ord(char): f"&#{ord(char)};" for char in "&<>*_~`[]|\\$:"}
_LINE_START = re.compile(r"^([-+#=]|\d+(?=[.)]))", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_BARE_HOST = re.compile(r"\bwww(?=\.)", re.IGNORECASE)
# where nothing can be escaped, as in code, a mention is broken up by the joiner that Lark's documents give for this
_TAG = re.compile(r"<(?=\s*/?\s*(?:at|person)\b)", re.IGNORECASE)
# what a text message knows beside mentions: <b>, <i>, <u>, <s> and [words](address)
_MARKUP = re.compile(r"<(?=\s*/?\s*[a-z])|\](?=\()", re.IGNORECASE)
_BACKTICKS = re.compile(r"`{3,}")
_USER_ID = re.compile(r"[A-Za-z0-9_.-]+")
_EMAIL = re.compile(r"[^\s<>@'\"=,]+@[^\s<>@'\"=,]+")
_URL_SAFE = "%/:=&?~#+!$,;@*[]"
_LOCAL_HOSTS = re.compile(r"localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|::1|::", re.IGNORECASE)


def clean_text(text: str) -> str:
    """Return *text* without what no message can hold: halves of characters, control characters, terminal colours."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("\ufffd", _TERMINAL.sub("", whole).replace("\r\n", "\n").replace("\r", "\n"))


def escape_markdown(text: str) -> str:
    """Return Markdown that shows exactly *text*, whatever it holds; line breaks stay."""
    escaped = clean_text(text).translate(_ESCAPED)
    escaped = _INDENT.sub(lambda blanks: blanks[0].replace("\t", "    ").replace(" ", "&nbsp;"), escaped)
    escaped = _LINE_START.sub(_escape_start, escaped)
    return _BARE_HOST.sub(r"\g<0>&zwj;", escaped)


def _escape_start(found: re.Match[str]) -> str:
    return f"{found[0]}&zwj;" if found[0].isdecimal() else f"&#{ord(found[0])};"


def one_line(text: str) -> str:
    """Return *text* in one line: runs of blanks and line breaks become one blank."""
    return " ".join(clean_text(text).split())


def break_mentions(text: str) -> str:
    """Return *text* in which no tag mentions anybody: an invisible joiner stands within it."""
    return _TAG.sub("<\u200d", text)


def break_markup(text: str) -> str:
    """Return *text* for a text message, which has no escapes: no tag and no link in it works."""
    return _MARKUP.sub(lambda found: f"{found[0]}\u200d", clean_text(text))


def code_block(text: str, language: str = "plain_text") -> str:
    """Return Markdown that shows *text* as a block of code.

    :param language: what Lark's documents list, such as ``python``, ``sql`` or ``json``.
    """
    shown = break_mentions(clean_text(text))
    longest = max((len(run) for run in _BACKTICKS.findall(shown)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def bold(text: str) -> str:
    """Return Markdown that shows *text* in bold; nothing for no text."""
    shown = escape_markdown(one_line(text))
    return f"**{shown}**" if shown else ""


def colored(text: str, color: str) -> str:
    """Return Markdown that shows *text* in a *color* of Lark's list, such as ``red``, ``grey`` or ``green-600``."""
    return f"<font color='{color}'>{escape_markdown(text)}</font>"


def link(text: str, url: str | None) -> str:
    """Return Markdown that shows *text* as a link, or only *text* where *url* is none that a card may link."""
    target = web_url(url)
    shown = escape_markdown(one_line(text))
    return f"[{shown}]({target.replace('(', '%28').replace(')', '%29')})" if target else shown


def web_url(url: str | None) -> str | None:
    """Return *url* as a card may link it, or None where it is none.

    Blanks, quotes and what is not ASCII are percent-encoded; other schemes than http and https are none.
    """
    given = url.strip() if url else ""
    if clean_text(given) != given:
        return None
    target = quote(given, safe=_URL_SAFE + "()")
    return target if is_web_url(target) else None


def reachable_url(url: str | None) -> str | None:
    """Return *url* as :func:`web_url` does, but None for one that leads to the reader's own machine.

    Airflow without ``[api] base_url`` calls itself ``http://localhost:8080``: a button to that is a dead one.
    """
    target = web_url(url)
    if target is None:
        return None
    return None if _LOCAL_HOSTS.fullmatch(urlsplit(target).hostname or "") else target


def mention(user_id: str) -> str:
    """Return Markdown that mentions a person by open_id, union_id or user_id: they are notified.

    :raises BadRequest: it is none; ``all`` takes :func:`mention_all`, so that nobody calls everybody by accident.
    """
    if user_id == "all" or not _USER_ID.fullmatch(user_id):
        raise BadRequest(
            "user_id: expected an open_id (ou_…), union_id (on_…) or user_id; use mention_all() for everyone"
        )
    return f"<at id={user_id}></at>"


def mention_email(email: str) -> str:
    """Return Markdown that mentions the person with *email*; a custom bot cannot, and an unknown address is refused.

    :raises BadRequest: it is no e-mail address.
    """
    if not _EMAIL.fullmatch(email):
        raise BadRequest("email: expected an address such as lin@example.com")
    return f"<at email={email}></at>"


def mention_all() -> str:
    """Return Markdown that notifies the whole chat; refused where its owner does not allow that."""
    return "<at id=all></at>"


def local_time(moment: datetime, *, day: bool = True) -> str:
    """Return Markdown that shows *moment* in the reader's own time zone; a naive one is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    milliseconds = int(aware.timestamp() * 1000)
    kinds = ("date_num", "time_sec") if day else ("time_sec",)
    return " ".join(
        f"<local_datetime millisecond='{milliseconds}' format_type='{kind}'></local_datetime>" for kind in kinds
    )
