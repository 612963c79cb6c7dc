"""Small files, up and down: by Carrel, and by others on the same emulated Drive."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.drive_others import Other, Pydrive2, rclone
from tests.bench.drive_place import PATIENCE_S, Place, require
from tests.bench.drive_sidecar import POLL_S, sidecar
from tests.bench.figures import Figure

KB = 1024
TIMES_NAIVE = 8.0
MOST_REQUESTS_PER_FILE = 1.05
MOST_IDLE_MB = 45.0
SMALL = "small"


@dataclass(frozen=True)
class Rates:
    """Files per second, and requests per file that was made."""

    name: str
    up: float
    down: float
    requests: float


async def figures(place: Place) -> list[Figure]:
    (place.folder / "rclone").mkdir()
    source = place.make(f"source/{SMALL}")
    for number in range(place.sizes.files):
        (source / f"{number:05}.txt").write_bytes(secrets.token_bytes(KB))
    ours, idle_mb = await _ours(place, source)
    async with rclone(place.emulated, place.folder / "rclone") as with_rclone:
        others: Sequence[Other] = (
            Pydrive2("a loop of pydrive2", "naive", place.python, place.emulated),
            Pydrive2("pydrive2's fsspec", "fsspec", place.python, place.emulated),
            with_rclone,
        )
        rates = [await _other(place, other, source) for other in others]
    naive, _, best = rates
    files = f"{place.sizes.files:,} files of 1 KB"
    found = []
    for one in (ours, *rates):
        found += [
            Figure(f"{files} up, {one.name}", one.up, "files/s"),
            Figure(f"{files} down, {one.name}", one.down, "files/s"),
            Figure(f"requests per file made, {one.name}", one.requests, "",
                   MOST_REQUESTS_PER_FILE if one is ours else None),
        ]  # fmt: skip
    return [
        *found,
        Figure("up, Carrel / a loop of pydrive2", ours.up / naive.up, "times", least=TIMES_NAIVE),
        Figure(
            "down, Carrel / a loop of pydrive2", ours.down / naive.down, "times", least=TIMES_NAIVE
        ),
        Figure(f"up, Carrel / {best.name}", ours.up / best.up, "times", least=1.0),
        Figure(f"down, Carrel / {best.name}", ours.down / best.down, "times", least=1.0),
        Figure(f"idle sidecar, {place.sizes.files:,} files: resident", idle_mb, "MB", MOST_IDLE_MB),
    ]


async def _ours(place: Place, source: Path) -> tuple[Rates, float]:
    """The rates, and what an idle sidecar with these files holds in memory."""
    count, drive = place.sizes.files, place.emulated
    email = await asyncio.to_thread(drive.account, "carrel")
    place.say("Carrel: up")
    shutil.copytree(source, place.folder / f"ours-up/drive/MyDrive/{SMALL}")
    drive.forget()
    async with sidecar(place.python, place.folder / "ours-up", drive, email) as running:
        await running.until("up", lambda: running.in_step(count), PATIENCE_S)
        up = drive.asked()
    require(len(drive.tree(email)) == count + 1, "Carrel brought up other files")
    place.say("Carrel: down")
    drive.forget()
    async with sidecar(place.python, place.folder / "ours-down", drive, email) as running:
        await running.until("down", lambda: running.in_step(count), PATIENCE_S)
        down = drive.asked()
        _same(source, running.home / SMALL, "Carrel")
    async with sidecar(place.python, place.folder / "ours-down", drive, email) as running:
        await running.until("an idle sidecar", lambda: running.in_step(count), PATIENCE_S)
        await asyncio.sleep(3 * POLL_S)
        idle_mb = running.memory.read_mb("VmRSS")
    rates = Rates("Carrel", count / up.span_s, count / down.span_s, up.until_done / count)
    return rates, idle_mb


async def _other(place: Place, other: Other, source: Path) -> Rates:
    count, drive = place.sizes.files, place.emulated
    email = await asyncio.to_thread(drive.account, f"other-{secrets.token_hex(4)}")
    token = await asyncio.to_thread(drive.token, email)
    place.say(f"{other.name}: up")
    drive.forget()
    await other.move("up", token, source)
    up = drive.asked()
    require(len(drive.tree(email)) == count + 1, f"{other.name} brought up other files")
    place.say(f"{other.name}: down")
    target = place.make(f"{secrets.token_hex(4)}/{SMALL}")
    drive.forget()
    await other.move("down", token, target)
    down = drive.asked()
    _same(source, target, other.name)
    return Rates(other.name, count / up.span_s, count / down.span_s, up.until_done / count)


def _same(source: Path, target: Path, name: str) -> None:
    for path in source.iterdir():
        same = (target / path.name).read_bytes() == path.read_bytes()
        require(same, f"{name} brought down another {path.name}")
