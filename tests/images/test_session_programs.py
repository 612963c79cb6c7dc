"""How the session's image has Carrel's programs: on its Python's path, enabled, and typed."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKEL = ROOT / "images/session/skel/opt/carrel"
RECIPE = (ROOT / "images/session/base.Dockerfile").read_text()
CONFIG = SKEL / "venv/etc/jupyter/jupyter_server_config.d"


def test_the_image_puts_them_on_the_path_and_reads_a_courses_repository() -> None:
    assert "echo /opt/carrel/lib >" in RECIPE and "/carrel.pth" in RECIPE
    assert "ln -s /opt/carrel/bin/carrel /opt/carrel/bin/carrel-drive /usr/local/bin/" in RECIPE
    assert "git config --system --add safe.directory '/opt/carrel/courses/*'" in RECIPE
    assert RECIPE.index("COPY images/session/skel/") > RECIPE.index("pip install"), (
        "or the index's nbgitpuller.json would replace ours, which turns its address off"
    )


@pytest.mark.parametrize(("name", "on"), [("carrel_session", True), ("nbgitpuller", False)])
def test_what_the_server_loads(name: str, on: bool) -> None:
    found = json.loads((CONFIG / f"{name}.json").read_text())
    assert found == {"ServerApp": {"jpserver_extensions": {name: on}}}


def test_nbgitpuller_is_pinned() -> None:
    """Its puller is built upon; a new release is read before it is taken."""
    assert "nbgitpuller==1.3.0\n" in (ROOT / "images/session/base.in").read_text()
    for family in ("base", "datascience", "pytorch"):
        lock = (ROOT / f"images/session/{family}.lock").read_text()
        assert "\nnbgitpuller==1.3.0 \\\n" in lock


@pytest.mark.parametrize("folder", ["carrel_session", "google/colab"])
def test_a_map_names_every_module(folder: str) -> None:
    here = SKEL / "lib" / folder
    map_ = ast.get_docstring(ast.parse((here / "__init__.py").read_text()))
    named = set(re.findall(r"\w+", map_ or ""))
    assert {path.stem for path in here.glob("*.py")} - named - {"__init__"} == set()


def test_no_page_loads_anything_from_elsewhere() -> None:
    for page in (SKEL / "lib/carrel_session/templates").glob("*.html"):
        text = page.read_text()
        assert not re.search(r"(src|href)=\"?(https?:)?//", text), page.name
        assert "|safe" not in text.replace(" ", ""), page.name
