"""The disk's side of the sync: implements ``sides.Local`` for ``/drive``."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path as FilePath

from drivesync import placing, reading
from drivesync.beneath import ABSENT, exists, faults, folder, my_drive, open_folder
from drivesync.births import see, stamp_of
from drivesync.faults import LocalRefused, Unmounted
from drivesync.ignores import ignored
from drivesync.incoming import DiskIncoming
from drivesync.late import LateWriters
from drivesync.model import LocalFile, Path, Scan
from drivesync.mount import Mount
from drivesync.placing import Look, Placing
from drivesync.reading import DiskSource
from drivesync.room import Room
from drivesync.sides import Incoming
from drivesync.trash import purge
from drivesync.walker import Reach, nameable, walk


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Limits:
    """What an institution sets."""

    cap_bytes: int = 0
    """What MyDrive may take on disk; 0: no cap."""
    trash_days: int = 30
    spare_bytes: int = 256 << 20
    """Room on the disk that is left to others."""
    reach: Reach = field(default_factory=Reach)


class Disk:
    """``drive`` holds MyDrive and .carrel; ``state`` is the sidecar's own."""

    def __init__(
        self,
        drive: FilePath,
        state: FilePath,
        limits: Limits = Limits(),
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._mount = Mount(drive, state)
        self._late = LateWriters(state, now)
        self._placing = Placing(self._late, now)
        self._room = Room(limits.cap_bytes, limits.spare_bytes)
        self._reach, self._trash_days, self._now = limits.reach, limits.trash_days, now
        self._counted = False

    def set_limits(self, cap_bytes: int, trash_days: int) -> None:
        """They were changed while it runs."""
        self._room.cap_bytes, self._trash_days = cap_bytes, trash_days

    def root(self) -> int:
        """``/drive``, for ``beneath.read_small`` and ``write_small``; raises Unmounted."""
        return self._mount.root

    def require_mounted(self) -> None:
        """Also makes what is missing at the first run, and .carrel's folders at every."""
        self._mount.require()

    def scan(self) -> Scan:
        with faults("MyDrive"), self._top() as top:
            walked = walk(top, self._reach)
        self._room.counted(walked.allocated_bytes)
        self._counted = True
        return walked.scan

    def look(self, path: Path) -> LocalFile | None:
        if len(path) > self._reach.most_levels or not _may_sync(path):
            return None
        try:
            with self._top() as top, folder(top, path[:-1]) as parent:
                seen = exists(parent, path[-1]) if path else see(parent)
                device = see(top).st_dev
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise LocalRefused(f"{'/'.join(path)}: {error.strerror}") from error
        if seen is None or seen.st_dev != device:
            return None
        is_folder = stat.S_ISDIR(seen.st_mode)
        if not is_folder and not stat.S_ISREG(seen.st_mode):
            return None
        if is_folder and len(path) >= self._reach.most_levels:
            return None
        return LocalFile(path, is_folder, stamp_of(seen))

    def md5(self, file: LocalFile) -> str:
        return reading.md5_of(self._mount.root, file)

    def source(self, file: LocalFile, md5: str) -> DiskSource:
        return DiskSource(self._mount.root, file, md5)

    def make_folder(self, path: Path) -> LocalFile:
        self._require_place(path)
        with faults("/".join(path)):
            return placing.make_folder(self._mount.root, path)

    def incoming(self, size: int) -> DiskIncoming:
        self._count()
        return DiskIncoming(self._mount.root, self._room, size)

    def place(
        self,
        incoming: Incoming,
        path: Path,
        over: LocalFile | None,
        modified_ms: int,
        read_only: bool = False,
    ) -> LocalFile:
        assert isinstance(incoming, DiskIncoming)
        self._require_place(path)
        root, look = self._mount.root, Look(modified_ms, read_only)
        with faults("/".join(path)):
            if over is None:
                placed = self._placing.place_new(root, incoming, path, look)
            else:
                placed = self._placing.place_over(root, incoming, over, look)
            self._room.add(incoming.allocated_bytes)
        incoming.discard()
        return placed

    def move(self, file: LocalFile, path: Path) -> LocalFile:
        self._require_place(path)
        with faults("/".join(path)):
            return placing.move(self._mount.root, file, path)

    def trash(self, file: LocalFile) -> None:
        with faults("/".join(file.path)):
            self._placing.trash(self._mount.root, file)

    def late(self) -> list[LocalFile]:
        with faults(".carrel/trash"):
            return self._late.look(self._mount.root)

    def free_bytes(self) -> int:
        self._count()
        return self._room.free_bytes(self._mount.root)

    def purge_trash(self) -> None:
        """Days of the trash that are over; to be called at the start and every hour or so."""
        with faults(".carrel/trash"):
            purge(self._mount.root, self._trash_days, self._now())

    def _count(self) -> None:
        """Downloads may begin before the first scan."""
        if not self._counted:
            self.scan()

    @contextmanager
    def _top(self) -> Iterator[int]:
        try:
            fd = open_folder(self._mount.root, my_drive(()))
        except OSError as error:
            raise Unmounted(f"MyDrive: {error.strerror}.") from error
        try:
            yield fd
        finally:
            os.close(fd)

    def _require_place(self, path: Path) -> None:
        """What a scan would not see must not be brought: it would look deleted."""
        said = "/".join(path).encode(errors="replace").decode()
        if not path or not _may_sync(path):
            raise LocalRefused(f"{said}: such a name is never synced.")
        if len(path) > self._reach.most_levels:
            raise LocalRefused(f"{said}: more than {self._reach.most_levels} folders deep.")


def _may_sync(path: Path) -> bool:
    return all(nameable(name) and not ignored(name) for name in path)
