"""Somebody who is root rearranges the tree at the same time: nothing outside is read or written,
nothing of theirs is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from drivesync.faults import Fault, LocalChanged, LocalGone

from tests.drivesync.local.conftest import Place

RUN_S = 1.5
IMAGES = Path(__file__).parents[3] / "images" / "drivesync"

SWAPPER = """
import os, random, sys, time
base, outside = sys.argv[1:]
os.chdir(base)
print("ready", flush=True)
while True:
    os.rename("a", "hold")
    os.symlink(outside, "a")
    os.unlink("a")
    os.rename("hold", "a")
    time.sleep(random.random() / 300)
"""

FIFOS = """
import os, sys
os.chdir(sys.argv[1])
print("ready", flush=True)
while True:
    os.rename("file", "hold")
    os.mkfifo("file")
    os.unlink("file")
    os.symlink(sys.argv[2] + "/canary", "file")
    os.unlink("file")
    os.rename("hold", "file")
"""

# Saves as an editor does, but keeps all that it replaces.
SAVER = """
import os, sys, time
sys.path.insert(0, sys.argv[3])
from drivesync.beneath import Rename, rename
top = os.open(sys.argv[1], os.O_RDONLY)
kept = os.open(sys.argv[2], os.O_RDONLY)
print("ready", flush=True)
for at in range(int(sys.argv[4])):
    fd = os.open(f"k{at}", os.O_CREAT | os.O_WRONLY | os.O_EXCL, dir_fd=kept)
    os.write(fd, b"saved %d" % at)
    os.close(fd)
    while True:
        try:
            rename((kept, f"k{at}"), (top, "file"), Rename.EXCHANGE)
            break
        except FileNotFoundError:
            try:
                rename((kept, f"k{at}"), (top, "file"), Rename.NOREPLACE)
                break
            except FileExistsError:
                pass
    if at % 3 == 0:
        time.sleep(0.001)
"""


@contextmanager
def _somebody(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield running
        finally:
            running.kill()


def _outside(here: Place) -> Path:
    outside = here.base / "outside"
    outside.mkdir()
    (outside / "canary").write_text("secret")
    (outside / "file").write_text("secret")
    return outside


def test_a_folder_swapped_for_a_symlink_leads_neither_reads_nor_writes_outside(
    here: Place,
) -> None:
    outside = _outside(here)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in outside.iterdir())
    here.disk.make_folder(("a",))
    for at in range(20):
        here.bring(b"mine", "a", f"f{at}")
    done: Counter[str] = Counter()

    def attempt(what: str, act: Callable[[], object]) -> None:
        with suppress(Fault):
            act()
            done[what] += 1

    with _somebody(SWAPPER, here.top, outside):
        until = time.monotonic() + RUN_S
        while time.monotonic() < until:
            scan = here.disk.scan()
            assert not any(file.path[-1] in ("canary", "file") for file in scan.files)
            assert here.disk.look(("a", "canary")) is None
            done["files"] += len(scan.files)
            names = f"folder{done['rounds']}", f"new{done['rounds']}", f"moved{done['rounds']}"
            attempt("folder", partial(here.disk.make_folder, ("a", names[0])))
            attempt("new", partial(here.bring, b"new", "a", names[1]))
            if (new := here.disk.look(("a", names[1]))) is not None:
                attempt("over", partial(here.bring, b"newer", *new.path, over=new))
            if (new := here.disk.look(("a", names[1]))) is not None:
                attempt("md5", partial(here.disk.md5, new))
                attempt("move", partial(here.disk.move, new, ("a", names[2])))
            if (new := here.disk.look(("a", names[2]))) is not None:
                attempt("trash", partial(here.disk.trash, new))
            done["rounds"] += 1
    assert set(done) == {
        "files", "rounds", "folder", "new", "over", "md5", "move", "trash"
    }, done  # fmt: skip
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in outside.iterdir())
    contents = here.contents().values()
    assert b"secret" not in contents and list(contents).count(b"mine") == 20


def test_a_file_swapped_for_a_fifo_or_a_symlink_neither_blocks_nor_leaks(here: Place) -> None:
    outside = _outside(here)
    here.bring(b"mine", "file")
    read: list[bytes] = []
    with _somebody(FIFOS, here.top, outside):
        until = time.monotonic() + RUN_S
        while time.monotonic() < until:
            file = here.disk.look(("file",))
            if file is not None:
                try:
                    with here.disk.source(file, "").open() as opened:
                        read.append(opened.read())
                except (LocalChanged, LocalGone):
                    pass
                except Fault as fault:  # ENXIO and the like
                    assert "file" in str(fault)
    assert set(read) <= {b"mine"}


def test_an_editor_that_saves_all_the_time_loses_no_version_and_neither_do_we(
    here: Place,
) -> None:
    saves, brought = 3_000, set()
    kept = here.drive / "kept"
    kept.mkdir()
    (here.top / "file").write_bytes(b"first")
    with _somebody(SAVER, here.top, kept, IMAGES, saves) as running:
        at = 0
        while running.poll() is None:
            at += 1
            try:
                file = here.disk.look(("file",))
                if at % 5 == 0 and file is not None:
                    here.disk.trash(file)
                else:
                    here.bring(b"brought %d" % at, "file", over=file)
                    brought.add(b"brought %d" % at)
            except Fault:
                pass
            if at % 20 == 0:
                here.disk.late()
        assert running.returncode == 0
    here.disk.late()
    there = set(here.contents().values())
    assert {b"saved %d" % at for at in range(saves)} <= there
    assert brought <= there
    assert len(brought) > 20


def test_a_trash_that_is_swapped_away_loses_nothing(here: Place) -> None:
    outside = _outside(here)
    (here.trash / "2026-11-24").mkdir()
    program = SWAPPER.replace('"a"', '"2026-11-24"')
    versions = 0
    file = here.bring(b"version 0", "file")
    with _somebody(program, here.trash, outside):
        until = time.monotonic() + RUN_S
        while time.monotonic() < until:
            try:
                file = here.bring(b"version %d" % (versions + 1), "file", over=file)
                versions += 1
            except Fault:
                file = here.seen("file")
            here.disk.late()
    there = set(here.contents().values())
    assert {b"version %d" % at for at in range(versions + 1)} <= there
    assert versions
    assert sorted(path.name for path in outside.iterdir()) == ["canary", "file"]
