"""Combined images, image choices and audio: the requirements of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_lark.core.cards.check.tree import Finding, Node
from airflow_provider_lark.core.cards.limits import PICTURES_MAX

_ONE_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "img_combination": {"combination_mode": tuple(PICTURES_MAX)},
    "select_img": {"layout": ("stretch", "bisect", "trisect"), "aspect_ratio": ("1:1", "16:9", "4:3")},
    "audio": {
        "style": ("normal", "flat", "speak"),
        "time_display": ("default", "both"),
        "time_position": ("start", "end", "both_sides"),
    },
}
#: where the pictures of a component stand
_PICTURES = {"img_combination": "img_list", "select_img": "options"}


def check_media(card: Mapping[str, Any], nodes: list[Node]) -> Iterator[Finding]:
    """Yield what is wrong with pictures and sounds."""
    for node in nodes:
        for key, known in _ONE_OF.get(node.tag, {}).items():
            if key in node.data and node.data[key] not in known:
                yield Finding(f"{node.path}.{key}", f"must be one of {', '.join(known)}")
        if node.tag in _PICTURES:
            yield from _check_pictures(node, _PICTURES[node.tag])
    config = card.get("config")
    forwarded = not isinstance(config, dict) or config.get("enable_forward", True)
    yield from _check_audio([node for node in nodes if node.tag == "audio"], forwarded=bool(forwarded))


def _check_pictures(node: Node, key: str) -> Iterator[Finding]:
    held = node.data.get(key)
    if not isinstance(held, list) or not held:
        yield Finding(f"{node.path}.{key}", 'must be a list of images: [{"img_key": …}, …]')
        return
    for place, each in enumerate(held):
        if not isinstance(each, dict) or not _is_text(each.get("img_key")):
            yield Finding(f"{node.path}.{key}[{place}]", 'each image needs an "img_key"')
    if node.tag == "img_combination":
        mode = node.data.get("combination_mode")
        most = PICTURES_MAX.get(mode) if isinstance(mode, str) else None
        if mode is None:
            yield Finding(f"{node.path}.combination_mode", f"is missing: must be one of {', '.join(PICTURES_MAX)}")
        elif most is not None and len(held) > most:
            yield Finding(f"{node.path}.{key}[{most}]", f"{len(held)} images, but {mode} only shows {most}")


def _check_audio(audios: list[Node], *, forwarded: bool) -> Iterator[Finding]:
    if audios and forwarded:
        hint = 'a card with audio cannot be forwarded (300220): set "enable_forward": false in config'
        yield Finding(audios[0].path, hint)
    ids = [node.data.get("audio_id") for node in audios]
    for place, node in enumerate(audios):
        if not _is_text(node.data.get("file_key")):
            yield Finding(f"{node.path}.file_key", "is missing: must be the key of an OPUS file uploaded by this app")
        if ids[place] is not None and ids[place] in ids[:place]:
            yield Finding(f"{node.path}.audio_id", "audio_ids must be unique in a card (300230)")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
