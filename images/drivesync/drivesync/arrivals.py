"""What to do for a file that is new: on one side, or on both under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivesync.copies import from_here
from drivesync.former import keeps_place, settle
from drivesync.model import LocalFile, Path, RemoteFile
from drivesync.ops import Adopt, Bring, Create, FolderHere, FolderThere, Recognise
from drivesync.options import Scope
from drivesync.places import NO_DOWNLOAD, delivery, wait_for
from drivesync.titles import name_of, title_of
from drivesync.view import View, is_folder

if TYPE_CHECKING:
    from drivesync.names import Names
    from drivesync.planner import Plan

NOT_TAKEN = "Drive lets you only read this folder."
READ_ONLY = "Drive is connected for reading only; what is made here stays here."
LEFT = "Its folder is not chosen any more; it stays on this disk alone."
FORMER = "A file of another account is in its place."
WITHOUT_FOLDER = "Drive does not have its folder any more; it goes there once that has followed."
TOO_MANY = "More is here than is ever synced, so what is new in Drive waits."
WRITING = "It is being written just now."


def arrive(view: View, names: Names, plan: Plan) -> None:
    met: set[Path] = set()
    for remote in view.scoped.files.values():
        if remote.id in view.trees.synced:
            continue
        if (sent := _sent(view, remote)) is not None:
            met.add(sent.path)
            plan.add(sent)
    for remote in view.scoped.files.values():
        if remote.id in view.trees.synced or remote.parent not in view.match.where:
            continue
        if view.reserved.get(remote.id) not in met:
            _from_drive(view, names, plan, remote, met)
    for path, file in view.trees.disk.files.items():
        if path not in view.match.id and path not in met:
            _from_disk(view, plan, file)


def _sent(view: View, remote: RemoteFile) -> Recognise | None:
    path = view.reserved.get(remote.id)
    file = view.trees.disk.files.get(path) if path is not None else None
    if path is None or file is None or path in view.match.id:
        return None
    parent, sent = view.place(path), view.trees.reserved[path].md5.split()
    if parent is None or file.folder != is_folder(remote) or (not file.folder and not sent):
        return None
    return Recognise(remote, path, parent, title_of(path[-1]), _arrived(remote.md5, sent))


def _arrived(md5: str, sent: list[str]) -> str:
    """What of that was sent is the base of what Drive has; empty where several could be, so that an
    edit in Drive is not taken for one of what is on disk."""
    if md5 in sent:
        return md5
    return sent[0] if len(sent) == 1 else ""


def _from_drive(view: View, names: Names, plan: Plan, remote: RemoteFile, met: set[Path]) -> None:
    disk = view.trees.disk
    path = (*view.match.where[remote.parent], names.of(remote))
    file = disk.files.get(path)
    if file is None and disk.may_hold(path):
        if disk.full:
            plan.unbrought[path] = TOO_MANY
        return
    if file is None:
        if is_folder(remote):
            plan.add(FolderHere(remote, path))
        elif view.comes(remote):
            plan.add(Bring(remote, path))
        else:
            plan.unbrought[path] = NO_DOWNLOAD
        return
    if path in view.match.id or path in met or file.folder != is_folder(remote):
        wait_for(view, plan, path)
        return
    if not file.folder and keeps_place(view, path, view.shape(remote).md5):
        plan.unbrought[path] = FORMER
        return
    met.add(path)
    _meet(view, plan, remote, file)


def _meet(view: View, plan: Plan, remote: RemoteFile, file: LocalFile) -> None:
    """New on both sides, under one name."""
    path, shape = file.path, view.shape(remote)
    if file.folder:
        plan.add(Adopt(remote, path, "", ""))
        return
    md5 = view.trees.disk.md5.get(path)
    if md5 is None:
        plan.held[path] = WRITING
    elif shape.md5 == md5:
        plan.add(Adopt(remote, path, shape.version, md5))
    elif not view.comes(remote):
        plan.unbrought[path] = NO_DOWNLOAD
    elif view.is_open(path) and not shape.ending:
        plan.add(delivery(view, remote, path))
    elif view.is_open(path):
        plan.held[path] = "It is open, and Drive has another file of this name."
    else:
        plan.add(Bring(remote, path, file, from_here(view, path)))


def _from_disk(view: View, plan: Plan, file: LocalFile) -> None:
    path, disk = file.path, view.trees.disk
    if view.is_left(path):
        plan.unsynced[path] = LEFT
        return
    if settle(view, plan, file):
        return
    parent = view.place(path)
    if parent is None and path[:-1] in view.match.id:
        plan.unsynced[path] = WITHOUT_FOLDER
    if parent is None or parent not in view.trees.listed:
        return  # what is there already is not known yet
    if not view.takes_new(parent):
        only_read = view.now.options.scope is Scope.READ_ONLY
        plan.unsynced[path] = READ_ONLY if only_read else NOT_TAKEN
        return
    if (was := _the_same(view, parent, file)) is not None:
        md5 = disk.md5.get(path, "")
        plan.add(Adopt(was, path, md5, md5))
    elif file.folder:
        if not _holds_only_skipped(view, path):
            plan.add(FolderThere(file, parent, title_of(path[-1])))
    elif path in disk.md5:
        plan.add(Create(file, disk.md5[path], parent, title_of(path[-1])))
    else:
        plan.held[path] = WRITING


def were_here(view: View) -> bool:
    """Asked of a memory that knows nothing yet: whether a chosen folder is on disk, so that it is a
    memory which was lost, and no first sync."""
    top, disk = view.trees.root, view.trees.disk.files
    names = [name_of(f.title, f.id) for f in view.scoped.files.values() if f.parent == top]
    return any((name,) in disk and disk[(name,)].folder for name in names)


def _the_same(view: View, parent: str, file: LocalFile) -> RemoteFile | None:
    """What was made here before the memory was lost, in a folder of which nothing else is synced. A
    folder, of which all would come, only if that was surely so."""
    if not view.now.first or parent not in view.scoped.between:
        return None
    for one in view.scoped.inside.get(parent, ()):
        if one.id in view.scoped.files or is_folder(one) != file.folder:
            continue
        same = view.now.lost if file.folder else one.md5 == view.trees.disk.md5.get(file.path)
        if same and name_of(one.title, one.id) == file.path[-1]:
            return one
    return None


def _holds_only_skipped(view: View, path: Path) -> bool:
    disk = view.trees.disk
    return disk.holds_skipped(path) and not any(
        not disk.files[one].folder for one in disk.below(path)
    )
