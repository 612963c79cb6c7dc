"""``python -I -c <this text> REQUIREMENTS``: packages as a tar on standard output, and how it went.

Runs in a container of its own (node.jobs), from a session's image and with that image's Python: so
it stands alone and imports nothing of ours. The tar has ``log/<n>`` while pip talks, then
``result``, and after a success ``layer/…``. What pip builds is code of strangers, run in here:
nothing in this container is worth having, and whoever reads the tar believes none of it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import select
import signal
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

PLACE = Path("/tmp")  # noqa: S108  the container's own
LIMIT_S = 1740.0
"""For pip and all it builds; node ends the container a little later."""
TALK_S, BEAT_S = 1.0, 10.0
"""How often the log is sent on at most; and at least, so that nobody takes silence for an end."""
MOST_FILES, MOST_BYTES = 200_000, 4 * 2**30
_PIECE = 256 * 1024
_PIP = (
    "install", "--no-cache-dir", "--no-compile", "--no-input", "--no-color", "--progress-bar=off",
    "--no-warn-script-location", "--disable-pip-version-check", "--root-user-action=ignore",
)  # fmt: skip
Say = Callable[[bytes], None]


class Tar:
    """Members one by one, each sent at once."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._logs = 0

    def log(self, said: bytes) -> None:
        """May be empty: a sign of life."""
        self._logs += 1
        self.text(f"log/{self._logs}", said)

    def text(self, name: str, data: bytes) -> None:
        self._head(name, len(data), 0o644)
        self._out.write(data + bytes(-len(data) % tarfile.BLOCKSIZE))
        self._out.flush()

    def file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            self._head(name, found.st_size, 0o755 if found.st_mode & 0o100 else 0o644)
            left = found.st_size
            while left:
                # One that got shorter meanwhile is filled up, as its length is said already.
                piece = file.read(min(left, _PIECE)) or bytes(min(left, _PIECE))
                self._out.write(piece)
                left -= len(piece)
            self._out.write(bytes(-found.st_size % tarfile.BLOCKSIZE))

    def end(self) -> None:
        self._out.write(bytes(2 * tarfile.BLOCKSIZE))
        self._out.flush()

    def _head(self, name: str, size: int, mode: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, mode
        self._out.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))


def run(command: list[str], say: Say, until: float) -> int | None:
    """Its exit code; None where it took too long. What it says is passed on as it comes."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=PLACE, env=os.environ | {"HOME": str(PLACE)}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    with process.stdout as output:
        return _follow(process, output.fileno(), say, until)


def _follow(process: subprocess.Popen[bytes], fd: int, say: Say, until: float) -> int | None:
    # Its end counts, not that of its output: something that it left behind may hold that open.
    os.set_blocking(fd, False)
    held, spoken = b"", time.monotonic()
    while True:
        ended, now = process.poll() is not None, time.monotonic()
        select.select([fd], [], [], 0.0 if ended else TALK_S)
        try:
            piece = os.read(fd, _PIECE)
        except BlockingIOError:
            piece = b""
        held += piece
        if ended and not piece:
            say(held)
            return process.returncode
        if len(held) >= _PIECE or now - spoken >= (TALK_S if held else BEAT_S):
            say(held)
            held, spoken = b"", now
        if now >= until:
            say(held)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        if not piece and not ended:
            time.sleep(0.1)  # it may have closed its output


def install(requirements: str, prefix: Path, say: Say, until: float) -> str:
    """Has pip install into ``prefix``; why it did not, or nothing."""
    listed = prefix.with_name("requirements.txt")
    listed.write_text(requirements, encoding="utf-8")
    python = [sys.executable, "-I", "-m"]
    code = run([*python, "pip", *_PIP, "--prefix", str(prefix), "-r", str(listed)], say, until)
    if code is None:
        return f"It was not done within {LIMIT_S / 60:.0f} minutes."
    if code == -signal.SIGKILL:
        return "pip was ended in the middle: it needed more memory than there is for this."
    if code != 0:
        return "pip could not install the packages: the end of its log says why."
    # Valid whatever the files' times are, since nobody can write them anew where they go.
    compiling = ["compileall", "-q", "--invalidation-mode=unchecked-hash", str(prefix)]
    run([*python, *compiling], lambda _: say(b""), until)
    return _too_much(prefix)


def files(prefix: Path) -> Iterator[Path]:
    """What sessions can use of it."""
    for top in ("bin", "lib"):
        for folder, below, names in os.walk(prefix / top):
            below.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path


def packages(prefix: Path) -> list[str]:
    """``name==version`` of each."""
    places = [str(path) for path in prefix.glob("lib/python*/site-packages")]
    found = {
        f"{one.metadata['Name']}=={one.version}"
        for one in importlib.metadata.distributions(path=places)
    }
    return sorted(found, key=str.lower)


def _too_much(prefix: Path) -> str:
    count = size = 0
    for path in files(prefix):
        count, size = count + 1, size + path.lstat().st_size
    if count > MOST_FILES or size > MOST_BYTES:
        return (
            f"The packages are too large: {count:,} files, {size / 2**30:.1f} GiB. "
            f"At most {MOST_FILES:,} files and {MOST_BYTES / 2**30:.0f} GiB can be kept."
        )
    return ""


def main(requirements: str, out: BinaryIO) -> None:
    tar, prefix = Tar(out), PLACE / "packages"
    tar.log(b"")  # before all else: it has begun
    problem = install(requirements, prefix, tar.log, time.monotonic() + LIMIT_S)
    if problem:
        told: dict[str, object] = {"problem": problem}
    else:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        told = {"python": python, "packages": packages(prefix)}
    tar.text("result", json.dumps(told).encode())
    if not problem:
        for path in files(prefix):
            tar.file(f"layer/{path.relative_to(prefix)}", path)
    tar.end()


if __name__ == "__main__":
    # What pip's children print by mistake must not get into the tar.
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        main(sys.argv[1], answer)
