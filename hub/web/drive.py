"""The page Drive: whether one's Drive is connected, how far it is, and what helps."""

from __future__ import annotations

from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from hub import drive_links, drive_standing
from hub.drive_standing import Drive
from hub.web.base import HEADERS, Handler
from hub.web.blocking import Blocking
from hub.web.drive_consents import Consents
from spawner.errors import CarrelError, Code


class Done(Enum):
    """What was done last, for the page to say."""

    CONNECTED = "connected"
    AGAIN = "again"
    CHOSEN = "chosen"
    NONE = "none"
    CONFIRMED = "confirmed"
    DISCONNECTED = "disconnected"
    KEPT = "kept"
    """Disconnected, and Google did not answer."""
    LOST = "lost"
    """The login ended while they were at Google."""


class Action(Enum):
    """The buttons of the page."""

    DISCONNECT = "disconnect"
    CONFIRM = "confirm"


class DriveHandler(Handler):
    """What is about one's own Drive; nobody else's has an address."""

    @property
    def consents(self) -> Consents:
        consents: Consents = self.settings["drive_consents"]
        return consents

    async def ask(self, verb: str, **said: Any) -> dict[str, Any]:
        """What the hub says about one's own. Raises CarrelError with its sentence."""
        calls: Blocking = self.settings["drive_calls"]
        name = self.person.name
        return await calls.run(name, self.hub_api.drive, verb, user=name, **said)

    def require_configured(self) -> None:
        """Raises CarrelError(UNAVAILABLE)."""
        if not self.carrel.drive.configured:
            raise CarrelError(
                Code.UNAVAILABLE,
                "Google Drive is not set up on this Carrel.",
                "Your administrator can do that: docs/admin.md, “Google Drive”.",
            )

    def may_leave_for_google(self) -> None:
        """Browsers hold the redirects of a form to this too; Google's page may lead on to the
        login of somebody's organisation."""
        parts = urlsplit(self.carrel.drive.auth_url)
        plain = f" http://{parts.netloc}" if parts.scheme == "http" else ""
        policy = HEADERS["Content-Security-Policy"]
        wider = policy.replace("form-action 'self'", f"form-action 'self' https:{plain}")
        self.set_header("Content-Security-Policy", wider)

    def back(self, done: Done) -> None:
        self.redirect(f"{self.prefix}drive?done={done.value}", status=303)


class DrivePage(DriveHandler):
    """``GET /drive``"""

    async def get(self) -> None:
        found = await self.read(drive_standing.look, self.person.name, self.by().at)
        if self.wants_json:
            configured = self.carrel.drive.configured
            self.finish({"configured": configured, **drive_standing.as_json(found)})
            return
        self.may_leave_for_google()
        self.show(found)

    def show(self, found: Drive) -> None:
        done = self.get_query_argument("done", "")
        self.page(
            "drive.html", drive=found, standing=found.standing.name.lower(),
            done=done if done in {one.value for one in Done} else "",
            knobs=self.carrel.drive, problem=self.consents.tell(self.person.name),
        )  # fmt: skip


class DriveActions(DriveHandler):
    """``POST /drive/do``: ``action``."""

    async def get(self) -> None:
        """A page that was reloaded."""
        self.redirect(f"{self.prefix}drive", status=303)

    async def post(self) -> None:
        match self._action():
            case Action.CONFIRM:
                await self.decide(drive_links.confirm_deletion, self.person.name, self.by())
                self._end(Done.CONFIRMED)
            case Action.DISCONNECT:
                await self._disconnect()

    async def _disconnect(self) -> None:
        found = await self.read(drive_standing.look, self.person.name, self.by().at)
        if not (self.wants_json or self.get_body_argument("confirmed", "")):
            self.page("drive_disconnect.html", drive=found)
            return
        told = await self.ask("unlink", address=self.seen_from)
        self._end(Done.DISCONNECTED if told.get("revoked") else Done.KEPT)

    def _end(self, done: Done) -> None:
        if self.wants_json:
            self.finish({"done": done.value})
        else:
            self.back(done)

    def _action(self) -> Action:
        try:
            return Action(self.get_body_argument("action", ""))
        except ValueError as error:
            raise CarrelError(
                Code.BAD_INPUT, "There is no such action.", "Use the buttons of the page Drive."
            ) from error
