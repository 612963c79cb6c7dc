"""What the demo's course has published: two notebooks and a table, in two versions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

from hub.audit import By
from hub.enums import Source
from hub.materials import changes, intake, publishing, versions
from hub.materials.intake import Origin
from hub.materials.members import Limits, Member
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.store import Store
from spawner.errors import CarrelError, Code

FOLDER_WITHIN_S = 60.0
"""Housekeeping has a new course's folder made within seconds."""
FIRST, SECOND = "First steps", "A question more at the end of lab 1"
TABLE = "city,degrees\nBergen,8.1\nLisbon,17.5\nNairobi,19.0\nQuito,14.4\n"


def publish(store: Store, place: Place, by: By) -> int:
    """Publishes what is not published yet; how many versions those were.

    Raises CarrelError(UNAVAILABLE) where the course's folder does not come.
    """
    newest = store.read(versions.newest, place.slug)
    missing = (FIRST, SECOND)[newest.number if newest else 0 :]
    if missing:
        _wait_for_folder(place)
    for message in missing:
        taken = intake.take(place, _files(message), Origin(by, Source.UPLOAD, "the demo"), Limits())
        base = changes.preview(place, taken.id).base
        publishing.publish(store, place, Wanted(taken.id, base, message), by)
    return len(missing)


def _wait_for_folder(place: Place) -> None:
    until = time.monotonic() + FOLDER_WITHIN_S
    while not place.intakes.is_dir():
        if time.monotonic() > until:
            raise CarrelError(
                Code.UNAVAILABLE,
                "The folder of the demo's course was not made.",
                "Look at ./carrel logs hub.",
            )
        time.sleep(0.2)


def _files(message: str) -> Iterator[Member]:
    for path, text in _texts(message).items():
        content = text.encode()
        yield Member(path, 0o644, len(content), partial(_once, content))


def _once(content: bytes) -> Iterator[bytes]:
    yield content


def _texts(message: str) -> dict[str, str]:
    lab1 = [
        ("markdown", "# Lab 1: a table\nRun each cell with **Shift+Enter**."),
        ("code", "import csv\n\nfile = open('cities.csv')\nrows = list(csv.DictReader(file))"),
        ("code", "sum(float(row['degrees']) for row in rows) / len(rows)"),
        ("code", "# Which city is the warmest?\n"),
    ]
    if message == SECOND:
        lab1.append(("code", "# What is the difference between the warmest and the coldest?\n"))
    lab2 = [
        ("markdown", "# Lab 2: chance\nHow often does a die show six?"),
        ("code", "import random\n\nthrows = [random.randint(1, 6) for _ in range(10_000)]"),
        ("code", "throws.count(6) / len(throws)"),
    ]
    return {"lab1.ipynb": _notebook(lab1), "lab2.ipynb": _notebook(lab2), "cities.csv": TABLE}


def _notebook(cells: list[tuple[str, str]]) -> str:
    code: dict[str, object] = {"execution_count": None, "outputs": []}
    body = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
            | (code if kind == "code" else {})
            for number, (kind, source) in enumerate(cells, 1)
        ],
    }
    return json.dumps(body, indent=1) + "\n"
