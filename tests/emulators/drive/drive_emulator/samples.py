"""What is in a Drive for somebody who looks around: a course's folder, and things beside it."""

from __future__ import annotations

import json

from drive_emulator.model import FOLDER, GOOGLE, SHORTCUT, Access, Bytes, New
from drive_emulator.store import Store

_NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a1", "metadata": {}, "source": "# First steps"},
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "a2",
            "metadata": {},
            "outputs": [],
            "source": 'import csv\n\nrows = list(csv.reader(open("data/measurements.csv")))\n'
            "len(rows)",
        },
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def fill(store: Store, email: str) -> None:
    """Into somebody's empty Drive."""
    access = Access(email, "drive-page")

    def file(title: str, text: str, parent: str = "root") -> None:
        mime = "text/csv" if title.endswith(".csv") else "text/plain"
        store.insert(access, New(title, mime, parent, blob=Bytes.of(text.encode())))

    def folder(title: str, parent: str = "root") -> str:
        return store.insert(access, New(title, FOLDER, parent)).id

    course = folder("Machine learning")
    data = folder("data", course)
    file("First steps.ipynb", json.dumps(_NOTEBOOK, indent=1) + "\n", course)
    file("Notes.txt", "Lesson 1: what a model is.\nLesson 2: how it learns.\n", course)
    rows = (f"{hour}:00,{18 + (hour - 14) ** 2 % 7}.5\n" for hour in range(24))
    file("measurements.csv", "time,temperature\n" + "".join(rows), data)
    text = "Syllabus\nWeek 1: first steps\nWeek 2: measurements\n"
    syllabus = store.insert(access, New("Syllabus", GOOGLE + "document", course, text=text))
    store.insert(access, New("Syllabus", SHORTCUT, target=syllabus.id))
    trip = folder("Holiday")
    file("Packing list.txt", "Sun hat\nBook\n", trip)
