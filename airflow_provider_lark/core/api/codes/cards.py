"""What is wrong with a card: the code inside 230099 and 11246, and the place that Lark names."""

from __future__ import annotations

import re

from airflow_provider_lark.core.api.codes.meaning import Meaning
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, LarkError, NotFound, TooLarge

CARD_CODES = frozenset({230099, 11246})
"""Codes that say no more than that a card, or a message, is not valid."""

_SUB_CODE = re.compile(r"ErrCode: ?(\d{4,7})")
# structure only, nothing that somebody wrote
_PATH = re.compile(r"ErrPath: ?((?:ROOT|[a-z_]{1,30}|\[\d{1,4}\](?:\(tag: [a-z_]{1,30}\))?)(?: -> |;|$))+")
_STEP = re.compile(r"ROOT|\[(\d{1,4})\](?:\(tag: ([a-z_]{1,30})\))?|([a-z_]{1,30})")

_BUILDER = "check the card in Lark's card builder"
_SAME_FORM = "cards of JSON 1.0, cards of JSON 2.0 and templates cannot replace each other; send a new message"

_Row = tuple[type[LarkError], str, str]

_SUB_CODES: dict[int, _Row] = {
    11310: (BadRequest, "it has too many elements or tables, or is in use", "at most 200 elements and 5 tables"),
    100290: (
        BadRequest,
        "it mentions a user that does not exist",
        "check the ids; an open_id is only valid for the app it was issued to",
    ),
    200380: (NotFound, "its template does not exist or has never been published", "publish the template"),
    200381: (AccessDenied, "the app may not use its template", "add the app in the template's settings"),
    200550: (
        BadRequest,
        "a chart's chart_spec is not valid",
        "check it against the VChart documentation; functions are not allowed",
    ),
    200570: (BadRequest, "it refers to an image that does not exist", "upload the image with the same app first"),
    200621: (BadRequest, "it is not valid card JSON", "a property may be unknown to JSON 2.0"),
    200732: (BadRequest, "a template variable has the wrong type", "check the variable types in the template"),
    200737: (BadRequest, "a template variable has the wrong format", "check the variable formats in the template"),
    200800: (BadRequest, "it cannot be created, or cannot replace the card that was sent", _SAME_FORM),
    200830: (BadRequest, "a card of JSON 1.0 cannot replace one of JSON 2.0", _SAME_FORM),
    200860: (TooLarge, "it is larger than 30 KB", "shorten it, or link to the full content"),
    200861: (
        BadRequest,
        "it uses a tag that JSON 2.0 no longer supports",
        "note and action were removed; use buttons directly",
    ),
    200914: (BadRequest, "a table has invalid rows", "each cell must match the data_type of its column"),
    200915: (BadRequest, "a row of a table uses an unknown column", "use the column names as keys"),
    300220: (BadRequest, "a card with audio cannot be forwarded", "set config.enable_forward to false"),
    300230: (BadRequest, "two audio elements have the same audio_id", "give each a different one"),
    300240: (BadRequest, "its audio was uploaded by another app", "upload the audio with the same app first"),
    300301: (BadRequest, "two elements have the same element_id", "give each a different one"),
    300305: (BadRequest, "it has more than 200 elements", "reduce it"),
}


def explain_card(text: str) -> Meaning:
    """Return what Lark's *text* on a refused card means."""
    found = _SUB_CODE.search(text)
    sub_code = int(found[1]) if found else 0
    error, what, hint = _SUB_CODES.get(sub_code, (BadRequest, "", _BUILDER))
    place = read_path(text)
    told = "the card's content is invalid"
    told += f": {what}" if what else ""
    told += f" (error {sub_code})" if sub_code else ""
    return Meaning(error, told + (f", at {place}" if place else ""), hint)


def read_path(text: str) -> str:
    """Return the place that *text* names as ``body.elements[3] (note)``, empty where it names none."""
    found = _PATH.search(text)
    if found is None:
        return ""
    place, tag = "", ""
    for step in _STEP.finditer(found[0].removeprefix("ErrPath:")):
        if step[1] is not None:
            place, tag = f"{place}[{step[1]}]", step[2] or ""
        elif step[3] is not None:
            place, tag = f"{place}.{step[3]}" if place else step[3], ""
    return f"{place} ({tag})" if tag else place


KNOWN_SUB_CODES = frozenset(_SUB_CODES)
