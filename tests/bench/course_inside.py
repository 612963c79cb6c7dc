"""Runs in the hub's container of a bench: makes a course with its people, and publishes in it.

python - make SLUG TEACHER     students on standard input
python - publish SLUG TEACHER TEXT
"""

import io
import json
import os
import sys
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path

from hub import accounts, courses, installation, members, store
from hub.audit import COMMAND_LINE, By
from hub.enums import Role, Source
from hub.materials import changes, intake, places, publishing, tars
from hub.materials.intake import Origin
from hub.materials.members import Limits
from hub.materials.publishing import Wanted
from hub.powers import Actor

NOTEBOOKS, FOLDER_WITHIN_S = 10, 60
KEEPER = Actor(COMMAND_LINE, Role.ADMIN)


def make(database: store.Store, slug: str, teacher: str, students: list[str]) -> None:
    """The course, and everybody in it."""
    by = By(COMMAND_LINE, datetime.now(UTC))
    with database.deciding() as tx:
        accounts.create(tx, accounts.NewAccount(teacher, Role.TEACHER), by)
        courses.make(tx, KEEPER, slug, courses.Wish("Bench"), by)
        members.add_teacher(tx, KEEPER, slug, teacher, by)
        for name in students:
            actor = Actor.of(accounts.require_enabled(tx, name))
            members.join(tx, actor, slug, "", By(name, by.at))


def publish(database: store.Store, place: places.Place, teacher: str, text: str) -> None:
    """A version of ten notebooks that all differ from the one before."""
    until = time.monotonic() + FOLDER_WITHIN_S
    while not place.intakes.is_dir() and time.monotonic() < until:
        time.sleep(0.2)  # housekeeping has it made
    by, limits = By(teacher, datetime.now(UTC)), Limits()
    coming = tars.members(io.BytesIO(_tar(text)).read, limits)
    taken = intake.take(place, coming, Origin(by, Source.SESSION, "/content/labs"), limits)
    base = changes.preview(place, taken.id).base
    publishing.publish(database, place, Wanted(taken.id, base, text), by)


def _tar(text: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(NOTEBOOKS):
            cells = [
                {"cell_type": "markdown", "id": f"c{cell}", "metadata": {},
                 "source": f"Exercise {cell} of lab {number}, {text}"}
                for cell in range(20)
            ]  # fmt: skip
            body = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
            content = json.dumps(body, indent=1).encode()
            info = tarfile.TarInfo(f"lab{number}.ipynb")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


if __name__ == "__main__":
    verb, slug, teacher, *more = sys.argv[1:]
    settings = installation.load(Path(os.environ["CARREL_ETC"])).settings
    opened = store.open_store(settings)
    if verb == "make":
        make(opened, slug, teacher, more)
    else:
        publish(opened, places.of(settings.data_dir, slug), teacher, *more)
