"""Files as API v2 writes them, and as the engine reads them. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any

from drivesync.model import Account, Change, Changes, Kind, RemoteFile

log = logging.getLogger("drivesync.items")

FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"
GOOGLES_OWN = "application/vnd.google-apps."

FIELDS = (
    "id,etag,title,mimeType,parents/id,labels/trashed,md5Checksum,fileSize,headRevisionId,"
    "modifiedDate,alternateLink,editable,capabilities/canDownload"
)
ACCOUNT_FIELDS = "rootFolderId,user/emailAddress,quotaType,quotaBytesTotal,quotaBytesUsedAggregate"

_TYPES = {
    # What Colab gives its notebooks: a double click in Drive opens Colab.
    ".ipynb": "application/vnd.google.colaboratory",
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".zip": "application/zip",
}


@dataclass(frozen=True)
class Page:
    """Of the list of changes. ``unsure`` are ids of which it says neither that they are gone nor
    what they are."""

    told: Changes
    unsure: tuple[str, ...]


def remote_file(item: Mapping[str, Any]) -> RemoteFile:
    """Raises KeyError or ValueError for what is no file of Drive. Kept for each of many files: what
    comes up again and again is held once, and what nobody asks for not at all."""
    mime = item["mimeType"]
    kind = _kind(mime, item.get("md5Checksum", ""))
    parents = item.get("parents") or [{}]
    return RemoteFile(
        id=item["id"],
        parent=intern(str(parents[0].get("id", ""))),
        title=item["title"],
        kind=kind,
        etag=item["etag"],
        md5=item.get("md5Checksum", ""),
        size=int(item.get("fileSize", 0)),
        revision=item.get("headRevisionId", ""),
        modified_ms=_milliseconds(item.get("modifiedDate")),
        trashed=bool(item.get("labels", {}).get("trashed", False)),
        mime=intern(mime),
        link="" if kind in (Kind.FILE, Kind.FOLDER) else item.get("alternateLink", ""),
        editable=bool(item.get("editable", True)),
        downloadable=bool(item.get("capabilities", {}).get("canDownload", True)),
    )


def account(item: Mapping[str, Any]) -> Account:
    """Of an answer of ``about``."""
    limited = item.get("quotaType", "LIMITED") != "UNLIMITED"
    return Account(
        root=item["rootFolderId"],
        email=item.get("user", {}).get("emailAddress", ""),
        used_bytes=int(item.get("quotaBytesUsedAggregate", 0)),
        most_bytes=int(item.get("quotaBytesTotal", 0)) if limited else 0,
    )


def page(answer: Mapping[str, Any]) -> Page:
    """Of ``changes``. Raises KeyError where it leads nowhere."""
    told, unsure = [], []
    for item in answer.get("items", ()):
        if item.get("deleted", False):
            told.append(Change(item["fileId"], None))
        elif "file" in item:
            told += [Change(file.id, file) for file in _readable([item["file"]])]
        else:
            unsure.append(item["fileId"])
    last = "newStartPageToken" in answer
    cursor = answer["newStartPageToken" if last else "nextPageToken"]
    return Page(Changes(tuple(told), str(cursor), last), tuple(unsure))


def listed(answer: Mapping[str, Any]) -> tuple[list[RemoteFile], str]:
    """Files, and what leads to the next page; empty after the last."""
    return _readable(answer.get("items", ())), answer.get("nextPageToken", "")


def _readable(found: Iterable[Mapping[str, Any]]) -> list[RemoteFile]:
    """One that nobody can read is named and left out: the others go on."""
    files = []
    for item in found:
        try:
            files.append(remote_file(item))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            log.warning("Left out, since it is no file: %.100r (%r)", item.get("id"), error)
    return files


def new(id_: str, parent: str, title: str) -> dict[str, Any]:
    """What is told of a file that is to be made."""
    return {"id": id_, "title": title, "parents": [{"id": parent}]}


def quoted(text: str) -> str:
    """Within the quotes of a question."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def type_of(title: str) -> str:
    """The content type of a new file."""
    dot = title.rfind(".")
    return _TYPES.get(title[dot:].lower() if dot >= 0 else "", "application/octet-stream")


def _kind(mime: str, md5: str) -> Kind:
    if mime == FOLDER:
        return Kind.FOLDER
    if mime == SHORTCUT:
        return Kind.SHORTCUT
    # Links to other programs' documents have no bytes either, and no type that says so.
    return Kind.FILE if md5 and not mime.startswith(GOOGLES_OWN) else Kind.DOCUMENT


def _milliseconds(stamp: str | None) -> int:
    if not stamp:
        return 0
    return round(datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000)
