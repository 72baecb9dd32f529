from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import airflow_provider_lark

PACKAGE = Path(airflow_provider_lark.__file__).parent
LINES_MAX, MODULES_MAX, PARAMETERS_MAX = 300, 20, 8
CONSTRUCTORS = ("core/api", "notifications", "operators", "sensors", "transfers")
"""Where users set everything of a client, a notifier or a task by keyword."""


def test_no_module_and_no_folder_is_too_large() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 500  # the reading itself works
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in modules}
    flat: dict[Path, int] = {}
    for path in modules:
        flat[path.parent] = flat.get(path.parent, 0) + (path.name != "__init__.py")
    assert {str(path.relative_to(PACKAGE)): count for path, count in lines.items() if count > LINES_MAX} == {}
    assert {str(path.relative_to(PACKAGE)): count for path, count in flat.items() if count > MODULES_MAX} == {}


def test_many_parameters_are_only_those_of_an_endpoint_or_of_a_constructor_for_users() -> None:
    found = [
        (str(path.relative_to(PACKAGE)), name)
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in _with_many_parameters(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert ("core/api/base.py", "__init__") in found  # the reading itself works
    constructors = [(path, name) for path, name in found if name == "__init__" and path.startswith(CONSTRUCTORS)]
    endpoints = [(path, name) for path, name in found if name != "__init__" and path.startswith("core/api/")]
    assert sorted(constructors + endpoints) == sorted(found)


def _with_many_parameters(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            if len([name for name in names if name not in ("self", "cls")]) > PARAMETERS_MAX:
                yield node.name
