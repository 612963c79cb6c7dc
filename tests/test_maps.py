"""A folder's docstring is its map: every module of the folder stands on it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    "hub",
    "hub/cli",
    "hub/handlers",
    "hub/materials",
    "hub/web",
    "images/drivesync/drivesync",
    "spawner",
    "spawner/node",
    "tests/emulators/drive/drive_emulator",
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_map_names_every_module(folder: str) -> None:
    here = ROOT / folder
    map_ = ast.get_docstring(ast.parse((here / "__init__.py").read_text(encoding="utf-8")))
    named = set(re.findall(r"[\w.]+", map_ or ""))
    missing = {path.stem for path in here.glob("*.py")} - named - {"__init__", "__main__"}
    assert not missing
