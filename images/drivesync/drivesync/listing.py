"""Keeps the remote tree as Drive has it: by its list of changes, and by lists of folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from drivesync.faults import CursorRejected, Lost
from drivesync.model import Kind, RemoteFile
from drivesync.scope import Scoped
from drivesync.sides import Remote
from drivesync.state import State

CURSOR, LISTED_AT, VERIFY_AT, ROOT = "cursor", "listed at", "verify at", "root"
VERIFY_AFTER = timedelta(minutes=10)
"""A list may be stale, or not all of it; so each folder is listed once more."""
LIST_AFTER = timedelta(days=1)


class Listing:
    """Nothing is taken for gone because a list does not have it: it is asked for by its id."""

    def __init__(self, remote: Remote, state: State) -> None:
        self._remote, self._state = remote, state
        self._absent: set[str] = set()

    def follow(self, now: datetime, chosen: frozenset[str], scoped: Callable[[], Scoped]) -> None:
        """Until nothing is left to be asked. The cursor is taken before a list, and followed after
        it: what changes meanwhile is not missed. Where nothing has changed, that is one request."""
        state = self._state
        if CURSOR not in state.meta or self._is_old(now):
            self._begin(now)
        self._doubt(now)
        rejected = False
        while True:
            self._fetch(chosen)
            while self._fill(scoped(), now):
                self._fetch(chosen)
            try:
                news = self._changes()
            except CursorRejected as error:
                if rejected:
                    raise Lost(f"Drive rejects the cursor that it gave: {error}") from error
                rejected = True
                self._begin(now)
                continue
            if not news or not self.unlisted(scoped()):
                return

    def refresh(self, id_: str) -> RemoteFile | None:
        """One file, as it is now. Called where Drive refused a write or a download."""
        file = self._remote.get(id_)
        self.put(id_, file)
        return file

    def poll(self) -> bool:
        """Whether anything has changed since ``follow``; it is in the tree then."""
        return self._changes()

    def _fetch(self, chosen: frozenset[str]) -> None:
        """The chosen folders, and those that lead to them."""
        state = self._state
        for one in sorted(chosen):
            id_, seen = one, {state.meta[ROOT], ""}
            while id_ not in seen and id_ not in self._absent:
                seen.add(id_)
                if id_ not in state.remote:
                    file = self._remote.get(id_)
                    if file is None:
                        self._absent.add(id_)
                        break
                    state.remote[id_] = file
                id_ = state.remote[id_].parent

    def unlisted(self, scoped: Scoped) -> list[str]:
        folders = [f.id for f in scoped.files.values() if f.kind is Kind.FOLDER]
        return [id_ for id_ in (*folders, scoped.root) if id_ not in self._state.listed]

    def _fill(self, scoped: Scoped, now: datetime) -> bool:
        """Lists the folders that were not yet; whether there were any."""
        state = self._state
        missing = self.unlisted(scoped)
        if not missing:
            return False
        before = {f.id for id_ in missing for f in scoped.inside.get(id_, ())}
        for file in self._remote.children(missing):
            before.discard(file.id)
            known = state.remote.get(file.id)
            if known is None:
                state.remote[file.id] = file
            elif known != file:
                self.refresh(file.id)
        for id_ in sorted(before):
            self.refresh(id_)
        for id_ in missing:
            state.listed[id_] = False
        state.meta[VERIFY_AT] = (now + VERIFY_AFTER).isoformat()
        state.commit()
        return True

    def _doubt(self, now: datetime) -> None:
        """What was listed only once is listed again, a while later."""
        state = self._state
        due = state.meta.get(VERIFY_AT)
        if not due or now < datetime.fromisoformat(due):
            return
        doubtful = [id_ for id_, verified in state.listed.items() if not verified]
        state.meta.drop(VERIFY_AT)
        for id_ in doubtful:
            self._relist(id_)

    def _relist(self, id_: str) -> None:
        state = self._state
        before = {f.id for f in state.remote.values() if f.parent == id_ and not f.trashed}
        for file in self._remote.children([id_]):
            before.discard(file.id)
            if file.id not in state.remote or state.remote[file.id] != file:
                self.refresh(file.id)
        for one in sorted(before):
            self.refresh(one)
        state.listed[id_] = True

    def put(self, id_: str, file: RemoteFile | None) -> None:
        state = self._state
        if file is not None:
            known = state.remote.get(id_)
            state.remote[id_] = file
            if known is not None and known.trashed and not file.trashed:
                self._doubt_below(id_)
        elif id_ in state.remote:
            self._forget(id_)

    def _begin(self, now: datetime) -> None:
        state = self._state
        self._absent.clear()
        state.meta[CURSOR] = self._remote.cursor()
        state.meta[LISTED_AT] = now.isoformat()
        state.listed.empty()
        state.commit()

    def _is_old(self, now: datetime) -> bool:
        return now - datetime.fromisoformat(self._state.meta[LISTED_AT]) > LIST_AFTER

    def _changes(self) -> bool:
        """Whether there were any."""
        state = self._state
        last = news = False
        while not last:
            page = self._remote.changes(state.meta[CURSOR])
            for change in page.changes:
                self._apply(change.id, change.file)
            state.meta[CURSOR], last = page.cursor, page.last
            news = news or bool(page.changes)
            state.commit()
        return news

    def _apply(self, id_: str, file: RemoteFile | None) -> None:
        state = self._state
        if file is None or id_ in state.remote:
            self.put(id_, file)
        elif file.parent in state.remote or file.parent == state.meta.get(ROOT):
            state.remote[id_] = file

    def _doubt_below(self, id_: str) -> None:
        """Back from Drive's trash: of what is in it, no change was told."""
        for one in below(self._state.remote, id_):
            self._state.listed.drop(one)

    def _forget(self, id_: str) -> None:
        """With what was in it: that is gone too, or comes up elsewhere with its own change."""
        state = self._state
        for one in below(state.remote, id_):
            state.remote.drop(one)
            state.listed.drop(one)


def below(remote: Mapping[str, RemoteFile], id_: str) -> list[str]:
    """It, and all that is known to be in it; ends also where folders are said to be in each
    other."""
    if id_ in remote and remote[id_].kind is not Kind.FOLDER:
        return [id_]
    inside: dict[str, list[str]] = {}
    for file in remote.values():
        inside.setdefault(file.parent, []).append(file.id)
    found = {id_: None}
    queue = [id_]
    for one in queue:
        new = [inner for inner in inside.get(one, ()) if inner not in found]
        found.update(dict.fromkeys(new))
        queue += new
    return queue
