"""Takes an untrusted tree into a small repository of its own, from which it can be published.

Not into the course's: sessions read that one, and what a teacher only looks at is nobody else's
business. Each intake is a folder of its own, so one that failed or grew old is simply removed.
It counts from the moment its ref is there, which is the last thing that is written.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import IO

from hub.audit import By
from hub.enums import Source
from hub.materials import repository
from hub.materials.members import MIB, Limits, Member, refused, shown, too_much
from hub.materials.paths import Names, split
from hub.materials.places import Place, no_intake
from hub.materials.repository import MAIN, NOTHING, Made, Repository
from hub.materials.room import require_room
from spawner.errors import CarrelError, Code

TAKEN = "refs/intake/taken"
TREE = "refs/intake/tree"
MOST_LEFT_OUT = 200
MOST_DETAIL = 500
"""In characters."""


class Way(Enum):
    """What a publish of it does with the files that are there."""

    REPLACE = "replace"
    ADD = "add"
    """Those that it does not bring stay."""


@dataclass(frozen=True)
class Origin:
    """Who sends a tree, from where, and how it is taken.

    ``strip`` is a folder that all of it is in and that is not kept; ``into`` one that it is put
    in. ``detail`` is for people: a path, an address with a branch, a file's name.
    """

    by: By
    source: Source
    detail: str = ""
    way: Way = Way.REPLACE
    strip: str = ""
    into: str = ""


@dataclass(frozen=True)
class LeftOut:
    """Something in the tree that is not taken."""

    path: str
    why: str


@dataclass(frozen=True)
class Intake:
    """A tree that was taken in whole. ``base`` is what it was added to, if it was."""

    id: str
    commit: str
    by: str
    at: datetime
    source: Source
    detail: str
    way: Way
    base: str | None
    files: int
    size: int
    left_out: tuple[LeftOut, ...]
    left_out_more: int


@dataclass
class _Taken:
    """What has come so far."""

    files: int = 0
    size: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    more: int = 0

    def leave_out(self, path: str, why: str) -> None:
        if path in self.left_out:
            return
        if len(self.left_out) < MOST_LEFT_OUT:
            self.left_out[path] = why
        else:
            self.more += 1


def take(
    place: Place, members: Iterable[Member], origin: Origin, limits: Limits | None = None
) -> Intake:
    """The intake, whole; or nothing at all and CarrelError, which names the file.

    CONFLICT and UNAVAILABLE as ``room.require_room``.
    """
    limits = limits or Limits()
    course = repository.ensure(place.repository)
    require_room(place, limits)
    id_ = secrets.token_hex(8)
    place.intakes.mkdir(mode=0o700, exist_ok=True)
    folder = place.intake(id_)
    try:
        mine = replace(repository.create(folder), beside=place.repository)
        base = course.commit_at(MAIN) if origin.way is Way.ADD else None
        names = _names(origin, limits)
        if base:
            names.know(course.paths(base))
        taken = _Taken()
        _import(mine, base, _checked(members, names, limits, taken), limits.time_s)
        commit = mine.commit(mine.tree_of(TREE), [], _record(taken, base, origin),
                             Made(origin.by.who, origin.by.at))  # fmt: skip
        if not mine.move(TAKEN, commit, NOTHING):
            raise RuntimeError("somebody else wrote into a new intake")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return look(place, id_)


def look(place: Place, id_: str) -> Intake:
    """Raises CarrelError(NOT_FOUND)."""
    mine = of(place, id_)
    with reading(place, id_):
        commit = mine.commit_at(TAKEN) if mine.path.is_dir() else None
        if commit is None:
            raise no_intake()
        said = json.loads(mine.must("log", "-1", "--format=%B", commit))
    return Intake(
        id=id_, commit=commit, by=said["by"], at=datetime.fromisoformat(said["at"]),
        source=Source(said["source"]), detail=said["detail"], way=Way(said["way"]),
        base=said["base"], files=said["files"], size=said["size"],
        left_out=tuple(LeftOut(*one) for one in said["left_out"]),
        left_out_more=said["more"],
    )  # fmt: skip


def of(place: Place, id_: str) -> Repository:
    """Its repository, with the course's objects beside."""
    return Repository(place.intake(id_), beside=place.repository)


