"""The arrows between the rooms: config → hub → spawner, and nothing back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOUNDATIONS = {"spawner.errors", "spawner.names", "spawner.confinement"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources("spawner"), ids=shown)
def test_the_spawner_knows_neither_hub_nor_configuration(path: Path) -> None:
    assert not rooms(path) & {"hub", "config", "images"}


@pytest.mark.parametrize("path", sources("hub"), ids=shown)
def test_the_hub_knows_neither_configuration_nor_images(path: Path) -> None:
    assert not rooms(path) & {"config", "images"}


@pytest.mark.parametrize("path", [*sources("hub"), *sources("config")], ids=shown)
def test_the_control_plane_never_imports_the_privileged_program(path: Path) -> None:
    assert not any(name.startswith("spawner.node") for name in imported(path))


@pytest.mark.parametrize("path", sources("spawner/node"), ids=shown)
def test_node_imports_the_foundations_alone(path: Path) -> None:
    ours = {name for name in imported(path) if name.startswith("spawner.")}
    outside = {name for name in ours if not name.startswith("spawner.node")}
    assert all(any(name == f or name.startswith(f + ".") for f in FOUNDATIONS) for name in outside)


def test_programs_in_images_import_no_room() -> None:
    rule_breakers = [
        shown(path) for path in sources("images") if rooms(path) & {"hub", "spawner", "config"}
    ]
    assert rule_breakers == []


@pytest.mark.parametrize("path", [*sources("hub"), *sources("spawner")], ids=shown)
def test_only_the_store_opens_the_database(path: Path) -> None:
    opens = r"\b(create_(async_)?engine|engine_from_config|(sqlite3|psycopg)\.connect)\("
    opened = re.search(opens, path.read_text(encoding="utf-8"))
    assert bool(opened) is (path == ROOT / "hub" / "store.py")


def test_the_spawner_needs_no_database() -> None:
    assert not any(rooms(path) & {"sqlalchemy", "alembic"} for path in sources("spawner"))
