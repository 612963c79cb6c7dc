"""Bytes on their way in: hashed as they come, in memory or, when they are many, on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from drive_emulator.messages import Body
from drive_emulator.model import Blob, Bytes, OnDisk

_IN_MEMORY = 8 << 20
_PIECE = 1 << 18


class Intake:
    """Grows until it is ``finish``ed; many bytes go to ``folder``, where there is one."""

    def __init__(self, folder: Path | None = None) -> None:
        self.size = 0
        self._folder = folder
        self._hash = hashlib.md5(usedforsecurity=False)
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._path: Path | None = None

    def write(self, data: bytes | bytearray) -> None:
        self._hash.update(data)
        self.size += len(data)
        if self._file is not None:
            self._file.write(data)
            return
        self._memory += data
        if self._folder is not None and self.size > _IN_MEMORY:
            handle, name = tempfile.mkstemp(dir=self._folder)
            self._path, self._file = Path(name), os.fdopen(handle, "wb")
            self._file.write(self._memory)
            self._memory.clear()

    def take(self, body: Body, most: int) -> int:
        """Reads up to ``most`` bytes of a body; how many came.

        When the client goes away in the middle, whole pieces of 256 KiB are kept, as Google's
        servers do.
        """
        took = 0
        while took < most:
            piece = bytearray()
            wanted = min(_PIECE, most - took)
            while len(piece) < wanted:
                piece += body.read(wanted - len(piece))
            self.write(piece)
            took += wanted
        return took

    def finish(self) -> Blob:
        if self._file is not None and self._path is not None:
            self._file.close()
            return OnDisk(self._path, self._hash.hexdigest(), self.size)
        return Bytes(bytes(self._memory), self._hash.hexdigest(), self.size)
