"""Measures courses: publishing 500 notebooks of 100 MB, then links that a class opens.

Publishing is without session and engine: a teacher's folder as a tar, real git, SQLite, a real
process per comparison of two notebooks, from the stream that arrives to the row. Links are in
``course_links``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from hub.audit import By
from hub.enums import Joining, Source
from hub.materials import changes, intake, places, publishing, rendering, tars
from hub.materials.feeding import Feeding
from hub.materials.intake import Intake, Origin
from hub.materials.members import Limits
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.models import courses
from hub.store import Store
from tests.bench import course_links
from tests.bench.figures import Figure, Say

NOTEBOOKS, PICTURE_BYTES, CELLS = 500, 15_000, 10
PIECE = 256 * 1024


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Takes about a minute, with sessions about six. Raises SystemExit as ``course_links``."""
    figures = await _publishing(say)
    return figures + (await course_links.measure(say, options.students) if options.students else [])


async def _publishing(say: Say) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as folder:
        store = Store(f"sqlite+pysqlite:///{folder}/carrel.sqlite")
        store.migrate()
        with store.deciding() as tx:
            tx.execute(
                courses.insert().values(
                    slug="bench", title="Bench", created_by="tess", created_at=datetime.now(UTC),
                    joining=Joining.CLOSED, code="ABCDEFGH",
                )
            )  # fmt: skip
        try:
            return await _publish(say, store, places.of(Path(folder), "bench"))
        finally:
            store.close()


async def _publish(say: Say, store: Store, place: Place) -> list[Figure]:
    say(f"making {NOTEBOOKS} notebooks")
    first = [_notebook(number, "first") for number in range(NOTEBOOKS)]
    second = [_notebook(n, "second" if n % 10 == 0 else "first") for n in range(NOTEBOOKS)]
    size = sum(map(len, first)) / 10**6
    figures = []
    base = None
    for what, notebooks, limit in (("first", first, 20.0), ("second", second, 20.0)):
        say(f"publishing them: the {what} version")
        began = time.monotonic()
        taken = await _take(place, notebooks)
        took = time.monotonic() - began
        seen = await asyncio.to_thread(changes.preview, place, taken.id)
        looked = time.monotonic() - began - took
        wanted = Wanted(taken.id, seen.base, what)
        assert seen.base == base
        began_publish = time.monotonic()
        version = await asyncio.to_thread(publishing.publish, store, place, wanted, _by())
        published = time.monotonic() - began_publish
        base = version.commit
        title = f"{what} version, {NOTEBOOKS} notebooks, {size:.0f} MB"
        figures += [
            Figure(f"{title}: all", took + looked + published, "s", limit),
            Figure(f"{title}: taking it in", took, "s"),
            Figure(f"{title}: preview", looked, "s"),
            Figure(f"{title}: publish", published, "s"),
        ]
    say("showing one of them")
    began = time.monotonic()
    await asyncio.to_thread(rendering.of_version, place, base, "week0/lab0.ipynb")
    return [*figures, Figure("showing a notebook", time.monotonic() - began, "s")]


async def _take(place: Place, notebooks: list[bytes]) -> Intake:
    async def arriving() -> AsyncIterator[bytes]:
        for piece in _tar(notebooks):
            yield piece

    limits = Limits()
    feeding = Feeding(arriving())
    origin = Origin(_by(), Source.SESSION, "/content/labs")
    return await asyncio.to_thread(
        intake.take, place, tars.members(feeding.read, limits), origin, limits
    )


def _tar(notebooks: list[bytes]) -> Iterator[bytes]:
    for number, data in enumerate(notebooks):
        info = tarfile.TarInfo(f"week{number % 15}/lab{number}.ipynb")
        info.size = len(data)
        yield info.tobuf(tarfile.PAX_FORMAT)
        for at in range(0, len(data), PIECE):
            yield data[at : at + PIECE]
        yield bytes(-len(data) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _notebook(number: int, text: str) -> bytes:
    """About 200 KB: text, and pictures that no compression makes smaller."""
    noise = random.Random(number)
    cells = []
    for cell in range(CELLS):
        picture = base64.b64encode(noise.randbytes(PICTURE_BYTES)).decode()
        outputs = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}]
        source = [f"x{line} = {noise.random()}\n" for line in range(5)]
        cells.append({"cell_type": "code", "id": f"c{cell}", "metadata": {}, "outputs": outputs,
                      "execution_count": cell, "source": [*source, f"# {text}"]})  # fmt: skip
    body = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return json.dumps(body, indent=1).encode()


def _by() -> By:
    return By("tess", datetime.now(UTC))
