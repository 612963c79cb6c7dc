"""How much may still be brought: the disk's room and the user's cap, whichever is less."""

from __future__ import annotations

import os
from threading import Lock

from drivesync.faults import LocalFull


class Room:
    """Counts what is promised to downloads under way, so that all together find room."""

    def __init__(self, cap_bytes: int, spare_bytes: int) -> None:
        self._lock = Lock()
        self.cap_bytes = cap_bytes
        """Of what MyDrive takes on disk; 0 where there is none."""
        self._spare_bytes = spare_bytes
        """Left to the others on the same disk."""
        self._promised_bytes = 0
        self._used_bytes = 0

    def counted(self, used_bytes: int) -> None:
        """What MyDrive takes, by a scan."""
        with self._lock:
            self._used_bytes = used_bytes

    def add(self, bytes_: int) -> None:
        """Was put into MyDrive since that scan; negative when it left."""
        with self._lock:
            self._used_bytes = max(0, self._used_bytes + bytes_)

    def promise(self, root: int, bytes_: int) -> None:
        """Raises LocalFull when there is no room for so many."""
        with self._lock:
            free = self._free(root)
            if bytes_ > free:
                raise LocalFull(f"{bytes_:,} bytes are to come, {max(0, free):,} are free.")
            self._promised_bytes += bytes_

    def release(self, bytes_: int) -> None:
        """Of what was promised."""
        with self._lock:
            self._promised_bytes -= bytes_

    def free_bytes(self, root: int) -> int:
        """Never negative."""
        with self._lock:
            return max(0, self._free(root))

    def _free(self, root: int) -> int:
        # What downloads have written already counts twice for as long as they last: the careful
        # side.
        disk = os.fstatvfs(root)
        free = disk.f_bavail * disk.f_frsize - self._spare_bytes
        if self.cap_bytes > 0:
            free = min(free, self.cap_bytes - self._used_bytes)
        return free - self._promised_bytes
