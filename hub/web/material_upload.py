"""Takes an uploaded notebook or zip into a course, piece by piece.

Login, power and length are looked at before the first byte is read, the form's token before the
first byte of the file is kept. What is refused after that is read to its end and dropped, because
a browser shows no answer to a form that it could not send.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import BinaryIO, ClassVar

from tornado.web import HTTPError, stream_request_body

from hub.enums import Source
from hub.materials import intake, upload
from hub.materials.intake import Intake, Origin, Way
from hub.materials.members import Limits, shown
from hub.materials.places import Place
from hub.web.materials import MOST_UPLOAD_BYTES, Filled, MaterialsHandler, intake_told
from hub.web.multipart import Multipart, Part
from spawner.errors import CarrelError, Code

MOST_FIELDS_BYTES = 64 * 1024
"""Of all that is sent beside the file."""
MOST_DROPPED_BYTES = 4 * 2**20
"""Of somebody whose login has ended: that much is read for the sake of the answer."""
MOST_AT_ONCE = 6
MOST_TIME_S = 1800.0
_PIECE = 2**20


class Uploads:
    """Who is sending something, so that nobody fills the disk by many at once."""

    def __init__(self) -> None:
        self._who: set[str] = set()

    def begin(self, who: str) -> None:
        """Raises CarrelError: CONFLICT for a second one, UNAVAILABLE for one too many."""
        if who in self._who:
            raise CarrelError(
                Code.CONFLICT, "An upload of yours is under way already.", "Wait until it is done."
            )
        if len(self._who) >= MOST_AT_ONCE:
            raise CarrelError(
                Code.UNAVAILABLE, "Many others are uploading.", "Try again in a few minutes."
            )
        self._who.add(who)

    def end(self, who: str) -> None:
        self._who.discard(who)


@stream_request_body
class Upload(MaterialsHandler):
    """``POST /courses/<slug>/materials/upload``: ``_xsrf`` first, ``file``, ``adds``."""

    most_bytes: ClassVar[int] = MOST_UPLOAD_BYTES
    _place: Place
    _form: Multipart
    _file: BinaryIO | None = None
    _refused: CarrelError | HTTPError | None = None
    _counted = _asked = _taking = _logs_in = False

    def initialize(self) -> None:
        self._fields: dict[str, bytearray] = {}
        self._current: bytearray | None = None
        self._beside, self._size = 0, 0
        self._held = bytearray()
        self._name = ""

    def check_xsrf_cookie(self) -> None:
        """Asked by Tornado and the hub's client before there is a form: then only of where it
        comes from. Asked again, for good, before the file."""
        if self._asked or self.request.method != "POST":
            super().check_xsrf_cookie()
        elif self.request.headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none"):
            raise HTTPError(403, "This form was sent by another site.")

    @property
    def _length(self) -> int:
        """As its sender says."""
        said = self.request.headers.get("Content-Length", "")
        return int(said) if said.isascii() and said.isdecimal() else 0

    def ask_to_log_in(self) -> None:
        if self._length > MOST_DROPPED_BYTES:
            super().ask_to_log_in()
        self._logs_in = True

    async def prepare(self) -> None:
        length = self._length
        most = self.most_bytes + MOST_FIELDS_BYTES
        connection = self.request.connection
        connection.set_body_timeout(MOST_TIME_S)  # type: ignore[union-attr]
        connection.set_max_body_size(max(most, length))  # type: ignore[union-attr]
        await super().prepare()
        if self.request.method != "POST" or self._logs_in:
            return
        if length > most:
            raise _too_large(self.most_bytes)
        try:
            await self._begin(self.path_args[0])
        except CarrelError as error:
            self._refused = error

    async def _begin(self, slug: str) -> None:
        seen = await self.on_record(slug, self.managed(slug))
        self._place = self.ready_place(seen.course)
        self._form = Multipart(self.request.headers.get("Content-Type", ""))
        self.settings["uploads"].begin(self.person.name)
        self._counted = True

    async def data_received(self, chunk: bytes) -> None:
        if self._refused or self._logs_in:
            return
        try:
            for event in self._form.feed(chunk):
                await self._take(event)
        except (CarrelError, HTTPError) as error:
            self._refuse(error)
        except OSError:
            self._refuse(CarrelError(
                Code.UNAVAILABLE, "The upload could not be kept: the server's disk may be full.",
                "Tell your administrator.",
            ))  # fmt: skip

    async def _take(self, event: Part | bytes) -> None:
        if isinstance(event, Part):
            if event.file is None:
                self._current = self._fields.setdefault(event.name, bytearray())
            else:
                await self._begin_file(event)
        elif self._current is not None:
            self._beside += len(event)
            if self._beside > MOST_FIELDS_BYTES:
                raise CarrelError(Code.BAD_INPUT, "The form is too long.", "Use the page's own.")
            self._current += event
        else:
            self._size += len(event)
            if self._size > self.most_bytes:
                raise _too_large(self.most_bytes)
            self._held += event
            if len(self._held) >= _PIECE:
                await self._keep()

    async def _begin_file(self, part: Part) -> None:
        if self._file is not None:
            raise CarrelError(Code.BAD_INPUT, "Send one file.", "Pack several into a zip.")
        self._check_form()
        self._current = None
        self._name = part.file or ""
        # It has no name, so nothing is left of it however this ends.
        self._file = await asyncio.to_thread(tempfile.TemporaryFile, dir=self._place.intakes)

    def _check_form(self) -> None:
        """The token that its own page put into the form."""
        self.request.arguments["_xsrf"] = [bytes(self._fields.get("_xsrf", b""))]
        self._asked = True
        self.check_xsrf_cookie()

    async def _keep(self) -> None:
        assert self._file
        held, self._held = bytes(self._held), bytearray()
        await asyncio.to_thread(self._file.write, held)

    def _refuse(self, error: CarrelError | HTTPError) -> None:
        self._refused = error
        self._forget()

    def on_finish(self) -> None:
        self._forget()

    def on_connection_close(self) -> None:
        """Who goes away in the middle of it leaves nothing."""
        super().on_connection_close()
        self._refused = self._refused or CarrelError(Code.BAD_INPUT, "The upload was broken off.")
        if not self._taking:
            self._forget()

    def _forget(self) -> None:
        self._held.clear()
        if self._file is not None:
            self._file.close()
        if self._counted:
            self.settings["uploads"].end(self.person.name)
            self._counted = False

    async def get(self, slug: str) -> None:
        """A page that was reloaded after a file was refused, or a login on the way."""
        if self._logs_in:
            super().ask_to_log_in()
            return
        seen = await self.managed(slug)
        self.redirect(self.materials(seen.course), status=303)

    async def post(self, slug: str) -> None:
        if self._logs_in:
            super().ask_to_log_in()
            return
        try:
            taken = await self._taken()
        except CarrelError as error:
            if self.wants_json or error.code in (Code.NOT_FOUND, Code.REFUSED, Code.FAILED):
                raise
            self.set_status(error.code.value)
            filled = Filled(Source.UPLOAD.value, adds=self._adds, problem=error)
            await self.show_materials(await self.managed(slug), filled)
            return
        if self.wants_json:
            self.finish(intake_told(taken))
        else:
            seen = await self.managed(slug)
            self.redirect(self.materials(seen.course, f"/intakes/{taken.id}"), status=303)

    @property
    def _adds(self) -> bool:
        return bool(self._fields.get("adds"))

    async def _taken(self) -> Intake:
        if self._refused:
            raise self._refused
        if self._file is None or not self._name or not self._form.ended:
            raise CarrelError(
                Code.BAD_INPUT, "No file came.", "Choose a notebook (.ipynb) or a zip."
            )
        self._taking = True
        await self._keep()
        origin = Origin(
            self.by(), Source.UPLOAD, shown(self._name),
            Way.ADD if self._adds else Way.REPLACE,
        )  # fmt: skip
        return await self.blocking(_intake, self._place, self._file, self._name, origin)


def _intake(place: Place, file: BinaryIO, name: str, origin: Origin) -> Intake:
    limits = Limits()
    return intake.take(place, upload.members(file, name, limits), origin, limits)


def _too_large(most: int) -> CarrelError:
    return CarrelError(
        Code.BAD_INPUT,
        f"The file has more than {most // 2**20} MB.",
        "Publish it from your files or from git. Ask your administrator to put large data into the "
        "course's data folder.",
    )
