"""Measures Google Drive's sync: one run, one emulated Drive that answers after 50 ms.

Beside it, on the same files: a loop of pydrive2, pydrive2's file system, rclone. Rates are of the
requests alone, from the first one to the last that moved bytes, so that no program's start counts.
Nobody is held back by Google's limit of writes, which is the same for all.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from pathlib import Path

from tests.bench import drive_big, drive_many, drive_small, drive_venv
from tests.bench.drive_emulated import emulated
from tests.bench.drive_place import Place, Sizes
from tests.bench.figures import Figure, Say


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Takes about fifteen minutes, with ``--quick`` two. Raises SystemExit when something that
    it needs is missing, or does not work."""
    if not shutil.which("rclone"):
        raise SystemExit("rclone is missing: apt-get install rclone")
    sizes = Sizes(options.files, options.many, options.edits, options.big_mb)
    if options.quick:
        sizes = Sizes(files=100, many=400, edits=4, big_mb=100)
    say("installing pydrive2, if it is not there yet")
    python = await asyncio.to_thread(drive_venv.python)
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as name:
        folder = Path(name)
        (folder / "emulator").mkdir()
        with emulated(python, folder / "emulator", options.delay_ms) as drive:
            place = Place(say, sizes, python, drive, folder)
            figures = [
                *await drive_small.figures(place),
                *await drive_many.figures(place),
                *await drive_big.figures(place),
            ]
            await asyncio.to_thread(drive.require_sound)
    return figures
