"""Git as a program that takes nobody's settings: no hooks, no network, no work tree."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hub.materials.bounded import Bounds, Done, run
from spawner.errors import CarrelError, Code

MAIN = "refs/heads/main"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git knows it without having it."""
NOTHING = "0" * 40
"""As the old value of a ref: it must not be there yet."""
OBJECT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "core.fsync=all",
    "core.logAllRefUpdates=false",
    "core.quotePath=false",
    "core.commitGraph=false",
    # A large file goes through in pieces and is compared with nothing.
    "core.bigFileThreshold=8m",
    "pack.threads=1",
    "pack.windowMemory=64m",
    "pack.deltaCacheSize=32m",
    "core.packedGitWindowSize=16m",
    "core.packedGitLimit=128m",
    "fastimport.unpackLimit=0",
    "core.compression=1",
)


@dataclass(frozen=True)
class Repository:
    """A bare repository. ``beside`` is another one whose objects are seen too.

    ``holds`` is a descriptor that its programs keep open until they end: a lock.
    """

    path: Path
    beside: Path | None = None
    holds: int | None = None

    def command(self, *arguments: str) -> list[str]:
        """The whole command line; callers put ``--`` before what a user chose."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        return ["git", f"--git-dir={self.path}", "--no-replace-objects", *settings, *arguments]

    def environment(self) -> Mapping[str, str]:
        """Nothing of ours but PATH: whatever is set for git out there is not for this."""
        beside = {}
        if self.beside:
            beside["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(self.beside / "objects")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "",
        } | beside

    def ask(self, *arguments: str, stdin: bytes = b"", bounds: Bounds | None = None) -> Done:
        """How it ended, whichever way."""
        return self._run(self.command(*arguments), self.environment(), stdin, bounds or Bounds())

    def must(self, *arguments: str, stdin: bytes = b"", bounds: Bounds | None = None) -> bytes:
        """Its output. Raises CarrelError(FAILED) for any other end."""
        done = self.ask(*arguments, stdin=stdin, bounds=bounds)
        if done.code != 0:
            raise broken(arguments[0], _how(done)) from _why(done)
        return done.output

    def commit_at(self, ref: str) -> str | None:
        """The commit that a ref names, if it is there."""
        done = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return _object(done.output) if done.code == 0 else None

    def tree_of(self, commit: str) -> str:
        """Raises CarrelError(FAILED)."""
        return _object(self.must("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"))

    def commit(self, tree: str, parents: Sequence[str], message: str, made: Made) -> str:
        """A commit that no ref names yet."""
        parts = [part for parent in parents for part in ("-p", parent)]
        text = message.encode()
        command = self.command("commit-tree", *parts, "-F", "-", tree)
        done = self._run(command, {**self.environment(), **made.environment()}, text, Bounds())
        if done.code != 0:
            raise broken("commit-tree", _how(done)) from _why(done)
        return _object(done.output)

    def move(self, ref: str, new: str, old: str) -> bool:
        """Compare and swap; False where the ref is not at ``old`` (any more)."""
        done = self.ask("update-ref", "--no-deref", ref, new, old)
        if done.code == 0:
            return True
        if (self.commit_at(ref) or NOTHING) != old:
            return False
        raise broken("update-ref", _how(done)) from _why(done)

    def paths(self, tree: str) -> Iterator[str]:
        """Every file of a tree, by its path."""
        listed = self.must("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        yield from (name.decode() for name in listed.split(b"\0") if name)

    def _run(
        self, command: list[str], environment: Mapping[str, str], stdin: bytes, bounds: Bounds
    ) -> Done:
        held = () if self.holds is None else (self.holds,)
        return run(command, environment, stdin, bounds, held)


@dataclass(frozen=True)
class Made:
    """Who made a commit, and when."""

    who: str
    at: datetime

    def environment(self) -> dict[str, str]:
        """As git reads it. The address is nobody's: names of users may hold an @."""
        when = f"{int(self.at.timestamp())} +0000"
        return {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", self.who), ("EMAIL", "nobody@invalid"), ("DATE", when))
        }


def whole_second(moment: datetime) -> datetime:
    """What git keeps of a time."""
    return datetime.fromtimestamp(int(moment.timestamp()), UTC)


def ensure(path: Path) -> Repository:
    """The repository at that path, made where it is missing: readable for all, whole or absent."""
    if not (path / "HEAD").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        making = path.with_name(f".making-{os.getpid()}-{os.urandom(4).hex()}")
        try:
            create(making)
            try:
                making.rename(path)
            except OSError:
                if not (path / "HEAD").exists():  # somebody else made it meanwhile
                    raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return Repository(path)


def create(path: Path) -> Repository:
    """A new, empty one."""
    repository = Repository(path)
    repository.must(
        "init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--shared=0644",
        "--object-format=sha1", "--", str(path),
    )  # fmt: skip
    # Everybody's user id reads it: a session's root is somebody else here.
    path.chmod(0o755)
    return repository


def _object(output: bytes) -> str:
    text = output.decode(errors="replace").strip()
    if not OBJECT.fullmatch(text):
        raise CarrelError(Code.FAILED, "The repository gave no sensible answer.")
    return text


def broken(what: str, how: str = "did not work") -> CarrelError:
    """What people are told; git's own words (with paths in them) are for the log."""
    return CarrelError(
        Code.FAILED,
        f"The course's repository cannot be used: git {what} {how}.",
        "Try again; if it stays so, tell your administrator: the reason is in the log.",
    )


def _how(done: Done) -> str:
    return "took too long or said too much" if done.code is None else "did not work"


def _why(done: Done) -> RuntimeError:
    return RuntimeError(done.errors.strip()[-2000:])
