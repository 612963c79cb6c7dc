"""The way to Google's page of consent and back. What Google sends is never logged, shown or kept.

``POST /drive/connect`` leaves; Google leads back to ``GET /drive/callback``, with a code in the
address, as OAuth has it: good once, for whoever has the verifier (here) and the client secret (the
hub). That address is answered with a redirect to a clean one, whatever it holds.
"""

from __future__ import annotations

from hub import drive_consent, drive_links
from hub.web.drive import Done, DriveHandler
from hub.web.drive_consents import LASTS, Away
from spawner.errors import CarrelError

COOKIE = "carrel-drive-consent"
MOST_CODE, MOST_ERROR = 2000, 100


class DriveConnect(DriveHandler):
    """``POST /drive/connect``"""

    async def get(self) -> None:
        """A page that was reloaded after a login."""
        self.redirect(f"{self.prefix}drive", status=303)

    async def post(self) -> None:
        self.require_configured()
        self.may_leave_for_google()
        state, away = self.consents.begin(self.person.name, self.by().at)
        link = await self.read(drive_links.find, self.person.name)
        self._remember(away)
        email = link.email if link else ""
        self.redirect(drive_consent.address(self.carrel, state, away.verifier, email), status=303)

    def _remember(self, away: Away) -> None:
        self.set_signed_cookie(
            COOKIE, away.browser, expires_days=None, max_age=int(LASTS.total_seconds()),
            path=f"{self.prefix}{drive_consent.CALLBACK}", httponly=True, samesite="Lax",
            secure=self.carrel.public_url.startswith("https://"),
        )  # fmt: skip


class DriveCallback(DriveHandler):
    """``GET /drive/callback``"""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")

    async def prepare(self) -> None:
        """What is logged of a request is its address."""
        self.request.uri = self.request.path
        await super().prepare()

    @property
    def wants_json(self) -> bool:
        """Only browsers come here."""
        return False

    def ask_to_log_in(self) -> None:
        """Not with this address: the login would carry the code through its own."""
        self.back(Done.LOST)

    async def get(self) -> None:
        user = self.person.name
        browser = (self.get_signed_cookie(COOKIE) or b"").decode("ascii", "replace")
        self.clear_cookie(COOKIE, path=f"{self.prefix}{drive_consent.CALLBACK}")
        try:
            state = self.get_query_argument("state", "")
            away = self.consents.take(state, user, browser, self.by().at)
            told = await self._link(away)
        except CarrelError as error:
            self.consents.keep(user, error)
            self.redirect(f"{self.prefix}drive", status=303)
            return
        if told.get("again"):
            self.back(Done.AGAIN)
        else:
            self.redirect(f"{self.prefix}drive/choose?done=connected", status=303)

    async def _link(self, away: Away) -> dict[str, object]:
        error, code = (self.get_query_argument(name, "") for name in ("error", "code"))
        if error or not code or len(code) > MOST_CODE:
            raise drive_consent.refused(error[:MOST_ERROR])
        return await self.ask("link", code=code, verifier=away.verifier, address=self.seen_from)
