"""Gives a kernel the extra packages of the course that its notebook lies in.

Called at the start of every kernel (etc/ipython/startup). The hub built them once for the whole
course; here they are only named: in front of ``sys.path``, and in the environment of what the
kernel starts (``!pip list``, ``subprocess``).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

_COURSE = re.compile(r"[a-z][a-z0-9-]{1,39}", re.ASCII)
_LAYER = re.compile(r"[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True)
class Layer:
    """Folders of a course's packages that are there."""

    modules: Path
    programs: Path | None


def add() -> None:
    """For this kernel. Raises nothing but OSError."""
    found = find(os.environ, Path.cwd())
    if not found:
        return
    # Behind the notebook's own folder, as ever.
    sys.path.insert(sys.path.index("") + 1 if "" in sys.path else 0, str(found.modules))
    tell_children(found, os.environ)


def find(environment: Mapping[str, str], cwd: Path) -> Layer | None:
    """The packages of the course that this kernel's notebook is in."""
    slug = course_of(environment, cwd)
    if slug is None:
        return None
    packages = Path(environment.get("CARREL_COURSES") or "/opt/carrel/courses", slug, "packages")
    try:
        current = (packages / "current").read_text(encoding="ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not _LAYER.fullmatch(current):
        return None
    # Another Python's packages are of no use to this one.
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    modules = packages / current / "lib" / python / "site-packages"
    programs = packages / current / "bin"
    if not modules.is_dir():
        return None
    return Layer(modules, programs if programs.is_dir() else None)


def course_of(environment: Mapping[str, str], cwd: Path) -> str | None:
    """The short name of the course whose copy the notebook lies in.

    The server tells where the notebook is; a notebook that is run without a server is in the
    folder one works in.
    """
    told = environment.get("JPY_SESSION_NAME", "")
    place = Path(told).parent if told.startswith("/") else cwd
    courses = Path(environment.get("CARREL_HOME") or "/content", "courses")
    try:
        parts = place.resolve().relative_to(courses.resolve()).parts
    except ValueError:
        return None
    return parts[0] if parts and _COURSE.fullmatch(parts[0]) else None


def tell_children(layer: Layer, environment: MutableMapping[str, str]) -> None:
    """What this kernel starts finds the packages too."""
    for name, folder in (("PYTHONPATH", layer.modules), ("PATH", layer.programs)):
        if folder:
            rest = environment.get(name)
            environment[name] = os.pathsep.join(filter(None, (str(folder), rest)))
