"""Bytes on their way from Drive: in parts, all of one revision, their md5 taken as they come."""

from __future__ import annotations

import hashlib
import re

from drivesync import faults
from drivesync.calls import Calls, Reply, Sort
from drivesync.model import RemoteFile
from drivesync.sides import Incoming, Progress

PART_BYTES = 2 * 1024 * 1024
"""httplib2 holds a whole answer in memory, of every thread."""


class Bringer:
    """Brings files; of one sidecar."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def bring(self, of: RemoteFile, into: Incoming, progress: Progress) -> None:
        """Raises Changed unless the bytes are those that ``of`` tells."""
        uri = self._uri(of)
        md5 = hashlib.md5(usedforsecurity=False)
        done = 0
        try:
            while done < of.size:
                data = self._part(of, uri, done)
                into.write(data)
                md5.update(data)
                done += len(data)
                progress(len(data))
            if md5.hexdigest() != of.md5:
                raise faults.Changed("The bytes are not those of this version.")
        except BaseException:
            progress(-done)
            raise

    def _uri(self, of: RemoteFile) -> str:
        # In the description revisionId belongs to `get`; get_media, which has it too, would put
        # the address together in the same way, and then wants to save the file by itself.
        pinned = {"revisionId": of.revision} if of.revision else {}
        uri = self._calls.service.files().get_media(fileId=of.id, **pinned).uri
        return str(uri)

    def _part(self, of: RemoteFile, uri: str, start: int) -> bytes:
        end = min(start + PART_BYTES, of.size)
        headers = {"range": f"bytes={start}-{end - 1}", "accept-encoding": "identity"}

        def once() -> bytes:
            return _bytes(self._calls.exchange(uri, "GET", headers), range(start, end), of.size)

        try:
            return self._calls.run(once, Sort.READ)
        except faults.Gone as gone:
            if self._is_there(of):
                raise faults.Changed("This version is not kept any more.") from gone
            raise

    def _is_there(self, of: RemoteFile) -> bool:
        files = self._calls.service.files()
        try:
            return bool(self._calls.read(lambda: files.get(fileId=of.id, fields="id"), bool))
        except faults.Gone:
            return False


def _bytes(reply: Reply, part: range, size: int) -> bytes:
    """What was asked for, or the beginning of it."""
    if reply.status == 200 and len(reply.body) == size:
        # Some server between here and Drive does not know parts.
        return reply.body[part.start : part.stop]
    if reply.status in (200, 416):
        raise faults.Changed("The file has another size now.")
    if reply.status != 206:
        raise reply.refused
    told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", reply.headers.get("content-range", ""))
    if not told or int(told.group(1)) != part.start:
        raise ValueError("Another part than was asked for")
    if told.group(3) not in ("*", str(size)):
        raise faults.Changed("The file has another size now.")
    if not reply.body or len(reply.body) > len(part):
        raise ValueError("Not the part that was asked for")
    return reply.body
