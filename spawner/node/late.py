"""Runs ``late_mount`` and ``late_unmount`` for a container, each a process of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spawner.errors import CarrelError, Code
from spawner.node import late_seen, late_unmount
from spawner.node.late_seen import Folder

AT_ONCE = 2
"""A class that joins a course asks for thirty of them."""
_LIMIT_S = 10.0


@dataclass(frozen=True)
class Container:
    """A running container: its id, and the pid of its first process."""

    id: str
    pid: int


class Late:
    """All may be called at any time, and again."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def show(self, source: Path, container: Container, target: str) -> None:
        """Raises CarrelError(UNAVAILABLE): it is seen at the session's next start in any case."""
        if await asyncio.to_thread(_is_shown, container.pid, target):
            return
        async with self._turn:
            code, said = await _run(
                "late_mount", str(source), str(container.pid), container.id, target
            )
        if code != 0:
            raise CarrelError(
                Code.UNAVAILABLE,
                f"A running session cannot be shown the course: {said}.",
                "Start the session anew.",
            )

    async def keep(self, courses: Path, container: Container, slugs: AbstractSet[str]) -> None:
        """Takes away what the container sees of ``courses`` but these.

        Raises CarrelError: CONFLICT where it keeps one by force, UNAVAILABLE for all else.
        """
        found = await asyncio.to_thread(_seen, courses, container.pid)
        if found is None:
            return
        folder, seen = found
        for slug in sorted(seen - slugs):
            mine = folder.of_course(slug)
            async with self._turn:
                code, said = await _run(
                    "late_unmount", mine.device, mine.path, str(container.pid), container.id
                )
            if code != 0:
                raise CarrelError(
                    Code.CONFLICT if code == late_unmount.STUBBORN else Code.UNAVAILABLE,
                    f"The course {slug} cannot be taken from a running session: {said}.",
                    "It is gone when the session ends.",
                )


def _is_shown(pid: int, target: str) -> bool:
    """A wrong yes of a container that pretends shows less to nobody but itself."""
    try:
        mounts = Path(f"/proc/{pid}/mountinfo").read_text(errors="replace")
    except OSError:
        return False
    return any(line.split()[4] == target for line in mounts.splitlines())


def _seen(courses: Path, pid: int) -> tuple[Folder, set[str]] | None:
    """What a process sees of courses; None when there is no such process (any more).

    Raises CarrelError(UNAVAILABLE).
    """
    try:
        folder = late_seen.folder(courses)
    except (OSError, ValueError) as error:
        raise CarrelError(
            Code.UNAVAILABLE, f"The folder {courses} cannot be looked at: {error}."
        ) from error
    try:
        found = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return None
    return folder, late_seen.slugs(folder, late_seen.mounts(found))


async def _run(program: str, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"spawner.node.{program}", *arguments, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            _, said = await process.communicate()
    except TimeoutError:
        said = b"it took too long"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace").strip()[:300]
