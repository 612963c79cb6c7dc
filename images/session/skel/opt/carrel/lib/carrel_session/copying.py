"""Takes or updates the copy of a course and reports what became of each file.

read (both sides before) → pull → read (after) → decide.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from carrel_session import git
from carrel_session.errors import Code, SessionError, is_full, no_room
from carrel_session.puller import BRANCH, CoursePuller, clear_lock
from carrel_session.report import Report, Trees, decide

Say = Callable[[str], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Course:
    """Where a course's repository is, and where the copy of it goes."""

    slug: str
    repository: Path
    folder: Path

    @property
    def place(self) -> str:
        """Of the copy, below the home."""
        return f"courses/{self.slug}"

    @property
    def is_taken(self) -> bool:
        return (self.folder / ".git").is_dir()


def update(course: Course, now: datetime, say: Say) -> Report:
    """Brings the copy to the version published last; ``say`` is called with what git says.

    Raises SessionError. Whatever fails, no file of the student's is lost.
    """
    if not (course.repository / "HEAD").is_file():
        if course.repository.parent.is_dir():
            raise _nothing_published()
        raise SessionError(
            Code.NOT_FOUND,
            f"The materials of {course.slug} are not in this session.",
            "If you joined the course after the session was started, stop it and start it again.",
        )
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        say(line.strip())

    try:
        return _update(course, now, hear)
    except (OSError, subprocess.CalledProcessError) as problem:
        output = "".join(said) + _text(problem)
        log.warning("The copy of %s was not updated: %s\n%s", course.slug, problem, output)
        raise _explained(problem, output) from problem


def link_data(course: Course) -> None:
    """Shows the course's data folder in the copy, if there is one and its place is free."""
    data, link = course.repository.parent / "data", course.folder / "data"
    if data.is_dir() and not os.path.lexists(link):
        link.symlink_to(data)


def _update(course: Course, now: datetime, say: Say) -> Report:
    folder, first = course.folder, not course.is_taken
    if not git.commit(course.repository, BRANCH):
        raise _nothing_published()
    clear_lock(folder)
    published = git.tree(course.repository, BRANCH)
    stood_on = "" if first else git.commit(folder, "HEAD")
    tracked = git.tree(folder, stood_on) if stood_on else {}
    before = git.work_tree(folder, {*published, *tracked}) if folder.is_dir() else {}
    puller = CoursePuller(course.repository, folder)
    for line in puller.pull():
        say(line)
    commit = git.commit(folder, f"origin/{BRANCH}")
    version = git.tree(folder, commit)
    base = git.tree(folder, _common(folder, stood_on, commit)) if stood_on else {}
    after = git.work_tree(folder, {*version, *base})
    trees = Trees(base, before, version, after, puller.set_aside)
    broken = _broken_notebooks(folder, trees)
    for name in broken:
        say(f"Keeping your {name}: together with the teacher's it would be no notebook")
        _put_back(folder, name, before[name])
    trees = Trees(base, before, version, {**after, **{n: before[n] for n in broken}},
                  puller.set_aside)  # fmt: skip
    return Report(commit, now, first, decide(trees))


def _common(folder: Path, ours: str, theirs: str) -> str:
    return git.git(folder, "merge-base", ours, theirs, fine=1).decode().strip()


def _broken_notebooks(folder: Path, trees: Trees) -> list[str]:
    """Notebooks that git merged line by line into something that is none."""
    return [
        name
        for name, content in trees.after.items()
        if name.endswith(".ipynb")
        and content not in (trees.version.get(name), trees.before.get(name), git.NO_FILE)
        and trees.before.get(name, git.NO_FILE) != git.NO_FILE
        and not _is_json((folder / name).read_bytes())
    ]


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _put_back(folder: Path, name: str, content: str) -> None:
    """The student's file as it was: git has it, from the commit before the merge."""
    target = folder / name
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".carrel-", delete=False) as file:
        file.write(git.git(folder, "cat-file", "blob", content))
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(target.stat().st_mode & 0o777)
    Path(file.name).replace(target)


def _nothing_published() -> SessionError:
    return SessionError(
        Code.NOT_FOUND, "Nothing has been published in this course yet.", "Come back later."
    )


def _text(problem: BaseException) -> str:
    said = getattr(problem, "stderr", b"") or b""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _explained(problem: Exception, output: str) -> SessionError:
    if is_full(problem, output):
        return no_room()
    if "dubious ownership" in output or "does not appear to be a git repository" in output:
        return SessionError(
            Code.UNAVAILABLE,
            "The course's materials cannot be read at the moment.",
            "Try again in some minutes; if that does not help, tell your teacher.",
        )
    if "CONFLICT" in output or "would be overwritten" in output:
        return SessionError(
            Code.CONFLICT,
            "Your copy and the new version do not fit together, so your copy was left as it is.",
            "Move your changed files to another folder, then open the link again.",
        )
    return SessionError(
        Code.FAILED,
        "Your copy could not be brought up to date; it was left as it is.",
        "Try again. If that does not help, rename the course's folder and open the link again: "
        "that takes a new copy.",
    )
