"""Which documents are open, as far as a server can know it.

Open is what a tab of JupyterLab shows, what was read or saved lately and no tab was seen to close
(Notebook's pages tell of no tabs), and what a kernel runs for. A page that nobody has looked at
for two hours holds nothing open: a hidden tab asks for nothing, and saves its edits within two
minutes. Too much costs a copy beside the file; too little, an edit under somebody's eyes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from carrel_session.browser_requests import Event, Looked, Moved, Read, Removed, Saved, Shown

LATELY = timedelta(hours=2)
MOST = 5000
"""Documents that are remembered: the oldest goes. A program may read files by the thousand."""


class OpenDocuments:
    """What browsers told; paths are below the server's root."""

    def __init__(self) -> None:
        self._touched: dict[str, datetime] = {}
        self._shown: dict[str, frozenset[str]] = {}
        self._looked_at: datetime | None = None

    def take(self, event: Event, now: datetime) -> bool:
        """Whether other documents than before may be open."""
        self._looked_at = now
        match event:
            case Read(path):
                known = path in self._touched
                self._touch(path, now)
                return not known
            case Saved(path):
                # An editor reads before it saves; what was never read is an upload.
                if path in self._touched:
                    self._touch(path, now)
                return False
            case Moved(path, to):
                self._move(path, to)
            case Removed(path):
                self._remove(path)
            case Shown(workspace, paths):
                return self._show(workspace, paths)
            case Looked(kernels):
                return kernels
        return True

    def open(self, kernels: Iterable[str], now: datetime) -> list[str]:
        """``kernels`` are the documents for which one runs. The latest first."""
        self._touched = {path: at for path, at in self._touched.items() if abs(now - at) <= LATELY}
        looked = self._looked_at is not None and abs(now - self._looked_at) <= LATELY
        shown = set().union(*self._shown.values()) if looked else set()
        latest = sorted(self._touched, key=lambda path: self._touched[path], reverse=True)
        return list(dict.fromkeys([*sorted(kernels), *sorted(shown), *latest]))

    def _touch(self, path: str, now: datetime) -> None:
        self._touched.pop(path, None)  # to the end
        self._touched[path] = now
        if len(self._touched) > MOST:
            del self._touched[next(iter(self._touched))]

    def _move(self, path: str, to: str) -> None:
        def new(old: str) -> str:
            if old == path or old.startswith(path + "/"):
                return to + old[len(path) :]
            return old

        self._touched = {new(old): at for old, at in self._touched.items()}
        self._shown = {
            workspace: frozenset(new(old) for old in paths)
            for workspace, paths in self._shown.items()
        }

    def _remove(self, path: str) -> None:
        for old in [p for p in self._touched if p == path or p.startswith(path + "/")]:
            del self._touched[old]

    def _show(self, workspace: str, paths: frozenset[str]) -> bool:
        former = self._shown.get(workspace, frozenset())
        self._shown[workspace] = paths
        elsewhere = frozenset[str]().union(*self._shown.values())
        for closed in former - elsewhere:
            self._touched.pop(closed, None)
        return paths != former
