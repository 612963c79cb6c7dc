"""An emulated Drive without HTTP: people, their files, and what changed.

Thread-safe. Deterministic with a clock and a seed that are given. Values that it hands out never
change. Every refusal is ``Refused`` with the status and reason that Google would answer.
"""

from __future__ import annotations

import random
import string
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from drive_emulator.feed import Feed
from drive_emulator.model import (
    FOLDER,
    SHORTCUT,
    Access,
    Account,
    ChangeEntry,
    ChangePage,
    Edit,
    File,
    New,
    Refused,
    Revision,
    Scope,
    Seen,
)
from drive_emulator.tree import Tree

_ID_LETTERS = string.ascii_letters + string.digits + "-_"


class Store:
    """All accounts of one emulated Drive."""

    def __init__(self, clock_ms: Callable[[], int], seed: int = 0) -> None:
        self.clock_ms = clock_ms
        self.tells_descendants = True
        """Whether trashing a folder puts all that is in it on the list of changes too."""
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._tree = Tree()
        self._issued: dict[str, str] = {}
        self._feed = Feed()
        self._count = 0

    def add_account(self, email: str, name: str = "", most_bytes: int = 15 << 30) -> Account:
        with self._lock:
            if email in self._accounts:
                raise ValueError(f"{email} has an account")
            now, root = self.clock_ms(), "0A" + self._token(17)
            self._count += 1
            self._accounts[email] = Account(email, name or email, root, most_bytes)
            self._tree.put(File(root, email, "My Drive", FOLDER, "", self._count, now, now))
            return self._accounts[email]

    def account(self, email: str) -> Account:
        with self._lock:
            return self._accounts[email]

    def accounts(self) -> list[Account]:
        with self._lock:
            return list(self._accounts.values())

    def set_limit(self, email: str, most_bytes: int) -> None:
        with self._lock:
            self._accounts[email] = replace(self._accounts[email], most_bytes=most_bytes)

    def get(self, access: Access, id_: str) -> Seen:
        """Raises 404 for what this person, through this program, may not see."""
        with self._lock:
            file = self._tree.files.get(self._real_id(access, id_))
            if file is None or not self._tree.visible(access, file):
                raise _no_such_file(id_)
            return self._tree.seen(access, file)

    def owner(self, id_: str) -> str:
        """Raises KeyError."""
        with self._lock:
            return self._tree.files[id_].owner

    def find(
        self,
        access: Access,
        matches: Callable[[Seen], bool] = lambda seen: True,
        parents: Iterable[str] | None = None,
        stale: int = 0,
    ) -> list[Seen]:
        """In the order they were made. ``parents`` narrows it to what is in these folders.

        ``stale`` leaves the last so many changes out, as Drive's lists do for some seconds.
        """
        with self._lock:
            tree = self._tree.as_it_was(stale) if stale else self._tree
            ids = None if parents is None else [self._real_id(access, p) for p in parents]
            return [seen for seen in tree.listed(access, ids) if matches(seen)]

    def in_folder(self, access: Access, folder: str, trashed: bool = False) -> list[Seen]:
        """What is in one folder."""
        return self.find(access, lambda seen: seen.trashed == trashed, [folder])

    def require_unused(self, id_: str) -> None:
        """Raises 409 for an id that a file has, or had."""
        with self._lock:
            if id_ in self._tree.files or id_ in self._tree.graves:
                raise Refused(
                    409, "fileIdInUse", "A file already exists with the provided ID.", "file.id"
                )

    def require_folder(self, access: Access, id_: str) -> None:
        """Raises what making a file in there would raise."""
        with self._lock:
            self._require_writing(access)
            self._parent(access, id_)

    def require_writable(self, access: Access, id_: str, if_match: str = "") -> None:
        """Raises what changing it would raise."""
        with self._lock:
            self._writable(access, id_, if_match)

    def generate_ids(self, count: int, kind: str = "files") -> list[str]:
        with self._lock:
            ids = ["1" + self._token(32) for _ in range(count)]
            self._issued.update(dict.fromkeys(ids, kind))
            return ids

    def insert(self, access: Access, new: New) -> Seen:
        with self._lock:
            self._require_writing(access)
            id_ = self._usable_id(new)
            parent = self._parent(access, new.parent)
            if new.target:
                self.get(access, new.target)
            self._require_room(parent.owner, new.blob.size if new.blob else 0)
            now = self.clock_ms()
            self._count += 1
            modified = now if new.modified_ms is None else new.modified_ms
            file = File(
                id_, parent.owner, new.title or "Untitled", new.mime, parent.id, self._count,
                now if new.created_ms is None else new.created_ms, modified,
                text=new.text, target=new.target, apps=frozenset({access.client}),
                description=new.description, starred=new.starred, properties=new.properties,
            )  # fmt: skip
            if new.blob is not None and not file.native:
                first = Revision(self._revision_id(), new.blob, modified, file.mime)
                file = replace(file, revisions=(first,))
            self._put(file)
            return self._tree.seen(access, file)

    def update(self, access: Access, id_: str, edit: Edit, if_match: str = "") -> Seen:
        """Content, metadata and place at once; all of it or nothing."""
        with self._lock:
            file = self._writable(access, id_, if_match)
            changed = self._edited(access, file, edit)
            told = self._told_of_trash(file, changed)
            self._put(changed)
            for below in told:
                self._put(replace(below, version=below.version + 1))
            return self._tree.seen(access, changed)

    def trash(self, access: Access, id_: str, if_match: str = "") -> Seen:
        """With all that is in it."""
        return self.update(access, id_, Edit(trashed=True), if_match)

    def untrash(self, access: Access, id_: str, if_match: str = "") -> Seen:
        return self.update(access, id_, Edit(trashed=False), if_match)

    def delete(self, access: Access, id_: str, if_match: str = "") -> None:
        """For good, with all that is in it."""
        with self._lock:
            file = self._writable(access, id_, if_match)
            if file.owner != access.email:
                raise _not_permitted()
            for below in [*self._tree.below(file), file]:
                self._bury(below)

    def empty_trash(self, access: Access) -> None:
        with self._lock:
            self._require_writing(access)
            for seen in self.find(access, lambda s: s.mine and s.file.explicitly_trashed):
                if seen.id in self._tree.files:
                    self.delete(access, seen.id)

    def share(self, id_: str, email: str, role: str = "reader") -> None:
        """``role`` is reader, writer, or empty to take it back."""
        with self._lock:
            file = self._tree.files[id_]
            kept = tuple(entry for entry in file.shared if entry[0] != email)
            shared = (*kept, (email, role)) if role else kept
            before = {below.id: self._tree.audience(below) for below in self._tree.below(file)}
            self._put(replace(file, shared=shared, version=file.version + 1))
            for below, audience in before.items():
                self._tell(below, audience | self._tree.audience(self._tree.files[below]))

    def open_with(self, id_: str, client: str) -> None:
        """The person picked this file for a program: drive.file sees it from now on."""
        with self._lock:
            file = self._tree.files[id_]
            self._put(replace(file, apps=file.apps | {client}, version=file.version + 1))

    def lock_file(self, id_: str, locked: bool = True) -> None:
        """Nobody may edit it, its owner neither."""
        with self._lock:
            file = self._tree.files[id_]
            self._put(replace(file, editable=not locked, version=file.version + 1))

    def revision(self, access: Access, id_: str, revision: str) -> Revision:
        for found in reversed(self.get(access, id_).file.revisions):
            if revision in (found.id, "head"):
                return found
        raise Refused(404, "notFound", f"Revision not found: {revision}", "revisionId")

    def forget_revisions(self, id_: str) -> None:
        """As Drive does after 30 days or 100 revisions: only the newest and the kept stay."""
        with self._lock:
            file = self._tree.files[id_]
            kept = tuple(r for r in file.revisions[:-1] if r.kept)
            self._tree.files[id_] = replace(file, revisions=(*kept, *file.revisions[-1:]))

    def keep_revision(self, access: Access, id_: str, revision: str, kept: bool) -> Revision:
        with self._lock:
            file = self._writable(access, id_, "")
            self.revision(access, id_, revision)
            revisions = tuple(
                replace(r, kept=kept) if r.id == revision else r for r in file.revisions
            )
            self._put(replace(file, revisions=revisions, version=file.version + 1))
            return self.revision(access, id_, revision)

    def start_token(self) -> int:
        """Where the list of changes ends now."""
        with self._lock:
            return self._feed.end

    def changes(
        self, access: Access, token: int, limit: int = 100, removed: bool = True
    ) -> ChangePage:
        """A page, from ``token`` on. Raises 400 for a token that never was."""
        with self._lock:
            if not 1 <= token <= self._feed.end:
                raise Refused(400, "invalid", f"Invalid value: {token}", "pageToken")
            entries: list[ChangeEntry] = []
            for number, id_, at_ms in self._feed.of(access.email, token):
                if len(entries) == limit:
                    return ChangePage(tuple(entries), number, None)
                entry = self._entry(access, number, id_, at_ms)
                if entry is not None and (entry.seen is not None or removed):
                    entries.append(entry)
            return ChangePage(tuple(entries), None, self._feed.end)

    def every_blob(self, email: str) -> Iterator[tuple[str, Revision]]:
        """(file id, revision) of everything that this person has, the trash included."""
        with self._lock:
            owned = [file for file in self._tree.files.values() if file.owner == email]
        for file in owned:
            for revision in file.revisions:
                yield file.id, revision

    def _token(self, length: int) -> str:
        return "".join(self._random.choices(_ID_LETTERS, k=length))

    def _revision_id(self) -> str:
        return "0B" + self._token(49)

    def _real_id(self, access: Access, id_: str) -> str:
        return self._accounts[access.email].root if id_ == "root" else id_

    def _require_writing(self, access: Access) -> None:
        if access.scope is Scope.READ_ONLY:
            raise Refused(
                403,
                "insufficientPermissions",
                "Request had insufficient authentication scopes.",
            )

    def _writable(self, access: Access, id_: str, if_match: str) -> File:
        self._require_writing(access)
        seen = self.get(access, id_)
        if not seen.editable or not seen.file.parent:
            raise _not_permitted()
        if if_match and if_match not in ("*", seen.etag):
            raise Refused(412, "conditionNotMet", "Precondition Failed", "If-Match")
        return seen.file

    def _usable_id(self, new: New) -> str:
        if not new.id:
            return self.generate_ids(1)[0]
        self.require_unused(new.id)
        kind = "shortcuts" if new.mime == SHORTCUT else "files"
        native = new.mime.startswith("application/vnd.google-apps.") and new.mime not in (
            FOLDER,
            SHORTCUT,
        )
        if self._issued.get(new.id) != kind or native:
            raise Refused(400, "invalid", "The provided file ID is not usable.", "file.id")
        return new.id

    def _parent(self, access: Access, id_: str) -> File:
        real = self._real_id(access, id_)
        if real == self._accounts[access.email].root:
            return self._tree.files[real]
        seen = self.get(access, real)
        if not seen.file.folder:
            raise Refused(403, "parentNotAFolder", "The specified parent is not a folder.")
        if not seen.editable:
            raise _not_permitted()
        return seen.file

    def _require_room(self, email: str, more: int) -> None:
        account = self._accounts[email]
        if more > 0 and account.most_bytes and account.used_bytes + more > account.most_bytes:
            raise Refused(
                403, "storageQuotaExceeded", "The user's Drive storage quota has been exceeded."
            )

    def _edited(self, access: Access, file: File, edit: Edit) -> File:
        now = self.clock_ms()
        plain = {
            name: value
            for name in ("title", "mime", "description", "starred", "properties", "text")
            if (value := getattr(edit, name)) is not None
        }
        changed = replace(file, version=file.version + 1, **plain)
        if edit.trashed is not None:
            changed = replace(changed, explicitly_trashed=edit.trashed)
        if edit.parent is not None:
            changed = replace(changed, parent=self._new_parent(access, file, edit.parent))
        if edit.blob is not None:
            changed = self._with_bytes(changed, edit, now)
        if plain or edit.blob is not None or edit.modified_ms is not None:
            modified = now if edit.modified_ms is None else edit.modified_ms
            changed = replace(changed, modified_ms=modified)
        return changed

    def _with_bytes(self, file: File, edit: Edit, now: int) -> File:
        if file.native:
            raise Refused(403, "fileNotDownloadable", "This file has no content to be replaced.")
        assert edit.blob is not None
        self._require_room(file.owner, edit.blob.size - file.size)
        modified = now if edit.modified_ms is None else edit.modified_ms
        revision = Revision(self._revision_id(), edit.blob, modified, file.mime)
        older = file.revisions if edit.new_revision else file.revisions[:-1]
        return replace(file, revisions=(*older, revision))

    def _new_parent(self, access: Access, file: File, id_: str) -> str:
        parent = self._parent(access, id_)
        if any(at.id == file.id for at in self._tree.ancestors(parent)):
            raise Refused(403, "cannotAddParent", "A folder cannot be moved into itself.")
        return parent.id

    def _told_of_trash(self, file: File, changed: File) -> list[File]:
        if file.explicitly_trashed == changed.explicitly_trashed or not self.tells_descendants:
            return []
        return self._tree.below(file)

    def _put(self, file: File) -> None:
        old = self._tree.files.get(file.id)
        audience = self._tree.audience(old) if old else set()
        moved = self._tree.below(old) if old and old.parent != file.parent else []
        before = [(child, self._tree.audience(child)) for child in moved]
        self._use(file.owner, file.size - (old.size if old else 0))
        self._tree.put(file)
        self._tell(file.id, audience | self._tree.audience(file))
        for child, saw in before:
            if saw != (see := self._tree.audience(child)):
                self._tell(child.id, saw | see)

    def _bury(self, file: File) -> None:
        audience = self._tree.audience(file)
        self._use(file.owner, -file.size)
        self._tree.bury(file)
        self._tell(file.id, audience)

    def _use(self, email: str, more: int) -> None:
        account = self._accounts[email]
        self._accounts[email] = replace(account, used_bytes=account.used_bytes + more)

    def _tell(self, id_: str, audience: Iterable[str]) -> None:
        self._feed.add(id_, sorted(audience), self.clock_ms())

    def _entry(self, access: Access, number: int, id_: str, at_ms: int) -> ChangeEntry | None:
        file = self._tree.files.get(id_)
        if file is not None and self._tree.visible(access, file):
            return ChangeEntry(number, id_, self._tree.seen(access, file), at_ms)
        last = file or self._tree.graves[id_]
        if access.scope is Scope.APP_FILES and access.client not in last.apps:
            return None
        return ChangeEntry(number, id_, None, at_ms)


def _no_such_file(id_: str) -> Refused:
    return Refused(404, "notFound", f"File not found: {id_}", "fileId")


def _not_permitted() -> Refused:
    return Refused(
        403,
        "insufficientFilePermissions",
        "The user does not have sufficient permissions for this file.",
    )
