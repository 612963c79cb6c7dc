"""Where a course's repository, intakes and data folder lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from spawner.confinement import COURSE, COURSES, INCOMING, PACKAGES, SHARED
from spawner.errors import CarrelError, Code

INTAKE_LIVES = timedelta(days=1)
"""Unpublished; its order lives as long."""
_SLUG = re.compile(COURSE, re.ASCII)
_INTAKE = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True)
class Place:
    """The folder of one course."""

    slug: str
    folder: Path

    @property
    def shared(self) -> Path:
        """All that sessions of members see, read-only (node makes it: spawner.node.courses)."""
        return self.folder / SHARED

    @property
    def repository(self) -> Path:
        """Sessions of members see it, read-only: nothing unpublished may lie in it."""
        return self.shared / "materials.git"

    @property
    def intakes(self) -> Path:
        """Trees that are not published (yet): never mounted anywhere."""
        return self.folder / INCOMING

    @property
    def data(self) -> Path:
        """Large files that students read; a link ``data`` in each copy leads to them."""
        return self.shared / "data"

    @property
    def packages(self) -> Path:
        """Layers of extra packages; sessions read them (hub.materials.layer_files)."""
        return self.shared / PACKAGES

    def intake(self, id_: str) -> Path:
        """Raises CarrelError(NOT_FOUND) for what no intake can be called."""
        if not _INTAKE.fullmatch(id_):
            raise no_intake()
        return self.intakes / f"{id_}.git"


def of(data_dir: Path, slug: str) -> Place:
    """Raises CarrelError(BAD_INPUT) for what no course can be called."""
    if not _SLUG.fullmatch(slug):
        raise CarrelError(Code.BAD_INPUT, "There can be no course of this name.")
    return Place(slug, data_dir / COURSES / slug)


def no_intake() -> CarrelError:
    """What is said of an intake, or the order of one, that is not there (any more)."""
    return CarrelError(
        Code.NOT_FOUND,
        "This is not there any more.",
        "It was published or thrown away, or it is older than a day: send or order it again.",
    )
