"""Runs git on a copy, and reads name → hash of its trees."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

NO_FILE = "no file"
"""In place of a hash: a folder, link or pipe stands where a file is expected."""
_QUIET = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def git(folder: Path, *arguments: str, given: bytes | None = None, fine: int = 0) -> bytes:
    """Output of a git command in ``folder``; ``fine`` is a second exit code that is no failure.

    Raises subprocess.CalledProcessError, whose ``stderr`` says why.
    """
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=given if given is not None else b"",
        capture_output=True,
        env={**os.environ, **_QUIET},
        check=False,
    )
    if done.returncode not in (0, fine):
        raise subprocess.CalledProcessError(done.returncode, "git", done.stdout, done.stderr)
    return done.stdout


def commit(folder: Path, name: str) -> str:
    """What a branch points at; empty where there is none."""
    found = git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", fine=1)
    return found.decode().strip()


def tree(folder: Path, name: str) -> dict[str, str]:
    """The files of a commit, name → hash."""
    if not name:
        return {}
    found = {}
    for entry in _split(git(folder, "ls-tree", "-r", "-z", "--full-tree", name)):
        about, _, path = entry.partition("\t")
        mode, kind, content = about.split()
        if kind == "blob" and mode.startswith("100"):
            found[path] = content
    return found


def sizes(folder: Path, name: str) -> dict[str, int]:
    """The files of a commit, name → bytes."""
    found = {}
    for entry in _split(git(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", name)):
        about, _, path = entry.partition("\t")
        size = about.split()[3]
        found[path] = int(size) if size.isdecimal() else 0
    return found


def work_tree(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Those of ``names`` that lie in a copy, name → hash; what git knows is not read again."""
    known = _clean(folder) if (folder / ".git" / "index").exists() else {}
    found, unknown = {}, []
    for name in names:
        try:
            mode = (folder / name).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISREG(mode):
            found[name] = NO_FILE
        elif name in known:
            found[name] = known[name]
        else:
            unknown.append(name)
    if unknown:
        given = "".join(f"{_line(name)}\n" for name in unknown).encode(errors="surrogateescape")
        hashes = git(folder, "hash-object", "--stdin-paths", given=given).decode().split()
        found.update(zip(unknown, hashes, strict=True))
    return found


def _line(name: str) -> str:
    """As ``hash-object --stdin-paths`` reads it: what begins with a quote is taken as quoted."""
    if not name.startswith('"'):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _clean(folder: Path) -> dict[str, str]:
    git(folder, "update-index", "-q", "--refresh", fine=1)
    changed = set(_split(git(folder, "diff-files", "--name-only", "-z")))
    found = {}
    for entry in _split(git(folder, "ls-files", "-s", "-z")):
        about, _, path = entry.partition("\t")
        if path not in changed:
            found[path] = about.split()[1]
    return found


def _split(output: bytes) -> list[str]:
    return [part.decode(errors="surrogateescape") for part in output.split(b"\0") if part]
