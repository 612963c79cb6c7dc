"""The two sides of the sync, as the engine sees them.

Both may be called from several threads at once. They raise ``faults`` and nothing else; they retry
nothing that may already have been done, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Protocol

from drivesync.model import Account, Changes, LocalFile, Path, RemoteFile, Scan

Progress = Callable[[int], None]
"""Told how many bytes more are through; negative when some must be sent again."""


class Source(Protocol):
    """The bytes of a local file, for an upload. Opened anew for every attempt."""

    @property
    def size(self) -> int: ...

    @property
    def md5(self) -> str: ...

    def open(self) -> BinaryIO:
        """At its start. Reading raises LocalChanged when the file's stamp is another one at the
        end, or at the next ``open``."""


class Incoming(Protocol):
    """A file that is being brought: a temporary one on the same disk, not yet visible."""

    def write(self, data: bytes) -> None:
        """Raises LocalFull."""

    def restart(self) -> None:
        """Forgets what was written."""

    def discard(self) -> None:
        """Removes it; harmless twice, and after it was placed."""


class Uploads(Protocol):
    """Remembers the resumable uploads under way, so that a crash goes on with them."""

    def find(self, key: str) -> str | None: ...

    def save(self, key: str, uri: str) -> None: ...

    def forget(self, key: str) -> None: ...


class Remote(Protocol):
    """Drive. A write is done wholly or not at all; after Lost nobody knows which."""

    def account(self) -> Account: ...

    def cursor(self) -> str:
        """Where the list of changes ends now (startPageToken)."""

    def changes(self, cursor: str) -> Changes:
        """One page, maybe empty. Raises CursorRejected."""

    def children(self, folders: Sequence[str]) -> Iterator[RemoteFile]:
        """What is in these folders and not trashed. May be stale or not all of it: what is missing
        here may well exist."""

    def get(self, id_: str) -> RemoteFile | None:
        """None: there is none (404)."""

    def new_ids(self, count: int) -> list[str]:
        """For files to be created; a create with an id that was used raises Exists."""

    def create_folder(self, id_: str, parent: str, title: str) -> RemoteFile: ...

    def create(
        self, id_: str, parent: str, title: str, source: Source, progress: Progress
    ) -> RemoteFile:
        """One request for a small file; a large one goes on where a crash left it."""

    def update(self, of: RemoteFile, source: Source, progress: Progress) -> RemoteFile:
        """New bytes, if it is still ``of`` (If-Match). Raises Changed, also for our own write whose
        answer was lost: compare md5 before calling it a conflict."""

    def move(self, of: RemoteFile, parent: str, title: str) -> RemoteFile:
        """Another folder, another title, or both: one request, If-Match. Raises Changed."""

    def trash(self, of: RemoteFile) -> RemoteFile:
        """With all that is in it, If-Match. Never deletes. Raises Changed."""

    def download(self, of: RemoteFile, into: Incoming, progress: Progress) -> None:
        """The bytes of ``of.revision``; raises Changed unless their md5 is ``of.md5``."""

    def export(self, of: RemoteFile, mime: str, into: Incoming) -> None:
        """A DOCUMENT in another format. Raises NotAllowed: Drive has none, or it is too big."""


class Local(Protocol):
    """The disk. Paths are below MyDrive; no symlink is ever followed, and nothing is ever replaced
    that was not looked at: what stands in the way is kept."""

    def require_mounted(self) -> None:
        """Raises Unmounted."""

    def scan(self) -> Scan:
        """All there is; folders come before what is in them."""

    def look(self, path: Path) -> LocalFile | None:
        """None also for what is skipped."""

    def md5(self, file: LocalFile) -> str:
        """Raises LocalChanged when it is another file by the end."""

    def source(self, file: LocalFile, md5: str) -> Source: ...

    def make_folder(self, path: Path) -> LocalFile:
        """Raises LocalExists, LocalGone (its parent)."""

    def incoming(self, size: int) -> Incoming:
        """Room for a file of ``size`` bytes. Raises LocalFull before anything is written."""

    def place(
        self,
        incoming: Incoming,
        path: Path,
        over: LocalFile | None,
        modified_ms: int,
        read_only: bool = False,
    ) -> LocalFile:
        """fsync, then into its place in one step; ``over`` goes to the trash. ``read_only`` is for
        what stands for a document of Drive's, and is restored when it is changed.

        Raises LocalExists when something is there and ``over`` is None, LocalChanged when what is
        there is not ``over`` (nothing is changed then), LocalGone. What a program writes into the
        old file afterwards, through a handle that it still holds, is found by ``late``.
        """

    def move(self, file: LocalFile, path: Path) -> LocalFile:
        """A file or a folder with all in it; never over anything. Raises LocalExists, LocalChanged,
        LocalGone."""

    def trash(self, file: LocalFile) -> None:
        """Out of MyDrive into ``.carrel/trash``; a folder only when it is empty (else LocalExists).
        Raises LocalChanged, LocalGone."""

    def late(self) -> list[LocalFile]:
        """Brings back what was changed after it had gone to the trash, as copies beside their old
        places; which those are."""

    def free_bytes(self) -> int:
        """How much may still be brought: the disk's room and the user's cap, whichever is less."""
