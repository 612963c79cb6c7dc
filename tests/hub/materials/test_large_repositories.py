"""A repository that is too much is refused in a sentence and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.enums import OrderState, Source
from hub.materials import places
from hub.materials.members import MIB
from hub.materials.repository import Repository
from hub.orders import Wish
from spawner.errors import CarrelError, Code
from spawner.node.jobs import MOST_FILE_BYTES
from tests import git_host
from tests.hub.materials import test_ordered
from tests.hub.materials.test_ordered import done

school = test_ordered.school

ROOT = Path(__file__).resolve().parents[3]
PIECE = 1 << 16


class FetchingNode:
    """Runs the program of a fetch as node's job does, without the container around it."""

    def __init__(self, data_dir: Path, certificate: Path, most_bytes: int) -> None:
        self.data_dir, self.most_bytes = data_dir, most_bytes
        self.environment = {**os.environ, "SSL_CERT_FILE": str(certificate)}
        self.ended: list[int] = []

    async def ensure_course(self, slug):
        (self.data_dir / "courses" / slug / "shared").mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def job(self, job):
        process = await asyncio.create_subprocess_exec(
            "prlimit", f"--fsize={self.most_bytes}", sys.executable, "-m", "spawner.node.fetch",
            job["url"], job["branch"], cwd=ROOT, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout and process.stderr
        try:
            first = await process.stdout.read(PIECE)
            if not first and await process.wait() != 0:
                said = (await process.stderr.read()).decode().strip().splitlines()
                raise CarrelError(Code.REFUSED, said[-1])

            async def pieces():
                piece = first
                while piece:
                    yield piece
                    piece = await process.stdout.read(PIECE)

            yield pieces()
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()  # also closes its pipes
            self.ended.append(process.returncode)


def imported(folder: Path, name: str, files: Iterator[tuple[str, bytes]]) -> None:
    """A public repository with these files in one commit."""
    bare = folder / f"{name}.git"
    git_host.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    (bare / "git-daemon-export-ok").touch()
    # Else it would look for half a minute how such files could be made smaller.
    git_host.git(bare, "config", "core.bigFileThreshold", "1m")
    git = ["git", f"--git-dir={bare}", "fast-import", "--quiet"]
    with subprocess.Popen([*git, "--done"], stdin=subprocess.PIPE, env=git_host.GIT) as process:
        assert process.stdin
        process.stdin.write(b"commit refs/heads/main\ncommitter a <a> 0 +0000\ndata 0\n")
        for path, content in files:
            process.stdin.write(b"M 100644 inline %s\ndata %d\n" % (path.encode(), len(content)))
            process.stdin.write(content + b"\n")
        process.stdin.write(b"done\n")
        process.stdin.close()
        assert process.wait() == 0


async def refused(school, tmp_path: Path, files: Iterator[tuple[str, bytes]], most: int) -> str:
    """What its teacher is told."""
    served = tmp_path / "served"
    served.mkdir()
    imported(served, "large", files)
    with git_host.served(served) as address:
        node = FetchingNode(tmp_path / "srv", served / "cert.pem", most)
        found = await done(school, node, Wish(Source.GIT, f"{address}/large.git"), within_s=200)
    assert found.state is OrderState.FAILED and len(node.ended) == 1
    place = places.of(tmp_path / "srv", "ml")
    assert list(place.intakes.glob("*")) == []
    if place.repository.exists():
        counted = Repository(place.repository).must("count-objects", "-v")
        assert b"count: 0\n" in counted and b"in-pack: 0\n" in counted
    return found.problem


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # it is not about the database
async def test_a_hundred_thousand_files(school, tmp_path: Path) -> None:
    files = ((f"d{n % 100}/f{n}", b"%d" % n) for n in range(100_000))
    said = await refused(school, tmp_path, files, MOST_FILE_BYTES)
    assert said.startswith("There are more than 20,000 files in it: ")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("size", "most"),
    [
        pytest.param(3 * MIB, 2 * MIB, id="with-a-lower-limit"),
        pytest.param(1100 * MIB, MOST_FILE_BYTES, id="as-it-is", marks=pytest.mark.soak),
    ],
)
async def test_more_than_a_gigabyte(school, tmp_path: Path, size: int, most: int) -> None:
    some = random.Random(1)
    piece = min(size, 50 * MIB)
    files = ((f"f{n}.bin", some.randbytes(piece)) for n in range(size // piece))
    said = await refused(school, tmp_path, files, most)
    assert said.startswith("https://localhost:") and "is too large to be fetched (1 GB)." in said
