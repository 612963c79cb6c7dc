"""Uploads: in one request, or in sessions that go on after an interruption."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drive_emulator import multipart
from drive_emulator.intake import Intake
from drive_emulator.messages import Answer, Request, parse_json
from drive_emulator.model import Blob, Refused

CHUNK_BYTES = 1 << 18
LIFE_MS = 7 * 24 * 3600 * 1000
MOST_MULTIPART_BYTES = 64 << 20
"""Google takes 5 MB; rclone and others send more, which it takes too."""

Commit = Callable[[dict[str, Any], str, Blob], Any]
"""Metadata, type and bytes become a file; gives the file as the API writes it."""


@dataclass
class Session:
    """A resumable upload under way."""

    id: str
    metadata: dict[str, Any]
    mime: str
    size: int | None
    commit: Commit
    began_ms: int
    intake: Intake
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: Any = None


class Uploads:
    """``folder`` takes what is too big for memory."""

    def __init__(self, clock_ms: Callable[[], int], folder: Path | None = None) -> None:
        self.late_match = True
        """Whether If-Match is looked at again when the last byte is there."""
        self._clock_ms = clock_ms
        self._folder = folder
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def take(
        self, request: Request, check: Callable[[dict[str, Any]], None], commit: Commit
    ) -> Answer:
        """Answers an upload's first request. ``check`` raises what the commit would, early."""
        kind = request.query.get("uploadType", "")
        if kind == "resumable":
            return self._begin(request, check, commit)
        if kind == "media":
            intake = Intake(self._folder)
            intake.take(request.body, request.body.length)
            mime = request.headers.get("Content-Type", "application/octet-stream")
            return Answer(200, commit({}, mime, intake.finish()))
        if kind == "multipart":
            if request.body.length > MOST_MULTIPART_BYTES:
                raise Refused(413, "uploadTooLarge", "Request is too large.")
            metadata, mime, data = multipart.split(
                request.headers.get("Content-Type", ""), request.text()
            )
            intake = Intake(self._folder)
            intake.write(data)
            return Answer(200, commit(parse_json(metadata), mime, intake.finish()))
        raise Refused(400, "invalidParameter", f"Invalid value: {kind}", "uploadType")

    def go_on(self, request: Request) -> Answer:
        """A PUT to a session's own address; rclone sends POST, which Google takes too."""
        session = self._session(request.query["upload_id"])
        with session.lock:
            return self._put(session, request)

    def expire(self, upload_id: str = "") -> None:
        """Forgets a session, or all of them."""
        with self._lock:
            if upload_id:
                self._sessions.pop(upload_id, None)
            else:
                self._sessions.clear()

    def open_ones(self) -> list[Session]:
        with self._lock:
            return [session for session in self._sessions.values() if session.done is None]

    def _begin(
        self, request: Request, check: Callable[[dict[str, Any]], None], commit: Commit
    ) -> Answer:
        metadata = request.json()
        check(metadata)
        size = request.headers.get("X-Upload-Content-Length")
        session = Session(
            id="ABg" + secrets.token_urlsafe(48),
            metadata=metadata,
            mime=request.headers.get("X-Upload-Content-Type", "application/octet-stream"),
            size=int(size) if size else None,
            commit=commit,
            began_ms=self._clock_ms(),
            intake=Intake(self._folder),
        )
        with self._lock:
            self._sessions[session.id] = session
        query = "&".join(
            f"{name}={value}"
            for name, value in (
                *((n, v) for n, v in request.query.items() if n in ("uploadType", "fields", "alt")),
                ("upload_id", session.id),
            )
        )
        where = f"{request.base}{request.path}?{query}"
        return Answer(200, b"", {"Location": where, "X-GUploader-UploadID": session.id})

    def _session(self, id_: str) -> Session:
        with self._lock:
            session = self._sessions.get(id_)
            if session is not None and self._clock_ms() - session.began_ms > LIFE_MS:
                session = self._sessions.pop(id_) and None
        if session is None:
            raise Refused(404, "notFound", "Upload session not found.")
        return session

    def _put(self, session: Session, request: Request) -> Answer:
        if session.done is not None:
            request.text()
            return Answer(200, session.done)
        start, end, size = _range(request)
        if size is not None:
            if session.size not in (None, size):
                raise Refused(400, "invalid", f"The upload is of {session.size} bytes.")
            session.size = size
        if start is not None and end is not None:
            self._add(session, request, start, end)
        if session.size is None or session.intake.size < session.size:
            return _more(session)
        blob = session.intake.finish()
        try:
            session.done = session.commit(session.metadata, session.mime, blob)
        except Refused:
            self.expire(session.id)
            raise
        return Answer(200, session.done)

    def _add(self, session: Session, request: Request, start: int, end: int) -> None:
        have = session.intake.size
        if request.body.length != end - start + 1:
            raise Refused(400, "invalid", "Content-Range and Content-Length do not agree.")
        if start > have:
            raise Refused(
                400, "invalid", f"Invalid request.  There were {have} byte(s) received already."
            )
        last = session.size is not None and end + 1 >= session.size
        if not last and (end - start + 1) % CHUNK_BYTES:
            raise Refused(400, "invalid", "The size of a chunk must be a multiple of 262144.")
        repeated = min(have - start, request.body.length)
        skipped = 0
        while skipped < repeated:
            skipped += len(request.body.read(repeated - skipped))
        session.intake.take(request.body, request.body.length - repeated)


def _range(request: Request) -> tuple[int | None, int | None, int | None]:
    """First and last byte, and the size of the whole; None: not told."""
    text = request.headers.get("Content-Range", "")
    length = request.body.length
    if not text:
        return (0, length - 1, length) if length else (None, None, 0)
    found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", text.strip())
    if found is None:
        raise Refused(400, "invalid", f"Failed to parse Content-Range header: {text}")
    start, end, size = found.groups()
    return (
        int(start) if start else None,
        int(end) if end else None,
        int(size) if size != "*" else None,
    )


def _more(session: Session) -> Answer:
    have = session.intake.size
    return Answer(308, b"", {"Range": f"bytes=0-{have - 1}"} if have else {})
