"""The Welcome notebook: a valid one, whose five cells run wherever it is opened."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "images/session/skel/opt/carrel/welcome/Welcome.ipynb"


@pytest.fixture
def notebook() -> dict[str, Any]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def cells(notebook: dict[str, Any], kind: str) -> list[str]:
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == kind]


def test_it_is_a_notebook_of_five_cells_without_outputs(notebook: dict[str, Any]) -> None:
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z-]{1,64}", id_) for id_ in ids)


def test_it_speaks_of_files_packages_stopping_memory_and_drive(notebook: dict[str, Any]) -> None:
    text = "\n".join(cells(notebook, "markdown"))
    for word in ("/content", "%pip", "apt-get", "as long as the session", "**Stop**", "Memory",
                 "/content/drive/MyDrive"):  # fmt: skip
        assert word in text


def test_its_cells_run_in_order_and_without_a_package_index(
    notebook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here without IPython, so without its ``%pip`` line; tests/system runs them in a session."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEM_LIMIT", str(2**30))
    monkeypatch.setenv("CPU_LIMIT", "0.5")
    (tmp_path / "Welcome.ipynb").touch()
    names: dict[str, Any] = {}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for cell in cells(notebook, "code"):
            lines = [line for line in cell.splitlines() if not line.startswith("%pip ")]
            exec("\n".join(lines), names)
    for sentence in ("   Welcome.ipynb", "Nothing was installed", "Cores: 0.5", "Memory: 1 GiB",
                     "since the kernel started: 1", "Drive is not connected in this"):  # fmt: skip
        assert sentence in said.getvalue()
