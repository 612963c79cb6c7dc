"""Drive's side of the sync: ``sides.Remote`` on API v2, by pydrive2's service.

Every request names the fields it wants. Shared drives are never asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from drivesync import faults, items
from drivesync.bucket import Buckets
from drivesync.calls import Calls
from drivesync.downloads import Bringer
from drivesync.google import Access, connect
from drivesync.items import FIELDS, remote_file
from drivesync.model import Account, Change, Changes, RemoteFile
from drivesync.sides import Incoming, Progress, Source, Uploads
from drivesync.uploads import Sender, Sending

TOGETHER = 25
"""Folders in one question: with more, the address would be too long for a GET."""
PAGE = 1000
TIMEOUT_S = 60.0
PATIENCE_S = 60.0


def make_remote(
    api_url: str, access: Access, uploads: Uploads, buckets: Buckets, timeout_s: float = TIMEOUT_S
) -> DriveRemote:
    """Drive at ``api_url``; ``access`` brings access tokens. Asks nothing yet."""
    api_url = api_url.rstrip("/") + "/"
    calls = Calls(connect(api_url, access, timeout_s), buckets, PATIENCE_S)
    return DriveRemote(calls, Sender(calls, uploads, api_url), Bringer(calls))


class DriveRemote:
    """See ``sides.Remote`` for what each of them promises."""

    def __init__(self, calls: Calls, sender: Sender, bringer: Bringer) -> None:
        self._calls, self._sender, self._bringer = calls, sender, bringer

    def stop(self) -> None:
        """Ends all waiting, now and later, with Busy; what is on the wire comes to its end."""
        self._calls.stop.set()

    def close(self) -> None:
        """Of its connections, those that are not in use."""
        self._calls.drive.auth.close()

    def account(self) -> Account:
        return self._calls.read(
            lambda: self._service.about().get(fields=items.ACCOUNT_FIELDS), items.account
        )

    def cursor(self) -> str:
        return self._calls.read(
            lambda: self._service.changes().getStartPageToken(fields="startPageToken"),
            lambda found: str(found["startPageToken"]),
        )

    def changes(self, cursor: str) -> Changes:
        fields = f"nextPageToken,newStartPageToken,items(fileId,deleted,file({FIELDS}))"
        try:
            page = self._calls.read(
                lambda: self._service.changes().list(
                    pageToken=cursor, maxResults=PAGE, includeDeleted=True, fields=fields
                ),
                items.page,
            )
        except (faults.Gone, faults.NotAllowed) as error:
            raise faults.CursorRejected(str(error)) from error
        # Neither gone nor told: only Drive knows, so it is asked.
        asked = tuple(Change(id_, self.get(id_)) for id_ in page.unsure)
        return replace(page.told, changes=page.told.changes + asked)

    def children(self, folders: Sequence[str]) -> Iterator[RemoteFile]:
        for start in range(0, len(folders), TOGETHER):
            yield from self._children(folders[start : start + TOGETHER])

    def get(self, id_: str) -> RemoteFile | None:
        try:
            return self._calls.read(lambda: self._files.get(fileId=id_, fields=FIELDS), remote_file)
        except faults.Gone:
            return None

    def new_ids(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            asked = {"maxResults": min(PAGE, count - len(found)), "space": "drive"}
            found += self._calls.read(partial(self._files.generateIds, fields="ids", **asked), _ids)
        return found

    def create_folder(self, id_: str, parent: str, title: str) -> RemoteFile:
        metadata = items.new(id_, parent, title) | {"mimeType": items.FOLDER}
        return self._calls.write(
            lambda: self._files.insert(body=metadata, fields=FIELDS), remote_file
        )

    def create(
        self, id_: str, parent: str, title: str, source: Source, progress: Progress
    ) -> RemoteFile:
        mime = items.type_of(title)
        sending = Sending(
            make=lambda metadata: self._files.insert(body=metadata, fields=FIELDS),
            metadata=items.new(id_, parent, title) | {"mimeType": mime},
            content_type=mime,
            source=source,
            key=f"{id_} {source.md5}",
        )
        return self._sender.send(sending, progress)

    def update(self, of: RemoteFile, source: Source, progress: Progress) -> RemoteFile:
        def make(metadata: Mapping[str, Any]) -> Any:
            return _if_match(
                self._files.update(fileId=of.id, body=metadata, fields=FIELDS), of.etag
            )

        def confirm() -> None:
            # If-Match was asked about when the upload began, which may be days ago.
            now = self.get(of.id)
            if now is None:
                raise faults.Gone("The file was deleted meanwhile.")
            if now.etag != of.etag:
                raise faults.Changed("The file was changed meanwhile.")

        mime = of.mime or items.type_of(of.title)
        sending = Sending(make, {}, mime, source, f"{of.id} {source.md5}", confirm)
        return self._sender.send(sending, progress)

    def move(self, of: RemoteFile, parent: str, title: str) -> RemoteFile:
        parents: dict[str, str] = {}
        if parent != of.parent:
            parents["addParents"] = parent
            if of.parent:
                parents["removeParents"] = of.parent
        metadata = {"title": title} if title != of.title else {}
        return self._patch(of, metadata, parents)

    def trash(self, of: RemoteFile) -> RemoteFile:
        # Not by files.trash, which knows no If-Match.
        return self._patch(of, {"labels": {"trashed": True}}, {})

    def download(self, of: RemoteFile, into: Incoming, progress: Progress) -> None:
        self._bringer.bring(of, into, progress)

    def export(self, of: RemoteFile, mime: str, into: Incoming) -> None:
        data = self._calls.read(
            lambda: self._files.export_media(fileId=of.id, mimeType=mime), bytes
        )
        into.write(data)

    @property
    def _service(self) -> Any:
        return self._calls.service

    @property
    def _files(self) -> Any:
        return self._service.files()

    def _patch(
        self, of: RemoteFile, metadata: Mapping[str, Any], parents: Mapping[str, str]
    ) -> RemoteFile:
        return self._calls.write(
            lambda: _if_match(
                self._files.patch(fileId=of.id, body=metadata, fields=FIELDS, **parents), of.etag
            ),
            remote_file,
        )

    def _children(self, folders: Sequence[str]) -> Iterator[RemoteFile]:
        try:
            yield from self._all_pages(folders)
        except faults.Gone:
            # One of them is no more, and Drive does not say which. That is told by the changes.
            if len(folders) > 1:
                half = len(folders) // 2
                yield from self._children(folders[:half])
                yield from self._children(folders[half:])
        except faults.NotAllowed as error:
            raise faults.Lost(f"The list was not brought to its end: {error}") from error

    def _all_pages(self, folders: Sequence[str]) -> Iterator[RemoteFile]:
        within = " or ".join(f"'{items.quoted(folder)}' in parents" for folder in folders)
        asked: dict[str, Any] = {
            "q": f"({within}) and trashed = false",
            "spaces": "drive",
            "maxResults": PAGE,
            "fields": f"nextPageToken,items({FIELDS})",
        }
        while True:
            found, token = self._calls.read(lambda: self._files.list(**asked), items.listed)
            yield from found
            if not token:
                return
            asked["pageToken"] = token


def _if_match(request: Any, etag: str) -> Any:
    request.headers["if-match"] = etag
    return request


def _ids(answer: Mapping[str, Any]) -> list[str]:
    return [str(id_) for id_ in answer["ids"]]
