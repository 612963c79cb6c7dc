"""Bytes on their way to Drive: small files in one request, large ones in parts.

The address of an upload in parts is saved before its first byte is sent: after a break, or a crash,
Drive is asked how much it has, and the rest follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drivesync import faults
from drivesync.bodies import Body, Meter, multipart
from drivesync.calls import Calls, Reply, Sort
from drivesync.items import remote_file
from drivesync.model import RemoteFile
from drivesync.sides import Progress, Source, Uploads

SMALL_BYTES = 5 * 1024 * 1024
"""Up to here one request is cheaper than two."""
PART_BYTES = 8 * 1024 * 1024
"""A multiple of 256 KiB, as Drive wants it; streamed, so its size costs no memory."""
TRIES = 5
"""Without a byte more getting through."""
RESTARTS = 2
"""Of an upload whose address Drive does not know any more."""

Known = RemoteFile | int | None
"""Of an upload: it is all there, so many bytes are, or Drive does not know it any more."""
Make = Callable[[Mapping[str, Any]], Any]
"""The request of googleapiclient that has this metadata and no bytes."""


@dataclass(frozen=True)
class Sending:
    """A file to be sent."""

    make: Make
    metadata: Mapping[str, Any]
    content_type: str
    source: Source
    key: str
    """Of what was saved: the file's id and md5."""
    confirm: Callable[[], None] | None = None
    """Called before the last part: raises Changed when it must not come."""


class Sender:
    """Sends files; of one sidecar."""

    def __init__(self, calls: Calls, uploads: Uploads, api_url: str) -> None:
        self._calls, self._uploads, self._api_url = calls, uploads, api_url

    def send(self, sending: Sending, progress: Progress) -> RemoteFile:
        meter = Meter(progress)
        try:
            if sending.source.size <= SMALL_BYTES:
                return self._whole(sending, meter)
            return self._in_parts(sending, meter)
        except BaseException:
            meter.set(0)
            raise

    def _whole(self, sending: Sending, meter: Meter) -> RemoteFile:
        body: Body | None = None

        def make() -> Any:
            nonlocal body
            request = sending.make(sending.metadata)
            request.uri = self._upload_uri(request.uri, "multipart")
            meter.set(0)
            request.body, headers = multipart(
                sending.metadata, sending.content_type, sending.source, meter
            )
            body = request.body
            request.headers.update(headers)
            return request

        try:
            return self._calls.write(make, remote_file)
        finally:
            if body is not None:
                body.close()

    def _in_parts(self, sending: Sending, meter: Meter) -> RemoteFile:
        uri = self._uploads.find(sending.key)
        for _ in range(1 + RESTARTS):
            if uri is None:
                uri = self._begin(sending)
                self._uploads.save(sending.key, uri)
                known: Known = 0
            else:
                known = self._ask(uri, sending.source.size)
            done = self._go_on(sending, uri, known, meter)
            self._uploads.forget(sending.key)
            if done is not None:
                return done
            meter.set(0)
            uri = None
        raise faults.Lost("Drive forgets this upload again and again.")

    def _begin(self, sending: Sending) -> str:
        """The address of a new upload. Nothing is made by it: it may be asked for again."""

        def once() -> str:
            request = sending.make(sending.metadata)
            headers = dict(request.headers)
            headers["content-type"] = "application/json; charset=UTF-8"
            headers["x-upload-content-type"] = sending.content_type
            headers["x-upload-content-length"] = str(sending.source.size)
            uri = self._upload_uri(request.uri, "resumable")
            reply = self._calls.exchange(uri, request.method, headers, request.body)
            if reply.status != 200:
                raise reply.refused
            return reply.headers["location"]

        for failures in range(1, TRIES):
            try:
                return self._calls.run(once, Sort.WRITE)
            except faults.Lost:
                self._calls.back_off(failures)
        return self._calls.run(once, Sort.WRITE)

    def _go_on(self, sending: Sending, uri: str, done: Known, meter: Meter) -> RemoteFile | None:
        """Sends what is missing; None: Drive does not know the upload any more."""
        failures = 0
        while isinstance(done, int):
            meter.set(done)
            try:
                after = self._part(sending, uri, done, meter)
            except faults.Lost:
                if failures == TRIES:
                    raise
                after = self._ask_after_break(uri, sending.source.size, failures + 1)
            except (faults.Changed, faults.NotAllowed, faults.LocalChanged):
                self._uploads.forget(sending.key)
                raise
            failures = failures + 1 if isinstance(after, int) and after <= done else 0
            if failures > TRIES:
                raise faults.Lost("Drive takes no more of this file.")
            done = after
        meter.set(sending.source.size if done else 0)
        return done

    def _part(self, sending: Sending, uri: str, start: int, meter: Meter) -> Known:
        size = sending.source.size
        part = range(start, min(start + PART_BYTES, size))
        if not part:
            return self._ask(uri, size)
        if part.stop == size and sending.confirm is not None:
            sending.confirm()
        body = Body(sending.source, part, meter)
        headers = {
            "content-length": str(len(part)),
            "content-range": f"bytes {part.start}-{part.stop - 1}/{size}",
        }

        def once() -> Known:
            body.seek(0)
            return _known(self._calls.exchange(uri, "PUT", headers, body))

        try:
            return self._calls.run(once, Sort.PART)
        finally:
            body.close()

    def _ask_after_break(self, uri: str, size: int, failures: int) -> Known:
        try:
            self._calls.back_off(failures)
            return self._ask(uri, size)
        except faults.Busy as busy:
            # It would mean that nothing was done; but that was the question.
            raise faults.Lost(str(busy)) from busy

    def _ask(self, uri: str, size: int) -> Known:
        headers = {"content-length": "0", "content-range": f"bytes */{size}"}
        return self._calls.run(lambda: _known(self._calls.exchange(uri, "PUT", headers)), Sort.READ)

    def _upload_uri(self, uri: str, kind: str) -> str:
        api = f"{self._api_url}drive/v2/"
        assert uri.startswith(api)
        return f"{self._api_url}upload/drive/v2/{uri.removeprefix(api)}&uploadType={kind}"


def _known(reply: Reply) -> Known:
    match reply.status:
        case 200 | 201:
            return remote_file(json.loads(reply.body))
        case 308:
            last = re.fullmatch(r"bytes=0-(\d+)", reply.headers.get("range", ""))
            return int(last.group(1)) + 1 if last else 0
        # 400: what was saved and what Drive has do not fit together. Google: begin anew.
        case 400 | 404 | 410:
            return None
    raise reply.refused
