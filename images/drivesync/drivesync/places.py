"""What to do for a file that is on both sides: first its place, then its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivesync.contents import Circumstances, Way, base, way
from drivesync.copies import delivered_before, from_drive, from_here
from drivesync.match import MEANWHILE
from drivesync.model import Kind, Path, RemoteFile
from drivesync.ops import Adopt, Bring, Deliver, Delivered, MoveHere, MoveThere, Update
from drivesync.titles import beside, title_of
from drivesync.trees import Synced
from drivesync.view import View, is_folder

if TYPE_CHECKING:
    from drivesync.names import Names
    from drivesync.planner import Plan

READ_ONLY = "Drive lets you only read this file. Copy it elsewhere to keep your change in Drive."

UNSEEN = (
    "Drive has another version, and does not give it: yours does not go over it. Save it under"
    " another name to have it in Drive."
)
NO_DOWNLOAD = "Drive does not let it be downloaded."
HELD = "It is open; what Drive has of it waits, or is beside it."
FOR_READING = (
    "It stands for a document in Drive, and nothing that is written into it goes there. Save a copy"
    " under another name: once it is closed, it is put right again."
)


def is_settled(view: View, synced: Synced, remote: RemoteFile, path: Path) -> bool:
    """Whether nothing is to be done, told without much ado: of nearly all files, in every plan."""
    disk = view.trees.disk
    stamp = disk.files[path].stamp
    same_place = (remote.parent, remote.title, path[-1]) == (
        synced.parent,
        synced.title,
        synced.name,
    ) and view.match.id.get(path[:-1]) == synced.parent
    if not same_place or is_folder(remote) != synced.folder:
        return False
    if synced.folder:
        return stamp.identity == synced.stamp.identity
    same_bytes = remote.md5 == synced.version == synced.md5 == disk.md5.get(path)
    return remote.kind is Kind.FILE and same_bytes and stamp == synced.stamp


def settle(view: View, names: Names, plan: Plan, synced: Synced) -> None:
    remote, path = view.scoped.files[synced.id], view.match.where[synced.id]
    if synced.folder != is_folder(remote):
        return
    if _place(view, names, plan, synced):
        return
    if is_folder(remote):
        if view.trees.disk.files[path].stamp.identity != synced.stamp.identity:
            plan.add(Adopt(remote, path, "", "", name=synced.name))
        return
    md5 = view.trees.disk.md5.get(path)
    if md5 is None:
        plan.held[path] = "It is being written just now."
        return
    _bytes(view, plan, synced, Circumstances(md5, view.is_open(path), view.writable(remote)))


def _place(view: View, names: Names, plan: Plan, synced: Synced) -> bool:
    """Whether that is all that can be done now."""
    remote, path = view.scoped.files[synced.id], view.match.where[synced.id]
    if names.moved(remote, synced):
        return _follow(view, plan, remote, names.of(remote))
    above = view.match.id.get(path[:-1])
    if (above, path[-1]) == (synced.parent, synced.name):
        return False
    if not view.writable(remote):
        return _follow(view, plan, remote, synced.name)
    if above is None or not view.known(above):
        return False
    if view.scoped.within(above, remote.id) or not view.takes_new(above):
        return _follow(view, plan, remote, synced.name)
    ending = view.shape(remote).ending
    title = remote.title if path[-1] == synced.name else title_of(path[-1], ending)
    plan.add(MoveThere(remote, path, above, title, above in view.scoped.between))
    return True


def _follow(view: View, plan: Plan, remote: RemoteFile, name: str) -> bool:
    """Drive's place, on disk too."""
    path, above = view.match.where[remote.id], view.match.where.get(remote.parent)
    if above is None:
        return False
    to, file = (*above, name), view.trees.disk.files[path]
    if to == path:
        synced = view.trees.synced[remote.id]
        plan.add(Adopt(remote, path, synced.version, synced.md5))
        return True
    if view.is_open(path):
        plan.held[path] = "It is open, and was moved in Drive: it follows once it is closed."
        return False
    if to[: len(path)] == path:
        return False
    if to in view.trees.disk.files:
        wait_for(view, plan, to)
        return False
    plan.add(MoveHere(remote.id, file, to, remote))
    return True


def wait_for(view: View, plan: Plan, path: Path) -> None:
    """What is at this path leaves it, in this plan or a later one. Where all wait for each other
    (two that swap names), it takes another name meanwhile."""
    id_ = view.match.id.get(path)
    if id_ is None or MEANWHILE in path[-1] or view.is_open(path):
        plan.held[path] = "It is in the way of something new in Drive."
        return
    taken = view.trees.disk.children.get(path[:-1], {})
    meanwhile = (*path[:-1], beside(path[-1], MEANWHILE, taken))
    plan.waiting.append(MoveHere(id_, view.trees.disk.files[path], meanwhile, None))


def _bytes(view: View, plan: Plan, synced: Synced, here: Circumstances) -> None:
    remote, path = view.scoped.files[synced.id], view.match.where[synced.id]
    file, shape, was = view.trees.disk.files[path], view.shape(remote), base(synced, remote)
    match way(was, remote, shape, here):
        case Way.NOWHERE:
            if was != synced or file.stamp != synced.stamp:
                plan.add(Adopt(remote, path, was.version, was.md5, name=synced.name))
            elif shape.version != was.version and not view.comes(remote):
                plan.unbrought[path] = NO_DOWNLOAD
        case Way.AGREE:
            plan.add(Adopt(remote, path, shape.version, here.md5, name=synced.name))
        case Way.SEND:
            plan.add(Update(remote, file, here.md5))
        case Way.BRING:
            plan.add(Bring(remote, path, file))
        case Way.PART:
            plan.add(Bring(remote, path, file, from_here(view, path)))
        case Way.DELIVER:
            plan.add(delivery(view, remote, path))
        case Way.HELD:
            plan.held[path] = HELD
            if shape.ending and here.md5 != was.md5:
                plan.unsynced[path] = FOR_READING
        case Way.FORBIDDEN:
            plan.unsynced[path] = READ_ONLY
        case Way.UNSEEN:
            plan.unsynced[path] = UNSEEN


def delivery(view: View, remote: RemoteFile, path: Path) -> Deliver | Delivered:
    if delivered_before(view, remote, path):
        return Delivered(remote, path, remote.md5)
    return Deliver(remote, view.trees.disk.files[path], from_drive(view, path))
