"""The keys under which tokens are kept in a database: Fernet, from ``LARK_CONFIG_ENCRYPTION_KEY``.

Several keys are separated by commas: the first encrypts, all decrypt. A key is never shown; logs and the table
name it by its id, the beginning of its SHA-256.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError

VARIABLE = "LARK_CONFIG_ENCRYPTION_KEY"

_KEY = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_KEY_BYTES = 32
_ID_LENGTH = 8
_HOW = (
    f"generate one with `openssl rand -base64 32` and set it as {VARIABLE} on every worker; to rotate keys, put the "
    "new key before the old one, separated by a comma"
)


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    fernet: Fernet = field(repr=False)


class Keyring:
    """The keys; the first one encrypts."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys = {key.id: key.fernet for key in keys}
        self.key_ids = tuple(self._keys)

    @classmethod
    def from_text(cls, text: str) -> Keyring:
        """Read keys: base64 of 32 bytes, standard or url-safe, padded or not, separated by commas.

        :raises ConfigError: no key is set, or one is not a valid key.
        """
        secret = Secret(text)
        del text  # from here on no traceback with locals can show it
        return cls._read(secret)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Keyring:
        """Read the keys of ``LARK_CONFIG_ENCRYPTION_KEY``.

        :raises ConfigError: it is not set, or holds something else.
        """
        secret = Secret((os.environ if environ is None else environ).get(VARIABLE, ""))
        del environ  # it would show in full in a traceback with locals
        return cls._read(secret)

    @classmethod
    def _read(cls, secret: Secret) -> Keyring:
        parts = [Secret(part.strip()) for part in secret.reveal().split(",") if part.strip()]
        if not parts:
            raise ConfigError(f"the token store needs an encryption key: {_HOW}")
        keys = [_read_key(part) for part in parts]
        for number, key in enumerate(keys, start=1):
            if key is None:
                which = f"key {number} of {len(keys)} in {VARIABLE}" if len(keys) > 1 else VARIABLE
                raise ConfigError(f"{which} is not {_KEY_BYTES} bytes in base64: {_HOW}")
        return cls([key for key in keys if key is not None])

    @property
    def current_id(self) -> str:
        """The id of the key that encrypts."""
        return self.key_ids[0]

    def encrypt(self, secret: Secret) -> str:
        """Return *secret* encrypted under the first key."""
        return self._keys[self.current_id].encrypt(secret.reveal().encode()).decode()

    def decrypt(self, text: str, *, key_id: str | None = None) -> Secret | None:
        """Return what *text* holds, or None when no key opens it.

        :param key_id: the key to try first.
        """
        ids = sorted(self.key_ids, key=lambda each: each != key_id)
        for fernet in map(self._keys.__getitem__, ids):
            try:
                return Secret(fernet.decrypt(text.encode()).decode())
            except (InvalidToken, ValueError):
                continue
        return None

    def __repr__(self) -> str:
        return f"Keyring(key_ids={self.key_ids!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyring cannot be pickled, because its keys could end up in a database or a log")


def _read_key(secret: Secret) -> _Key | None:
    text = secret.reveal()
    if not _KEY.fullmatch(text):
        return None
    key = base64.urlsafe_b64decode(text.rstrip("=").translate(str.maketrans("+/", "-_")) + "=")
    return _Key(sha256(key).hexdigest()[:_ID_LENGTH], Fernet(base64.urlsafe_b64encode(key)))
