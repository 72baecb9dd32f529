from __future__ import annotations

from pathlib import Path

import airflow_provider_lark

PACKAGE = Path(airflow_provider_lark.__file__).parent
LINES_MAX, MODULES_MAX = 300, 20


def test_no_module_and_no_folder_is_too_large() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 500  # the reading itself works
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in modules}
    flat: dict[Path, int] = {}
    for path in modules:
        flat[path.parent] = flat.get(path.parent, 0) + (path.name != "__init__.py")
    assert {str(path.relative_to(PACKAGE)): count for path, count in lines.items() if count > LINES_MAX} == {}
    assert {str(path.relative_to(PACKAGE)): count for path, count in flat.items() if count > MODULES_MAX} == {}
