"""Many files in step, of which few change: looks, edits on either side, renames."""

from __future__ import annotations

import asyncio
import random
import time

from tests.bench.drive_place import PATIENCE_S, Place, require
from tests.bench.drive_sidecar import POLL_S, Sidecar, sidecar
from tests.bench.figures import Figure, percentile

MOST_EDIT_S = 3.0
IDLE_LOOKS = 6


async def figures(place: Place) -> list[Figure]:
    drive, half = place.emulated, place.sizes.many // 2
    place.say(f"making {2 * half:,} files")
    email = await asyncio.to_thread(drive.account, "many")
    for title in ("first", "second"):
        folder = await asyncio.to_thread(drive.folder, email, title)
        texts = {f"{number:05}.txt": f"{title} {number}" for number in range(half)}
        await asyncio.to_thread(drive.fill, email, folder, texts)
    place.say(f"bringing {2 * half:,} files down")
    async with sidecar(place.python, place.folder / "many", drive, email) as running:
        await running.until("many down", lambda: running.in_step(2 * half), PATIENCE_S)
        quiet = await _quiet(place)
        up = await _edits_here(place, running)
        down = await _edits_there(place, running, email)
        renames = await _renames(place, running, email)
        resident = running.memory.read_mb("VmRSS")
    files = f"{2 * half:,} files"
    return [
        Figure(f"requests of a look that finds no change, {files}", quiet, "", 1.0),
        *_delays(f"an edit here reaches Drive, {files}", up),
        *_delays(f"an edit in Drive arrives here, {files}", down),
        *renames,
        Figure(f"sidecar with {files}: resident", resident, "MB"),
    ]


def _delays(what: str, delays_s: list[float]) -> list[Figure]:
    return [
        Figure(f"{what}, median of {len(delays_s)}", percentile(delays_s, 0.5), "s"),
        Figure(f"{what}, 95 of 100", percentile(delays_s, 0.95), "s", MOST_EDIT_S),
    ]


async def _quiet(place: Place) -> float:
    """The most requests of one look."""
    place.say("looks that find no change")
    await asyncio.sleep(3 * POLL_S)
    place.emulated.forget()
    looks: list[int] = []
    while len(looks) < IDLE_LOOKS:
        await asyncio.sleep(POLL_S)
        looks = place.emulated.asked().cycles(POLL_S * 1000 / 2)
    return float(max(looks))


async def _edits_here(place: Place, running: Sidecar) -> list[float]:
    place.say(f"{place.sizes.edits} edits here")
    delays = []
    for number in range(place.sizes.edits):
        await asyncio.sleep(POLL_S + random.uniform(0, POLL_S))
        place.emulated.forget()
        path = running.home / f"first/{number:05}.txt"
        # As JupyterLab does: whole, then in its place.
        half = path.with_name(f".~{path.name}")
        half.write_text(f"edited here {number}")
        began = time.time()
        half.replace(path)
        arrived: list[int] = []
        end = began + PATIENCE_S
        while not arrived and time.time() < end:
            await asyncio.sleep(0.02)
            told = await asyncio.to_thread(place.emulated.asked)
            arrived = [e["at_ms"] for e in told.of("files.update") if e["status"] == 200]
        require(bool(arrived), "an edit here never came to Drive")
        delays.append(arrived[0] / 1000 - began)
    return delays


async def _edits_there(place: Place, running: Sidecar, email: str) -> list[float]:
    place.say(f"{place.sizes.edits} edits in Drive")
    tree = await asyncio.to_thread(place.emulated.tree, email)
    folder = next(one["id"] for one in tree if one["title"] == "second")
    ids = {one["title"]: one["id"] for one in tree if one["parent"] == folder}
    delays = []
    for number in range(place.sizes.edits):
        await asyncio.sleep(POLL_S + random.uniform(0, POLL_S))
        text, path = f"edited there {number}", running.home / f"second/{number:05}.txt"
        began = time.monotonic()
        await asyncio.to_thread(place.emulated.edit, ids[path.name], text=text)
        while path.read_text() != text:
            require(time.monotonic() < began + PATIENCE_S, "an edit in Drive never came here")
            await asyncio.sleep(0.01)
        delays.append(time.monotonic() - began)
    return delays


async def _renames(place: Place, running: Sidecar, email: str) -> list[Figure]:
    """Requests that change something, of a folder that is renamed on either side."""
    drive, half = place.emulated, place.sizes.many // 2
    place.say(f"renaming folders of {half:,} files")
    drive.forget()
    (running.home / "first").rename(running.home / "renamed here")

    def there() -> set[str]:
        return {one["title"] for one in drive.tree(email) if not one["trashed"]}

    await running.until("a rename here", lambda: "renamed here" in there(), PATIENCE_S)
    await running.until("quiet", lambda: running.in_step(2 * half), PATIENCE_S)
    await asyncio.sleep(2 * POLL_S)
    up = len(drive.asked().writes)
    folder = next(one["id"] for one in drive.tree(email) if one["title"] == "second")
    drive.forget()
    drive.edit(folder, title="renamed there")
    target = running.home / "renamed there"
    await running.until("a rename there", target.is_dir, PATIENCE_S)
    await running.until("quiet", lambda: running.in_step(2 * half), PATIENCE_S)
    await asyncio.sleep(2 * POLL_S)
    moved = len(drive.asked().moved)
    require(sum(1 for _ in target.iterdir()) == half, "a renamed folder lost files")
    what = f"folder of {half:,} files"
    return [
        Figure(f"requests for a {what} renamed here", up, "", 1.0),
        Figure(f"downloads for a {what} renamed in Drive", moved, "", 0.0),
    ]
