"""Runs ``late_mount`` for a container, as the process that it needs to be."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from spawner.errors import CarrelError, Code

_LIMIT_S = 10.0


async def show(source: Path, pid: int, target: str) -> None:
    """Raises CarrelError(UNAVAILABLE): it is seen at the session's next start in any case."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spawner.node.late_mount", str(source), str(pid), target,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LIMIT_S):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        said = b"it took too long"
    if process.returncode != 0:
        why = said.decode(errors="replace").strip()[:300]
        raise CarrelError(
            Code.UNAVAILABLE,
            f"A running session cannot be shown the course: {why}.",
            "Start the session anew.",
        )
