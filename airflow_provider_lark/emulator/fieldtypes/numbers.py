"""The four ui types of a number field, and their ``property`` (lark-api §3.1)."""

from __future__ import annotations

from typing import Any, Final

Property = dict[str, Any]

FORMATTERS: Final = frozenset(
    {
        *("0", "0.0", "0.00", "0.000", "0.0000", "1,000", "1,000.00"),
        *("%", "0%", "0.0%", "0.00%", "¥", "¥0.00", "$", "$0.00"),
    }
)
CURRENCIES: Final = frozenset(
    {
        *("CNY", "USD", "EUR", "GBP", "AED", "AUD", "BRL", "CAD", "CHF", "HKD", "INR", "IDR", "JPY"),
        *("KRW", "MOP", "MXN", "MYR", "PHP", "PLN", "RUB", "SGD", "THB", "TRY", "TWD", "VND"),
    }
)
SYMBOLS: Final = frozenset({"star", "heart", "thumbsup", "fire", "smile", "lightning", "flower", "number"})
NEEDED: Final = {
    "Progress": ("formatter",),
    "Currency": ("formatter", "currency_code"),
    "Rating": ("formatter", "min", "max"),
}
"""Members of a number's property that the platform calls required (§3.1)."""
_MEMBERS: Final = {
    "Number": ("formatter",),
    "Progress": ("formatter", "range_customize", "min", "max"),
    "Currency": ("formatter", "currency_code"),
    "Rating": ("formatter", "rating", "min", "max"),
}
_DEFAULTS: Final[dict[str, Property]] = {
    "Number": {"formatter": "0"},
    "Progress": {"formatter": "0%", "range_customize": False, "min": 0, "max": 1},
    "Currency": {"formatter": "0.00", "currency_code": "CNY"},
    "Rating": {"formatter": "0", "rating": {"symbol": "star"}, "min": 1, "max": 5},
}
_LEAST_OF_RATING: Final = (0, 1)
_MOST_OF_RATING: Final = range(1, 11)


def missing_members(ui_type: str, given: Property) -> list[str]:
    """What the platform demands of the property of that face, and is not there."""
    needed = NEEDED.get(ui_type, ())
    if ui_type == "Progress" and given.get("range_customize") is True:
        needed = (*needed, "min", "max")
    return [name for name in needed if name not in given]


def complete(ui_type: str, given: Property) -> Property:
    """The property with its defaults.

    :raises ValueError: a member is unknown or has a wrong value.
    """
    unknown = sorted(set(given) - set(_MEMBERS[ui_type]))
    if unknown:
        raise ValueError(f"unknown property members {unknown}")
    built = {**_DEFAULTS[ui_type], **given}
    _one_of(built, "formatter", FORMATTERS if ui_type != "Rating" else frozenset({"0"}))
    if ui_type == "Currency":
        _one_of(built, "currency_code", CURRENCIES)
    elif ui_type == "Progress":
        _check_progress(built)
    elif ui_type == "Rating":
        _check_rating(built)
    return built


def _one_of(held: Property, name: str, allowed: frozenset[str]) -> None:
    if not isinstance(held.get(name), str) or held[name] not in allowed:
        raise ValueError(f"{name} must be one of {sorted(allowed)}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_progress(held: Property) -> None:
    if not isinstance(held["range_customize"], bool):
        raise ValueError("range_customize must be true or false")
    if not (_is_number(held["min"]) and _is_number(held["max"]) and held["min"] < held["max"]):
        raise ValueError("min and max must be numbers, min the smaller one")


def _check_rating(held: Property) -> None:
    rating = held["rating"]
    if not isinstance(rating, dict) or set(rating) - {"symbol"}:
        raise ValueError("rating is {symbol}")
    _one_of({"symbol": "star", **rating}, "symbol", SYMBOLS)
    low, high = held["min"], held["max"]
    # 1.0 is the whole number that it equals; True is none
    if not (_is_number(low) and low in _LEAST_OF_RATING):
        raise ValueError("min of a rating must be 0 or 1")
    if not (_is_number(high) and high in _MOST_OF_RATING):
        raise ValueError("max of a rating must be an integer in 1..10")
