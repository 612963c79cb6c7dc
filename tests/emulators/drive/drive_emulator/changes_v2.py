"""What a body and its parameters ask to be changed, as the store understands it."""

from __future__ import annotations

from typing import Any

from drive_emulator import times
from drive_emulator.messages import Request
from drive_emulator.model import SHORTCUT, Access, Blob, Bytes, Edit, New, Refused
from drive_emulator.store import Store

EMPTY = Bytes.of(b"")
_TOO_MANY_PARENTS = Refused(
    403, "cannotAddParent", "Increasing the number of parents is not allowed"
)


class Edits:
    """Of one request of one person."""

    def __init__(self, store: Store, access: Access, request: Request) -> None:
        self._store = store
        self._access = access
        self._request = request

    def new(self, body: dict[str, Any], mime: str, blob: Blob | None) -> New:
        parents = body.get("parents") or [{"id": "root"}]
        if len(parents) > 1:
            raise Refused(400, "invalid", "A file has one parent.", "parents")
        kind = body.get("mimeType") or mime or "application/octet-stream"
        native = kind.startswith("application/vnd.google-apps.")
        target = body.get("shortcutDetails", {}).get("targetId", "")
        if (kind == SHORTCUT) != bool(target):
            raise Refused(400, "invalid", "A shortcut has a target.", "shortcutDetails")
        if blob is None and not native:
            blob = EMPTY
        return New(
            title=body.get("title", "Untitled"),
            mime=kind,
            parent=parents[0].get("id", "root"),
            id=body.get("id", ""),
            blob=None if native else blob,
            created_ms=_time(body, "createdDate"),
            modified_ms=_time(body, "modifiedDate"),
            target=target,
            text=blob.read(0, blob.size).decode("utf-8", "replace") if native and blob else "",
            description=body.get("description", ""),
            starred=bool(body.get("labels", {}).get("starred")),
            properties=_properties(body) or (),
        )

    def edit(self, id_: str, body: dict[str, Any], blob: Blob | None) -> Edit:
        labels = body.get("labels", {})
        return Edit(
            title=body.get("title"),
            mime=body.get("mimeType"),
            parent=self._parent(id_, body),
            blob=blob,
            modified_ms=self._modified(id_, body),
            trashed=labels.get("trashed"),
            description=body.get("description"),
            starred=labels.get("starred"),
            properties=_properties(body),
            new_revision=self._request.flag("newRevision", True),
        )

    def require_new(self, body: dict[str, Any]) -> None:
        """Raises what an insert would, before the bytes of a resumable upload are sent."""
        new = self.new(body, "", None)
        if new.id:
            self._store.require_unused(new.id)
        self._store.require_folder(self._access, new.parent)

    def _parent(self, id_: str, body: dict[str, Any]) -> str | None:
        seen = self._store.get(self._access, id_)
        if "parents" in body:
            now = {parent.get("id", "root") for parent in body["parents"]}
        else:
            now = {seen.parent} - {""}
        asked = self._request.query
        root = self._store.account(self._access.email).root
        added, removed = (
            {root if one == "root" else one for one in asked.get(name, "").split(",") if one}
            for name in ("addParents", "removeParents")
        )
        after = (now - removed) | added
        if self._request.flag("enforceSingleParent") and added:
            after = {asked["addParents"].split(",")[-1]}
        if len(after) > 1:
            raise _TOO_MANY_PARENTS
        if not after and now:
            raise Refused(403, "cannotRemoveParent", "A file has to have a parent.")
        [parent] = after or {None}
        return None if parent == seen.parent else parent

    def _modified(self, id_: str, body: dict[str, Any]) -> int | None:
        behaviour = self._request.query.get("modifiedDateBehavior", "")
        if behaviour == "noChange":
            return self._store.get(self._access, id_).file.modified_ms
        if self._request.flag("setModifiedDate") or behaviour.startswith("fromBody"):
            return _time(body, "modifiedDate")
        return None


def _time(body: dict[str, Any], name: str) -> int | None:
    return times.read(body[name], name) if name in body else None


def _properties(body: dict[str, Any]) -> tuple[tuple[str, str, str], ...] | None:
    if "properties" not in body:
        return None
    return tuple(
        (p.get("key", ""), p.get("value", ""), p.get("visibility", "PRIVATE"))
        for p in body["properties"]
    )
