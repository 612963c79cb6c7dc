"""One big file, up and down: what the sidecar needs of memory for it."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.bench.drive_place import PATIENCE_S, Place, require
from tests.bench.drive_sidecar import sidecar
from tests.bench.figures import Figure

MOST_MB = 100.0


async def figures(place: Place) -> list[Figure]:
    drive, size_mb = place.emulated, place.sizes.big_mb
    email = await asyncio.to_thread(drive.account, "big")
    place.say(f"a file of {size_mb:,} MB up")
    folder = place.make("big-up/drive/MyDrive")
    await asyncio.to_thread(_write_big, folder / "big.bin", size_mb)
    drive.forget()
    async with sidecar(place.python, place.folder / "big-up", drive, email) as running:
        await running.until("a big file up", lambda: running.in_step(1), 2 * PATIENCE_S)
        up_mb, up_s = running.memory.read_mb("VmHWM"), drive.asked().span_s
    (folder / "big.bin").unlink()
    place.say("and down")
    drive.forget()
    async with sidecar(place.python, place.folder / "big-down", drive, email) as running:
        await running.until("a big file down", lambda: running.in_step(1), 2 * PATIENCE_S)
        down_mb, down_s = running.memory.read_mb("VmHWM"), drive.asked().span_s
        size = (running.home / "big.bin").stat().st_size
    require(size == size_mb * 10**6, "the big file came with another size")
    what = f"file of {size_mb:,} MB"
    return [
        Figure(f"{what} up: resident, most", up_mb, "MB", MOST_MB),
        Figure(f"{what} down: resident, most", down_mb, "MB", MOST_MB),
        Figure(f"{what} up", size_mb / up_s, "MB/s"),
        Figure(f"{what} down", size_mb / down_s, "MB/s"),
    ]


def _write_big(path: Path, size_mb: int) -> None:
    with path.open("wb") as file:
        for _ in range(size_mb):
            file.write(random.randbytes(10**6))
