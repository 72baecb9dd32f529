"""Canonical values: the form that both sides can hold, in which values are compared, hashed and kept as base.

===================  ==========================================================
kind                 Python form
===================  ==========================================================
nothing              ``None`` (Lark's absent cell, SQL's NULL, and the empty text)
text, one select     ``str``
number               ``decimal.Decimal`` without trailing zeros and minus zero;
                     a whole number has no exponent, and may be an ``int``
                     after :func:`load_values` (5 and Decimal(5) are equal)
instant              ``int``: UTC milliseconds since the epoch
boolean              ``bool`` (an absent checkbox is ``False``)
several of a kind    ``tuple`` of ``str``: selects by name, persons and groups by id, links by record id
attachments, url     ``tuple`` of ``tuple`` of ``str``: (file_token, name); (text, link)
===================  ==========================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, cast

Canonical = None | str | Decimal | int | bool | tuple["Canonical", ...]

_DECIMAL = "decimal"
# made once: json.dumps() and json.loads() with options make a coder a call
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_decode = json.JSONDecoder(parse_float=Decimal).decode


def dump_values(values: Mapping[str, Canonical]) -> str:
    """Write *values* as compact JSON with sorted keys; equal values give equal text."""
    return _encode({name: _to_json(value) for name, value in values.items()})


def load_values(text: str) -> dict[str, Canonical]:
    """Read what :func:`dump_values` wrote; the result equals what was written."""
    # whole numbers come back as int: int(5) == Decimal(5), and instants stay ints
    raw = cast("dict[str, Any]", _decode(text))
    return {name: _from_json(value) if type(value) in (list, dict) else value for name, value in raw.items()}


def hash_values(text: str) -> str:
    """Return a 32-digit hash of what :func:`dump_values` wrote."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _to_json(value: Canonical) -> Any:
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        # 15 significant digits survive the way through a double; a Text field beside a NUMERIC column may have more
        double = float(value)
        return double if Decimal(repr(double)) == value else {_DECIMAL: str(value)}
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    return value


def _from_json(value: Any) -> Canonical:
    if isinstance(value, list):
        return tuple(_from_json(part) for part in value)
    if isinstance(value, dict):
        return Decimal(value[_DECIMAL])
    return cast("Canonical", value)
