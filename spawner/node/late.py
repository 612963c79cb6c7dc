"""Runs ``late_mount`` for a container, as the process that it needs to be."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spawner.errors import CarrelError, Code

AT_ONCE = 2
"""A class that joins a course asks for thirty of them."""
_LIMIT_S = 10.0


@dataclass(frozen=True)
class Container:
    """A running container: its id, and the pid of its first process."""

    id: str
    pid: int


class Late:
    """``show`` may be called at any time, and again."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def show(self, source: Path, container: Container, target: str) -> None:
        """Raises CarrelError(UNAVAILABLE): it is seen at the session's next start in any case."""
        if await asyncio.to_thread(_is_shown, container.pid, target):
            return
        async with self._turn:
            code, said = await _run(str(source), str(container.pid), container.id, target)
        if code != 0:
            raise CarrelError(
                Code.UNAVAILABLE,
                f"A running session cannot be shown the course: {said}.",
                "Start the session anew.",
            )


def _is_shown(pid: int, target: str) -> bool:
    """A wrong yes of a container that pretends shows less to nobody but itself."""
    try:
        mounts = Path(f"/proc/{pid}/mountinfo").read_text(errors="replace")
    except OSError:
        return False
    return any(line.split()[4] == target for line in mounts.splitlines())


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spawner.node.late_mount", *arguments, stderr=asyncio.subprocess.PIPE
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
