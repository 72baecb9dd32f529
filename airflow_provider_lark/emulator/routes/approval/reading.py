"""Members of approvals, read and refused with 1390001 (lark-api §13.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.approvals import Texts
from airflow_provider_lark.emulator.tenant.directory import User
from airflow_provider_lark.emulator.tenant.model import UserIdType

LOCALES: Final = frozenset(
    {"zh-CN", "en-US", "ja-JP", "zh-HK", "zh-TW", "de-DE", "es-ES", "fr-FR", "id-ID", "it-IT", "ko-KR", "pt-BR"}
    | {"th-TH", "vi-VN", "ms-MY", "ru-RU"}
)
_MOMENT: Final = re.compile(r"[0-9]{1,16}")


def bad(detail: str) -> ApiError:
    """1390001."""
    return ApiError(1390001, detail)


def text_of(given: Mapping[str, Any], name: str, where: str = "", *, most: int = 10_000) -> str:
    """A text that has to be there."""
    value = given.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise bad(f"{where}{name} must be a string of 1 to {most} characters")
    return value


def one_of(given: Mapping[str, Any], name: str, known: frozenset[str], where: str = "") -> str:
    """A text of a few."""
    value = given.get(name)
    # a list is in no set, and cannot even be asked for
    if not isinstance(value, str) or value not in known:
        raise bad(f"{where}{name} must be one of {', '.join(sorted(known))}")
    return value


def moment_of(given: Mapping[str, Any], name: str, where: str = "", *, required: bool = True) -> int:
    """Milliseconds, as digits in a text."""
    value = given.get(name)
    if value is None and not required:
        return 0
    # SDKs declare them as integers, and send what they are given
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise bad(f"{where}{name} must be a time in ms, as a string")
    return int(text)


def list_of(given: Mapping[str, Any], name: str, most: int, where: str = "") -> list[dict[str, Any]]:
    """A list of objects that may be left out."""
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, dict) for each in value):
        raise bad(f"{where}{name} must be a list of at most {most} objects")
    return value


def check_links(given: Mapping[str, Any], where: str = "") -> None:
    """Of an address for either kind of device one has to be there."""
    links = given.get("links")
    if not isinstance(links, dict) or not any(links.get(name) for name in ("pc_link", "mobile_link")):
        raise bad(f"{where}links needs pc_link or mobile_link")


def person_of(state: State, given: Mapping[str, Any], where: str) -> User | None:
    """The person that an open_id or a user_id names; None where neither is given."""
    kinds: tuple[UserIdType, ...] = ("open_id", "user_id")
    for kind in kinds:
        if given.get(kind):
            user = state.directory.find_person(str(given[kind]), kind)
            if user is None:
                raise bad(f"{where}{kind} is not a user of the tenant")
            return user
    return None


def texts_of(given: Mapping[str, Any]) -> Texts:
    """``i18n_resources``: what each key says."""
    resources = list_of(given, "i18n_resources", len(LOCALES))
    if not resources:
        raise bad("i18n_resources is empty")
    if [each.get("is_default") for each in resources].count(True) != 1:
        raise bad("exactly one language of i18n_resources must be the default")
    texts: Texts = {}
    for resource in sorted(resources, key=lambda each: each["is_default"] is not True):
        locale = one_of(resource, "locale", LOCALES, "i18n_resources.")
        for entry in list_of(resource, "texts", 10_000, "i18n_resources."):
            key = text_of(entry, "key", "texts.")
            if not key.startswith("@i18n@"):
                raise bad(f"{key[:40]!r}: a key must begin with @i18n@")
            if not isinstance(entry.get("value"), str):
                raise bad(f"{key[:40]!r} has no value")
            if key not in texts and resource["is_default"] is not True:
                raise bad(f"{key[:40]!r} is missing in the default language")
            texts.setdefault(key, {})[locale] = entry["value"]
    return texts


def check_key(texts: Texts, given: Mapping[str, Any], name: str, where: str = "", *, least: int = 7) -> None:
    """A member that names a text, if it is there."""
    key = given.get(name)
    if key is None:
        return
    if not isinstance(key, str) or not key.startswith("@i18n@") or len(key) < least:
        raise bad(f"{where}{name} must begin with @i18n@ and have at least {least} characters")
    if key not in texts:
        raise bad(f"{where}{name}: i18n_resources does not say what {key[:40]!r} is")
