"""What of a file differs, and which way its bytes go: the heart of the sync, as one table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from enum import Enum

from drivesync.model import Kind, RemoteFile
from drivesync.options import Export
from drivesync.titles import link_ending
from drivesync.trees import Synced

OFFICE = {
    "application/vnd.google-apps.document": (
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    "application/vnd.google-apps.spreadsheet": (
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "application/vnd.google-apps.presentation": (
        ".pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
}


class Way(Enum):
    """Where the bytes go."""

    NOWHERE = "nowhere"
    AGREE = "agree"
    """Both are the same by now: only to be remembered."""
    SEND = "send"
    BRING = "bring"
    DELIVER = "deliver"
    """Drive's version goes beside the file on disk, which stays."""
    PART = "part"
    """The file on disk goes beside, and Drive's version takes its place."""
    HELD = "held"
    """Until the document is closed."""
    FORBIDDEN = "forbidden"
    """Changed on disk, where Drive takes no change."""
    UNSEEN = "unseen"
    """Changed on disk, and Drive has a version that it does not give: that is not written over."""


@dataclass(frozen=True)
class Circumstances:
    """Of one file on disk."""

    md5: str
    open: bool
    writable: bool


@dataclass(frozen=True)
class Shape:
    """How a file of Drive's appears on disk."""

    ending: str
    version: str
    """Another one means other bytes."""
    md5: str
    """Of these bytes, where that is known beforehand."""
    export: str = ""
    """The format it is exported to."""
    text: bytes = b""
    """The whole of it, where it is a link."""


def shape(file: RemoteFile, export: Export, email: str, synced: Synced | None = None) -> Shape:
    if synced is not None and _has_no_md5_yet(file, synced):
        return Shape("", "", "")
    if file.kind in (Kind.FILE, Kind.FOLDER):
        return Shape("", file.md5, file.md5)
    office = export is Export.OFFICE and file.downloadable
    if office and file.kind is Kind.DOCUMENT and file.mime in OFFICE:
        ending, mime = OFFICE[file.mime]
        return Shape(ending, f"export {file.modified_ms}", "", export=mime)
    link = {"url": file.link, "doc_id": file.id, "email": email}
    text = json.dumps(link, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    md5 = hashlib.md5(text, usedforsecurity=False).hexdigest()
    return Shape(link_ending(file.kind, file.mime), f"link {md5}", md5, text=text)


def _has_no_md5_yet(file: RemoteFile, synced: Synced) -> bool:
    """A file with bytes, of which Drive tells none of them for a while: it looks like a document,
    and is none of Google's."""
    if file.kind is not Kind.DOCUMENT or file.mime.startswith("application/vnd.google-apps."):
        return False
    return bool(synced.version) and not synced.version.startswith(("link ", "export "))


def base(synced: Synced, remote: RemoteFile) -> Synced:
    """An update of ours whose answer was lost is no edit of Drive's: it is the new base."""
    if remote.md5 != synced.version and remote.md5 in synced.sending.split():
        return replace(synced, version=remote.md5, md5=remote.md5, sending="")
    return synced


def way(synced: Synced, remote: RemoteFile, shape: Shape, here: Circumstances) -> Way:
    """``synced`` is the ``base``."""
    theirs, ours = shape.version != synced.version, here.md5 != synced.md5
    if not theirs and not ours:
        return Way.NOWHERE
    if shape.md5 == here.md5:
        return Way.AGREE
    if theirs and (not shape.version or (remote.kind is Kind.FILE and not remote.downloadable)):
        return Way.UNSEEN if ours else Way.NOWHERE
    if remote.kind is not Kind.FILE:
        return Way.HELD if here.open else Way.BRING
    delivered = theirs and shape.version == synced.delivered
    if ours and (not theirs or delivered):
        return Way.SEND if here.writable else Way.FORBIDDEN
    if not theirs:
        return Way.NOWHERE
    if here.open:
        return Way.HELD if delivered else Way.DELIVER
    return Way.PART if ours else Way.BRING
