"""``multipart/related``: metadata and bytes in one body."""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser

from drive_emulator.model import Refused


def split(content_type: str, body: bytes) -> tuple[bytes, str, bytes]:
    """The JSON, the type of the bytes, the bytes. Raises 400 for anything else."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None or not content_type.lower().startswith("multipart/related"):
        raise _bad("no boundary")
    mark = b"--" + found.group(1).encode("latin-1")
    start = body.find(mark)
    if start < 0:
        raise _bad("no parts")
    # Python's library ends lines with LF alone; bytes may end with CR, so which it is matters.
    line = b"\r\n" if body[start + len(mark) :].startswith(b"\r\n") else b"\n"
    parts = (line + body[start:]).split(line + mark)[1:]
    if len(parts) != 3 or not parts[2].startswith(b"--"):
        raise _bad(f"{len(parts) - 1} parts")
    (_, metadata), (kind, data) = (_part(part.removeprefix(line), line) for part in parts[:2])
    return metadata, kind, data


def _part(part: bytes, line: bytes) -> tuple[str, bytes]:
    head, gap, content = part.partition(line + line)
    if not gap:
        raise _bad("a part without headers")
    headers = BytesHeaderParser().parsebytes(head)
    return headers.get("Content-Type", "application/octet-stream"), content


def _bad(why: str) -> Refused:
    return Refused(400, "badContent", f"Malformed multipart body: {why}")
