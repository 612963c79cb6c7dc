"""nbgitpuller's puller for a course's copy: its rules, with what a course needs besides.

The rules (nbgitpuller's docs, "Automatic merging"): the student's edits win, deleted files come
back, a file of theirs that has the name of a new one is renamed. Added here:

- The copy shares the objects of the course's repository, which is mounted read-only: no second
  copy of all versions in every home.
- The folder may be there before the copy, with files of the student's in it. The course's data
  folder is no part of the copy: a link ``data`` leads to it (copying.link_data).
- A take that was cut off is gone on with. A merge that fails leaves the copy as it was.
- Names of every kind, and renames: nbgitpuller reads ``git diff`` as text for people, in which a
  name with a quote is quoted and a renamed file is no new one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from nbgitpuller.pull import GitPuller, execute_cmd

from carrel_session import git
from carrel_session.errors import Code, SessionError, no_room

BRANCH = "main"
MARGIN_BYTES = 16 * 2**20
"""What stays free beside the files that are about to be written."""
STARTED = time.time()
"""No git of this session can hold a lock that is older."""


class CoursePuller(GitPuller):
    """Takes or updates one copy; ``set_aside`` is name → new name of what had to make room."""

    def __init__(self, repository: Path, folder: Path) -> None:
        super().__init__(str(repository), str(folder), branch=BRANCH, depth=0)
        self.folder = folder
        self.set_aside: dict[str, str] = {}

    def pull(self) -> Iterator[str]:
        """Yields what git says."""
        if not (self.folder / ".git").is_dir():
            yield from self.initialize_repo()
        elif not (self.folder / ".git" / "index").exists():
            yield from self._fill()
        yield from self.ensure_lock()
        yield from self.update()

    def initialize_repo(self) -> Iterator[str]:
        """Makes ``.git`` beside what is in the folder, whole or not at all; then the files."""
        half = self.folder / ".git.new"
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(half, ignore_errors=True)
        clone = ("clone", "--shared", "--no-checkout", "--branch", BRANCH)
        yield from execute_cmd(["git", *clone, "--", self.git_url, str(half)])
        settings = half / ".git" / "info"
        settings.mkdir(exist_ok=True)
        (settings / "exclude").write_text("/data\n.ipynb_checkpoints/\n", encoding="utf-8")
        for setting in ("commit.gpgSign=false", "gc.auto=0", "merge.directoryRenames=false"):
            git.git(half, "config", *setting.split("="))
        (half / ".git").rename(self.folder / ".git")
        half.rmdir()
        yield from self._fill()

    def _fill(self) -> Iterator[str]:
        wanted = git.tree(self.folder, "HEAD")
        there = git.work_tree(self.folder, wanted)
        missing = sorted(set(wanted) - set(there))
        self._ensure_room(missing)
        yield from self._make_room({n for n in there if there[n] != wanted[n]} | set(missing))
        git.git(self.folder, "read-tree", "HEAD")
        names = "".join(f"{name}\0" for name in wanted if there.get(name) != wanted[name])
        yield f"Writing {len(missing)} files\n"
        try:
            given = names.encode(errors="surrogateescape")
            git.git(self.folder, "checkout-index", "-z", "--stdin", given=given)
        except subprocess.CalledProcessError:
            self._remove_torn(missing, wanted)
            raise

    def _remove_torn(self, names: list[str], wanted: dict[str, str]) -> None:
        """Half a file would count as the student's edit from then on."""
        (self.folder / ".git" / "index").unlink(missing_ok=True)
        for name, content in git.work_tree(self.folder, names).items():
            if content != wanted[name]:
                (self.folder / name).unlink()

    def find_upstream_changed(self, kind: str) -> list[str]:
        """As nbgitpuller's, by names as they are; a renamed file is a deleted and a new one."""
        found = git.git(
            self.folder, "diff", f"..origin/{self.branch_name}", "--name-only", "--no-renames",
            f"--diff-filter={kind}", "-z",
        )  # fmt: skip
        return [os.fsdecode(name) for name in found.split(b"\0") if name]

    def rename_local_untracked(self) -> Iterator[str]:
        """As nbgitpuller's, for folders and links in the way too; never onto what is there."""
        changed = self.find_upstream_changed("AM")
        self._ensure_room(changed, f"origin/{self.branch_name}")
        yield from self._make_room(set(self.find_upstream_changed("A")))

    def _make_room(self, names: set[str]) -> Iterator[str]:
        tracked = set(git.tree(self.folder, "HEAD")) - names
        for name in sorted(names):
            in_the_way = self._in_the_way(name)
            if in_the_way is None or str(in_the_way.relative_to(self.folder)) in tracked:
                continue
            aside = _free_name(in_the_way)
            in_the_way.rename(aside)
            self.set_aside[name] = str(aside.relative_to(self.folder))
            yield f"Renamed {name} to {aside.name}, to make room for the course's\n"

    def _in_the_way(self, name: str) -> Path | None:
        """What lies where ``name`` will, or the file where a folder of its path will."""
        path = self.folder
        for part in name.split("/")[:-1]:
            path /= part
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                return path
        path = self.folder / name
        return path if path.is_symlink() or path.exists() else None

    def _ensure_room(self, names: list[str], commit: str = "HEAD") -> None:
        """Git leaves half a file behind where the disk is full, so it is asked before."""
        sizes = git.sizes(self.folder, commit)
        if shutil.disk_usage(self.folder).free < sum(sizes[n] for n in names) + MARGIN_BYTES:
            raise no_room()

    def merge(self) -> Iterator[str]:
        """As nbgitpuller's; one that fails leaves no half-merged files."""
        try:
            yield from super().merge()
        except subprocess.CalledProcessError:
            if (self.folder / ".git" / "MERGE_HEAD").exists():
                git.git(self.folder, "merge", "--abort")
            raise

    def ensure_lock(self) -> Iterator[str]:
        """As nbgitpuller's, but a lock from before this session is known to be nobody's."""
        clear_lock(self.folder)
        yield from ()


def clear_lock(folder: Path) -> None:
    """Raises SessionError where another git is at work in a copy."""
    lock = folder / ".git" / "index.lock"
    if lock.exists() and lock.stat().st_mtime < STARTED:
        lock.unlink()
    if lock.exists():
        raise SessionError(
            Code.UNAVAILABLE,
            "Another git command is at work in your copy.",
            "Wait until it is done, then open the link again.",
        )


def _free_name(path: Path) -> Path:
    """Beside ``path``, as nbgitpuller names it; with a number where that is taken."""
    stamp = datetime.now(UTC).strftime("__%Y%m%d%H%M%S")
    number = 1
    while True:
        more = stamp if number == 1 else f"{stamp}_{number}"
        free = path.with_name(f"{path.stem}{more}{path.suffix}")
        if not (free.exists() or free.is_symlink()):
            return free
        number += 1
