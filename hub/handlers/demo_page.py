"""One-click logins of the demo; these routes are not there without ``demo = true``."""

from __future__ import annotations

from urllib.parse import urlsplit

from tornado import web

from hub import accounts, demo
from hub.handlers.form import Form
from hub.knobs import LOOPBACK
from spawner.errors import CarrelError, Code


class DemoLogin(Form):
    """``POST /hub/demo``: logs in as one of the demo's people."""

    reopen = "Load the login page again."

    def require_our_own_page(self) -> None:
        """Also refuses other names for this machine: a page of a name that was made to point here
        is, to the browser, of the demo's own origin."""
        super().require_our_own_page()
        if urlsplit(f"//{self.request.host}").hostname not in LOOPBACK:
            raise web.HTTPError(403, "The demo is open at 127.0.0.1 and localhost alone.")

    async def post(self) -> None:
        person = demo.find(self.field("name"))
        if person is None:
            raise CarrelError(
                Code.BAD_INPUT, "The demo has nobody of that name.", "Use the login page's buttons."
            )
        by = self.by(person.name)
        account = await self.store.in_thread(
            self.store.decide, accounts.note_login, person.name, by.at
        )
        if account is None:
            raise CarrelError(
                Code.REFUSED,
                f"{person.full_name} is disabled or deleted.",
                "Log in as the admin, or start over: ./carrel demo --reset",
            )
        await self.log_in(account)
        self.redirect(self.get_next_url(self.current_user))
