"""Three floors, arrows only downward, no circle; light packages stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOOR = {"vdc": 0, "scoring": 1, "builders": 1, "baselines": 2, "leaderboard": 2}
MAY_USE = {
    "vdc": set(),
    "scoring": {"vdc"},
    "builders": {"vdc"},
    "baselines": {"vdc", "scoring", "builders"},
    "leaderboard": {"vdc", "scoring"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in FLOOR:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield package, path


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_packages_import_only_downward() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package, path in modules()
        for name in imported_names(path)
        if name.split(".")[0] in FLOOR and name.split(".")[0] not in MAY_USE[package] | {package}
    ]
    assert wrong == []


def test_no_two_modules_import_each_other() -> None:
    known = {module_name(path): path for _, path in modules()}
    graph = {name: {used for used in imported_names(path) if used in known} - {name} for name, path in known.items()}
    finished: set[str] = set()

    def walk(name: str, trail: list[str]) -> None:
        assert name not in trail, "circle: " + " -> ".join([*trail[trail.index(name) :], name])
        if name not in finished:
            for used in sorted(graph[name]):
                walk(used, [*trail, name])
            finished.add(name)

    for name in graph:
        walk(name, [])


@pytest.mark.parametrize("package", ["vdc", "scoring"])
def test_scoring_and_the_ground_need_no_torch_streamlit_or_orm(package: str) -> None:
    heavy = {"torch", "transformers", "streamlit", "sqlalchemy"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for owner, path in modules()
        if owner == package
        for name in imported_names(path)
        if name.split(".")[0] in heavy
    ]
    assert wrong == []


def test_import_vdc_and_help_load_nothing_heavy() -> None:
    program = (
        "import sys, vdc, vdc.cli; vdc.cli.build_app(None)\n"
        "heavy = {'numpy','pandas','pyarrow','aiohttp','openai','pandera','datasets','sklearn','scipy','matplotlib',"
        "'scoring','builders','leaderboard','baselines'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_there_is_no_module_called_utils() -> None:
    assert [str(path) for _, path in modules() if path.stem in ("utils", "helpers", "misc")] == []
