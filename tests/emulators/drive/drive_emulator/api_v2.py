"""Version 2 of the API: what each method does, on values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from drive_emulator import exports, listing, resources
from drive_emulator.changes_v2 import Edits
from drive_emulator.messages import Answer, Part, Request
from drive_emulator.model import SHORTCUT, Access, Blob, Refused, Revision, Seen
from drive_emulator.store import Store
from drive_emulator.uploads import Uploads

Handler = Callable[[Access, Request], Answer]


class Version2:
    """Answers requests whose operation is known and whose parameters were checked."""

    def __init__(
        self, store: Store, uploads: Uploads, check: Callable[[Request, dict[str, Any]], None]
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._check = check
        self.handlers: dict[str, Handler] = {
            "about.get": self.about,
            "changes.getStartPageToken": self.start_token,
            "changes.list": self.changes,
            "files.delete": self.delete,
            "files.emptyTrash": self.empty_trash,
            "files.export": self.export,
            "files.generateIds": self.generate_ids,
            "files.get": self.get,
            "files.insert": self.insert,
            "files.list": self.list,
            "files.patch": self.update,
            "files.trash": self.trash,
            "files.untrash": self.untrash,
            "files.update": self.update,
            "revisions.get": self.revision,
            "revisions.list": self.revisions,
            "revisions.patch": self.keep_revision,
            "revisions.update": self.keep_revision,
        }

    def about(self, access: Access, request: Request) -> Answer:
        account = self._store.account(access.email)
        trashed = self._store.find(access, lambda seen: seen.mine and seen.trashed)
        limited = account.most_bytes > 0
        found = {
            "kind": "drive#about",
            "etag": f'"{account.email}"',
            "selfLink": f"{request.base}/drive/v2/about",
            "name": account.name,
            "user": self._user(account.email, access.email),
            "permissionId": resources.permission_id(account.email),
            "rootFolderId": account.root,
            "quotaType": "LIMITED" if limited else "UNLIMITED",
            "quotaBytesUsed": str(account.used_bytes),
            "quotaBytesUsedAggregate": str(account.used_bytes),
            "quotaBytesUsedInTrash": str(sum(seen.file.size for seen in trashed)),
            "largestChangeId": str(self._store.start_token() - 1),
            "isCurrentAppInstalled": True,
            "languageCode": "en",
        }
        # Of an account without limit, Google leaves the total out.
        return Answer(
            200, {**found, **({"quotaBytesTotal": str(account.most_bytes)} if limited else {})}
        )

    def list(self, access: Access, request: Request) -> Answer:
        account = self._store.account(access.email)
        page = listing.page(
            self._store, account, access, request, request.number("maxResults", 100)
        )
        found: dict[str, Any] = {
            "kind": "drive#fileList",
            "etag": f'"{self._store.start_token()}"',
            "selfLink": f"{request.base}/drive/v2/files",
            "incompleteSearch": False,
            "items": [self._file(access, request, seen) for seen in page.items],
        }
        if page.next:
            found["nextPageToken"] = page.next
        return Answer(200, found)

    def get(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.path_values["fileId"])
        if request.query.get("alt") == "media":
            return self._media(access, request, seen)
        if request.headers.get("If-None-Match") == seen.etag:
            return Answer(304, b"")
        return self._answer(access, request, seen)

    def insert(self, access: Access, request: Request) -> Answer:
        edits = Edits(self._store, access, request)

        def check(body: dict[str, Any]) -> None:
            self._check(request, body)
            edits.require_new(body)

        def commit(body: dict[str, Any], mime: str, blob: Blob | None) -> dict[str, Any]:
            self._check(request, body)
            seen = self._store.insert(access, edits.new(body, mime, blob))
            return self._file(access, request, seen)

        if "/upload/" in request.path:
            return self._uploads.take(request, check, commit)
        return Answer(200, commit(request.json(), "", None))

    def update(self, access: Access, request: Request) -> Answer:
        edits = Edits(self._store, access, request)
        id_ = request.path_values["fileId"]
        if_match = request.headers.get("If-Match", "")
        begins = request.query.get("uploadType") == "resumable"
        late = if_match if not begins or self._uploads.late_match else ""

        def check(body: dict[str, Any]) -> None:
            self._check(request, body)
            self._store.require_writable(access, id_, if_match)

        def commit(body: dict[str, Any], mime: str, blob: Blob | None) -> dict[str, Any]:
            self._check(request, body)
            edit = edits.edit(id_, body, blob)
            return self._file(access, request, self._store.update(access, id_, edit, late))

        if "/upload/" in request.path:
            return self._uploads.take(request, check, commit)
        return Answer(200, commit(request.json(), "", None))

    def trash(self, access: Access, request: Request) -> Answer:
        id_, if_match = request.path_values["fileId"], request.headers.get("If-Match", "")
        return self._answer(access, request, self._store.trash(access, id_, if_match))

    def untrash(self, access: Access, request: Request) -> Answer:
        id_, if_match = request.path_values["fileId"], request.headers.get("If-Match", "")
        return self._answer(access, request, self._store.untrash(access, id_, if_match))

    def delete(self, access: Access, request: Request) -> Answer:
        id_, if_match = request.path_values["fileId"], request.headers.get("If-Match", "")
        self._store.delete(access, id_, if_match)
        return Answer(204)

    def empty_trash(self, access: Access, request: Request) -> Answer:
        self._store.empty_trash(access)
        return Answer(204)

    def export(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.path_values["fileId"])
        mime = request.query["mimeType"]
        return Answer(200, exports.export(seen.file, mime), {"Content-Type": mime})

    def generate_ids(self, access: Access, request: Request) -> Answer:
        count = request.number("maxResults", 10)
        if not 1 <= count <= 1000:
            raise Refused(400, "invalidParameter", "Invalid value: maxResults", "maxResults")
        ids = self._store.generate_ids(count, request.query.get("type", "files"))
        return Answer(200, {"kind": "drive#generatedIds", "space": "drive", "ids": ids})

    def start_token(self, access: Access, request: Request) -> Answer:
        token = str(self._store.start_token())
        return Answer(200, {"kind": "drive#startPageToken", "startPageToken": token})

    def changes(self, access: Access, request: Request) -> Answer:
        token = request.query.get("pageToken", request.query.get("startChangeId", "1"))
        if not re.fullmatch(r"\d+", token):
            raise Refused(400, "invalid", f"Invalid value: {token}", "pageToken")
        limit = listing.partial(request, request.number("maxResults", 100))
        if request.quirks.get("empty_page"):
            limit = 0
        removed = request.flag("includeDeleted", True)
        page = self._store.changes(access, int(token), limit, removed)
        items = [
            resources.change(
                entry,
                request.base,
                None if entry.seen is None else self._file(access, request, entry.seen),
            )
            for entry in page.entries
        ]
        found: dict[str, Any] = {
            "kind": "drive#changeList",
            "etag": f'"{token}"',
            "selfLink": f"{request.base}/drive/v2/changes",
            "largestChangeId": str(self._store.start_token() - 1),
            "items": items,
        }
        if page.next is not None:
            found["nextPageToken"] = str(page.next)
        else:
            found["newStartPageToken"] = str(page.start)
        return Answer(200, found)

    def revisions(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.path_values["fileId"])
        items = [resources.revision(seen, one, request.base) for one in seen.file.revisions]
        here = f"{request.base}/drive/v2/files/{seen.id}/revisions"
        found = {"kind": "drive#revisionList", "etag": seen.etag, "selfLink": here}
        return Answer(200, {**found, "items": items})

    def revision(self, access: Access, request: Request) -> Answer:
        seen = self._store.get(access, request.path_values["fileId"])
        one = self._store.revision(access, seen.id, request.path_values["revisionId"])
        if request.query.get("alt") == "media":
            return media(one, request)
        return Answer(200, resources.revision(seen, one, request.base))

    def keep_revision(self, access: Access, request: Request) -> Answer:
        body = request.json()
        self._check(request, body)
        id_, revision = request.path_values["fileId"], request.path_values["revisionId"]
        kept = self._store.keep_revision(access, id_, revision, bool(body.get("pinned")))
        seen = self._store.get(access, id_)
        return Answer(200, resources.revision(seen, kept, request.base))

    def _answer(self, access: Access, request: Request, seen: Seen) -> Answer:
        return Answer(200, self._file(access, request, seen), {"ETag": seen.etag})

    def _file(self, access: Access, request: Request, seen: Seen) -> dict[str, Any]:
        owner = self._user(seen.file.owner, access.email)
        root = self._store.account(access.email).root
        found = resources.file(seen, request.base, owner, root)
        if seen.file.mime == SHORTCUT:
            try:
                target = self._store.get(access, seen.file.target)
                found["shortcutDetails"]["targetMimeType"] = target.file.mime
            except Refused:
                pass
        return found

    def _user(self, email: str, asker: str) -> dict[str, Any]:
        return resources.user(email, self._store.account(email).name, asker)

    def _media(self, access: Access, request: Request, seen: Seen) -> Answer:
        if seen.file.head is None:
            raise Refused(
                403,
                "fileNotDownloadable",
                "Only files with binary content can be downloaded. Use Export with Docs Editors "
                "files.",
                "alt",
            )
        wanted = request.query.get("revisionId", "head")
        return media(self._store.revision(access, seen.id, wanted), request)


def media(revision: Revision, request: Request) -> Answer:
    """The bytes of a revision, or the part that ``Range`` asks for."""
    size = revision.blob.size
    headers = {
        "Content-Type": revision.mime,
        "Content-Disposition": "attachment",
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
    }
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", "").strip())
    if found is None or found.groups() == ("", ""):
        return Answer(200, headers=headers, part=Part(revision.blob, 0, size))
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or end < start:
        headers["Content-Range"] = f"bytes */{size}"
        return Answer(416, b"", headers)
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Answer(206, headers=headers, part=Part(revision.blob, start, end - start + 1))
