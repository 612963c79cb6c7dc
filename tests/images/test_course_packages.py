"""Kernels of a course's notebooks find its extra packages, others do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.images.session_server import SKEL

pytestmark = pytest.mark.session

LAYER = "0123456789ab"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SEES = """
import importlib, os, shutil, subprocess, sys
try:
    print(importlib.import_module("extra").NAME)
except ImportError:
    print("nothing")
told = subprocess.run([sys.executable, "-c", "import extra; print(extra.NAME)"],
                      capture_output=True, text=True)
print(told.stdout.strip() or "nothing")
print(shutil.which("extra-tool"))
print(sorted(name for name in globals() if name in ("add", "problem", "carrel_session")))
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.home, self.courses, self.startup = folder / "content", folder / "opt", folder / "venv"
        self.packages = self.courses / "ml" / "packages"
        self.mine = self.home / "courses" / "ml" / "week1"
        for path in (self.mine, self.packages):
            path.mkdir(parents=True)
        self.startup.mkdir()

    def layer(self, id_: str = LAYER) -> Path:
        """A layer that is in use."""
        found = self.packages / id_
        for path, text in (
            (f"lib/{PYTHON}/site-packages/extra.py", f"NAME = 'extra of {id_}'"),
            ("bin/extra-tool", "#!/bin/sh\necho tool"),
        ):
            (found / path).parent.mkdir(parents=True, exist_ok=True)
            (found / path).write_text(text)
        (found / "bin/extra-tool").chmod(0o755)
        (self.packages / "current").write_text(f"{id_}\n")
        return found

    def sees(self, cwd: Path, code: str = SEES, **environment: str) -> list[str]:
        """What a kernel that papermill starts in that folder prints."""
        cell = {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [],
                "execution_count": None, "source": code}  # fmt: skip
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        asked, done = self.home / "asked.ipynb", self.home / "done.ipynb"
        asked.write_text(
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": [cell]})
        )
        # IPython's own folder for everybody is below sys.prefix, where the tests may not write:
        # a person's is read the same way.
        profile = self.startup / "profile_default" / "startup"
        profile.mkdir(parents=True, exist_ok=True)
        ours = SKEL / "venv/etc/ipython/startup/00-carrel.py"
        (profile / ours.name).write_text(ours.read_text())
        more = {
            "HOME": str(self.home), "CARREL_HOME": str(self.home), "PYTHONPATH": str(SKEL / "lib"),
            "CARREL_COURSES": str(self.courses), "PYTHONDONTWRITEBYTECODE": "1",
            "IPYTHONDIR": str(self.startup), **environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        papermill = [sys.executable, "-m", "papermill", str(asked), str(done), "--no-progress-bar",
                     "--cwd", str(cwd), "-k", "python3"]  # fmt: skip
        ran = subprocess.run(papermill, env=more, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-3000:]
        (found,) = json.loads(done.read_text())["cells"]
        return "".join(
            "".join(output["text"]) for output in found["outputs"] if output.get("name") == "stdout"
        ).splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


NOTHING = ["nothing", "nothing", "None", "[]"]


def test_a_notebook_of_the_course_and_what_it_starts_find_them(place: Place) -> None:
    layer = place.layer()
    tool = str(layer / "bin/extra-tool")
    assert place.sees(place.mine) == [f"extra of {LAYER}"] * 2 + [tool, "[]"]


def test_the_server_says_where_a_notebook_is(place: Place) -> None:
    layer = place.layer()
    told = {"JPY_SESSION_NAME": str(place.mine / "lab.ipynb")}
    assert place.sees(place.home, **told)[2] == str(layer / "bin/extra-tool")
    told = {"JPY_SESSION_NAME": str(place.home / "lab.ipynb")}
    assert place.sees(place.mine, **told) == NOTHING


def test_other_notebooks_do_not_find_them(place: Place) -> None:
    place.layer()
    for path in ("courses", "courses/ds", "courses/ml-2", "courses/UP"):
        (place.home / path).mkdir(exist_ok=True)
        assert place.sees(place.home / path) == NOTHING, path


def test_they_come_before_what_the_image_has_and_after_the_notebooks_own(place: Place) -> None:
    site = place.layer() / "lib" / PYTHON / "site-packages"
    (site / "papermill").mkdir()
    (site / "papermill" / "__init__.py").write_text("NAME = 'of the course'")
    assert place.sees(place.mine, "import papermill; print(papermill.NAME)") == ["of the course"]
    (place.mine / "papermill.py").write_text("NAME = 'mine'")
    assert place.sees(place.mine, "import papermill; print(papermill.NAME)") == ["mine"]


@pytest.mark.parametrize(
    "current", ["", "../../../etc", f"{LAYER}/..", "f" * 12, "\udcff", "0" * 10_000_000]
)
def test_a_broken_layer_keeps_no_kernel_from_starting(place: Place, current: str) -> None:
    place.layer()
    (place.packages / "current").write_text(current, errors="surrogateescape")
    assert place.sees(place.mine) == NOTHING


def test_a_layer_that_cannot_be_read_keeps_no_kernel_from_starting(place: Place) -> None:
    (place.packages / "current").mkdir()
    assert place.sees(place.mine) == NOTHING


def test_packages_of_another_python_are_left_alone(place: Place) -> None:
    layer = place.layer()
    (layer / "lib" / PYTHON).rename(layer / "lib" / "python2.7")
    assert place.sees(place.mine) == NOTHING
