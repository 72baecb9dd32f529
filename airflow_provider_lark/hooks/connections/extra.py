"""The extra of a Lark connection: which fields it knows, and each value read and checked.

Airflow masks a field's value in the UI, in REST answers and in logs when its name holds a word such as ``secret``,
``token`` or ``proxy``. Hence ``event_encrypt_key_secret``, and ``store_conn_id`` without the word token: a masked
connection id would be starred out of every log line that names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_lark.core.api.retry import LONGEST_ELAPSED_SECONDS, MOST_ATTEMPTS
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_TIMEOUT_SECONDS = 30.0
MAX_TIMEOUT_SECONDS = 600.0

MAX_FIELDS = 100
MAX_BASES = 1000
MAX_TEXT = 4096

FIELDS = (
    "region",
    "timeout_seconds",
    "max_attempts",
    "max_elapsed_seconds",
    "proxy",
    "ca_bundle",
    "bases",
    "event_encrypt_key_secret",
    "event_verification_token",
    "store_conn_id",
    "rabbitmq_conn_id",
    "redis_conn_id",
    "tenant_key",
    "base_v3",
)
"""The fields, as the form names them."""

# what `airflow lark app add` notes beside them
_NOTES = ("app_name", "added_at")

# older tools, and people who know them, write the connection type into the name
_PREFIX = "extra__lark__"
_ALIASES = {"token_store_conn_id": "store_conn_id"}


class Extra:
    """The fields of a connection's extra; each method reads one, or raises a ConfigError that names it.

    :param where: the connection, for messages.
    :param fields: the names that count; those of a Lark connection by default.
    :param prefix: what older tools put in front of them.
    :param notes: names of what our own commands note beside them.
    :raises ConfigError: the extra is no JSON object, or holds more than a connection's settings.
    """

    def __init__(
        self,
        conn: Connection,
        where: str,
        *,
        fields: Sequence[str] = FIELDS,
        prefix: str = _PREFIX,
        notes: Sequence[str] = _NOTES,
    ) -> None:
        self._where = where
        self._fields = fields
        self._prefix = prefix
        self._notes = notes
        self._values: dict[str, Any] = {}
        self._unknown: list[str] = []
        for name, value in _read_object(conn, where, len(fields)).items():
            self._take(name, value)

    def _take(self, name: str, value: Any) -> None:
        plain = name.removeprefix(self._prefix)
        plain = _ALIASES.get(plain, plain)
        if plain not in self._fields:
            self._unknown += [] if plain in self._notes else [plain]
        elif value is not None and value != "" and (name == plain or plain not in self._values):
            # under both names, the plain one counts
            self._values[plain] = value

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is unlikely to be meant: fields that nobody reads. Only names close to a known one are quoted."""
        found = [(name, get_close_matches(name, self._fields, n=1)) for name in self._unknown]
        told = [f"unknown extra field {name!r}; did you mean {near[0]!r}?" for name, near in found if near]
        others = len(found) - len(told)
        return (*told, f"{counted(others, 'unknown extra field')}") if others else tuple(told)

    def text(self, name: str) -> str | None:
        """Return a text without blanks around it, None where the field is empty."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise ConfigError(f"{self._where}: {name} must be text of at most {MAX_TEXT:,} characters")
        return value.strip() or None

    def secret(self, name: str) -> str | None:
        """Return a secret, None where the field is empty."""
        text = self.text(name)
        if text is not None:
            refuse_stars(text, self._where, name)
        return text

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of *choices*, the first where the field is empty."""
        given = (self.text(name) or choices[0]).lower()
        if given not in choices:
            raise ConfigError(f"{self._where}: {name} must be one of {', '.join(choices)}")
        return given

    def timeout_seconds(self) -> float:
        """Return how long one call may take."""
        seconds = self._number("timeout_seconds", DEFAULT_TIMEOUT_SECONDS)
        if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
            raise ConfigError(
                f"{self._where}: timeout_seconds must be greater than 0 and at most {MAX_TIMEOUT_SECONDS:g}"
            )
        return seconds

    def max_attempts(self) -> int | None:
        """Return how often one call is sent at most, None where the field is empty."""
        number = self._number("max_attempts", 0.0) if "max_attempts" in self._values else None
        if number is not None and (not 1 <= number <= MOST_ATTEMPTS or number != int(number)):
            raise ConfigError(f"{self._where}: max_attempts must be a whole number from 1 to {MOST_ATTEMPTS}")
        return None if number is None else int(number)

    def max_elapsed_seconds(self) -> float | None:
        """Return how long one call is retried at most, None where the field is empty."""
        if "max_elapsed_seconds" not in self._values:
            return None
        return self.number("max_elapsed_seconds", 0.0, LONGEST_ELAPSED_SECONDS)

    def number(self, name: str, default: float, most: float) -> float:
        """Return a number from 0 to *most*."""
        number = self._number(name, default)
        if not 0 <= number <= most:
            raise ConfigError(f"{self._where}: {name} must be a number from 0 to {most:g}")
        return number

    def _number(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        try:
            return -1.0 if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            return -1.0

    def proxy(self) -> str | None:
        """Return the address of a proxy."""
        address = self.secret("proxy")
        if address is not None:
            check_proxy(Secret(address), self._where)
        return address

    def ca_bundle(self) -> str | None:
        """Return the path of a file of certificates."""
        path = self.text("ca_bundle")
        if path is not None and not _is_file(path):
            raise ConfigError(
                f"{self._where}: ca_bundle must be the path of a PEM file that exists and is readable on this machine"
            )
        return path

    def bases(self) -> dict[str, str]:
        """Return names of bases and what stands for each: an app_token, or the address of a wiki page."""
        expected = f'{self._where}: bases must be a JSON object such as {{"MyDB": "<app_token>"}}'
        value = self._values.get("bases")
        if value is None or value == []:
            # an editor that is left alone shows an empty list in Airflow 3.2
            return {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise ConfigError(expected) from None
        if not isinstance(value, dict):
            raise ConfigError(expected)
        if len(value) > MAX_BASES:
            raise ConfigError(f"{self._where}: bases has {len(value):,} entries; at most {MAX_BASES:,} are allowed")
        if bad := [name for name, token in value.items() if not _is_token(token)]:
            raise ConfigError(
                f"{self._where}: bases[{bad[0][:80]!r}] must be an app_token (the part after /base/ in the base's "
                "address) or the whole address"
            )
        return {name.strip(): _app_token_of(token.strip()) for name, token in value.items()}


def check_proxy(proxy: Secret, where: str) -> None:
    """Check the address of a proxy, without a word of it.

    :raises ConfigError: it is none, or Airflow's stars stand in place of its password.
    """
    if not _is_proxy(proxy.reveal()):
        raise ConfigError(f"{where}: proxy must be a URL such as http://proxy.example:3128")
    if password := urlsplit(proxy.reveal()).password:
        refuse_stars(password, where, "the proxy password")


def refuse_stars(value: str, where: str, name: str) -> None:
    """Refuse the stars that Airflow shows in place of a secret: somebody has saved or copied them instead of it.

    :raises ConfigError: *value* is nothing else.
    """
    if not value.strip("* "):
        raise ConfigError(
            f"{where}: {name} is {value.strip()}, the mask that Airflow displays instead of the value; enter the real "
            "value again"
        )


def _read_object(conn: Connection, where: str, known: int) -> Mapping[str, Any]:
    try:
        extra = json.loads(conn.extra) if conn.extra else {}
    except (ValueError, RecursionError):
        # without the cause: an error tracker would show the text, and with it the secrets
        raise ConfigError(f"{where}: extra is not a valid JSON object") from None
    if not isinstance(extra, dict):
        raise ConfigError(f"{where}: extra is not a valid JSON object")
    if len(extra) > MAX_FIELDS:
        raise ConfigError(
            f"{where}: extra has {len(extra):,} fields; remove the unknown settings and keep only the {known} listed "
            "in the connection form"
        )
    return extra


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port  # read for its check: it raises on a port that is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https", "socks5") and bool(parts.hostname)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        # no path of this machine can be so long
        return False


def _is_token(value: object) -> bool:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        return False
    try:
        urlsplit(value)
    except ValueError:
        return False
    return True


def _app_token_of(text: str) -> str:
    # people paste the whole address where the token is asked for
    steps = urlsplit(text).path.split("/")
    return steps[steps.index("base") + 1] if "base" in steps[:-1] else text
