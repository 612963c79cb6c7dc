"""The launcher: a POSIX shell, and never a line of Python from the folder it is called in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


def run(*arguments, cwd=ROOT, **environment):
    return subprocess.run(
        [str(ROOT / "carrel"), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def trap(tmp_path):
    """A student's home, with modules that would be taken for Carrel's or Python's."""
    for name in ("hub/cli/__main__.py", "hub/__init__.py", "typing.py", "ensurepip.py", "typer.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import pathlib; pathlib.Path(__file__).with_name('sprung').touch()\n")
    return tmp_path


def test_called_in_a_students_home_it_runs_nothing_of_theirs(trap):
    done = run("--help", cwd=trap, PYTHONPATH=str(trap))
    assert done.returncode == 0, done.stderr
    assert "Bring Carrel up" in done.stdout
    assert not list(trap.rglob("sprung"))


def test_a_folder_that_is_no_virtual_environment_is_not_emptied(tmp_path):
    (tmp_path / "thesis.txt").write_text("kept")
    done = run("--help", CARREL_VENV=str(tmp_path))
    assert done.returncode == 2
    assert "CARREL_VENV" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "kept"


def test_without_a_python_it_says_what_to_install(tmp_path):
    for tool in ("sh", "dirname", "printf", "id", "cat"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = run("up", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "apt-get install python3" in done.stderr


def test_a_wrong_verb_is_refused_and_help_has_an_example():
    assert run("nonsense").returncode == 2
    for verb in ("up", "down", "status", "logs", "doctor", "admin-link", "token"):
        assert f"Example: ./carrel {verb}" in run(verb, "--help").stdout, verb