@contextmanager
def reading(place: Place, id_: str) -> Iterator[None]:
    """Where it is published or thrown away meanwhile, what fails is CarrelError(NOT_FOUND)."""
    try:
        yield
    except (CarrelError, OSError) as error:
        if not place.intake(id_).is_dir():
            raise no_intake() from error
        raise


def discard(place: Place, id_: str) -> None:
    """Removes it, if it is there: at once for whoever looks, then file by file."""
    folder = place.intake(id_)
    leaving = folder.with_name(f".leaving-{id_}")
    with suppress(FileNotFoundError):
        folder.rename(leaving)
    shutil.rmtree(leaving, ignore_errors=True)


def _names(origin: Origin, limits: Limits) -> Names:
    return Names(limits, split(origin.strip), split(origin.into))


def _record(taken: _Taken, base: str | None, origin: Origin) -> str:
    return json.dumps(
        {
            "by": origin.by.who,
            "at": origin.by.at.isoformat(),
            "source": origin.source.value,
            "detail": shown(origin.detail, MOST_DETAIL),
            "way": origin.way.value,
            "base": base,
            "files": taken.files,
            "size": taken.size,
            "left_out": list(taken.left_out.items()),
            "more": taken.more,
        }
    )


@dataclass(frozen=True)
class _File:
    path: str
    executable: bool
    member: Member


def _checked(
    members: Iterable[Member], names: Names, limits: Limits, taken: _Taken
) -> Iterator[_File]:
    """What goes in, counted before it is read."""
    for member in members:
        if member.why:
            taken.leave_out(shown(member.path), member.why)
            continue
        name = names.take(member.path)
        if name.why:
            taken.leave_out(name.path, name.why)
            continue
        if member.size > limits.file_bytes:
            raise refused(
                name.path, f"has more than {limits.file_bytes // MIB:,} MB",
                "Ask your administrator to put it into the course's data folder.",
            )  # fmt: skip
        taken.files += 1
        taken.size += member.size
        if taken.files > limits.files:
            raise too_much(
                f"There are more than {limits.files:,} files in it: {shown(name.path)} is one too "
                "many."
            )
        if taken.size > limits.all_bytes:
            raise too_much(
                f"It has more than {limits.all_bytes // MIB:,} MB altogether: "
                f"{shown(name.path)} is too much."
            )
        yield _File(name.path, bool(member.mode & 0o100), member)
    if not taken.files:
        raise too_much("There is no file in it to publish.", "Choose another folder or file.")


def _import(mine: Repository, base: str | None, files: Iterable[_File], time_s: float) -> None:
    """Streams them into git, which writes the ref when all are there."""
    with _importing(mine, time_s) as pipe:
        pipe.write(f"commit {TREE}\ncommitter x <x> 0 +0000\ndata 0\n".encode())
        if base:
            pipe.write(f"from {base}\n".encode())
        for file in files:
            _send(pipe, file)
        pipe.write(b"done\n")


def _send(pipe: IO[bytes], file: _File) -> None:
    quoted = file.path.replace("\\", "\\\\").replace('"', '\\"').encode()
    mode = b"100755" if file.executable else b"100644"
    pipe.write(b'M %s inline "%s"\ndata %d\n' % (mode, quoted, file.member.size))
    sent = 0
    for piece in file.member.read():
        sent += len(piece)
        pipe.write(piece)
    if sent != file.member.size:
        raise refused(file.path, "is not as long as it says", "Send it again.")
    pipe.write(b"\n")


@contextmanager
def _importing(mine: Repository, time_s: float) -> Iterator[IO[bytes]]:
    """git fast-import's input; it is killed on any error, and when its time is over."""
    command = mine.command("fast-import", "--quiet", "--done", "--date-format=raw", "--depth=0")
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors,
            env=dict(mine.environment()), cwd="/", umask=0o022, start_new_session=True,
        )  # fmt: skip
        late = threading.Event()
        clock = threading.Timer(time_s, _end, (process, late))
        clock.daemon = True
        clock.start()
        assert process.stdin
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            pass  # how it ended says more
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()
            clock.cancel()
        if process.returncode != 0:
            errors.seek(0)
            why = RuntimeError(errors.read(2000).decode(errors="replace"))
            raise (_late() if late.is_set() else repository.broken("fast-import")) from why


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _late() -> CarrelError:
    return CarrelError(Code.UNAVAILABLE, "It took too long to come in.", "Send less, or try again.")
