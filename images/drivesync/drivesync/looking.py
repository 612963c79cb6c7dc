"""Looks at both sides: brings the remote tree up to date, scans the disk, takes md5s."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from drivesync.executor import Executor
from drivesync.faults import Fault, LocalFull
from drivesync.former import change_account
from drivesync.listing import ROOT, Listing
from drivesync.model import LocalFile, Skipped, Stamp
from drivesync.options import Options
from drivesync.scope import Scoped, scope
from drivesync.sides import Local, Remote
from drivesync.state import Hashed, State
from drivesync.trees import Disk

EMAIL = "email"
SETTLED_AFTER = timedelta(seconds=2)
"""So long after the last change, another one has another stamp: clocks of file systems are coarse,
and so are those of two machines."""


class Looking:
    """Keeps nothing but what it asked for once: whose Drive it is."""

    def __init__(self, remote: Remote, local: Local, state: State) -> None:
        self._remote, self._local, self._state = remote, local, state
        self.listing = Listing(remote, state)
        self.skipped: tuple[Skipped, ...] = ()
        self._known = False

    def whose(self, now: datetime, executor: Executor) -> None:
        """Asked once. Another account's Drive begins anew, and gets no file of the former one's."""
        if self._known:
            return
        state, account = self._state, self._remote.account()
        root = state.meta.get(ROOT, account.root)
        if root != account.root:
            disk = self.at_the_disk(now, executor)
            change_account(state, disk, root, state.meta.get(EMAIL, ""), account)
        state.meta[ROOT], state.meta[EMAIL] = account.root, account.email
        state.commit()
        self._known = True

    def at_drive(self, now: datetime, options: Options) -> None:
        state = self._state

        def scoped() -> Scoped:
            here = {one.id for one in state.synced.values() if one.here}
            here |= {one.id for one in state.reserved.values()}
            return scope(state.remote, state.meta[ROOT], options, here)

        self.listing.follow(now, options.folders, scoped)

    def at_the_disk(self, now: datetime, executor: Executor) -> Disk:
        self._local.require_mounted()
        with suppress(LocalFull):  # what is written still goes up; they stay on their list
            self._local.late()
        scan = self._local.scan()
        self.skipped = scan.skipped
        disk = Disk.of(scan.files, scan.skipped, scan.complete)
        hashed = self._state.hashed
        unknown = [
            file
            for file in scan.files
            if not file.folder and ((known := hashed.get(file.stamp)) is None or not known.settled)
        ]
        for number, md5 in executor.run([self._hash(file) for file in unknown]):
            if md5:
                stamp = unknown[number].stamp
                hashed[stamp] = Hashed(md5, _is_settled(stamp, now))
            else:
                hashed.drop(unknown[number].stamp)
        self._fill(disk)
        return disk

    def _fill(self, disk: Disk) -> None:
        hashed = self._state.hashed
        stamps = set()
        for path, file in disk.files.items():
            if not file.folder and file.stamp in hashed:
                disk.md5[path] = hashed[file.stamp].md5
                stamps.add(file.stamp)
        if disk.complete:
            for stamp in [one for one in hashed if one not in stamps]:
                del hashed[stamp]

    def _hash(self, file: LocalFile) -> Callable[[], str]:
        def job() -> str:
            """Empty where it is being written, or cannot be read."""
            try:
                return self._local.md5(file)
            except Fault:
                return ""

        return job


def _is_settled(stamp: Stamp, now: datetime) -> bool:
    latest = max(stamp.ctime_ns, stamp.mtime_ns)
    return latest < int((now - SETTLED_AFTER).timestamp() * 1e9)
