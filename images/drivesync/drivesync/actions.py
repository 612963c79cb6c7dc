"""Does one operation on both sides, and tells what they are like afterwards; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drivesync.contents import Shape
from drivesync.faults import Changed, Exists, Gone, LocalChanged
from drivesync.model import LocalFile, Path, RemoteFile
from drivesync.ops import (
    Bring,
    Create,
    Deliver,
    FolderHere,
    FolderThere,
    MoveHere,
    MoveThere,
    Op,
    TrashHere,
    TrashThere,
    Update,
)
from drivesync.sides import Incoming, Local, Progress, Remote


@dataclass(frozen=True)
class Effect:
    """``remote`` as it is now, ``local`` what is at its path now, with this ``md5``; ``aside`` what
    was moved out of its way."""

    remote: RemoteFile | None = None
    local: LocalFile | None = None
    md5: str = ""
    aside: LocalFile | None = None
    folders: tuple[LocalFile, ...] = ()
    """What was made for it to lie in."""


@dataclass(frozen=True)
class Sides:
    remote: Remote
    local: Local
    id_for: Callable[[Path], str]
    """The id that was reserved for a new file."""
    shape: Callable[[RemoteFile], Shape]
    require_closed: Callable[[Path], None]
    """Raises LocalOpen where a document was opened since the plan was made."""
    up: Progress
    down: Progress


def act(op: Op, sides: Sides) -> Effect:  # noqa: PLR0911  one case for each
    """Raises ``faults``: then it was not done, or nobody knows."""
    match op:
        case MoveHere():
            sides.require_closed(op.local.path)
            return Effect(local=sides.local.move(op.local, op.to))
        case MoveThere():
            return Effect(sides.remote.move(op.remote, op.parent, op.title))
        case FolderHere():
            return Effect(op.remote, sides.local.make_folder(op.path))
        case FolderThere():
            return _folder_there(op, sides)
        case Create():
            return _create(op, sides)
        case Update():
            source = sides.local.source(op.local, op.md5)
            return Effect(sides.remote.update(op.remote, source, sides.up), op.local, op.md5)
        case Bring():
            return _bring(op, sides)
        case Deliver():
            incoming, md5 = _download(op.remote, sides)
            return Effect(op.remote, _place(incoming, op.copy, None, op.remote, sides), md5)
        case TrashHere():
            sides.require_closed(op.local.path)
            sides.local.trash(op.local)
            return Effect()
        case TrashThere():
            there = sides.local.look(op.path)
            if _is_other(there, op.there):
                raise LocalChanged
            return Effect(sides.remote.trash(op.remote))
    raise TypeError(op)


def _folder_there(op: FolderThere, sides: Sides) -> Effect:
    id_ = _id_for(op, sides)
    try:
        made = sides.remote.create_folder(id_, op.parent, op.title)
    except Exists:
        made = _ours(id_, sides)
    return Effect(made, op.local)


def _create(op: Create, sides: Sides) -> Effect:
    """The id was written down before: if there is a file of this id, an answer was lost."""
    id_, source = _id_for(op, sides), sides.local.source(op.local, op.md5)
    try:
        made = sides.remote.create(id_, op.parent, op.title, source, sides.up)
    except Exists:
        made = _ours(id_, sides)
    return Effect(made, op.local, op.md5)


def _is_other(now: LocalFile | None, then: LocalFile | None) -> bool:
    if now is None or then is None:
        return now is not then
    return (now.stamp.inode, now.stamp.born_ns) != (then.stamp.inode, then.stamp.born_ns)


def _id_for(op: Create | FolderThere, sides: Sides) -> str:
    if not (id_ := sides.id_for(op.local.path)):
        raise LocalChanged
    return id_


def _ours(id_: str, sides: Sides) -> RemoteFile:
    made = sides.remote.get(id_)
    if made is None:
        raise Gone
    return made


def _bring(op: Bring, sides: Sides) -> Effect:
    incoming, md5 = _download(op.remote, sides)
    aside, over = None, op.over
    folders: tuple[LocalFile, ...] = ()
    try:
        if op.back:
            folders = tuple(_make_folders(op.path[:-1], sides))
        if over is not None:
            sides.require_closed(op.path)
        if op.aside is not None and over is not None:
            aside, over = sides.local.move(over, op.aside), None
    except BaseException:
        incoming.discard()
        raise
    placed = _place(incoming, op.path, over, op.remote, sides)
    return Effect(op.remote, placed, md5 or sides.local.md5(placed), aside, folders)


def _make_folders(path: Path, sides: Sides) -> Iterator[LocalFile]:
    for length in range(1, len(path) + 1):
        if sides.local.look(path[:length]) is None:
            yield sides.local.make_folder(path[:length])


def _place(
    incoming: Incoming, path: Path, over: LocalFile | None, file: RemoteFile, sides: Sides
) -> LocalFile:
    try:
        stands_in = bool(sides.shape(file).ending)
        return sides.local.place(incoming, path, over, file.modified_ms, stands_in)
    finally:
        incoming.discard()


def _download(file: RemoteFile, sides: Sides) -> tuple[Incoming, str]:
    """Into a temporary file; the md5 is empty where it must be taken from what arrived."""
    shape = sides.shape(file)
    incoming = sides.local.incoming(len(shape.text) or file.size)
    try:
        if shape.text:
            incoming.write(shape.text)
        elif shape.export:
            sides.remote.export(file, shape.export, incoming)
        else:
            sides.remote.download(file, incoming, sides.down)
    except BaseException:
        incoming.discard()
        raise
    if not shape.export and not shape.md5:
        raise Changed
    return incoming, shape.md5
