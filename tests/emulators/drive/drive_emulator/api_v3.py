"""The sliver of version 3 of the API that rclone needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drive_emulator import exports, listing, resources, times
from drive_emulator.api_v2 import Handler, media
from drive_emulator.changes_v2 import EMPTY
from drive_emulator.messages import Answer, Request
from drive_emulator.model import SHORTCUT, Access, Blob, Edit, New, Refused, Seen
from drive_emulator.store import Store
from drive_emulator.uploads import Uploads

LISTED = "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)"
ALONE = "kind,id,name,mimeType"
DEFAULTS = {
    "files.list": LISTED,
    "files.get": ALONE,
    "files.create": ALONE,
    "files.update": ALONE,
}
"""What is answered when no ``fields`` are asked for."""


class Version3:
    """Answers requests whose operation is known and whose parameters were checked."""

    def __init__(
        self, store: Store, uploads: Uploads, check: Callable[[Request, dict[str, Any]], None]
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._check = check
        self.handlers: dict[str, Handler] = {
            "about.get": self.about,
            "files.create": self.create,
            "files.delete": self.delete,
            "files.export": self.export,
            "files.get": self.get,
            "files.list": self.list,
            "files.update": self.update,
        }

    def about(self, access: Access, request: Request) -> Answer:
        if "fields" not in request.query:
            raise Refused(
                400, "required", "The 'fields' parameter is required for this method.", "fields"
            )
        account = self._store.account(access.email)
        trashed = self._store.find(access, lambda seen: seen.mine and seen.trashed)
        quota = {
            "usage": str(account.used_bytes),
            "usageInDrive": str(account.used_bytes),
            "usageInDriveTrash": str(sum(seen.file.size for seen in trashed)),
        }
        if account.most_bytes:
            quota["limit"] = str(account.most_bytes)
        return Answer(
            200,
            {
                "kind": "drive#about",
                "user": self._user(account.email, access.email),
                "storageQuota": quota,
                "importFormats": {},
                "exportFormats": exports.all_formats(),
                "maxUploadSize": "5242880000000",
            },
        )

    def list(self, access: Access, request: Request) -> Answer:
        account = self._store.account(access.email)
        page = listing.page(self._store, account, access, request, request.number("pageSize", 100))
        found: dict[str, Any] = {
            "kind": "drive#fileList",
            "incompleteSearch": False,
            "files": [self._file(access, seen) for seen in page.items],
        }
        if page.next:
            found["nextPageToken"] = page.next
        return Answer(200, found)

    def get(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.path_values["fileId"])
        if request.query.get("alt") != "media":
            return Answer(200, self._file(access, seen))
        if seen.file.head is None:
            raise Refused(
                403,
                "fileNotDownloadable",
                "Only files with binary content can be downloaded.",
                "alt",
            )
        return media(seen.file.head, request)

    def create(self, access: Access, request: Request) -> Answer:
        def commit(body: dict[str, Any], mime: str, blob: Blob | None) -> dict[str, Any]:
            self._check(request, body)
            return self._file(access, self._store.insert(access, _new(body, mime, blob)))

        def check(body: dict[str, Any]) -> None:
            self._check(request, body)
            self._store.require_folder(access, _new(body, "", None).parent)

        if "/upload/" in request.path:
            return self._uploads.take(request, check, commit)
        return Answer(200, commit(request.json(), "", None))

    def update(self, access: Access, request: Request) -> Answer:
        id_ = request.path_values["fileId"]

        def commit(body: dict[str, Any], mime: str, blob: Blob | None) -> dict[str, Any]:
            self._check(request, body)
            edit = Edit(
                title=body.get("name"),
                mime=body.get("mimeType"),
                parent=request.query.get("addParents"),
                blob=blob,
                modified_ms=_time(body, "modifiedTime"),
                trashed=body.get("trashed"),
                description=body.get("description"),
                starred=body.get("starred"),
            )
            return self._file(access, self._store.update(access, id_, edit))

        if "/upload/" in request.path:
            return self._uploads.take(
                request, lambda body: self._store.require_writable(access, id_), commit
            )
        return Answer(200, commit(request.json(), "", None))

    def delete(self, access: Access, request: Request) -> Answer:
        self._store.delete(access, request.path_values["fileId"])
        return Answer(204)

    def export(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.path_values["fileId"])
        mime = request.query["mimeType"]
        return Answer(200, exports.export(seen.file, mime), {"Content-Type": mime})

    def _user(self, email: str, asker: str) -> dict[str, Any]:
        found = resources.user(email, self._store.account(email).name, asker)
        return {**found, "me": found.pop("isAuthenticatedUser")}

    def _file(self, access: Access, seen: Seen) -> dict[str, Any]:
        one = seen.file
        found: dict[str, Any] = {
            "kind": "drive#file",
            "id": one.id,
            "name": one.title,
            "mimeType": one.mime,
            "trashed": seen.trashed,
            "explicitlyTrashed": one.explicitly_trashed,
            "starred": one.starred,
            "createdTime": times.shown(one.created_ms),
            "modifiedTime": times.shown(one.modified_ms),
            "version": str(one.version),
            "webViewLink": resources.link(seen),
            "ownedByMe": seen.mine,
            "owners": [self._user(one.owner, access.email)],
            "shared": bool(one.shared) or not seen.mine,
            "spaces": ["drive"],
            "capabilities": {"canEdit": seen.editable, "canDelete": seen.mine},
        }
        if seen.parent:
            found["parents"] = [seen.parent]
        if one.description:
            found["description"] = one.description
        if one.head is not None:
            found |= {
                "size": str(one.size),
                "md5Checksum": one.head.blob.md5,
                "headRevisionId": one.head.id,
                "quotaBytesUsed": str(one.size),
                "originalFilename": one.title,
            }
        elif one.mime == SHORTCUT:
            found["shortcutDetails"] = {"targetId": one.target}
        return found


def _new(body: dict[str, Any], mime: str, blob: Blob | None) -> New:
    parents = body.get("parents") or ["root"]
    kind = body.get("mimeType") or mime or "application/octet-stream"
    native = kind.startswith("application/vnd.google-apps.")
    if len(parents) > 1:
        raise Refused(400, "invalid", "A file has one parent.", "parents")
    return New(
        title=body.get("name", "Untitled"),
        mime=kind,
        parent=parents[0],
        id=body.get("id", ""),
        blob=None if native else blob or EMPTY,
        created_ms=_time(body, "createdTime"),
        modified_ms=_time(body, "modifiedTime"),
        target=body.get("shortcutDetails", {}).get("targetId", ""),
        description=body.get("description", ""),
        starred=bool(body.get("starred")),
    )


def _time(body: dict[str, Any], name: str) -> int | None:
    return times.read(body[name], name) if name in body else None
