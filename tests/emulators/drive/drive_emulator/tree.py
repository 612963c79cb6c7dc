"""All files of an emulated Drive and how they hang together; not thread-safe by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from drive_emulator.model import Access, File, Scope, Seen

_REMEMBERED = 4096
"""Changes that a stale list can go back."""


class Tree:
    """Files by id; who may see which."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.graves: dict[str, File] = {}
        """What was deleted for good, as it was last."""
        self._children: dict[str, dict[str, None]] = {}
        self._before: deque[tuple[str, File | None]] = deque(maxlen=_REMEMBERED)

    def put(self, file: File) -> None:
        """Makes it, or replaces what has its id."""
        old = self.files.get(file.id)
        self._before.append((file.id, old))
        if old is not None and old.parent != file.parent:
            self._children[old.parent].pop(file.id, None)
        self.files[file.id] = file
        self._children.setdefault(file.parent, {})[file.id] = None

    def bury(self, file: File) -> None:
        self._before.append((file.id, file))
        self._children[file.parent].pop(file.id, None)
        del self.files[file.id]
        self.graves[file.id] = file

    def ancestors(self, file: File) -> Iterator[File]:
        """Itself first."""
        at: File | None = file
        while at is not None:
            yield at
            at = self.files.get(at.parent)

    def children(self, folder: str) -> Iterator[File]:
        for id_ in self._children.get(folder, ()):
            yield self.files[id_]

    def below(self, file: File) -> list[File]:
        """All that is in a folder, deepest first."""
        found: list[File] = []
        for child in self.children(file.id):
            found += [*self.below(child), child]
        return found

    def audience(self, file: File) -> set[str]:
        """Who sees it."""
        shared = {email for at in self.ancestors(file) for email, _ in at.shared}
        return {file.owner} | shared

    def visible(self, access: Access, file: File) -> bool:
        if access.scope is Scope.APP_FILES and access.client not in file.apps:
            return False
        return bool(self._role(access.email, file))

    def seen(self, access: Access, file: File) -> Seen:
        """The file as this person sees it."""
        parent = self.files.get(file.parent)
        # Through drive.file too: My Drive is where a program's own folders are.
        shown = parent is not None and (
            (not parent.parent and parent.owner == access.email) or self.visible(access, parent)
        )
        role = self._role(access.email, file)
        return Seen(
            file,
            trashed=any(at.explicitly_trashed for at in self.ancestors(file)),
            parent=file.parent if shown else "",
            editable=file.editable and role in ("owner", "writer"),
            mine=role == "owner",
        )

    def as_it_was(self, changes: int) -> Tree:
        """Before the last so many changes; to be read only."""
        then = Tree()
        then.files = dict(self.files)
        for id_, file in list(self._before)[: -changes - 1 : -1]:
            if file is None:
                then.files.pop(id_, None)
            else:
                then.files[id_] = file
        for file in then.files.values():
            then._children.setdefault(file.parent, {})[file.id] = None
        return then

    def listed(self, access: Access, parents: Iterable[str] | None) -> list[Seen]:
        """What this person sees in these folders, or everywhere; in the order it was made."""
        files = (
            list(self.files.values())
            if parents is None
            else [file for parent in set(parents) for file in self.children(parent)]
        )
        seen = [self.seen(access, f) for f in files if f.parent and self.visible(access, f)]
        return sorted(seen, key=lambda one: one.file.number)

    def _role(self, email: str, file: File) -> str:
        if file.owner == email:
            return "owner"
        roles = {role for at in self.ancestors(file) for who, role in at.shared if who == email}
        return "writer" if "writer" in roles else "reader" if roles else ""
