"""What a session sees of the courses: told by what is mounted in it, wherever it is mounted.

The root of a session may rename the folders above a mount, but can neither make mounts nor undo
them. So a path says nothing, and the kernel's list of mounts says all.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path

from spawner.confinement import SHARED

MNT_ID = "mnt_id:"


@dataclass(frozen=True)
class Mount:
    """A line of mountinfo (proc_pid_mountinfo(5)); ``root`` is what of the device is mounted."""

    id: str
    device: str
    root: str
    point: str


@dataclass(frozen=True)
class Folder:
    """A folder as mountinfo knows it: the device, and the path on it."""

    device: str
    path: str

    def of_course(self, slug: str) -> Folder:
        """What sessions see of that course, where this is the folder of all of them."""
        return Folder(self.device, posixpath.join(self.path, slug, SHARED))


def mounts(mountinfo: str) -> list[Mount]:
    words = (line.split(" ", 5) for line in mountinfo.splitlines())
    return [Mount(w[0], w[2], _plain(w[3]), _plain(w[4])) for w in words if len(w) > 5]


def folder(path: Path) -> Folder:
    """Where a folder of ours lies. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        about = Path(f"/proc/self/fdinfo/{fd}").read_text(encoding="ascii").splitlines()
        real = str(Path(f"/proc/self/fd/{fd}").readlink())
    finally:
        os.close(fd)
    (id_,) = (line.split()[1] for line in about if line.startswith(MNT_ID))
    own = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    (mount,) = (mount for mount in mounts(own) if mount.id == id_)
    inside = posixpath.relpath(real, mount.point)
    return Folder(mount.device, posixpath.normpath(posixpath.join(mount.root, inside)))


def of(folder_: Folder, found: list[Mount]) -> list[Mount]:
    """The mounts of that folder."""
    return [m for m in found if (m.device, m.root) == (folder_.device, folder_.path)]


def slugs(courses: Folder, found: list[Mount]) -> set[str]:
    """The courses whose rooms are mounted."""
    tops = {posixpath.split(m.root) for m in found if m.device == courses.device}
    rooms = {posixpath.split(top) for top, room in tops if room == SHARED}
    return {slug for above, slug in rooms if above == courses.path}


def _plain(text: str) -> str:
    """As mountinfo escapes it: space, tab, line feed and backslash."""
    for octal, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, plain)
    return text
