"""What an upload sends: read from the disk while it is sent, never held in memory."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, BinaryIO

from drivesync.faults import LocalChanged
from drivesync.sides import Progress, Source


class Meter:
    """Tells progress, and takes it back when bytes must go again."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.at = 0

    def set(self, at: int) -> None:
        """So many bytes are through, by all that is known."""
        if at != self.at:
            self._progress(at - self.at)
            self.at = at


class Body:
    """A part of a file, with something before and after it; looks like a file to http.client.

    It opens the source by itself, and anew when it is wound back for another attempt.
    """

    def __init__(
        self, source: Source, part: range, meter: Meter, around: tuple[bytes, bytes] = (b"", b"")
    ) -> None:
        self.length = len(around[0]) + len(part) + len(around[1])
        self._source, self._part, self._meter = source, part, meter
        self._head, self._tail = around
        self._stream: BinaryIO | None = None
        self._sent = 0

    def read(self, most: int = 65536) -> bytes:
        if self._sent == 0 and self._source.size == 0:
            self._require_empty()
        data = self._next(most)
        self._sent += len(data)
        return data

    def tell(self) -> int:
        return self._sent

    def seek(self, position: int, _whence: int = 0) -> int:
        """To its start alone: a request goes again whole, or not at all."""
        assert position == 0
        self.close()
        self._sent = 0
        self._meter.set(self._part.start)
        return 0

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _require_empty(self) -> None:
        with self._source.open() as stream:
            if stream.read(1):
                raise LocalChanged("The file is not empty any more.")

    def _next(self, most: int) -> bytes:
        head, body = len(self._head), len(self._head) + len(self._part)
        if self._sent < head:
            return self._head[self._sent : self._sent + most]
        if self._sent < body:
            return self._from_file(self._sent - head, most)
        return self._tail[self._sent - body : self._sent - body + most]

    def _from_file(self, done: int, most: int) -> bytes:
        if self._stream is None:
            self._stream = self._source.open()
            if self._part.start:
                self._stream.seek(self._part.start)
        data = self._stream.read(min(most, len(self._part) - done))
        at = self._part.start + done + len(data)
        if not data:
            raise LocalChanged("The file is shorter than it was.")
        # The last bytes leave only when the file still ends where it did: a request that lacks
        # them makes nothing.
        if at == self._source.size and self._stream.read(1):
            raise LocalChanged("The file is longer than it was.")
        self._meter.set(at)
        return data


def multipart(
    metadata: Mapping[str, Any], content_type: str, source: Source, meter: Meter
) -> tuple[Body, dict[str, str]]:
    """Metadata and all bytes as one body, and its headers."""
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f"{json.dumps(metadata)}\r\n"
        f"--{boundary}\r\nContent-Type: {content_type}\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n"
    )
    around = (head.encode(), f"\r\n--{boundary}--\r\n".encode())
    body = Body(source, range(source.size), meter, around)
    return body, {
        "content-type": f'multipart/related; boundary="{boundary}"',
        "content-length": str(body.length),
    }
