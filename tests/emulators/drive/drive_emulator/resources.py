"""Files, changes and revisions as version 2 of the API writes them."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from drive_emulator import exports, times
from drive_emulator.model import FOLDER, GOOGLE, SHORTCUT, ChangeEntry, Revision, Seen

_PLACES = {
    FOLDER: "https://drive.google.com/drive/folders/{}",
    GOOGLE + "document": "https://docs.google.com/document/d/{}/edit",
    GOOGLE + "spreadsheet": "https://docs.google.com/spreadsheets/d/{}/edit",
    GOOGLE + "presentation": "https://docs.google.com/presentation/d/{}/edit",
    GOOGLE + "form": "https://docs.google.com/forms/d/{}/edit",
}


def link(seen: Seen) -> str:
    """Where a browser opens it."""
    place = _PLACES.get(seen.file.mime, "https://drive.google.com/file/d/{}/view")
    return place.format(seen.id)


def permission_id(email: str) -> str:
    return str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16))


def user(email: str, name: str, asker: str) -> dict[str, Any]:
    return {
        "kind": "drive#user",
        "displayName": name,
        "isAuthenticatedUser": email == asker,
        "permissionId": permission_id(email),
        "emailAddress": email,
    }


def file(seen: Seen, base: str, owner: dict[str, Any], root: str) -> dict[str, Any]:
    """``owner`` is its owner's ``user``; ``root`` the asker's My Drive."""
    one = seen.file
    here = f"{base}/drive/v2/files/{one.id}"
    found: dict[str, Any] = {
        "kind": "drive#file",
        "id": one.id,
        "etag": one.etag,
        "selfLink": here,
        "alternateLink": link(seen),
        "title": one.title,
        "mimeType": one.mime,
        "labels": {
            "starred": one.starred,
            "hidden": False,
            "trashed": seen.trashed,
            "restricted": False,
            "viewed": True,
        },
        "createdDate": times.shown(one.created_ms),
        "modifiedDate": times.shown(one.modified_ms),
        "version": str(one.version),
        "parents": _parents(seen, base, root),
        "quotaBytesUsed": str(one.size if seen.mine else 0),
        "ownerNames": [owner["displayName"]],
        "owners": [owner],
        "lastModifyingUserName": owner["displayName"],
        "lastModifyingUser": owner,
        "editable": seen.editable,
        "ownedByMe": seen.mine,
        "shared": bool(one.shared) or not seen.mine,
        "explicitlyTrashed": one.explicitly_trashed,
        "appDataContents": False,
        "spaces": ["drive"],
        "capabilities": _capabilities(seen),
    }
    if one.description:
        found["description"] = one.description
    if one.properties:
        found["properties"] = [
            {"kind": "drive#property", "key": key, "value": value, "visibility": visibility}
            for key, value, visibility in one.properties
        ]
    return found | _content(seen, here)


def _parents(seen: Seen, base: str, root: str) -> list[dict[str, Any]]:
    if not seen.parent:
        return []
    return [
        {
            "kind": "drive#parentReference",
            "id": seen.parent,
            "selfLink": f"{base}/drive/v2/files/{seen.id}/parents/{seen.parent}",
            "parentLink": f"{base}/drive/v2/files/{seen.parent}",
            "isRoot": seen.parent == root,
        }
    ]


def _capabilities(seen: Seen) -> dict[str, bool]:
    return {
        "canEdit": seen.editable,
        "canRename": seen.editable,
        "canTrash": seen.editable and seen.mine,
        "canUntrash": seen.editable and seen.mine,
        "canDelete": seen.mine,
        "canDownload": not seen.file.native or bool(exports.formats(seen.file.mime)),
        "canModifyContent": seen.editable and not seen.file.native,
        "canAddChildren": seen.editable and seen.file.folder,
        "canListChildren": seen.file.folder,
        "canReadRevisions": seen.editable and not seen.file.folder,
        "canMoveItemWithinDrive": seen.editable,
    }


def _content(seen: Seen, here: str) -> dict[str, Any]:
    one = seen.file
    if one.head is not None:
        extension = one.title.rpartition(".")[2] if "." in one.title else ""
        return {
            "downloadUrl": f"{here}?alt=media",
            "webContentLink": f"https://drive.google.com/uc?id={one.id}&export=download",
            "originalFilename": one.title,
            "fileExtension": extension,
            "md5Checksum": one.head.blob.md5,
            "fileSize": str(one.head.blob.size),
            "headRevisionId": one.head.id,
            "copyable": True,
        }
    if one.mime == SHORTCUT:
        return {"shortcutDetails": {"targetId": one.target}}
    if one.folder or not one.native:
        return {}
    links = {
        mime: f"{here}/export?mimeType={quote(mime, safe='')}" for mime in exports.formats(one.mime)
    }
    # Google counts its own documents as a byte or more, though they have none to give.
    return {"fileSize": "1", **({"exportLinks": links} if links else {})}


def change(entry: ChangeEntry, base: str, shown_file: dict[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "drive#change",
        "type": "file",
        "changeType": "file",
        "id": str(entry.number),
        "fileId": entry.id,
        "deleted": shown_file is None,
        "modificationDate": times.shown(entry.at_ms),
        "selfLink": f"{base}/drive/v2/changes/{entry.number}",
    }
    if shown_file is not None:
        found["file"] = shown_file
    return found


def revision(seen: Seen, one: Revision, base: str) -> dict[str, Any]:
    here = f"{base}/drive/v2/files/{seen.id}"
    return {
        "kind": "drive#revision",
        "etag": f'"{one.id}"',
        "id": one.id,
        "selfLink": f"{here}/revisions/{one.id}",
        "mimeType": one.mime,
        "modifiedDate": times.shown(one.modified_ms),
        "pinned": one.kept,
        "published": False,
        "downloadUrl": f"{here}?alt=media&revisionId={one.id}",
        "originalFilename": seen.file.title,
        "md5Checksum": one.blob.md5,
        "fileSize": str(one.blob.size),
    }
