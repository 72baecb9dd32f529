"""Components that are allowed only in some places, and what a form requires of its children."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider_lark.core.cards.check.tree import Finding, Node
from airflow_provider_lark.core.cards.limits import CHECKER_BUTTONS_MAX, ELEMENT_ID_MAX, INPUT_LENGTH_MAX
from airflow_provider_lark.core.cards.tags import NAMED_IN_FORMS

_ELEMENT_ID = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{ELEMENT_ID_MAX - 1}}}")
_INPUT_TYPES = ("text", "multiline_text", "password")


def check_places(nodes: list[Node]) -> Iterator[Finding]:
    """Yield what stands where it cannot, or lacks what its place asks for."""
    for node in nodes:
        yield from _check_place(node)
        yield from _check_limits(node)
        if node.tag == "form":
            yield from _check_form(node, nodes)
    yield from _check_ids(nodes)
    yield from _check_names(nodes)


def _check_place(node: Node) -> Iterator[Finding]:
    if node.tag in {"table", "form"} and node.above:
        yield Finding(
            node.path, f"a {node.tag} is only allowed directly in body.elements: move it out of the {_holder(node)}"
        )
    elif node.tag == "chart" and node.within("form"):
        yield Finding(node.path, "a form cannot contain a chart: put it before or after the form")
    elif node.tag in {"multi_select_static", "multi_select_person"} and not node.within("form"):
        yield Finding(node.path, f"a {node.tag} only works in a form: put it into one, or use select_…")
    elif node.tag == "select_img" and node.data.get("multi_select") is True and not node.within("form"):
        yield Finding(node.path, "a select_img with multi_select only works in a form")


def _holder(node: Node) -> str:
    return next(each.tag for each in reversed(node.above) if each.tag != "column")


def _check_form(form: Node, nodes: list[Node]) -> Iterator[Finding]:
    if not _named(form):
        yield Finding(form.path, 'a form needs a "name"')
    inside = [node for node in nodes if form in node.above]
    for node in inside:
        if node.tag in NAMED_IN_FORMS and not _named(node):
            yield Finding(node.path, f'a {node.tag} in a form needs a "name" of its own (200530)')
    buttons = [node.data for node in inside if node.tag == "button"]
    submits = [b for b in buttons if b.get("form_action_type") == "submit" or b.get("action_type") == "form_submit"]
    if not submits:
        yield Finding(form.path, 'a form needs a button with "form_action_type": "submit"')


def _named(node: Node) -> bool:
    name = node.data.get("name")
    return isinstance(name, str) and bool(name)


def _check_names(nodes: list[Node]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for node in nodes:
        if _named(node) and (node.tag in NAMED_IN_FORMS or node.tag == "form"):
            name = node.data["name"]
            if name in seen:
                yield Finding(
                    node.path, f"the name {name!r} is already used at {seen[name]}: names must be unique in a card"
                )
            seen.setdefault(name, node.path)


def _check_ids(nodes: list[Node]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for node in nodes:
        if "element_id" not in node.data:
            continue
        own, path = node.data["element_id"], f"{node.path}.element_id"
        if not isinstance(own, str) or not _ELEMENT_ID.fullmatch(own):
            yield Finding(path, f"must have at most {ELEMENT_ID_MAX} letters, digits and _, beginning with a letter")
        elif own in seen:
            yield Finding(
                path, f"{own!r} is already used at {seen[own]}: element_ids must be unique in a card (300301)"
            )
        else:
            seen[own] = path


def _check_limits(node: Node) -> Iterator[Finding]:
    if node.tag == "chart":
        spec = node.data.get("chart_spec")
        if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
            yield Finding(f"{node.path}.chart_spec", 'must be a VChart spec with a "type" such as line (200550)')
    elif node.tag == "input":
        length = node.data.get("max_length", INPUT_LENGTH_MAX)
        if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= INPUT_LENGTH_MAX:
            yield Finding(f"{node.path}.max_length", f"must be a whole number from 1 to {INPUT_LENGTH_MAX}")
        if node.data.get("input_type", "text") not in _INPUT_TYPES:
            yield Finding(f"{node.path}.input_type", f"must be one of {', '.join(_INPUT_TYPES)}")
    elif node.tag == "checker":
        area = node.data.get("button_area")
        buttons = area.get("buttons") if isinstance(area, dict) else None
        if isinstance(buttons, list) and len(buttons) > CHECKER_BUTTONS_MAX:
            path = f"{node.path}.button_area.buttons[{CHECKER_BUTTONS_MAX}]"
            yield Finding(path, f"a checker may have at most {CHECKER_BUTTONS_MAX} buttons")
    elif node.tag in {"select_person", "multi_select_person"}:
        yield from _check_people(node)


def _check_people(node: Node) -> Iterator[Finding]:
    options = node.data.get("options")
    for place, option in enumerate(options if isinstance(options, list) else ()):
        value = option.get("value") if isinstance(option, dict) else None
        if not isinstance(value, str) or not value.startswith("ou_"):
            yield Finding(f"{node.path}.options[{place}].value", "must be an open_id (ou_…)")
